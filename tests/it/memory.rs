//! Memory is bounded by configuration, not by data, and work grows with the data and not with its square.

#![expect(clippy::print_stderr, reason = "what was measured is worth reading")]

use std::fs;
use std::time::{Duration, Instant};

use crate::harness::{Site, number};
use crate::literal::{Kind, Literal, Row, rows};

const BOUND: Duration = Duration::from_secs(150);
/// How much more four times the rows may take: far less than the bodies of those rows.
const GROWTH_MAX_KIB: u64 = 10 * 1024;
const PEAK_MAX_KIB: u64 = 160 * 1024;

/// A server with `count` payments over twenty days.
fn server(count: u32) -> Literal {
    let server = Literal::start();
    server.books(|books| {
        for n in 0..count {
            let (day, second) = (2 + n % 20, n / 20);
            let created =
                format!("2026-05-{day:02}T{:02}:{:02}:{:02}.000Z", second / 3600, second / 60 % 60, second % 60);
            let updated =
                format!("2026-06-{day:02}T{:02}:{:02}:{:02}.000Z", second / 3600, second / 60 % 60, second % 60);
            // Failed ones: of any other the fee that is missing would be looked for, one by one.
            let payment = rows::payment(&format!("pm{n:022}"), &created, &updated);
            books.put(Kind::Payments, Row::of(&payment.replace("\"posted\"", "\"failed\"")));
        }
    });
    server
}

/// The rows that the database has read for our tables: work that no other load on the machine changes.
const ROWS_READ: &str = "
    select sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0))::int8 from pg_stat_user_tables
    where schemaname in ('paystand_sync', 'erp')";

/// The peak of resident memory of a whole run, in KiB, and how many rows the database read for it.
async fn measure(count: u32) -> (u64, i64) {
    let server = server(count);
    let mut site = Site::new(&server).await;
    site.set("SYNC__PAGES_IN_FLIGHT_MAX", "4");
    let mut running = site.start(&["--once", "--resource", "payments"]);
    let (mut peak, started) = (0, Instant::now());
    while !running.has_ended() {
        let status = fs::read_to_string(format!("/proc/{}/status", running.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0);
        peak = peak.max(kib);
        assert!(started.elapsed() < BOUND, "{count} payments take too long");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let finished = running.finish(BOUND);
    assert_eq!(finished.code, Some(0), "{finished}");
    assert_eq!(number(site.pool(), "select count(*) from erp.payment").await, i64::from(count));
    (peak, number(site.pool(), ROWS_READ).await)
}

#[tokio::test]
async fn four_times_the_rows_take_no_more_memory_and_about_four_times_the_work() {
    let (few, few_read) = measure(5_000).await;
    let (many, many_read) = measure(20_000).await;
    eprintln!("5,000 rows: {few} KiB, {few_read} rows read; 20,000 rows: {many} KiB, {many_read} rows read");
    assert!(many < few + GROWTH_MAX_KIB, "{few} KiB for 5,000 rows, {many} KiB for 20,000");
    assert!(many < PEAK_MAX_KIB, "{many} KiB");
    assert!(many_read * 2 < few_read * 11, "{few_read} rows read for 5,000 rows, {many_read} for 20,000");
}
