//! Payouts with the lines of their reports, each joined to what it settles.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;

use super::answer::{Difference, DifferenceKind, JoinedLine, PayoutProof, Record, RecordKind, Verdict};
use super::items::{Item, Items};
use crate::model::document::SubjectType;
use crate::model::event::{Event, Fact, Kind, ReportLine};
use crate::model::ids::SourceId;
use crate::model::journal::{Entry, Role};
use crate::model::money::{Amount, Currency, Money};

/// A line with what it settles, and what of it the books do not explain.
type Joined = (JoinedLine, Option<Difference>);

/// What is known of one transfer.
#[derive(Debug, Default)]
struct Transfer {
    /// What the last word on it says was paid and when; `None` where it came back.
    paid: Option<(DateTime<Utc>, Money)>,
    /// It failed or came back: what its lines tell of comes again in another transfer.
    is_returned: bool,
    booked: BTreeMap<Currency, Decimal>,
    booked_on: Option<NaiveDate>,
    lines: Vec<(SourceId, ReportLine)>,
}

/// All transfers.
#[derive(Debug, Default)]
pub(super) struct Joint {
    transfers: BTreeMap<SourceId, Transfer>,
    /// Places of the first events that speak of each.
    firsts: BTreeMap<SourceId, usize>,
    pub(super) strays: Vec<SourceId>,
}

impl Joint {
    pub(super) fn of(entries: &[Entry], events: &[Event]) -> Self {
        let mut joint = Self::default();
        for entry in entries {
            joint.book(entry);
        }
        let mut lines: BTreeMap<&SourceId, &ReportLine> = BTreeMap::new();
        for (place, event) in events.iter().enumerate() {
            joint.mention(place, event);
            match (event.kind, &event.fact) {
                (Kind::TransferPaid, Fact::Payout(payout)) => {
                    let transfer = joint.transfer(&event.id);
                    (transfer.paid, transfer.is_returned) = (Some((event.occurred_at, payout.money.clone())), false);
                }
                (Kind::TransferFailed | Kind::TransferReversed, _) => {
                    let transfer = joint.transfer(&event.id);
                    (transfer.paid, transfer.is_returned) = (None, true);
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

    fn mention(&mut self, place: usize, event: &Event) {
        let transfer = match (event.kind, &event.fact) {
            (Kind::TransferPaid, _) => Some(&event.id),
            (_, Fact::ReportLine(line)) => line.transfer_id.as_ref(),
            _ => None,
        };
        if let Some(transfer) = transfer {
            self.firsts.entry(transfer.clone()).or_insert(place);
        }
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

    /// Proves the payouts in the order in which they were first spoken of. A transfer of which nothing but lines is known is none yet.
    pub(super) fn prove_all(&mut self, items: &mut Items) -> Vec<PayoutProof> {
        let mut transfers: Vec<(&SourceId, &Transfer)> =
            self.transfers.iter().filter(|(_, it)| it.paid.is_some() || !it.booked.is_empty()).collect();
        transfers.sort_by_key(|(id, _)| (self.firsts.get(*id), *id));
        let announced = self.transfers.values().filter(|it| it.paid.is_none() && !it.is_returned);
        let announced = announced.flat_map(|it| &it.lines).collect();
        let mut joined = join_all(&transfers, announced, items);
        let proofs = transfers.into_iter().flat_map(|(id, transfer)| {
            let lines = joined.remove(id).unwrap_or_default();
            transfer.prove(id, lines)
        });
        proofs.collect()
    }
}

/// Settles the lines of everything that was paid; `announced` are those of transfers on their way. Neither the order of lines nor that of payouts means anything, for what a failed
/// transfer carried comes again later: what agrees with the books is settled first.
fn join_all<'t>(
    transfers: &[(&'t SourceId, &'t Transfer)],
    announced: Vec<&'t (SourceId, ReportLine)>,
    items: &mut Items,
) -> HashMap<&'t SourceId, Vec<Joined>> {
    let paid = transfers.iter().filter_map(|(id, it)| Some((*id, &it.paid.as_ref()?.1.currency, &it.lines)));
    let mut open: Vec<OpenLine<'t>> =
        paid.flat_map(|(id, currency, lines)| lines.iter().map(move |line| (id, currency, line))).collect();
    let mut joined: HashMap<&SourceId, Vec<Joined>> = HashMap::new();
    while !open.is_empty() {
        let before = open.len();
        open.retain(|(transfer, currency, (id, line))| {
            let is_settled = agrees(id, line, items);
            if is_settled {
                joined.entry(transfer).or_default().push(join(id, line, currency, items));
            }
            !is_settled
        });
        if open.len() == before {
            let unseen = unseen(&open, &announced, items);
            let stuck: Vec<_> = if unseen.is_empty() { vec![open[0]] } else { unseen.clone() };
            open.retain(|(_, _, line)| !stuck.iter().any(|(_, _, other)| std::ptr::eq(*other, *line)));
            for (transfer, currency, (id, line)) in stuck {
                if !unseen.is_empty() {
                    bear(id, line, currency, items);
                }
                joined.entry(transfer).or_default().push(join(id, line, currency, items));
            }
        }
    }
    for lines in joined.values_mut() {
        lines.sort_by(|(one, _), (other, _)| one.line_id.cmp(&other.line_id));
    }
    joined
}

impl Transfer {
    /// One proof; one more for every other currency that was booked for it, which is wrong.
    fn prove(&self, id: &SourceId, lines: Vec<Joined>) -> Vec<PayoutProof> {
        let own = self.paid.as_ref().map(|(_, money)| &money.currency);
        let others = self.booked.iter().filter(|(currency, _)| own != Some(currency));
        let strange: Vec<PayoutProof> = others.map(|(currency, _)| self.unpaid(id, currency)).collect();
        let proof = self.paid.as_ref().map(|(at, paid)| self.paid(id, *at, paid, lines));
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
        PayoutProof { transfer_id, paid_at: None, booked_on, paid, booked, reported: None, verdict, lines: Vec::new() }
    }

    fn paid(&self, id: &SourceId, at: DateTime<Utc>, paid: &Money, lines: Vec<Joined>) -> PayoutProof {
        let booked = self.booked(&paid.currency);
        let mut differences: Vec<Difference> = booked_amount(&booked, paid).into_iter().collect();
        let mut joined = Vec::with_capacity(self.lines.len());
        for (line, difference) in lines {
            joined.push(line);
            differences.extend(difference);
        }
        let own = self.lines.iter().filter(|(_, line)| line.share.currency == paid.currency);
        let sum: Decimal = own.map(|(_, line)| line.share.amount.decimal()).sum();
        let reported = (!self.lines.is_empty()).then(|| Amount::from(sum));
        if reported.is_some_and(|reported| reported != paid.amount) {
            let amount = Amount::from(sum - paid.amount.decimal());
            let amount = Money { amount, currency: paid.currency.clone() };
            differences.push(Difference { kind: DifferenceKind::ReportSum, line_id: None, record: None, amount });
        }
        let verdict = match (differences.is_empty(), reported) {
            (false, _) => Verdict::Wrong { differences },
            (true, Some(_)) => Verdict::Proven,
            (true, None) => Verdict::Unproven,
        };
        PayoutProof {
            transfer_id: id.clone(),
            paid_at: Some(at),
            booked_on: self.booked_on,
            paid: paid.clone(),
            booked,
            reported,
            verdict,
            lines: joined,
        }
    }
}

type OpenLine<'t> = (&'t SourceId, &'t Currency, &'t (SourceId, ReportLine));

/// Lines about one record that cancel out, or that together pay just what is left of it: it changed, and perhaps changed back, before
/// anybody looked. The last of them may be on their way still.
fn unseen<'t>(open: &[OpenLine<'t>], announced: &[&(SourceId, ReportLine)], items: &Items) -> Vec<OpenLine<'t>> {
    let record = |(id, line): &(SourceId, ReportLine), currency: &Currency| {
        record_of(id, line, items).filter(|_| line.share.currency == *currency)
    };
    for (_, currency, first) in open {
        let Some(of) = record(first, currency) else { continue };
        let is_same = |line: &(SourceId, ReportLine)| record(line, currency).as_ref() == Some(&of);
        let same: Vec<OpenLine<'t>> =
            open.iter().filter(|(_, other, line)| other == currency && is_same(line)).copied().collect();
        let coming: Vec<Decimal> = announced.iter().filter(|line| is_same(line)).map(|line| share(line)).collect();
        let sum: Decimal = same.iter().map(|(_, _, line)| share(line)).sum();
        let remaining = items.item(&of, currency).map_or(Decimal::ZERO, Item::remaining);
        let closes = |sum: Decimal| sum.is_zero() || sum == remaining;
        let (with_coming, count) = (sum + coming.iter().sum::<Decimal>(), same.len() + coming.len());
        if (same.len() > 1 && closes(sum)) || (count > same.len() && closes(with_coming)) {
            return same;
        }
    }
    Vec::new()
}

fn share((_, line): &(SourceId, ReportLine)) -> Decimal {
    line.share.amount.decimal()
}

/// Lets the record have stood where the line puts it.
fn bear(line_id: &SourceId, line: &ReportLine, currency: &Currency, items: &mut Items) {
    let record = record_of(line_id, line, items);
    if let Some(item) = record.and_then(|record| items.get_mut(&record, currency)) {
        item.passed_through(line.share.amount.decimal());
    }
}

fn agrees(line_id: &SourceId, line: &ReportLine, items: &Items) -> bool {
    let item = record_of(line_id, line, items).and_then(|record| items.item(&record, &line.share.currency));
    item.is_some_and(|item| item.agrees(line.share.amount.decimal()))
}

fn booked_amount(booked: &Money, paid: &Money) -> Option<Difference> {
    let amount = Amount::from(booked.amount.decimal() - paid.amount.decimal());
    let amount = Money { amount, currency: paid.currency.clone() };
    let difference = Difference { kind: DifferenceKind::BookedAmount, line_id: None, record: None, amount };
    (booked.amount != paid.amount).then_some(difference)
}

/// Settles what a line names, and says what of the line the books do not explain.
fn join(line_id: &SourceId, line: &ReportLine, currency: &Currency, items: &mut Items) -> Joined {
    let share = line.share.amount.decimal();
    let is_ours = line.share.currency == *currency;
    let record = record_of(line_id, line, items).filter(|_| is_ours);
    let item = record.as_ref().and_then(|record| items.get_mut(record, currency));
    let (settled, remaining) = item.map_or_else(Default::default, |item| (item.settle(share), item.remaining()));
    let kind = match &record {
        _ if !is_ours => DifferenceKind::OtherCurrency,
        None => DifferenceKind::UnknownRecord,
        Some(_) => DifferenceKind::RecordAmount,
    };
    let amount = Money { amount: Amount::from(share - settled), currency: line.share.currency.clone() };
    let difference = Difference { kind, line_id: Some(line_id.clone()), record: record.clone(), amount };
    let joined = JoinedLine {
        line_id: line_id.clone(),
        share: line.share.clone(),
        names: line.names.clone(),
        named_id: line.named_id.clone(),
        record,
        settled: Amount::from(settled),
        remaining: Amount::from(remaining),
    };
    (joined, (share != settled).then_some(difference))
}

/// An adjustment of a known fee settles that fee's change; any other is a record of its own.
fn record_of(line_id: &SourceId, line: &ReportLine, items: &Items) -> Option<Record> {
    let Money { amount, currency } = &line.share;
    let named = line.named_id.as_ref();
    let find = |kind| items.find(&[kind], named?, currency);
    let fee = || items.find_fee(named?, amount.decimal(), currency);
    match line.kind()? {
        SubjectType::Payment => find(RecordKind::Payment),
        SubjectType::Refund => find(RecordKind::Refund),
        SubjectType::Dispute => find(RecordKind::Dispute),
        SubjectType::Fee => fee(),
        SubjectType::Adjustment => {
            fee().or_else(|| items.find(&[RecordKind::Adjustment], named.unwrap_or(line_id), currency))
        }
        SubjectType::Receivable | SubjectType::Withdrawal | SubjectType::Transfer | SubjectType::Unknown(_) => None,
    }
}
