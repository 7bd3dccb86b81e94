//! `kill -9` at two hundred random points of backfills: each goes on where it was, asks again for no more than the windows that were
//! open, and ends exact.

#![expect(clippy::print_stderr, reason = "what was measured is worth reading")]

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use chrono::{NaiveDate, TimeDelta};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use sqlx::PgPool;

use crate::harness::{Site, column, number};
use crate::literal::{Count, Kind, Literal, Quirks, Row, Seen, rows};
use crate::mirror::ago;

const SEED: u64 = 20_260_512;
const KILLS: usize = 200;
/// Windows that a backfill reads at a time.
const IN_FLIGHT: usize = 2;
const DAYS: i64 = 300;
const PAYMENTS: i64 = 600;
/// A run that is to be killed lives for so many requests at most.
const REQUESTS_MAX: usize = 16;
const REQUEST_BOUND: Duration = Duration::from_secs(30);

/// A range of created days, both included.
type Days = (NaiveDate, NaiveDate);

/// What the kills cost.
#[derive(Debug, Default)]
struct Toll {
    kills: usize,
    backfills: usize,
    reread: usize,
    requests: usize,
}

fn server() -> Literal {
    let server = Literal::with(Quirks { count: Count::Absent, page_cap: 25, ..Quirks::default() });
    server.books(|books| {
        for n in 0..PAYMENTS {
            let age = TimeDelta::minutes(n * DAYS * 24 * 60 / PAYMENTS) + TimeDelta::hours(30);
            let payment = rows::payment(&format!("pm{n:022}"), &ago(age), &ago(age - TimeDelta::minutes(5)));
            // Failed ones: of any other the fee that is missing would be looked for, one by one.
            books.put(Kind::Payments, Row::of(&payment.replace("\"posted\"", "\"failed\"")));
        }
    });
    server
}

async fn site(server: &Literal) -> Site {
    let mut site = Site::new(server).await;
    let config = std::fs::read_to_string(site.config_path()).expect("own file");
    let start = (ago(TimeDelta::days(DAYS + 20)))[..10].to_owned();
    site.configure(&config.replace("start_date = \"2026-05-01\"", &format!("start_date = \"{start}\"")));
    site.set("SYNC__PAGES_IN_FLIGHT_MAX", &IN_FLIGHT.to_string());
    site
}

const RUN: [&str; 3] = ["--once", "--resource", "payments"];

/// The created days that these requests ask for.
fn windows(requests: &[Seen]) -> BTreeSet<Days> {
    let day = |seen: &Seen, name: &str| seen.query.get(name).and_then(|day| day.get(..10)?.parse().ok());
    let by_created = |seen: &&Seen| seen.query.get("f.datetype").is_some_and(|stamp| stamp == "created");
    let both = |seen: &Seen| Some((day(seen, "f.datestart")?, day(seen, "f.dateend")?));
    requests.iter().filter(by_created).filter_map(both).collect()
}

/// The created days that are stored as read.
async fn read(pool: &PgPool) -> BTreeSet<Days> {
    let query = "select first_day || ' ' || last_day from paystand_sync.backfill_window";
    let days = |line: &String| {
        let (first, last) = line.split_once(' ').expect("two days");
        (first.parse().expect("a day"), last.parse().expect("a day"))
    };
    column(pool, query).await.iter().map(days).collect()
}

async fn is_backfilled(pool: &PgPool) -> bool {
    let cursors = "select count(*) from paystand_sync.cursor where resource = 'payments' and backfilled_at is not null";
    number(pool, cursors).await > 0
}

async fn is_migrated(pool: &PgPool) -> bool {
    number(pool, "select count(*) from pg_tables where schemaname = 'paystand_sync' and tablename = 'seal'").await > 0
}

/// Everything stored, free of times and numbers that two runs may differ in.
async fn end_state(pool: &PgPool) -> Vec<String> {
    let mut lines = Vec::new();
    for query in [
        "select concat_ws(' ', source_id, version, shape, encode(fingerprint, 'hex')) from paystand_sync.record_version order by 1",
        "select concat_ws(' ', source_id, version, version_last, status, amount, updated_at) from paystand_sync.record order by 1",
        "select concat_ws(' ', key, adapter, state) from paystand_sync.ledger_entry order by 1",
        "select concat_ws(' ', id, version, raw_sha256) from erp.payment order by 1",
    ] {
        lines.extend(column(pool, query).await);
    }
    lines
}

/// Kills one backfill again and again until a run of it comes to its end.
async fn killed_to_the_end(server: &Literal, site: &Site, dice: &mut StdRng, toll: &mut Toll) {
    let pool = site.pool();
    let mut open: BTreeSet<Days> = BTreeSet::new();
    loop {
        let done = if is_migrated(pool).await { read(pool).await } else { BTreeSet::new() };
        let (before, nth, later_ms) =
            (server.request_count(), dice.random_range(1..=REQUESTS_MAX), dice.random_range(0..25));
        let mut running = site.start(&RUN);
        let started = Instant::now();
        while server.request_count() < before + nth && !running.has_ended() {
            assert!(started.elapsed() < REQUEST_BOUND, "{}", running.stderr());
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        tokio::time::sleep(Duration::from_millis(later_ms)).await;
        let has_ended = running.has_ended();
        running.kill();
        let is_over = is_migrated(pool).await && is_backfilled(pool).await;
        if has_ended || is_over {
            toll.kills += usize::from(!has_ended);
            toll.backfills += 1;
            return;
        }
        toll.kills += 1;
        let asked = windows(&server.requests()[before..]);
        let overlaps = |one: &Days, other: &Days| one.0 <= other.1 && other.0 <= one.1;
        for window in &asked {
            assert!(!done.iter().any(|day| overlaps(day, window)), "{window:?} was read before: {done:?}");
        }
        toll.requests += server.request_count() - before;
        toll.reread += open.iter().filter(|window| asked.iter().any(|other| overlaps(other, window))).count();
        let stored = if is_migrated(pool).await { read(pool).await } else { BTreeSet::new() };
        open = asked.into_iter().filter(|window| !stored.contains(window)).collect();
        assert!(open.len() <= IN_FLIGHT, "more windows were open than are read at a time: {open:?}");
    }
}

#[tokio::test]
async fn killed_at_two_hundred_points_a_backfill_reads_again_only_what_was_open() {
    let server = server();
    let undisturbed = site(&server).await;
    let finished = undisturbed.run(&RUN);
    assert_eq!(finished.code, Some(0), "{finished}");
    let expected = end_state(undisturbed.pool()).await;
    assert_eq!(number(undisturbed.pool(), "select count(*) from erp.payment").await, PAYMENTS);

    let (mut dice, mut toll) = (StdRng::seed_from_u64(SEED), Toll::default());
    while toll.kills < KILLS {
        let site = site(&server).await;
        killed_to_the_end(&server, &site, &mut dice, &mut toll).await;
        let finished = site.run(&RUN);
        assert_eq!(finished.code, Some(0), "{finished}");
        assert_eq!(end_state(site.pool()).await, expected, "seed {SEED}, after {} kills", toll.kills);
    }
    let Toll { kills, backfills, reread, requests } = toll;
    eprintln!(
        "seed {SEED}: {kills} kills of {backfills} backfills; {reread} windows begun again in {requests} requests"
    );
    assert!((1..=kills * IN_FLIGHT).contains(&reread), "{reread} windows begun again after {kills} kills");
}
