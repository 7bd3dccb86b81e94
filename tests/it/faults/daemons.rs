//! Two daemons on one database: they share the work, one replaces the other while it is stopped, and the one that was stopped wakes up
//! to nothing that it could still commit.

#![expect(clippy::print_stderr, reason = "how long a change of hands took is worth reading")]

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use rustix::process::Signal;

use super::audit::{as_role, fouls, held, leases_of, watch_own, watch_target, writes, written_again};
use super::exact::{DELIVERED, await_delivery, ends_exact};
use super::paystand::Paystand;
use super::plant::{Kind, Plant};
use super::{is_long, play, seed};
use crate::harness::{Running, Site, column, eventually, number};

const SEED: u64 = 20_260_602;
const BUSINESS: u64 = 5;
const ROUNDS: usize = 20;
const ROUNDS_LONG: usize = 200;
/// What passes in the business from one round to the next.
const ROUND: TimeDelta = TimeDelta::hours(6);
/// A change of hands: a lease of two seconds, and a standby that looks more often than that.
const HANDED_OVER: Duration = Duration::from_secs(15);
/// Requests at most before one is stopped.
const REQUESTS_MAX: u64 = 60;
const LOST: &str = "was lost to another process";

/// One of the two.
struct Daemon {
    site: Site,
    role: String,
    running: Running,
}

impl Daemon {
    async fn start(plant: &Plant, number: u8) -> Self {
        let database = column(plant.own(), "select current_database()::text").await.remove(0);
        let role = format!("daemon_{number}_{database}");
        let mut site = plant.site.beside();
        site.set_variable("DATABASE_URL", &as_role(&plant.site.database, &role).await);
        let running = site.start(&[]);
        Self { site, role, running }
    }

    async fn is_here(&self, plant: &Plant) -> bool {
        let sessions = format!("select count(*) from pg_stat_activity where usename = '{}'", self.role);
        number(plant.own(), &sessions).await > 1
    }

    /// How often it was told that a lease is not its own any more.
    fn losses(&self) -> usize {
        self.running.stderr().matches(LOST).count()
    }

    /// The leases that it holds, as far as the database knows.
    async fn leases(&self, plant: &Plant) -> usize {
        leases_of(plant.own(), &self.role).await
    }

    fn end(self) {
        self.running.terminate();
        let finished = self.running.finish(Duration::from_secs(20));
        assert_eq!(finished.code, Some(0), "{finished}");
        drop(self.site);
    }
}

/// An installation with witnesses on both sides, and a business to go with it.
async fn watched(rounds: usize) -> (Paystand, Plant) {
    let rounds = i32::try_from(rounds).expect("a small number");
    let paystand = Paystand::alive(BUSINESS, ROUND * (rounds + 1));
    let plant = Plant::new(&paystand, Kind::StagingThere).await;
    // Its clock is right in the end; until then an exception says so.
    plant.site.once();
    watch_own(plant.own()).await;
    watch_target(&plant.target).await;
    (paystand, plant)
}

/// Two daemons, once every lease is one of theirs.
async fn two(plant: &Plant) -> (Daemon, Daemon) {
    let (one, other) = (Daemon::start(plant, 1).await, Daemon::start(plant, 2).await);
    let leases = held(plant.own()).await.len();
    eventually("all work is taken", HANDED_OVER, async || {
        one.leases(plant).await + other.leases(plant).await == leases
            && one.is_here(plant).await
            && other.is_here(plant).await
    })
    .await;
    (one, other)
}

#[test]
fn two_daemons_share_the_work_and_leave_each_other_what_they_hold() {
    const SHARED_ROUNDS: usize = 6;
    play(async {
        let (paystand, plant) = watched(SHARED_ROUNDS).await;
        let (one, other) = two(&plant).await;
        paystand.pass(ROUND);
        await_delivery(&paystand, &plant, &[&one.running, &other.running]).await;
        let before = held(plant.own()).await;
        for _ in 1..SHARED_ROUNDS {
            let requests = paystand.world.requests().total;
            paystand.pass(ROUND);
            await_delivery(&paystand, &plant, &[&one.running, &other.running]).await;
            eventually("both look on", DELIVERED, async || paystand.world.requests().total > requests + 30).await;
        }
        assert_eq!(held(plant.own()).await, before, "a lease changed hands though its holder is well");
        assert!(writes(&plant.target).await > 0);
        one.end();
        other.end();
        assert_eq!(fouls(plant.own()).await, Vec::<String>::new());
        ends_exact(&paystand, &plant).await;
    });
}

/// Stops one of the two in the middle of something, and lets the other one do the work meanwhile.
async fn stopped_and_woken(
    paystand: &Paystand,
    plant: &Plant,
    (victim, heir): (&Daemon, &Daemon),
    requests: u64,
) -> Duration {
    let before = paystand.world.requests().total;
    paystand.pass(ROUND / 2);
    eventually("it is at work", DELIVERED, async || paystand.world.requests().total >= before + requests).await;
    let losses = victim.losses();
    let held = victim.leases(plant).await;
    victim.running.signal(Signal::STOP);
    let stopped = Instant::now();
    eventually("all its leases have changed hands", HANDED_OVER, async || victim.leases(plant).await == 0).await;
    let took = stopped.elapsed();
    await_delivery(paystand, plant, &[&victim.running, &heir.running]).await;
    paystand.pass(ROUND / 2);
    await_delivery(paystand, plant, &[&victim.running, &heir.running]).await;
    victim.running.signal(Signal::CONT);
    if held > 0 {
        eventually("it notices what it lost", HANDED_OVER, async || victim.losses() > losses).await;
    }
    took
}

#[test]
fn a_daemon_that_is_stopped_is_replaced_and_commits_nothing_when_it_wakes() {
    let rounds = if is_long() { ROUNDS_LONG } else { ROUNDS };
    let seed = seed(SEED);
    let mut dice = StdRng::seed_from_u64(seed);
    play(async {
        let (paystand, plant) = watched(rounds).await;
        let (one, other) = two(&plant).await;
        let mut slowest = Duration::ZERO;
        for round in 0..rounds {
            // Whoever delivers is the more interesting one.
            let deliverer = "select a.role from audit.lease a join paystand_sync.lease l using (name, holder, epoch)
                             where name = 'deliver/books' order by a.no desc limit 1";
            let by_other = column(plant.own(), deliverer).await.first().is_some_and(|role| *role == other.role);
            let is_other = by_other ^ dice.random_bool(0.2);
            let pair = if is_other { (&other, &one) } else { (&one, &other) };
            let requests = dice.random_range(0..=REQUESTS_MAX);
            let took = stopped_and_woken(&paystand, &plant, pair, requests).await;
            slowest = slowest.max(took);
            assert_eq!(fouls(plant.own()).await, Vec::<String>::new(), "seed {seed}, round {round}");
            assert_eq!(written_again(&plant.target).await, Vec::<String>::new(), "seed {seed}, round {round}");
        }
        one.end();
        other.end();
        ends_exact(&paystand, &plant).await;
        let written = writes(&plant.target).await;
        eprintln!(
            "seed {seed}: {rounds} changes of hands, the slowest took {slowest:?}; {written} rows written, none twice"
        );
    });
}

#[test]
fn two_daemons_that_lost_all_their_connections_do_not_take_work_from_each_other_without_end() {
    const OTHERS: &str = "
        select count(pg_terminate_backend(pid)) from pg_stat_activity
        where datname = current_database() and usename like 'daemon%' and pid <> pg_backend_pid()";
    const ALIVE: &str = "
        select count(distinct pid) from pg_locks join pg_stat_activity using (pid)
        where locktype = 'advisory' and granted and datname = current_database() and state = 'idle' and usename like 'daemon%'
            and backend_start > ";
    play(async {
        let (paystand, plant) = watched(2).await;
        let (one, other) = two(&plant).await;
        paystand.pass(ROUND);
        await_delivery(&paystand, &plant, &[&one.running, &other.running]).await;
        let lost_at = column(plant.own(), "select quote_literal(clock_timestamp())").await.remove(0);
        assert!(number(plant.own(), OTHERS).await > 2, "both have connections");
        let alive = format!("{ALIVE} {lost_at}");
        eventually("both show again that they are alive", HANDED_OVER, async || number(plant.own(), &alive).await == 2)
            .await;
        paystand.pass(ROUND);
        await_delivery(&paystand, &plant, &[&one.running, &other.running]).await;
        // Whoever waits longer than a lease lasts before it tries again has lost it to the other one meanwhile, once.
        eventually("what each does comes to rest", DELIVERED, async || {
            let (before, requests) = (held(plant.own()).await, paystand.world.requests().total);
            eventually("both look on", DELIVERED, async || paystand.world.requests().total > requests + 60).await;
            held(plant.own()).await == before
        })
        .await;
        one.end();
        other.end();
        assert_eq!(fouls(plant.own()).await, Vec::<String>::new());
        ends_exact(&paystand, &plant).await;
    });
}

#[test]
fn the_witness_sees_a_commit_under_the_lease_of_another() {
    play(async {
        let (_paystand, plant) = watched(1).await;
        plant.site.once();
        assert_eq!(fouls(plant.own()).await, Vec::<String>::new());
        let url = as_role(&plant.site.database, &format!("zombie_{}", std::process::id())).await;
        let zombie = sqlx::PgPool::connect(&url).await.expect("a login");
        let write = "update paystand_sync.ledger_entry set state = 'pending' where key = (select min(key) from paystand_sync.ledger_entry)";
        sqlx::query(write).execute(&zombie).await.expect("the query holds");
        zombie.close().await;
        let fouls = fouls(plant.own()).await;
        assert!(
            matches!(&fouls[..], [foul] if foul.starts_with("zombie_") && foul.contains(" deliver/books ")),
            "{fouls:?}"
        );
    });
}
