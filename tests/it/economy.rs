//! Whole simulated businesses through the pure path: what is told and booked from their rows is what they did.
//!
//! The books that the economy keeps of itself share no code with ours. One seed: `ECONOMY_SEED=7 cargo test --test it economy`.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use paystand_sync::clock::Clock as _;
use paystand_sync::journal::{Booking, Desk, Policy, Told};
use paystand_sync::model::document::Document;
use paystand_sync::model::event::Event;
use paystand_sync::model::ids::SourceId;
use paystand_sync::model::journal::{Entry, Role};
use paystand_sync::model::record::Shape;
use paystand_sync::model::resource::Resource;
use paystand_sync::normalize::sight;
use paystand_sync::reconcile::{Fold, Gap, PayoutProof, Placed, Reconciliation, Verdict, reconcile};
use paystand_sync::sandbox::{BooksTruth, Business, CUSTOMER_ID, SandboxClock, Seeding, Shown, World, WorldConfig};
use rust_decimal::Decimal;

const SEEDS: u64 = 1_000;
const DAYS: i64 = 60;
/// Within so many days the payouts explain what happened before anybody looked.
const SETTLED_DAYS: i64 = 10;
/// Businesses that need them.
const SETTLED_LATER_MAX: u64 = 5;

/// When the business is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reading {
    AllAlong,
    /// For the first time at the end, at any hour of the day.
    Late,
}

/// One business with the books that are kept of it.
struct Town {
    world: Arc<World>,
    clock: Arc<SandboxClock>,
    desk: Desk,
    entries: Vec<Entry>,
    events: Vec<Event>,
    seen: usize,
    /// How often lines of reports said the same.
    lines: BTreeMap<SourceId, u32>,
    troubles: BTreeMap<&'static str, usize>,
}

impl Town {
    fn new(seed: u64) -> Self {
        let start: DateTime<Utc> = "2026-03-01T00:00:00Z".parse().expect("an instant");
        let clock = Arc::new(SandboxClock::new(start, 0));
        let seeding = Seeding {
            seed,
            business: Business::Economy,
            payments: 0,
            days: 1,
            customers: 8,
            live_payments_per_day: 1,
            ..Seeding::default()
        };
        let world = World::new(WorldConfig { seeding, ..WorldConfig::default() }, Arc::clone(&clock) as _);
        Self {
            world,
            clock,
            desk: Desk::new(Policy::of(chrono_tz::America::Los_Angeles)),
            entries: Vec::new(),
            events: Vec::new(),
            seen: 0,
            lines: BTreeMap::new(),
            troubles: BTreeMap::new(),
        }
    }

    /// Lets time pass, and takes everything that lists showed meanwhile.
    fn pass(&mut self, by: TimeDelta) {
        self.clock.advance(by);
        self.world.advance();
        let shown = self.world.shown_since(CUSTOMER_ID, self.seen);
        self.seen += shown.len();
        for row in &shown {
            if let Some(document) = self.read(row) {
                let booking = self.desk.take(&document, row.visible_from);
                self.keep(booking);
            }
        }
        let booking = self.desk.explain_credits();
        self.keep(booking);
    }

    /// Lets time pass, and reads everything for the first time at its end: of each record only what it came to.
    fn read_late(&mut self, after: TimeDelta) {
        self.clock.advance(after);
        self.world.advance();
        let shown = self.world.shown_since(CUSTOMER_ID, 0);
        self.seen = shown.len();
        let mut last: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        for (place, row) in shown.iter().enumerate() {
            last.insert((row.resource.name(), row.id.as_str()), place);
        }
        let is_last = |place: &usize, row: &Shown| {
            row.resource == Resource::TransferEntries || last[&(row.resource.name(), row.id.as_str())] == *place
        };
        let mut rows: Vec<&Shown> =
            shown.iter().enumerate().filter(|(place, row)| is_last(place, row)).map(|(_, row)| row).collect();
        // Reports are inside of their transfers.
        rows.sort_by_key(|row| row.resource == Resource::TransferEntries);
        for row in rows {
            if let Some(document) = self.read(row) {
                let booking = self.desk.take(&document, self.clock.now());
                self.keep(booking);
            }
        }
        let booking = self.desk.explain_credits();
        self.keep(booking);
    }

    /// A row as the daemon would have it: a payment whose list row does not say enough is read by id.
    fn read(&mut self, row: &Shown) -> Option<Document> {
        let (shape, body) = match row.resource {
            Resource::Payments => {
                let detail = self.world.detail_now(CUSTOMER_ID, row.resource, row.id.as_str())?;
                (Shape::Detail, detail)
            }
            _ => (Shape::List, row.body.clone()),
        };
        let sighting = sight(row.resource, shape, None, body).expect("readable");
        if row.resource != Resource::TransferEntries {
            return Some(sighting.document.expect("decodable"));
        }
        let times = self.lines.entry(sighting.observation.id.clone()).or_default();
        *times += 1;
        let ordinal = *times - 1;
        Some(sighting.with_ordinal(ordinal).document.expect("decodable"))
    }

    fn keep(&mut self, booking: Booking) {
        for entry in &booking.entries {
            assert!(entry.imbalance().is_zero(), "{entry:?}");
        }
        self.entries.extend(booking.entries);
        self.events.extend(booking.told.into_iter().map(|told| told.event));
        for trouble in booking.troubles {
            *self.troubles.entry(trouble.class).or_default() += 1;
        }
    }

    /// Net debit by what `pick` says of a line.
    fn sums<K: Ord>(
        &self,
        pick: impl Fn(&Entry, &paystand_sync::model::journal::Line) -> Option<K>,
    ) -> BTreeMap<K, Decimal> {
        let mut sums: BTreeMap<K, Decimal> = BTreeMap::new();
        for entry in &self.entries {
            for line in &entry.lines {
                if let Some(key) = pick(entry, line) {
                    *sums.entry(key).or_default() += line.amount.decimal();
                }
            }
        }
        sums.retain(|_, sum| !sum.is_zero());
        sums
    }

    fn differences(&self, reading: Reading) -> Vec<String> {
        let truth: BooksTruth = self.world.books_truth(CUSTOMER_ID);
        let roles = self.sums(|entry, line| Some((line.role.name().to_owned(), entry.currency.as_str().to_owned())));
        let owner = |id: &Option<SourceId>| id.as_ref().map(|id| id.as_str().to_owned());
        let credited =
            self.sums(|_, line| (line.role == Role::Receivable).then(|| owner(&line.links.receivable_id)).flatten());
        let applied = credited.into_iter().map(|(id, sum)| (id, -sum)).collect();
        let unapplied =
            self.sums(|_, line| (line.role == Role::UnappliedCash).then(|| owner(&line.links.payment_id)).flatten());
        let unapplied = unapplied.into_iter().map(|(id, sum)| (id, -sum)).collect();
        let mut wrong = different("role", &truth.roles, &roles);
        wrong.extend(different("applied to", &truth.applied, &applied));
        wrong.extend(different("unapplied of", &truth.unapplied, &unapplied));
        let clearing =
            self.sums(|entry, line| (line.role == Role::Clearing).then(|| entry.currency.as_str().to_owned()));
        wrong.extend(different("in transit", &truth.in_transit, &clearing));
        wrong.extend(self.unproven(&truth, reading));
        wrong
    }

    /// Payouts that the tie-out does not prove, and what it takes for in transit and is not.
    fn unproven(&self, truth: &BooksTruth, reading: Reading) -> Vec<String> {
        let answer = reconcile(&self.entries, &self.events);
        // What a payout without a report carried still seems to be in transit.
        let in_transit: BTreeMap<String, Decimal> = answer
            .totals
            .iter()
            .map(|it| (it.currency.as_str().to_owned(), it.in_transit.decimal() + it.unproven.decimal()))
            .collect();
        let mut wrong = different("tied out in transit", &truth.in_transit, &in_transit);
        for payout in &answer.payouts {
            let id = payout.transfer_id.as_str();
            let told = truth.payouts.iter().find(|told| told.transfer_id == id).expect("it is paid by somebody");
            let fits = match payout.verdict {
                Verdict::Proven => told.report && told.status == "paid",
                Verdict::Unproven { because: Gap::NoReport } => !told.report,
                Verdict::Unproven { because: Gap::ReadLater | Gap::FailedUnreported } => {
                    told.report && reading == Reading::Late
                }
                Verdict::Returned => told.status != "paid",
                Verdict::Wrong { .. } => false,
            };
            if !fits {
                wrong.push(format!("payout {told:?} is {:?}", payout.verdict));
            }
        }
        wrong
    }

    /// What the tie-out says otherwise when it reads one account after the other, and whether it holds much of the books all the same.
    fn folded_otherwise(&self, reading: Reading) -> Vec<String> {
        let whole = reconcile(&self.entries, &self.events);
        let told = |event: &Event| Told { event: event.clone(), root: self.desk.root_of_event(&event.key).cloned() };
        let is_of_transfer = |event: &&Event| event.resource == Resource::Transfers;
        let transfers: Vec<Event> = self.events.iter().filter(is_of_transfer).cloned().collect();
        let causes: HashSet<&str> = transfers.iter().map(|event| event.key.as_str()).collect();
        let is_caused = |(_, entry): &Placed| causes.contains(entry.event_key.as_str());
        let (own, others) = (0..).zip(self.entries.iter().cloned()).partition(is_caused);
        let mut fold = Fold::new(own, transfers);
        fold.take(others, self.events.iter().map(told).collect());
        let held = fold.held();
        let holds_much = reading == Reading::AllAlong && held * 4 > self.entries.len();
        let much = holds_much.then(|| format!("{held} of {} entries are held", self.entries.len()));
        let (whole, folded) = (shown(&whole), shown(&fold.finish()));
        let missing = whole.difference(&folded).map(|it| format!("not account by account: {it}"));
        let more = folded.difference(&whole).map(|it| format!("only account by account: {it}"));
        missing.chain(more).chain(much).collect()
    }
}

/// What a tie-out says, without what accounts at rest leave out.
fn shown(answer: &Reconciliation) -> BTreeSet<String> {
    let payouts = answer.payouts.iter().map(|it| {
        let PayoutProof { transfer_id, paid, booked, reported, verdict, .. } = it;
        format!("{transfer_id}: {paid:?} {booked:?} {reported:?} {verdict:?}")
    });
    let moving = answer.in_transit.iter().filter(|it| !it.amount.is_zero());
    let in_transit = moving.map(|it| format!("in transit {} {}", it.amount, it.currency));
    payouts.chain(in_transit).chain(answer.totals.iter().map(|it| format!("{it:?}"))).collect()
}

fn different<K: Ord + std::fmt::Debug>(
    what: &str,
    truth: &BTreeMap<K, Decimal>,
    ours: &BTreeMap<K, Decimal>,
) -> Vec<String> {
    let mut keys: Vec<&K> = truth.keys().chain(ours.keys()).collect();
    keys.sort();
    keys.dedup();
    let of = |books: &BTreeMap<K, Decimal>, key| books.get(key).copied().unwrap_or_default();
    keys.into_iter()
        .filter(|key| of(truth, key) != of(ours, key))
        .map(|key| format!("{what} {key:?}: {} happened, {} is booked", of(truth, key), of(ours, key)))
        .collect()
}

fn play(seed: u64, reading: Reading, late: &AtomicU64) -> Vec<String> {
    let mut town = Town::new(seed);
    match reading {
        Reading::AllAlong => (0..DAYS * 2).for_each(|_| town.pass(TimeDelta::hours(12))),
        Reading::Late => {
            let hours = i64::try_from(seed % 24).expect("a small number");
            town.read_late(TimeDelta::days(DAYS) - TimeDelta::hours(hours));
            let folded = town.folded_otherwise(reading);
            if !folded.is_empty() {
                return folded;
            }
            if !town.differences(reading).is_empty() {
                // What a refund that failed unseen gave back is charged again by one of the next payouts.
                late.fetch_add(1, Ordering::SeqCst);
                (0..SETTLED_DAYS * 2).for_each(|_| town.pass(TimeDelta::hours(12)));
            }
        }
    }
    let mut wrong = town.differences(reading);
    wrong.extend(town.folded_otherwise(reading));
    if !wrong.is_empty() {
        wrong.push(format!("troubles: {:?}", town.troubles));
    }
    wrong
}

#[test]
fn a_thousand_businesses_are_booked_as_they_happened() {
    play_all(Reading::AllAlong);
}

#[test]
fn a_thousand_businesses_that_are_first_read_at_their_end_are_booked_as_they_happened() {
    play_all(Reading::Late);
}

fn play_all(reading: Reading) {
    let one = std::env::var("ECONOMY_SEED").ok().map(|seed| seed.parse::<u64>().expect("a number"));
    let (from, to) = one.map_or((1, SEEDS), |seed| (seed, seed));
    let (next, late) = (AtomicU64::new(from), AtomicU64::new(0));
    let failures = std::sync::Mutex::new(Vec::new());
    let threads = std::thread::available_parallelism().map_or(2, std::num::NonZero::get).min(8);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::SeqCst);
                    if seed > to {
                        break;
                    }
                    let wrong = play(seed, reading, &late);
                    if !wrong.is_empty() {
                        failures
                            .lock()
                            .expect("nobody panicked")
                            .push(format!("seed {seed}:\n  {}", wrong.join("\n  ")));
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().expect("nobody panicked");
    let count = failures.len();
    let late = late.into_inner();
    assert!(late <= SETTLED_LATER_MAX, "{late} of {} seeds were not explained when they were read", to - from + 1);
    assert!(count == 0, "{count} of {} seeds differ\n{}", to - from + 1, failures[..count.min(5)].join("\n"));
}
