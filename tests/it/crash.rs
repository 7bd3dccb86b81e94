//! `kill -9` anywhere, then `--once`: the same end state, no version twice, no row lost, and no waiting for the dead.

use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use sqlx::PgPool;

use crate::harness::{Running, Site, column};
use crate::literal::{Count, Kind, Literal, Quirks, Row, rows};
use crate::mirror::{assert_mirrored, brief};

const REQUEST_BOUND: Duration = Duration::from_secs(30);

fn server() -> Literal {
    let server = Literal::with(Quirks { count: Count::Absent, page_cap: 25, fees_open: false, ..Quirks::default() });
    server.books(brief);
    server
}

/// Kills a run once the server has had `nth` more requests than `before`, and a little later; or finds that it has ended.
async fn kill_after(server: &Literal, mut running: Running, nth: usize, later_ms: u64) {
    let (before, started) = (server.request_count(), Instant::now());
    while server.request_count() < before + nth && !running.has_ended() {
        assert!(started.elapsed() < REQUEST_BOUND, "{}", running.stderr());
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    tokio::time::sleep(Duration::from_millis(later_ms)).await;
    running.kill();
}

/// Everything stored and delivered, free of times and numbers that two runs may differ in.
async fn end_state(pool: &PgPool) -> Vec<String> {
    let mut lines = Vec::new();
    for query in [
        "select concat_ws(' ', resource, source_id, version, shape, encode(fingerprint, 'hex'), encode(body, 'hex'))
         from paystand_sync.record_version order by 1",
        "select concat_ws(' ', resource, source_id, version, version_last, status, amount, updated_at) from paystand_sync.record order by 1",
        "select concat_ws(' ', key, adapter, state, receipt) from paystand_sync.ledger_entry order by 1",
        "select concat_ws(' ', resource, backfilled_at is null) from paystand_sync.cursor order by 1",
        "select concat_ws(' ', id, version, raw_sha256) from erp.payment order by 1",
    ] {
        lines.extend(column(pool, query).await);
    }
    lines
}

#[tokio::test]
async fn killed_anywhere_the_next_run_ends_in_the_same_state() {
    let server = server();
    let undisturbed = Site::new(&server).await;
    let usual = undisturbed.once_clean().took;
    assert_mirrored(&undisturbed).await;
    let expected = end_state(undisturbed.pool()).await;
    let requests = server.request_count();

    let mut dice = StdRng::seed_from_u64(2);
    for point in 0..10 {
        let site = Site::new(&server).await;
        let nth = 1 + point * requests / 10;
        kill_after(&server, site.start(&["--once"]), nth, dice.random_range(0..40)).await;
        let next = site.once_clean();
        assert!(
            next.took < usual + Duration::from_secs(5),
            "after request {nth} the dead one held it up: {:?}",
            next.took
        );
        assert_eq!(end_state(site.pool()).await, expected, "killed after request {nth}");
        assert_mirrored(&site).await;
    }
}

#[tokio::test]
async fn killed_again_and_again_on_one_database_it_still_comes_to_the_same_end() {
    let server = server();
    let undisturbed = Site::new(&server).await;
    undisturbed.once_clean();
    let expected = end_state(undisturbed.pool()).await;

    let site = Site::new(&server).await;
    let mut dice = StdRng::seed_from_u64(7);
    for round in 0..16 {
        kill_after(&server, site.start(&["--once"]), 1 + round * 2, dice.random_range(0..60)).await;
    }
    site.once_clean();
    assert_eq!(end_state(site.pool()).await, expected);
    assert_mirrored(&site).await;
}

#[tokio::test]
async fn a_change_that_was_read_by_a_killed_run_arrives_once() {
    let server = server();
    let site = Site::new(&server).await;
    site.once_clean();
    let paid = rows::PAYMENTS[0].replace("\"posted\"", "\"paid\"").replace("21:34:58.000Z\"}", "21:40:00.000Z\"}");
    // Older than every window but that of the backfill: only an update of now is found, as at the source.
    let paid =
        paid.replace("\"lastUpdated\": \"2026-05-11T21:40:00.000Z\"", &format!("\"lastUpdated\": \"{}\"", now()));
    server.books(|books| books.put(Kind::Payments, Row::of(&paid)));
    for nth in 1..8 {
        kill_after(&server, site.start(&["--once", "--resource", "payments"]), nth, 0).await;
    }
    site.once_clean();
    let versions = "select version_last::text || ' ' || status from paystand_sync.record where source_id like 'pm6y%'";
    assert_eq!(column(site.pool(), versions).await, ["2 paid"]);
    assert_eq!(column(site.pool(), "select status || version from erp.payment where id like 'pm6y%'").await, ["paid2"]);
}

fn now() -> String {
    crate::mirror::ago(chrono::TimeDelta::zero())
}

#[tokio::test]
async fn two_runs_at_once_on_one_database_end_exact() {
    let server = server();
    let undisturbed = Site::new(&server).await;
    undisturbed.once_clean();
    let expected = end_state(undisturbed.pool()).await;

    let site = Site::new(&server).await;
    let (one, other) = (site.start(&["--once"]), site.start(&["--once"]));
    for finished in [one.finish(Duration::from_mins(1)), other.finish(Duration::from_mins(1))] {
        let stood_back = finished.complaints().iter().any(|line| line.contains("another process"));
        assert!(finished.code == Some(0) || stood_back, "{finished}");
    }
    assert_eq!(end_state(site.pool()).await, expected);
    assert_mirrored(&site).await;
}
