//! Ties the books to the payouts: proofs, what is in transit, what each adapter opens with. What is wrong becomes an exception.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use chrono::{Days, NaiveDate};
use rust_decimal::Decimal;
use serde::Serialize;
use tokio::task::JoinSet;

use super::Engine;
use super::error::StepError;
use super::read_back::BooksRead;
use crate::config::MerchantConfig;
use crate::model::event::{Event, Fact, Kind};
use crate::model::ids::{AdapterName, MerchantId, SourceId};
use crate::model::journal::{Entry, Role};
use crate::model::money::{Amount, Currency, Money};
use crate::reconcile::{InTransit, PayoutProof, Reconciliation, Verdict, reconcile};
use crate::store::Finding;
use crate::store::lease::Held;

/// A class of exceptions that every tie-out judges anew.
#[derive(Debug, Clone, Copy)]
pub(super) struct Class {
    pub name: &'static str,
    /// Why one is settled that is not found any more.
    pub resolution: &'static str,
}

/// What a judgement of a class is about; other subjects stay as they are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Judged<'a> {
    /// Subjects that begin with it,
    pub prefix: &'a str,
    /// but for those of which nothing is sure.
    pub unsure: &'a [String],
}

/// A payout that its report and the books do not explain.
const PAYOUT_MISMATCH: Class = Class { name: "payout_mismatch", resolution: "books and report agree" };
/// A payment of which more is applied than there is.
const OVERAPPLIED: Class = Class { name: "overapplied_payment", resolution: "its applications are explained" };
/// How long applications, discounts and credit memos may take to explain each other.
const OVERAPPLIED_AFTER: Days = Days::new(3);

/// The tie-out of one merchant.
#[derive(Debug, Serialize)]
pub struct TieOut {
    pub merchant: MerchantId,
    #[serde(flatten)]
    pub reconciliation: Reconciliation,
    pub openings: Vec<Opening>,
    /// What the books of the ERPs show, where they were read.
    pub books: Vec<BooksRead>,
}

/// What clearing holds when an adapter begins to post.
#[derive(Debug, Serialize)]
pub struct Opening {
    pub adapter: AdapterName,
    pub post_from: NaiveDate,
    pub clearing: Vec<Money>,
    /// What the balance is made of: what no payout had carried,
    pub items: Vec<InTransit>,
    /// and payouts that their reports do not explain by what happened before that day.
    pub unexplained: Vec<PayoutProof>,
}

impl Engine {
    /// Ties out every merchant. Payouts that are wrong are raised; those that no longer are, are settled.
    pub async fn tie_out(&self) -> Result<Vec<TieOut>, StepError> {
        let mut answers = Vec::new();
        for merchant in self.merchants() {
            answers.push(self.tie_out_one(merchant).await?);
        }
        Ok(answers)
    }

    async fn tie_out_one(&self, merchant: &Arc<MerchantConfig>) -> Result<TieOut, StepError> {
        let id = &merchant.customer_id;
        let (journal, events) = (self.store.journal(id).await?, self.store.money_events(id).await?);
        let today = self.circumstances.clock.now().with_timezone(&merchant.timezone).date_naive();
        let from = self.readers.iter().filter(|reader| reader.wants.entries);
        let from: Vec<_> = from.filter_map(|reader| Some((reader.adapter.clone(), reader.post_from?))).collect();
        let owner = Arc::clone(merchant);
        let (answer, over) = apart(move || {
            let reconciliation = reconcile(&journal, &events);
            let opening = |(adapter, day)| opening(&owner, &journal, &events, (adapter, day));
            let openings = from.iter().map(|(adapter, day)| opening((adapter, *day))).collect();
            let merchant = owner.customer_id.clone();
            let answer = TieOut { merchant, reconciliation, openings, books: Vec::new() };
            (answer, overapplied(journal.iter(), today))
        })
        .await?;
        self.judge_books(id, &answer.reconciliation, over, None).await?;
        Ok(answer)
    }

    /// Raises what a tie-out found, and settles what it did not find any more. Of wrong payouts only those are raised that were
    /// `suspects` before, where somebody says which were.
    pub(super) async fn judge_books(
        &self,
        id: &MerchantId,
        books: &Reconciliation,
        over: Vec<Finding>,
        suspects: Option<&BTreeSet<String>>,
    ) -> Result<(), StepError> {
        let (sure, unsure): (Vec<&PayoutProof>, Vec<&PayoutProof>) =
            books.wrong().partition(|it| suspects.is_none_or(|suspects| suspects.contains(it.transfer_id.as_str())));
        let unsure: Vec<String> = unsure.into_iter().map(|it| wrong_payout(it).subject).collect();
        self.judge(
            id,
            PAYOUT_MISMATCH,
            sure.into_iter().map(wrong_payout).collect(),
            Judged { prefix: "", unsure: &unsure },
        )
        .await?;
        self.judge(id, OVERAPPLIED, over, Judged { prefix: "", unsure: &[] }).await
    }

    /// The lease under which one process at a time says what is wrong with the books of a merchant.
    pub(super) async fn tie_out_lease(&self, merchant: &MerchantId) -> Result<Held, StepError> {
        let name = format!("reconcile/{merchant}");
        self.retry_lease(|| self.lease(&name)).await
    }

    /// Raises what is wrong, and settles what is open of the class, is among what was judged, and is not wrong any more.
    pub(super) async fn judge(
        &self,
        merchant: &MerchantId,
        class: Class,
        wrong: Vec<Finding>,
        judged: Judged<'_>,
    ) -> Result<(), StepError> {
        let held = self.tie_out_lease(merchant).await?;
        let now = self.circumstances.clock.now();
        for subject in self.store.open_subjects(merchant, class.name, judged.prefix).await? {
            if !judged.unsure.contains(&subject) && !wrong.iter().any(|finding| finding.subject == subject) {
                self.store.settle_exception(&held, merchant, class.name, &subject, class.resolution, now).await?;
            }
        }
        for finding in &wrong {
            self.store.raise(&held, merchant, finding, now).await?;
        }
        self.give_back(&held).await;
        Ok(())
    }
}

/// Computes beside the work: a long journal must not keep polls and heartbeats waiting.
pub(super) async fn apart<T: Send + 'static>(compute: impl FnOnce() -> T + Send + 'static) -> Result<T, StepError> {
    let mut computing = JoinSet::new();
    computing.spawn_blocking(compute);
    match computing.join_next().await {
        Some(Ok(answer)) => Ok(answer),
        Some(Err(ended)) if ended.is_panic() => std::panic::resume_unwind(ended.into_panic()),
        _ => Err(StepError::Stopped),
    }
}

fn wrong_payout(payout: &PayoutProof) -> Finding {
    let subject = format!("transfers:{}", payout.transfer_id);
    let evidence = serde_json::to_vec(payout).ok();
    Finding { class: PAYOUT_MISMATCH.name, subject, detail: what_is_wrong(payout), evidence }
}

/// Payments of which more is on invoices than they brought, of long enough ago that nothing will explain it by itself.
pub(super) fn overapplied<'e>(entries: impl Iterator<Item = &'e Entry>, today: NaiveDate) -> Vec<Finding> {
    let mut sums: BTreeMap<(&SourceId, &Currency), (Decimal, NaiveDate)> = BTreeMap::new();
    for entry in entries {
        for line in entry.lines.iter().filter(|line| line.role == Role::UnappliedCash) {
            if let Some(payment) = &line.links.payment_id {
                let (sum, last) = sums.entry((payment, &entry.currency)).or_insert((Decimal::ZERO, entry.date));
                *sum += line.amount.decimal();
                *last = (*last).max(entry.date);
            }
        }
    }
    sums.retain(|_, (sum, last)| *sum > Decimal::ZERO && *last + OVERAPPLIED_AFTER <= today);
    let finding = |((payment, currency), (sum, _)): ((&SourceId, &Currency), (Decimal, NaiveDate))| Finding {
        class: OVERAPPLIED.name,
        subject: format!("payments:{payment}"),
        detail: format!(
            "{sum} {currency} more is applied to invoices than it brought, and no credit memo of its customer explains it"
        ),
        evidence: None,
    };
    sums.into_iter().map(finding).collect()
}

/// One sentence about a payout that is wrong, with the first record of it.
#[must_use]
pub fn what_is_wrong(payout: &PayoutProof) -> String {
    let Verdict::Wrong { differences } = &payout.verdict else { return String::new() };
    let PayoutProof { transfer_id, paid, .. } = payout;
    let first = differences.first().map(|difference| {
        let record = difference.record.as_ref().map(|record| format!(" of {}", record.id)).unwrap_or_default();
        let Money { amount, currency } = &difference.amount;
        format!(": {}{record} differs by {amount} {currency}", difference.kind.name())
    });
    let more = differences.len().saturating_sub(1);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!(
        "payout {transfer_id} of {} {} is not explained{}{more}",
        paid.amount,
        paid.currency,
        first.unwrap_or_default()
    )
}

/// The balance of clearing before `post_from`, with its items.
fn opening(
    merchant: &MerchantConfig,
    entries: &[Entry],
    events: &[Event],
    (adapter, post_from): (&AdapterName, NaiveDate),
) -> Opening {
    let is_before = |event: &Event| event.occurred_at.with_timezone(&merchant.timezone).date_naive() < post_from;
    let days: HashMap<&str, bool> = events.iter().map(|event| (event.key.as_str(), is_before(event))).collect();
    let before: Vec<Entry> =
        entries.iter().filter(|entry| days.get(entry.event_key.as_str()) == Some(&true)).cloned().collect();
    let paid: Vec<&SourceId> =
        events.iter().filter(|event| event.kind == Kind::TransferPaid && is_before(event)).map(|it| &it.id).collect();
    let told: Vec<Event> =
        events.iter().filter(|event| is_settled(event, &paid) || is_before(event)).cloned().collect();
    let mut clearing: Vec<(Currency, Decimal)> = Vec::new();
    for entry in &before {
        let lines = entry.lines.iter().filter(|line| line.role == Role::Clearing);
        let sum: Decimal = lines.map(|line| line.amount.decimal()).sum();
        match clearing.iter_mut().find(|(currency, _)| *currency == entry.currency) {
            Some((_, balance)) => *balance += sum,
            None => clearing.push((entry.currency.clone(), sum)),
        }
    }
    let answer = reconcile(&before, &told);
    let money = |(currency, balance)| Money { amount: Amount::from(balance), currency };
    Opening {
        adapter: adapter.clone(),
        post_from,
        clearing: clearing.into_iter().map(money).collect(),
        items: answer.in_transit,
        unexplained: answer.payouts.into_iter().filter(is_unexplained).collect(),
    }
}

fn is_unexplained(payout: &PayoutProof) -> bool {
    matches!(payout.verdict, Verdict::Unproven { .. } | Verdict::Wrong { .. })
}

/// A line of a report whose transfer was paid before.
fn is_settled(event: &Event, paid: &[&SourceId]) -> bool {
    match &event.fact {
        Fact::ReportLine(line) => line.transfer_id.as_ref().is_some_and(|transfer| paid.contains(&transfer)),
        _ => false,
    }
}
