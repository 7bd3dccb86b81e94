//! The same answer from one account after another, for books that are too long to be held.
//!
//! - A line of a report is in the account of the record that it names, so accounts do not depend on each other. In one case they do: an
//!   adjustment stays booked under its name when a record explains it later. Such an account is held.
//! - An account is at rest where all its lines that were paid agree with its books. Of such a one only sums are kept; what is in
//!   transit of it may come later.
//! - What is not at rest is held and judged together at the end, as [`super::reconcile`] judges everything.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rust_decimal::Decimal;

use super::answer::Reconciliation;
use super::items::Items;
use super::joined::Joint;
use super::{clearing, reconcile_with};
use crate::journal::Told;
use crate::model::event::{Event, Fact, Kind};
use crate::model::ids::SourceId;
use crate::model::journal::Entry;
use crate::model::money::Currency;
use crate::model::resource::Resource;

/// What accounts at rest come to.
#[derive(Debug, Default)]
pub(super) struct AtRest {
    pub(super) clearing: BTreeMap<Currency, Decimal>,
    pub(super) in_transit: BTreeMap<Currency, Decimal>,
    /// The lines of each transfer's report, in the currency in which it was paid.
    pub(super) lines: HashMap<SourceId, Decimal>,
}

/// An entry with its place in the order of booking.
pub type Placed = (i64, Entry);

/// Books that are read account by account.
#[derive(Debug)]
pub struct Fold {
    /// What became of each transfer.
    transfers: HashMap<SourceId, Vec<Event>>,
    /// Entries that transfers caused in accounts of others.
    guests: HashMap<SourceId, Vec<Placed>>,
    entries: Vec<Entry>,
    events: Vec<Event>,
    at_rest: AtRest,
    /// How many entries it began with.
    begun: usize,
}

impl Fold {
    /// Begins with all `events` of transfers, in the order of telling, and the `entries` that they caused.
    #[must_use]
    pub fn new(mut entries: Vec<Placed>, events: Vec<Event>) -> Self {
        entries.sort_by_key(|(place, _)| *place);
        let mut transfers: HashMap<SourceId, Vec<Event>> = HashMap::new();
        for event in &events {
            transfers.entry(event.id.clone()).or_default().push(event.clone());
        }
        let (mut guests, mut own): (HashMap<SourceId, Vec<Placed>>, Vec<Entry>) = Default::default();
        for (place, entry) in entries {
            match entry.guest() {
                Some(account) => guests.entry(account).or_default().push((place, entry)),
                None => own.push(entry),
            }
        }
        let begun = own.len();
        Self { transfers, guests, entries: own, events, at_rest: AtRest::default(), begun }
    }

    /// Takes whole accounts: all that was `told` of them, in the order of telling, and the `entries` that it caused. What was told of
    /// transfers, with which it began, is passed over: a report may name a transfer, and its lines are in the transfer's account then.
    pub fn take(&mut self, entries: Vec<Placed>, told: Vec<Told>) {
        let mut accounts: BTreeMap<SourceId, (Vec<Placed>, Vec<Event>)> = BTreeMap::new();
        let mut roots: HashMap<String, SourceId> = HashMap::new();
        for Told { event, root } in told {
            let Some(root) = root.filter(|_| event.resource != Resource::Transfers) else { continue };
            roots.insert(event.key.clone(), root.clone());
            accounts.entry(root).or_default().1.push(event);
        }
        for (place, entry) in entries {
            if let Some(root) = roots.get(&entry.event_key) {
                accounts.entry(root.clone()).or_default().0.push((place, entry));
            }
        }
        for (account, (entries, events)) in accounts {
            self.take_one(&account, entries, events);
        }
    }

    fn take_one(&mut self, account: &SourceId, mut entries: Vec<Placed>, events: Vec<Event>) {
        entries.extend(self.guests.remove(account).unwrap_or_default());
        entries.sort_by_key(|(place, _)| *place);
        let entries: Vec<Entry> = entries.into_iter().map(|(_, entry)| entry).collect();
        let all: Vec<Event> = self.transfers_of(&events).chain(events.iter().cloned()).collect();
        let mut items = Items::of(&entries, &all);
        let joint = Joint::of(&entries, &all);
        let is_apart = events.iter().all(|event| event.kind != Kind::AdjustmentExplained);
        let Some(lines) = joint.settled_by_agreement(&mut items).filter(|_| is_apart) else {
            self.entries.extend(entries);
            self.events.extend(events);
            return;
        };
        for (transfer, sum) in lines {
            *self.at_rest.lines.entry(transfer).or_default() += sum;
        }
        for (currency, sum) in clearing(&entries) {
            *self.at_rest.clearing.entry(currency.clone()).or_default() += sum;
        }
        for ((_, currency), item) in items.all() {
            *self.at_rest.in_transit.entry(currency.clone()).or_default() += item.remaining();
        }
    }

    /// How many entries are held of accounts that are not at rest.
    #[must_use]
    pub fn held(&self) -> usize {
        self.entries.len() - self.begun
    }

    /// The answer over everything. It leaves out items and lines of what is at rest, and all movements but those of what is held.
    #[must_use]
    pub fn finish(self) -> Reconciliation {
        reconcile_with(&self.entries, &self.events, &self.at_rest)
    }

    fn transfers_of(&self, events: &[Event]) -> impl Iterator<Item = Event> {
        let named = |event: &Event| match &event.fact {
            Fact::ReportLine(line) => line.transfer_id.clone(),
            _ => None,
        };
        let named: BTreeSet<SourceId> = events.iter().filter_map(named).collect();
        named.into_iter().filter_map(|transfer| self.transfers.get(&transfer)).flatten().cloned()
    }
}
