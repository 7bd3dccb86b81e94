//! Payouts with the lines of their reports, each joined to what it settles.

use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;

use super::answer::{Difference, DifferenceKind, Gap, PayoutProof, Verdict};
use super::fold::AtRest;
use super::items::Items;
use super::settle::{Joined, OpenLine, settle_agreeing, settle_all};
use crate::model::event::{Event, Fact, Kind, ReportLine};
use crate::model::ids::SourceId;
use crate::model::journal::{Entry, Role};
use crate::model::money::{Amount, Currency, Money};

/// What was paid, and when.
#[derive(Debug)]
struct Paid {
    at: DateTime<Utc>,
    made_at: DateTime<Utc>,
    money: Money,
}

/// What is known of one transfer.
#[derive(Debug, Default)]
struct Transfer {
    /// As the last word on it says; `None` where it came back.
    paid: Option<Paid>,
    /// When it failed or came back: what its lines tell of comes again in another transfer.
    returned_at: Option<DateTime<Utc>>,
    booked: BTreeMap<Currency, Decimal>,
    booked_on: Option<NaiveDate>,
    lines: Vec<(SourceId, ReportLine)>,
    /// The sum of lines that are not among these, because they agree with the books.
    at_rest: Option<Decimal>,
}

/// All transfers.
#[derive(Debug, Default)]
pub(super) struct Joint {
    transfers: BTreeMap<SourceId, Transfer>,
    pub(super) strays: Vec<SourceId>,
}

impl Joint {
    pub(super) fn of(entries: &[Entry], events: &[Event]) -> Self {
        let mut joint = Self::default();
        for entry in entries {
            joint.book(entry);
        }
        let mut lines: BTreeMap<&SourceId, &ReportLine> = BTreeMap::new();
        for event in events {
            match (event.kind, &event.fact) {
                (Kind::TransferPaid, Fact::Payout(payout)) => {
                    let (at, money) = (event.occurred_at, payout.money.clone());
                    let paid = Paid { at, made_at: payout.created_at.unwrap_or(at), money };
                    let transfer = joint.transfer(&event.id);
                    (transfer.paid, transfer.returned_at) = (Some(paid), None);
                }
                (Kind::TransferFailed | Kind::TransferReversed, _) => {
                    let transfer = joint.transfer(&event.id);
                    (transfer.paid, transfer.returned_at) = (None, Some(event.occurred_at));
                }
                (Kind::TransferReported, Fact::ReportLine(line)) => {
                    lines.insert(&event.id, line);
                }
                _ => {}
            }
        }
        for (id, line) in lines {
            match &line.transfer_id {
                Some(transfer) => joint.transfer(transfer).lines.push((id.clone(), line.clone())),
                None => joint.strays.push(id.clone()),
            }
        }
        joint
    }

    fn transfer(&mut self, id: &SourceId) -> &mut Transfer {
        self.transfers.entry(id.clone()).or_default()
    }

    fn book(&mut self, entry: &Entry) {
        for line in entry.lines.iter().filter(|line| line.role == Role::Clearing) {
            let Some(id) = &line.links.transfer_id else { continue };
            let transfer = self.transfer(id);
            *transfer.booked.entry(entry.currency.clone()).or_default() -= line.amount.decimal();
            transfer.booked_on = Some(entry.date);
        }
    }

    /// Adds the lines that are not known one by one.
    pub(super) fn add(&mut self, at_rest: &AtRest) {
        for (transfer, sum) in &at_rest.lines {
            self.transfer(transfer).at_rest = Some(*sum);
        }
    }

    /// The sum of the lines of each transfer, where all lines that were paid agree with the books as they are.
    pub(super) fn settled_by_agreement(&self, items: &mut Items) -> Option<Vec<(SourceId, Decimal)>> {
        let mut open = self.open_lines(&self.payouts());
        settle_agreeing(&mut open, items);
        let is_at_rest = open.is_empty() && self.strays.is_empty();
        let reported = self.transfers.iter().filter(|(_, it)| !it.lines.is_empty());
        is_at_rest.then(|| reported.map(|(id, it)| (id.clone(), sum(&it.lines))).collect())
    }

    /// When the last transfer failed of which nobody knows what it carried, unless a payout was put together since, which carries it.
    fn unreported(&self) -> Option<DateTime<Utc>> {
        let last_made = self.transfers.values().filter_map(|it| Some(it.paid.as_ref()?.made_at)).max();
        let failed = self.transfers.values().filter(|it| !it.has_report()).filter_map(|it| it.returned_at).max();
        failed.filter(|failed| last_made.is_none_or(|made| made < *failed))
    }

    /// Lines that nothing paid yet: of transfers on their way, and of those that failed what has not come again.
    fn coming(&self) -> Vec<&(SourceId, ReportLine)> {
        let (failed, others): (Vec<&Transfer>, Vec<&Transfer>) =
            self.transfers.values().partition(|it| it.returned_at.is_some());
        let again: HashSet<_> = others.iter().flat_map(|it| it.lines.iter().map(names)).collect();
        let waiting = failed.iter().flat_map(|it| &it.lines).filter(|line| !again.contains(&names(line)));
        let announced = others.iter().filter(|it| it.paid.is_none()).flat_map(|it| &it.lines);
        announced.chain(waiting).collect()
    }

    /// Proves the payouts in the order in which they were put together. A transfer of which nothing but lines is known is none yet.
    pub(super) fn prove_all(&mut self, items: &mut Items) -> Vec<PayoutProof> {
        let transfers = self.payouts();
        let mut joined = settle_all(self.open_lines(&transfers), &self.coming(), items);
        let proofs = transfers.into_iter().flat_map(|(id, transfer)| {
            let lines = joined.remove(id).unwrap_or_default();
            transfer.prove(id, lines)
        });
        proofs.collect()
    }

    /// What was paid or booked, in the order in which it was put together, or came back.
    fn payouts(&self) -> Vec<(&SourceId, &Transfer)> {
        let mut transfers: Vec<(&SourceId, &Transfer)> =
            self.transfers.iter().filter(|(_, it)| it.paid.is_some() || !it.booked.is_empty()).collect();
        transfers.sort_by_key(|(id, it)| (it.paid.as_ref().map_or(it.returned_at, |paid| Some(paid.made_at)), *id));
        transfers
    }

    /// The lines of what was paid.
    fn open_lines<'t>(&'t self, payouts: &[(&'t SourceId, &'t Transfer)]) -> Vec<OpenLine<'t>> {
        let unreported = self.unreported();
        let paid = payouts.iter().filter_map(|(id, it)| Some((*id, it.paid.as_ref()?, &it.lines)));
        let open = paid.flat_map(|(transfer, paid, lines)| {
            let (currency, made_at) = (&paid.money.currency, paid.made_at);
            let misses_report = unreported.is_some_and(|failed_at| made_at < failed_at);
            lines.iter().map(move |line| OpenLine { transfer, currency, made_at, misses_report, line })
        });
        open.collect()
    }
}

impl Transfer {
    fn has_report(&self) -> bool {
        !self.lines.is_empty() || self.at_rest.is_some()
    }

    /// One proof; one more for every other currency that was booked for it, which is wrong.
    fn prove(&self, id: &SourceId, lines: Vec<Joined>) -> Vec<PayoutProof> {
        let own = self.paid.as_ref().map(|paid| &paid.money.currency);
        let others = self.booked.iter().filter(|(currency, _)| own != Some(currency));
        let strange: Vec<PayoutProof> = others.map(|(currency, _)| self.unpaid(id, currency)).collect();
        let proof = self.paid.as_ref().map(|paid| self.paid(id, paid, lines));
        proof.into_iter().chain(strange).collect()
    }

    fn booked(&self, currency: &Currency) -> Money {
        let amount = self.booked.get(currency).copied().unwrap_or_default();
        Money { amount: Amount::from(amount), currency: currency.clone() }
    }

    /// In a currency in which nothing was paid, nothing may stay booked.
    fn unpaid(&self, id: &SourceId, currency: &Currency) -> PayoutProof {
        let paid = Money { amount: Amount::ZERO, currency: currency.clone() };
        let booked = self.booked(currency);
        let verdict = match booked_amount(&booked, &paid) {
            Some(difference) => Verdict::Wrong { differences: vec![difference] },
            None => Verdict::Returned,
        };
        let (transfer_id, booked_on) = (id.clone(), self.booked_on);
        let (at_rest, lines) = (Amount::ZERO, Vec::new());
        PayoutProof { transfer_id, paid_at: None, booked_on, paid, booked, reported: None, verdict, at_rest, lines }
    }

    fn paid(&self, id: &SourceId, Paid { at, money: paid, .. }: &Paid, lines: Vec<Joined>) -> PayoutProof {
        let booked = self.booked(&paid.currency);
        let mut differences: Vec<Difference> = booked_amount(&booked, paid).into_iter().collect();
        let doubt = lines.iter().find_map(|it| it.doubt);
        differences.extend(lines.iter().filter_map(|it| it.difference.clone()));
        let own = self.lines.iter().filter(|(_, line)| line.share.currency == paid.currency);
        let at_rest = self.at_rest.unwrap_or_default();
        let sum = sum(own) + at_rest;
        let reported = self.has_report().then(|| Amount::from(sum));
        if reported.is_some_and(|reported| reported != paid.amount) {
            let amount = Amount::from(sum - paid.amount.decimal());
            let amount = Money { amount, currency: paid.currency.clone() };
            differences.push(Difference { kind: DifferenceKind::ReportSum, line_id: None, record: None, amount });
        }
        let verdict = match (differences.is_empty(), reported, doubt) {
            (false, _, _) => Verdict::Wrong { differences },
            (true, None, _) => Verdict::Unproven { because: Gap::NoReport },
            (true, Some(_), Some(because)) => Verdict::Unproven { because },
            (true, Some(_), None) => Verdict::Proven,
        };
        PayoutProof {
            transfer_id: id.clone(),
            paid_at: Some(*at),
            booked_on: self.booked_on,
            paid: paid.clone(),
            booked,
            reported,
            verdict,
            at_rest: Amount::from(at_rest),
            lines: lines.into_iter().map(|it| it.line).collect(),
        }
    }
}

fn sum<'l>(lines: impl IntoIterator<Item = &'l (SourceId, ReportLine)>) -> Decimal {
    lines.into_iter().map(|(_, line)| line.share.amount.decimal()).sum()
}

fn names((_, line): &(SourceId, ReportLine)) -> (Option<&SourceId>, Decimal, &Currency) {
    (line.named_id.as_ref(), line.share.amount.decimal(), &line.share.currency)
}

fn booked_amount(booked: &Money, paid: &Money) -> Option<Difference> {
    let amount = Amount::from(booked.amount.decimal() - paid.amount.decimal());
    let amount = Money { amount, currency: paid.currency.clone() };
    let difference = Difference { kind: DifferenceKind::BookedAmount, line_id: None, record: None, amount };
    (booked.amount != paid.amount).then_some(difference)
}
