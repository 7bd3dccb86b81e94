//! What holds of any sequence of versions of one record.
//!
//! What does not hold of any, and why: the number of `*.changed`, `*.amended` and `*.adjusted` events is that of the versions that
//! were seen; and what is booked after a final version is that of every history only where the final version decides. It does not
//! where it is unreadable or says nothing of money (then what was told before stands), where it says little (what was said before
//! is not taken back, so a history that missed it lacks it), where a state moved back (a paid payment that is processing, a decided
//! dispute under review: nothing takes back what was decided but a failure), and for the fee of a dispute, of which the first amount
//! stands and another one is for a person.

use std::collections::BTreeSet;

use proptest::prelude::*;
use rust_decimal::Decimal;

use super::play::{Played, Says, Step, any_steps, at, document, numbered, step, words};
use crate::events::tell;
use crate::journal::{Desk, Policy};
use crate::model::event::Kind;
use crate::model::resource::Resource;

/// Words at which a version decides what stands in the books.
const fn decisive(resource: Resource) -> &'static [&'static str] {
    match resource {
        Resource::Payments => &["posted", "paid", "failed"],
        Resource::Fees => &["paystand"],
        Resource::Refunds | Resource::Transfers => &["paid", "failed", "reversed"],
        Resource::Disputes => &["won", "lost", "failed"],
        _ => &["active"],
    }
}

/// Any versions and a last one that decides, with a choice of those that were seen.
fn decided() -> impl Strategy<Value = (Resource, Vec<(usize, Step)>, Vec<bool>)> {
    let booked = [
        Resource::Payments,
        Resource::Fees,
        Resource::Refunds,
        Resource::Disputes,
        Resource::Transfers,
        Resource::ReceivableTransactions,
    ];
    proptest::sample::select(booked.to_vec()).prop_flat_map(|resource| {
        let before = proptest::collection::vec(step(words(resource)), 0..6);
        (before, step(decisive(resource)), proptest::collection::vec(any::<bool>(), 6)).prop_map(
            move |(mut steps, mut last, seen)| {
                last.amount = last.amount.or(Some("10.00"));
                if last.says == Says::Little {
                    last.says = Says::All;
                }
                steps.push(last);
                (resource, numbered(&steps), seen)
            },
        )
    })
}

/// A life without turning back, in any order of arrival.
fn one_way() -> impl Strategy<Value = (Resource, Vec<(usize, Step)>)> {
    let lives: Vec<(Resource, &'static [&'static str])> = vec![
        (Resource::Payments, &["created", "processing", "posted", "paid"]),
        (Resource::Fees, &["delayed", "delayed", "paystand"]),
        (Resource::Refunds, &["created", "processing", "posted", "paid"]),
        (Resource::Disputes, &["created", "processing", "underReview", "lost"]),
        (Resource::Disputes, &["created", "underReview", "won"]),
        (Resource::Transfers, &["created", "processing", "posted", "paid"]),
        (Resource::Receivables, &["active", "active", "paid"]),
        (Resource::CreditMemos, &["active", "cancelled"]),
    ];
    proptest::sample::select(lives).prop_flat_map(|(resource, life)| {
        let says = Says::All;
        let steps: Vec<Step> = life.iter().map(|word| Step { word, amount: Some("10.00"), says }).collect();
        Just(numbered(&steps)).prop_shuffle().prop_map(move |steps| (resource, steps))
    })
}

/// As the store does it: a version that is older than the newest one tells nothing.
fn without_late(arrivals: &[(usize, Step)]) -> Vec<(usize, Step)> {
    let mut newest = 0;
    let mut news = Vec::new();
    for (n, step) in arrivals {
        if *n >= newest {
            newest = *n;
            news.push((*n, *step));
        }
    }
    news
}

fn one_way_keys(played: &Played) -> BTreeSet<&str> {
    let changes = [Kind::ReceivableChanged, Kind::CreditMemoChanged];
    played.events.iter().filter(|event| !changes.contains(&event.kind)).map(|event| event.key.as_str()).collect()
}

proptest! {
    #[test]
    fn the_same_version_again_tells_nothing((resource, steps) in any_steps()) {
        let mut history = Vec::new();
        for (n, step) in numbered(&steps) {
            let document = document(resource, n, step);
            history.extend(tell(&history, &document, at(n)).events);
            prop_assert_eq!(tell(&history, &document, at(n + 100)).events, Vec::new());
        }
    }

    #[test]
    fn keys_are_unique_and_every_entry_balances((resource, steps) in any_steps()) {
        let played = Played::of(resource, &numbered(&steps));
        let keys = played.keys();
        prop_assert_eq!(keys.iter().collect::<BTreeSet<_>>().len(), keys.len());
        let entries: BTreeSet<&str> = played.entries.iter().map(|entry| entry.key.as_str()).collect();
        prop_assert_eq!(entries.len(), played.entries.len());
        for entry in &played.entries {
            prop_assert_eq!(entry.imbalance(), Decimal::ZERO);
            prop_assert!(entry.lines.iter().all(|line| !line.amount.is_zero()));
            prop_assert!(entry.reverses.as_deref().is_none_or(|key| entries.contains(key)));
        }
    }

    /// What was told stays told: a desk that is only reminded of it goes on exactly like one that told it.
    #[test]
    fn a_desk_that_is_reminded_goes_on_where_another_stopped((resource, steps) in any_steps(), stop in any::<prop::sample::Index>()) {
        let steps = numbered(&steps);
        let whole = Played::of(resource, &steps);
        let first = whole.bookings.len() - steps.len();
        let stop = first + stop.index(steps.len() + 1);
        let mut desk = Desk::new(Policy::of(chrono_tz::America::Los_Angeles));
        for booking in &whole.bookings[..stop] {
            for (id, root) in &booking.homes {
                desk.recall_home(id.clone(), root.clone());
            }
        }
        for told in whole.bookings[..stop].iter().flat_map(|booking| &booking.told) {
            desk.recall(told.clone());
        }
        for (place, (n, step)) in steps.iter().enumerate().filter(|(place, _)| place + first >= stop) {
            let booking = desk.take(&document(resource, *n, *step), at(*n));
            let expected = &whole.bookings[place + first];
            prop_assert_eq!(&booking.told, &expected.told);
            prop_assert_eq!(&booking.entries, &expected.entries);
        }
    }

    #[test]
    fn one_way_facts_have_the_same_keys_in_any_order_of_arrival((resource, arrivals) in one_way()) {
        let mut in_order = arrivals.clone();
        in_order.sort_by_key(|(n, _)| *n);
        let expected = Played::of(resource, &in_order);
        let shuffled = Played::of(resource, &without_late(&arrivals));
        prop_assert_eq!(one_way_keys(&shuffled), one_way_keys(&expected));
        prop_assert_eq!(shuffled.net(), expected.net());
    }

    /// See the module for what `decided` leaves out.
    #[test]
    fn what_stands_after_a_version_that_decides_is_that_of_every_history((resource, steps, seen) in decided()) {
        let last = steps.len() - 1;
        let some: Vec<(usize, Step)> =
            steps.iter().enumerate().filter(|(n, _)| *n == last || seen[*n]).map(|(_, step)| *step).collect();
        prop_assert_eq!(Played::of(resource, &some).net(), Played::of(resource, &steps).net());
    }

    /// A row of a list says less than the record read by its id; what it leaves out is not taken back.
    #[test]
    fn a_version_that_says_little_takes_nothing_back((resource, steps, _) in decided()) {
        let mut played = Played::of(resource, &steps);
        let (n, last) = steps.last().expect("one at least");
        let little = Step { says: Says::Little, ..*last };
        let before = played.events.len();
        played.take(&document(resource, n + 1, little), n + 1);
        prop_assert_eq!(&played.keys()[before..], &[""; 0]);
    }
}
