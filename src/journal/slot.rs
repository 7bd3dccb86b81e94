//! What stands in the books: for every fact of an account at most one set of entries.

use std::collections::{BTreeMap, HashMap};

use chrono::NaiveDate;

use crate::model::event::Event;
use crate::model::ids::SourceId;
use crate::model::journal::{Entry, Line};
use crate::model::money::{Amount, Currency};

/// The place of one fact.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Slot {
    Charge,
    /// By receivable transaction.
    Application(SourceId),
    /// A discount that the payment's application leaves out.
    Discount,
    /// What a credit memo paid beside the payment, by the key of the event.
    Credit(String),
    Fee(SourceId),
    /// A returned fee, by the refund that told it, and the fee's id or else the event's key.
    FeeReturn(SourceId, String),
    Refund(SourceId),
    Dispute(SourceId),
    Outcome(SourceId),
    DisputeFee(SourceId),
    Payout(SourceId),
    /// Lines of reports that no record explains, by amount, each in a place of its own.
    Adjustment(Currency, Amount, usize),
    /// Returned fees that only reports tell, likewise.
    ReportedReturn(Currency, Amount, usize),
}

/// Lines of one currency that balance.
pub(super) type Part = (Currency, Vec<Line>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Standing {
    entry_key: String,
    part: Part,
}

/// The standing entries of one account, and the counters of its keys.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    standing: BTreeMap<Slot, Vec<Standing>>,
    legs: HashMap<String, u32>,
    /// Set while an event of another account is the cause, which counts legs of its own.
    pub(super) guest: Option<SourceId>,
    /// Entries made since they were last taken away.
    pub(super) made: Vec<Entry>,
}

impl Ledger {
    pub(super) fn stands(&self, slot: &Slot) -> bool {
        self.standing.contains_key(slot)
    }

    pub(super) fn slots(&self) -> impl Iterator<Item = &Slot> {
        self.standing.keys()
    }

    /// Lets `parts` stand at `slot` because of `event`; what stood there is reversed, unless it is the same.
    pub(super) fn book(&mut self, slot: Slot, event: &Event, cause: &Event, date: NaiveDate, parts: Vec<Part>) {
        let parts: Vec<Part> = parts.into_iter().filter_map(without_zeros).collect();
        let standing = self.standing.get(&slot).map(Vec::as_slice).unwrap_or_default();
        if standing.iter().map(|it| &it.part).eq(&parts) {
            return;
        }
        self.reverse(&slot, cause, date);
        let mut standing = Vec::with_capacity(parts.len());
        for part in parts {
            let key = self.next_key(&event.key);
            let (currency, lines) = part.clone();
            self.made.push(Entry {
                key: key.clone(),
                event_key: event.key.clone(),
                date,
                currency,
                memo: format!("{} {}", event.kind, event.id),
                reverses: None,
                lines,
            });
            standing.push(Standing { entry_key: key, part });
        }
        if !standing.is_empty() {
            self.standing.insert(slot, standing);
        }
    }

    /// Takes back what stands at `slot` because of `cause`.
    pub(super) fn reverse(&mut self, slot: &Slot, cause: &Event, date: NaiveDate) {
        for Standing { entry_key, part: (currency, lines) } in self.standing.remove(slot).unwrap_or_default() {
            let key = self.next_key(&cause.key);
            let negated = |line: Line| Line { amount: Amount::from(-line.amount.decimal()), ..line };
            self.made.push(Entry {
                key,
                event_key: cause.key.clone(),
                date,
                currency,
                memo: format!("{} {}: takes back {entry_key}", cause.kind, cause.id),
                reverses: Some(entry_key),
                lines: lines.into_iter().map(negated).collect(),
            });
        }
    }

    fn next_key(&mut self, event_key: &str) -> String {
        let guest = self.guest.as_ref().map(|account| format!("/{account}")).unwrap_or_default();
        let leg = self.legs.entry(event_key.to_owned()).or_default();
        *leg += 1;
        format!("{event_key}{guest}/{leg}")
    }
}

/// A line of nothing says nothing; an entry of such lines is none.
fn without_zeros((currency, mut lines): Part) -> Option<Part> {
    lines.retain(|line| !line.amount.is_zero());
    (!lines.is_empty()).then_some((currency, lines))
}
