//! What the books moved through clearing, by record.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;

use super::answer::{Record, RecordKind};
use crate::model::event::{Event, Fact, Kind};
use crate::model::ids::SourceId;
use crate::model::journal::{Entry, Line, Role};
use crate::model::money::Currency;
use crate::model::resource::Resource;

/// One record in one currency.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) since: NaiveDate,
    /// When what the books know of it began.
    known_from: Option<DateTime<Utc>>,
    payment_id: Option<SourceId>,
    refund_id: Option<SourceId>,
    /// What clearing held for it after each event.
    history: Vec<(String, Decimal)>,
    settled: Decimal,
    /// Steps of the history that a line has paid as such.
    claimed: Vec<Decimal>,
    /// Steps that reports tell of and the books never saw.
    unseen: Vec<Decimal>,
}

impl Item {
    fn new(entry: &Entry, line: &Line, known_from: Option<DateTime<Utc>>) -> Self {
        let (payment_id, refund_id) = (line.links.payment_id.clone(), line.links.refund_id.clone());
        Self {
            since: entry.date,
            known_from,
            payment_id,
            refund_id,
            history: Vec::new(),
            settled: Decimal::ZERO,
            claimed: Vec::new(),
            unseen: Vec::new(),
        }
    }

    /// What one event reverses and books anew counts as one step: nobody was ever between the two.
    fn add(&mut self, event_key: &str, amount: Decimal) {
        let value = self.history.last().map_or(Decimal::ZERO, |(_, value)| *value) + amount;
        match self.history.last_mut() {
            Some((key, last)) if key == event_key => *last = value,
            _ => self.history.push((event_key.to_owned(), value)),
        }
    }

    /// What is in transit.
    pub(super) fn remaining(&self) -> Decimal {
        self.history.last().map_or(Decimal::ZERO, |(_, value)| *value) - self.settled
    }

    /// Whether `share` is a step of the record that no line has paid yet, or brings what is settled nearer to an amount at which the
    /// record stood, and not beyond it.
    pub(super) fn agrees(&self, share: Decimal) -> bool {
        if self.is_open_step(share) || self.unseen.contains(&share) {
            return true;
        }
        let opens = self.history.iter().map(|(_, value)| *value - self.settled);
        opens.filter(|open| same_way(*open, share)).any(|open| share.abs() <= open.abs())
    }

    /// A reversal may be paid out before what it reverses: that went with a transfer which failed, and comes again later.
    fn is_open_step(&self, share: Decimal) -> bool {
        let values = self.history.iter().map(|(_, value)| *value);
        let steps =
            std::iter::once(Decimal::ZERO).chain(values.clone()).zip(values).map(|(before, after)| after - before);
        let count = |steps: &mut dyn Iterator<Item = Decimal>| steps.filter(|step| *step == share).count();
        self.history.len() > 1 && count(&mut steps.into_iter()) > count(&mut self.claimed.iter().copied())
    }

    /// It moved by `step` and back, which the books never saw.
    pub(super) fn passed_through(&mut self, step: Decimal) {
        self.unseen.push(step);
    }

    /// Whether a payout that was put together at `instant` may have taken what the books never knew.
    pub(super) fn is_unknown_at(&self, instant: DateTime<Utc>) -> bool {
        self.known_from.is_some_and(|from| instant < from)
    }

    /// Settles all of a `share` that agrees, and of another one what is in transit in its direction.
    pub(super) fn settle(&mut self, share: Decimal) -> Decimal {
        let remaining = self.remaining();
        let taken = match self.agrees(share) {
            true => share,
            false if same_way(remaining, share) => remaining,
            false => Decimal::ZERO,
        };
        if let Some(place) = self.unseen.iter().position(|step| *step == taken) {
            self.unseen.remove(place);
        } else if self.is_open_step(taken) {
            self.claimed.push(taken);
        }
        self.settled += taken;
        taken
    }
}

fn same_way(one: Decimal, other: Decimal) -> bool {
    !one.is_zero() && !other.is_zero() && one.is_sign_negative() == other.is_sign_negative()
}

/// All records that moved clearing, and other names by which reports may know them.
#[derive(Debug)]
pub(super) struct Items {
    items: BTreeMap<(Record, Currency), Item>,
    /// Disputes by the ids of their fees.
    dispute_fees: HashMap<SourceId, SourceId>,
}

impl Items {
    pub(super) fn of(entries: &[Entry], events: &[Event]) -> Self {
        let adjustments: HashMap<&str, &SourceId> = events.iter().filter_map(adjusted).collect();
        // What only a report tells is not older than the report.
        let told = events.iter().filter(|it| it.resource != Resource::TransferEntries);
        let times: HashMap<&str, DateTime<Utc>> = told.map(|it| (it.key.as_str(), it.occurred_at)).collect();
        let mut items: BTreeMap<(Record, Currency), Item> = BTreeMap::new();
        let mut records: HashMap<&str, Record> = HashMap::new();
        for entry in entries {
            for line in entry.lines.iter().filter(|line| line.role == Role::Clearing) {
                if line.links.transfer_id.is_some() {
                    continue;
                }
                let reversed = entry.reverses.as_deref().and_then(|key| records.get(key).cloned());
                let record = reversed.unwrap_or_else(|| record_of(entry, line, &adjustments));
                records.insert(&entry.key, record.clone());
                let known_from = times.get(entry.event_key.as_str()).copied();
                let place = items.entry((record, entry.currency.clone()));
                let item = place.or_insert_with(|| Item::new(entry, line, known_from));
                item.add(&entry.event_key, line.amount.decimal());
            }
        }
        Self { items, dispute_fees: dispute_fees(events) }
    }

    pub(super) fn all(&self) -> impl Iterator<Item = (&(Record, Currency), &Item)> {
        self.items.iter()
    }

    pub(super) fn get_mut(&mut self, record: &Record, currency: &Currency) -> Option<&mut Item> {
        self.items.get_mut(&(record.clone(), currency.clone()))
    }

    pub(super) fn item(&self, record: &Record, currency: &Currency) -> Option<&Item> {
        self.items.get(&(record.clone(), currency.clone()))
    }

    fn get(&self, kind: RecordKind, id: &SourceId, currency: &Currency) -> Option<&Item> {
        self.item(&Record { kind, id: id.clone() }, currency)
    }

    /// The first of `kinds` with this id that moved money of this currency.
    pub(super) fn find(&self, kinds: &[RecordKind], id: &SourceId, currency: &Currency) -> Option<Record> {
        let kind = kinds.iter().copied().find(|kind| self.get(*kind, id, currency).is_some())?;
        Some(Record { kind, id: id.clone() })
    }

    /// The fee of a payment, of a dispute by either id, or one that a refund gave back.
    pub(super) fn find_fee(&self, id: &SourceId, share: Decimal, currency: &Currency) -> Option<Record> {
        let own = [RecordKind::Fee, RecordKind::DisputeFee, RecordKind::ReturnedFee];
        let named = self.find(&own, id, currency).or_else(|| {
            let dispute = self.dispute_fees.get(id)?;
            self.find(&[RecordKind::DisputeFee], dispute, currency)
        });
        let exactly = |record: &Record| self.item(record, currency).is_some_and(|item| item.remaining() == share);
        if named.as_ref().is_some_and(exactly) || share.is_sign_negative() {
            return named;
        }
        // What comes back may be named by the fee that was charged, or by the refund.
        self.returned_like(id, share, currency).or(named)
    }

    fn returned_like(&self, id: &SourceId, share: Decimal, currency: &Currency) -> Option<Record> {
        let payment = self.get(RecordKind::Fee, id, currency).and_then(|item| item.payment_id.as_ref());
        let returned = |((record, of), item): &(&(Record, Currency), &Item)| {
            let is_fee = matches!(record.kind, RecordKind::Fee | RecordKind::ReturnedFee);
            let same_money =
                item.refund_id.as_ref() == Some(id) || (payment.is_some() && item.payment_id.as_ref() == payment);
            is_fee && of == currency && same_money && item.remaining() == share
        };
        self.all().find(returned).map(|((record, _), _)| record.clone())
    }
}

/// What a clearing line is about. The links tell it, but for a dispute's fee and an adjustment, which the rest of the entry tells.
fn record_of(entry: &Entry, line: &Line, adjustments: &HashMap<&str, &SourceId>) -> Record {
    let links = &line.links;
    let has = |role| entry.lines.iter().any(|line| line.role == role);
    let (kind, id) = if let Some(dispute) = &links.dispute_id {
        (if has(Role::DisputeFees) { RecordKind::DisputeFee } else { RecordKind::Dispute }, dispute.clone())
    } else if let Some(fee) = &links.fee_id {
        (RecordKind::Fee, fee.clone())
    } else if let Some(refund) = &links.refund_id {
        (if has(Role::ProcessingFeeExpense) { RecordKind::ReturnedFee } else { RecordKind::Refund }, refund.clone())
    } else if let Some(payment) = &links.payment_id {
        (RecordKind::Payment, payment.clone())
    } else if let Some(named) = adjustments.get(entry.event_key.as_str()) {
        (RecordKind::Adjustment, (*named).clone())
    } else {
        (RecordKind::Entry, SourceId::new(&entry.key))
    };
    Record { kind, id }
}

/// What an adjustment is known by: the items of a transfer that failed come again in another one under the same name.
fn adjusted(event: &Event) -> Option<(&str, &SourceId)> {
    match &event.fact {
        Fact::ReportLine(line) if event.kind == Kind::AdjustmentReported => {
            Some((event.key.as_str(), line.named_id.as_ref().unwrap_or(&event.id)))
        }
        _ => None,
    }
}

fn dispute_fees(events: &[Event]) -> HashMap<SourceId, SourceId> {
    let named = |event: &Event| match &event.fact {
        Fact::DisputeFee(fee) => Some((fee.fee_id.clone()?, event.id.clone())),
        Fact::Fee(fee) => Some((event.id.clone(), fee.dispute_id.clone()?)),
        _ => None,
    };
    events.iter().filter_map(named).collect()
}
