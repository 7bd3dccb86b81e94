//! Pure: whether the books explain every payout, and what is on its way.
//!
//! A payout is explained by its report: each line names a record, and what the books moved through clearing for that record is what
//! the line settles.
//!
//! - A record may be settled by several payouts; only those that are paid settle anything. What failed is settled by the one that
//!   pays it in the end.
//! - The order of payouts means nothing: what a failed transfer carried comes again in a later one.
//! - A line agrees with the books where it brings what is settled of its record nearer to an amount at which the record stood: a fee
//!   that changes after its payout was right leaves the difference in transit.
//! - Lines about one record that together pay what is left of it, or nothing, agree too: a history that begins with the last state of
//!   a fee does not know at what amount earlier payouts withheld it.
//! - Where a record changed after its payout was put together and before anybody read it, a line that differs makes the payout
//!   unproven, not wrong: what it took too much or too little is in transit until a later payout brings it back.
//! - The same holds while nobody knows what a transfer carried that failed without a report: until a payout is put together after it.
//! - Nothing is lost between the answers: in every currency, clearing is what is in transit, less what unproven payouts paid, plus
//!   what wrong ones settle beyond what they paid ([`Total`]).
//! - A payout without a report is unproven, not wrong. What was booked before the first entry given is not known here: give all
//!   entries since the books were opened.

mod advice;
mod answer;
mod fold;
mod items;
mod joined;
mod read_back;
mod settle;

#[cfg(test)]
mod tests;

pub use advice::{Advice, Failure, advice, known};
pub use answer::{
    Difference, DifferenceKind, Gap, InTransit, JoinedLine, Movement, PayoutProof, Reconciliation, Record, RecordKind,
    Total, TransitItem, Verdict,
};
pub use fold::{Fold, Placed};
pub use read_back::{AccountTotal, Sums, Unsettled};

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use self::fold::AtRest;
use self::items::Items;
use self::joined::Joint;
use crate::model::event::Event;
use crate::model::journal::{Entry, Role};
use crate::model::money::{Amount, Currency};

/// Ties `entries` to the payouts and report lines among `events`, both in the order in which they came to be.
#[must_use]
pub fn reconcile(entries: &[Entry], events: &[Event]) -> Reconciliation {
    reconcile_with(entries, events, &AtRest::default())
}

fn reconcile_with(entries: &[Entry], events: &[Event], at_rest: &AtRest) -> Reconciliation {
    let mut items = Items::of(entries, events);
    let mut joint = Joint::of(entries, events);
    joint.add(at_rest);
    let payouts = joint.prove_all(&mut items);
    let in_transit = in_transit(&items, at_rest);
    let mut clearing = clearing(entries);
    for (currency, sum) in &at_rest.clearing {
        *clearing.entry(currency).or_default() += sum;
    }
    let totals = totals(clearing, &in_transit, &payouts);
    Reconciliation { payouts, in_transit, totals, movements: movements(entries), strays: joint.strays }
}

fn in_transit(items: &Items, at_rest: &AtRest) -> Vec<InTransit> {
    let moving = at_rest.in_transit.iter().filter(|(_, amount)| !amount.is_zero());
    let mut by_currency: BTreeMap<Currency, Vec<TransitItem>> =
        moving.map(|(currency, _)| (currency.clone(), Vec::new())).collect();
    for ((record, currency), item) in items.all() {
        if !item.remaining().is_zero() {
            let amount = Amount::from(item.remaining());
            let transit = TransitItem { record: record.clone(), amount, since: item.since };
            by_currency.entry(currency.clone()).or_default().push(transit);
        }
    }
    let sum = |currency: &Currency, items: &[TransitItem]| {
        let at_rest = at_rest.in_transit.get(currency).copied().unwrap_or_default();
        Amount::from(items.iter().map(|item| item.amount.decimal()).sum::<Decimal>() + at_rest)
    };
    let all = by_currency.into_iter();
    all.map(|(currency, items)| InTransit { amount: sum(&currency, &items), currency, items }).collect()
}

/// What clearing holds in each currency.
fn clearing(entries: &[Entry]) -> BTreeMap<&Currency, Decimal> {
    let mut clearing: BTreeMap<&Currency, Decimal> = BTreeMap::new();
    for entry in entries {
        for line in entry.lines.iter().filter(|line| line.role == Role::Clearing) {
            *clearing.entry(&entry.currency).or_default() += line.amount.decimal();
        }
    }
    clearing
}

fn totals(clearing: BTreeMap<&Currency, Decimal>, in_transit: &[InTransit], payouts: &[PayoutProof]) -> Vec<Total> {
    let total = |(currency, clearing): (&Currency, Decimal)| {
        let left = |wanted: fn(&Verdict) -> bool| -> Decimal {
            let payouts = payouts.iter().filter(|it| it.booked.currency == *currency && wanted(&it.verdict));
            payouts.map(PayoutProof::unexplained).sum()
        };
        let transit =
            in_transit.iter().find(|it| it.currency == *currency).map_or(Decimal::ZERO, |it| it.amount.decimal());
        Total {
            currency: currency.clone(),
            clearing: Amount::from(clearing),
            in_transit: Amount::from(transit),
            unproven: Amount::from(left(|verdict| matches!(verdict, Verdict::Unproven { .. }))),
            wrong: Amount::from(left(|verdict| matches!(verdict, Verdict::Wrong { .. }))),
        }
    };
    clearing.into_iter().map(total).collect()
}

fn movements(entries: &[Entry]) -> Vec<Movement> {
    let mut sides: BTreeMap<_, (Decimal, Decimal)> = BTreeMap::new();
    for entry in entries {
        for line in &entry.lines {
            let (debit, credit) = line.sides();
            let sum = sides.entry((entry.date, line.role, entry.currency.clone())).or_default();
            *sum = (sum.0 + debit, sum.1 + credit);
        }
    }
    let movement = |((date, role, currency), (debit, credit))| {
        let (debit, credit) = (Amount::from(debit), Amount::from(credit));
        Movement { date, role, currency, debit, credit }
    };
    sides.into_iter().map(movement).collect()
}
