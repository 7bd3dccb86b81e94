//! Ten thousand events through a receiver that fails, stalls, redirects, is gone and dies. What is true is in the receiver's own log.
//!
//! The long form plays as many seeds as `SEEDS_LONG`.

#![expect(clippy::print_stderr, reason = "what was measured is worth reading")]

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::time::{Duration, Instant};

use paystand_sync::clock::Clock as _;
use paystand_sync::engine::deliver::{Courier, TARGET_FAILING, TARGET_GONE, class_of};
use paystand_sync::engine::error::StepError;
use paystand_sync::erp::ErpError;
use paystand_sync::erp::webhook::{Settings, message_id};
use paystand_sync::ledger::retry;
use paystand_sync::model::ids::AdapterName;
use paystand_sync::store::{Actor, Scope};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use super::desk::{Desk, HOOK, Tale};
use super::outside::{Line, Outside, python};
use super::{NEW, settings, webhook};
use crate::harness::{column, number};

const SEED: u64 = 20_261_121;
const SUBJECTS: usize = 2_000;
const EVENTS: usize = 10_000;
const SEEDS_LONG: usize = 10;
/// Calls of which one kills the receiver.
const KILL_EVERY: u32 = 12;
/// It dies within so many bytes of its log, of which a message takes some 700: with requests on their way.
const KILL_WITHIN_BYTES: u64 = 30_000;
/// Requests at a time, and so the most that are on their way while one is answered with 410.
const IN_FLIGHT_MAX: usize = 8;
/// Longer than the receiver ever takes, unless it stalls.
const TIMEOUT: Duration = Duration::from_millis(1_500);

/// The events in the order in which they happen; those of one payment lie far apart.
fn tale(number: usize) -> Tale {
    Tale::new(format!("pm{}", number % SUBJECTS), number / SUBJECTS)
}

struct Storm {
    desk: Desk,
    outside: Outside,
    dice: StdRng,
    kills: usize,
    gone: usize,
}

impl Storm {
    async fn rage(&mut self, courier: &Courier) {
        let (mut failures, mut booked) = (0, 0);
        loop {
            match self.deliver(courier).await {
                Ok(0) if booked < EVENTS => {
                    let lot: Vec<Tale> = (booked..booked + SUBJECTS).map(tale).collect();
                    self.desk.tell(&lot, &[]).await;
                    booked += SUBJECTS;
                }
                Ok(0) if self.waiting().await == 0 => return,
                Ok(0) => self.desk.clock.advance(Duration::from_mins(2)),
                Ok(_) => failures = 0,
                Err(StepError::Erp(ErpError::Gone { .. })) => self.stays_gone(courier).await,
                Err(StepError::Erp(error)) => {
                    failures += 1;
                    self.desk.clock.advance(retry::pause(class_of(&error), failures));
                }
                Err(error) => panic!("{error}"),
            }
            if self.outside.is_dead() && (failures > 2 || self.dice.random_ratio(1, 3)) {
                self.outside.serve().await;
            }
        }
    }

    /// One call, in the middle of which the receiver may die.
    async fn deliver(&mut self, courier: &Courier) -> Result<usize, StepError> {
        if self.outside.is_dead() || !self.dice.random_ratio(1, KILL_EVERY) {
            return courier.deliver().await;
        }
        let mark = self.outside.noted() + self.dice.random_range(1..=KILL_WITHIN_BYTES);
        let mut delivered = std::pin::pin!(courier.deliver());
        tokio::select! {
            biased;
            () = self.outside.has_noted(mark) => {}
            result = &mut delivered => return result,
        }
        self.outside.kill();
        self.kills += 1;
        delivered.await
    }

    async fn waiting(&self) -> i64 {
        let left = "select count(*) from paystand_sync.ledger_entry where state <> 'posted'";
        number(&self.desk.database.pool, left).await
    }

    /// For a month nothing more is sent, whoever is at work; then a person has it go on.
    async fn stays_gone(&mut self, courier: &Courier) {
        self.gone += 1;
        let before = self.outside.log().len();
        for _ in 0..30 {
            self.desk.clock.advance(Duration::from_hours(24));
            assert_eq!(courier.deliver().await.expect("nothing is due"), 0);
        }
        assert_eq!(self.outside.log().len(), before, "something was sent after 410");
        let pool = &self.desk.database.pool;
        let paused = "select actor from paystand_sync.pause where scope = 'adapter/hook'";
        assert_eq!(column(pool, paused).await, ["paystand-sync"]);
        let open = "select class from paystand_sync.exception where resolved_at is null and class = 'target_gone'";
        assert_eq!(column(pool, open).await, [TARGET_GONE]);
        self.outside.open_again();
        let (scope, actor) = (Scope::Adapter(AdapterName::new(HOOK)), Actor { name: "ana", reason: "it is back" });
        assert!(self.desk.store.resume(&scope, actor, self.desk.clock.now()).await.expect("our database"));
        assert_eq!(column(pool, open).await, Vec::<String>::new());
    }
}

#[tokio::test]
async fn ten_thousand_events_arrive_each_once_and_in_order_through_every_failure() {
    let Some(python) = python() else { return };
    let seed = std::env::var("WEBHOOK_SEED").ok().and_then(|seed| seed.parse().ok());
    let is_long = std::env::var("PAYSTAND_SYNC_TESTS").is_ok_and(|tests| tests == "long");
    let seeds = if is_long && seed.is_none() { SEEDS_LONG } else { 1 };
    for seed in (seed.unwrap_or(SEED)..).take(seeds) {
        play(&python, seed).await;
    }
}

async fn play(python: &Path, seed: u64) {
    eprintln!("seed {seed}; WEBHOOK_SEED={seed} plays it again");
    let started = Instant::now();
    let outside = Outside::start(python, NEW, seed, TIMEOUT * 2).await;
    let erp = webhook(Settings { request_timeout: TIMEOUT, ..settings(&outside.url(), &[NEW]) });
    let desk = Desk::open().await;
    desk.enroll(HOOK, &*erp).await;
    let courier = desk.courier(HOOK, &erp).await;
    let dice = StdRng::seed_from_u64(seed);
    let mut storm = Storm { desk, outside, dice, kills: 0, gone: 0 };
    storm.rage(&courier).await;

    let log = storm.outside.log();
    let fates = judge(&log, &storm.desk);
    let arrivals: usize = fates.values().sum();
    eprintln!(
        "seed {seed}: {EVENTS} events of {SUBJECTS} payments in {arrivals} requests, {} kills, {} times gone, {fates:?}, {:?}",
        storm.kills,
        storm.gone,
        started.elapsed()
    );
    assert!(storm.kills > 3 && storm.gone > 0 && arrivals > EVENTS * 11 / 10, "the storm was none");
    for fate in [
        "error before",
        "error after",
        "declined",
        "redirect",
        "throttled",
        "busy",
        "cut before",
        "cut after",
        "stall before",
        "stall after",
        "gone",
    ] {
        assert!(fates.contains_key(fate), "{fate} never happened: {fates:?}");
    }
    let pool = &storm.desk.database.pool;
    let open = "select class || ': ' || detail from paystand_sync.exception where resolved_at is null";
    assert_eq!(column(pool, open).await, Vec::<String>::new(), "all is well, and nobody is asked");
    let failing = format!("select count(*) from paystand_sync.exception where class = '{TARGET_FAILING}'");
    assert_eq!(number(pool, &failing).await, 0, "no outage was long");
}

/// Returns how often each fate came.
fn judge(log: &[Line], desk: &Desk) -> BTreeMap<String, usize> {
    let expected: HashMap<String, usize> =
        (0..EVENTS).map(|number| (message_id(&desk.world_key(&tale(number).key())), number)).collect();
    let mut fates = BTreeMap::new();
    let (mut taken, mut acknowledged) = (BTreeSet::new(), BTreeSet::new());
    let mut sequences: HashMap<&str, u64> = HashMap::new();
    let mut gone = 0;
    for line in log {
        match line {
            Line::Arrived { id, root, sequence, fate } => {
                gone = if fate == "gone" { gone + 1 } else { 0 };
                assert!(gone <= IN_FLIGHT_MAX, "{id} was sent after 410");
                *fates.entry(fate.clone()).or_default() += 1;
                let number = *expected.get(id).unwrap_or_else(|| panic!("{id} was never told"));
                assert_eq!(*root, tale(number).root, "{id}");
                let before = number.checked_sub(SUBJECTS);
                let in_order = before.is_none_or(|before| acknowledged.contains(&before));
                assert!(in_order, "{} came before what happened before it", tale(number).key());
                let last = sequences.entry(root).or_default();
                assert!(*last <= *sequence, "{}: {sequence} after {last}", tale(number).key());
                *last = *sequence;
            }
            Line::Taken { id, body } => {
                let number = expected[id];
                assert!(taken.insert(number), "{} was taken twice", tale(number).key());
                assert!(body.contains(&format!("\"{}\"", tale(number).key())), "{id} is another event: {body}");
            }
            Line::Answered { id, status } => {
                if (200..300).contains(status) {
                    acknowledged.insert(expected[id]);
                }
            }
            Line::Wrong(text) => panic!("the receiver was sent something else: {text}"),
        }
    }
    assert_eq!(taken.len(), EVENTS, "every event was taken");
    assert_eq!(acknowledged.len(), EVENTS, "and said to be");
    fates
}
