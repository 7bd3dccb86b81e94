//! Writes of which nobody can tell whether they took effect, by the ten thousand, and an ERP that is away, out of patience or not ready.

#![expect(clippy::print_stderr, reason = "what was measured is worth reading")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use paystand_sync::clock::Clock as _;
use paystand_sync::engine::deliver::{Courier, class_of};
use paystand_sync::engine::error::StepError;
use paystand_sync::erp::Erp;
use paystand_sync::ledger::retry;
use paystand_sync::store::StoreError;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use tokio::sync::Notify;

use crate::harness::{column, number};
use crate::scripted::auditor::audit;
use crate::scripted::office::{LEGS, Office};
use crate::scripted::script::Odds;
use crate::scripted::{InProcess, Script, Scripted, Server};

const SEED: u64 = 20_260_517;
const WRITES: usize = 5_000;
const WRITES_LONG: usize = 100_000;

/// Of a hundred calls that write, so many leave everybody in doubt.
const ODDS: Odds = Odds { ambiguous: 40, throttled: 1, late_max: 300 };
const LAG: u64 = 6;

/// Entries that are booked at a time, once the others are done.
const LOT: usize = 50 * LEGS;

const DAY: Duration = Duration::from_hours(24);

struct Stage {
    office: Office,
    server: Arc<Server>,
    erp: Arc<dyn Erp>,
}

impl Stage {
    async fn set(script: Script) -> Self {
        Self::with_lag(script, LAG, true).await
    }

    async fn with_lag(script: Script, lag: u64, hints: bool) -> Self {
        let office = Office::open().await;
        let server = Server::new(office.clock.clone(), script, lag);
        let transport = Arc::new(InProcess(Arc::clone(&server)));
        let erp: Arc<dyn Erp> = Arc::new(Scripted { hints, ..Scripted::new(transport) });
        Self { office, server, erp }
    }

    fn ambiguous(&self) -> usize {
        self.server.ambiguous().values().sum()
    }

    /// Everything comes to its end, without faults from now on.
    async fn finish(&self) {
        self.server.calm_down();
        let courier = self.office.courier(&self.erp).await;
        // What failed alone waits up to a quarter of an hour, and what is behind it as well.
        for _ in 0..LEGS * 4 {
            self.office.work_off(&courier, DAY).await;
            self.office.clock.advance(Duration::from_mins(20));
        }
        courier.sweep().await.expect("swept");
    }
}

/// One of two processes, of which each takes the lease from the other now and then, in the middle of its work.
struct Rival<'a> {
    stage: &'a Stage,
    writes: usize,
    dice: StdRng,
    mine: &'a Notify,
    theirs: &'a Notify,
}

impl Rival<'_> {
    async fn run(mut self) -> usize {
        let (mut takeovers, mut failures) = (0, 0);
        let mut courier: Option<Courier> = None;
        while self.stage.ambiguous() < self.writes {
            let Some(at_work) = &courier else {
                self.mine.notified().await;
                takeovers += 1;
                courier = Some(self.stage.office.courier(&self.stage.erp).await);
                continue;
            };
            if self.dice.random_ratio(1, 25) {
                self.theirs.notify_one();
            }
            match at_work.deliver().await {
                Ok(0) => {
                    self.stage.office.add(LOT, false).await;
                    self.stage.office.clock.advance(Duration::from_mins(1));
                }
                Ok(_) => failures = 0,
                Err(StepError::Erp(error)) => {
                    failures += 1;
                    self.stage.office.clock.advance(retry::pause(class_of(&error), failures));
                }
                Err(StepError::Store(StoreError::LeaseLost { .. })) => courier = None,
                Err(error) => panic!("{error}"),
            }
        }
        self.theirs.notify_one();
        takeovers
    }
}

#[tokio::test]
async fn of_ambiguous_writes_each_key_has_exactly_one_document_in_the_end() {
    let is_long = std::env::var("PAYSTAND_SYNC_TESTS").is_ok_and(|tests| tests == "long");
    let (writes, started) = (if is_long { WRITES_LONG } else { WRITES }, Instant::now());
    let stage = Stage::set(Script::new(SEED, ODDS)).await;
    let (one, other) = (Notify::new(), Notify::new());
    let rival = |seed, mine, theirs| {
        let dice = StdRng::seed_from_u64(seed);
        Rival { stage: &stage, writes, dice, mine, theirs }.run()
    };
    one.notify_one();
    let (first, second) = tokio::join!(rival(SEED + 1, &one, &other), rival(SEED + 2, &other, &one));
    let (ambiguous, calls) = (stage.server.ambiguous(), stage.server.calls());
    stage.finish().await;
    audit(&stage.server, &stage.office).await;
    let entries = stage.office.entries();
    eprintln!(
        "seed {SEED}: {ambiguous:?} in {calls} calls, {entries} entries posted once each, {} takeovers, {:?}",
        first + second,
        started.elapsed()
    );
    assert!(ambiguous.len() == 5 && ambiguous.values().all(|documents| *documents > writes / 20), "{ambiguous:?}");
    assert!(first + second > 10, "{first} and {second} takeovers");
}

#[tokio::test]
async fn an_erp_that_is_down_for_a_day_is_caught_up_with_in_order() {
    let stage = Stage::set(Script::quiet()).await;
    let (office, courier) = (&stage.office, stage.office.courier(&stage.erp).await);
    office.add(2 * LEGS, false).await;
    stage.server.set_down(true);
    let (until, mut failures) = (office.clock.monotonic() + DAY, 0);
    while office.clock.monotonic() < until {
        office.add(LEGS, false).await;
        let Err(StepError::Erp(error)) = courier.deliver().await else { panic!("it is down") };
        failures += 1;
        office.clock.advance(retry::pause(class_of(&error), failures));
    }
    let pool = &office.database.pool;
    let states = column(pool, "select distinct state from paystand_sync.ledger_entry").await;
    assert_eq!(states, ["pending"], "an outage parks nothing");
    assert_eq!(office.store.open_exception_count().await.expect("our database"), 0, "and asks nobody");
    assert!(failures < 120, "{failures} calls in a day");

    stage.server.set_down(false);
    let soon = office.clock.monotonic() + Duration::from_mins(20);
    while number(pool, "select count(*) from paystand_sync.ledger_entry where state <> 'posted'").await > 0 {
        office.work_off(&courier, DAY).await;
        office.clock.advance(Duration::from_mins(1));
        assert!(office.clock.monotonic() < soon, "it does not catch up by itself");
    }
    audit(&stage.server, office).await;
}

#[tokio::test]
async fn a_limit_of_calls_and_a_locked_account_are_waited_out() {
    let stage = Stage::set(Script::quiet()).await;
    let courier = stage.office.courier(&stage.erp).await;
    stage.office.add(100 * LEGS, false).await;
    stage.server.set_locked(true);
    assert!(matches!(courier.deliver().await, Err(StepError::Erp(_))));
    stage.server.set_locked(false);
    stage.server.limit_rate(Some(3));
    stage.office.work_off(&courier, DAY).await;
    stage.server.limit_rate(None);
    stage.finish().await;
    audit(&stage.server, &stage.office).await;
}

#[tokio::test]
async fn what_the_erp_does_not_show_yet_is_waited_for_and_not_written_over_and_over() {
    let stage = Stage::with_lag(Script::quiet(), 10_000, false).await;
    let (office, courier) = (&stage.office, stage.office.courier(&stage.erp).await);
    office.add(5 * LEGS, false).await;
    for _ in 0..20 {
        courier.deliver().await.expect("answered");
    }
    let drafts = stage.server.books(|books| books.documents().count());
    assert_eq!(drafts, 5, "one draft for the first entry of each payment");
    for _ in 0..2 * LEGS {
        stage.server.settle();
        office.clock.advance(Duration::from_mins(20));
        office.work_off(&courier, DAY).await;
    }
    stage.finish().await;
    audit(&stage.server, office).await;
}

#[tokio::test]
async fn a_payment_of_an_invoice_that_is_not_there_waits_for_it() {
    let stage = Stage::set(Script::quiet()).await;
    let (office, courier) = (&stage.office, stage.office.courier(&stage.erp).await);
    office.add(2 * LEGS, true).await;
    office.work_off(&courier, DAY).await;
    let held = "select key from paystand_sync.ledger_entry where state = 'held' order by position";
    let expected: Vec<String> = [LEGS - 1, 2 * LEGS - 1].into_iter().map(Office::key).collect();
    assert_eq!(column(&office.database.pool, held).await, expected);
    let open = "select class from paystand_sync.exception where resolved_at is null";
    assert_eq!(column(&office.database.pool, open).await, ["held_by_erp"; 2]);

    stage.server.books(|books| (0..2).for_each(|payment| books.add_invoice(&format!("INV-pm{payment}"))));
    office.clock.advance(Duration::from_hours(7));
    office.work_off(&courier, DAY).await;
    audit(&stage.server, office).await;
}

#[tokio::test]
async fn a_document_that_was_voided_at_the_erp_is_for_a_person_and_stays_void() {
    let stage = Stage::set(Script::quiet()).await;
    let (office, courier) = (&stage.office, stage.office.courier(&stage.erp).await);
    office.add(1, false).await;
    office.work_off(&courier, DAY).await;
    stage.server.books(|books| books.void(1));
    // A backup from before it was posted takes the place of our database.
    let restore = "update paystand_sync.ledger_entry set state = 'pending', receipt = null, settled_at = null";
    sqlx::query(restore).execute(&office.database.pool).await.expect("restored");
    office.work_off(&courier, DAY).await;
    let open = "select class from paystand_sync.exception where resolved_at is null";
    assert_eq!(column(&office.database.pool, open).await, ["document_void"]);
    assert_eq!(stage.server.books(|books| books.documents().count()), 1, "nothing was written in its place");
}
