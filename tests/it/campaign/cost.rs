//! What a quiet poll costs: one request for each list whose window holds a page or more, two where it holds less, and no row.

use std::time::Duration;

use paystand_sync::model::resource::Resource;
use paystand_sync::sandbox::{Quirks, Seeding};

use super::stage::{Settings, Stage, play};
use crate::harness::column;

/// Rows of a page.
const PAGE_ROWS: u32 = 10;
const LISTED: [(Resource, &str); 9] = [
    (Resource::Customers, "GET /payerCustomers"),
    (Resource::Receivables, "GET /receivables"),
    (Resource::Payments, "GET /payments/all"),
    (Resource::Fees, "GET /fees"),
    (Resource::Refunds, "GET /refunds"),
    (Resource::Disputes, "GET /disputes"),
    (Resource::Withdrawals, "GET /withdrawals"),
    (Resource::Transfers, "GET /transfers"),
    (Resource::CreditMemos, "GET /creditMemos"),
];

/// All rows that a poll without news may not write, as Postgres stamped them.
async fn rows(stage: &Stage) -> Vec<String> {
    let mut rows = Vec::new();
    for table in ["record", "record_version", "ledger_entry", "exception", "seal", "backfill_window"] {
        let query =
            format!("select '{table} ' || ctid::text || ' ' || xmin::text from paystand_sync.{table} order by 1");
        rows.extend(column(&stage.database.pool, &query).await);
    }
    rows
}

async fn cursors(stage: &Stage) -> Vec<String> {
    let query = "select resource || ' ' || xmin::text from paystand_sync.cursor order by 1";
    column(&stage.database.pool, query).await
}

/// A world at rest for days, of which everything is stored; of each list `rows` rows have changed, and `pause` has gone by since.
async fn settled(rows: usize, pause: Duration) -> Stage {
    let seeding = Seeding { payments: 60, days: 20, frozen: true, ..Seeding::default() };
    let mut stage =
        Stage::new(Settings { page_rows: PAGE_ROWS, seeding, quirks: Quirks::default(), ..Settings::default() }).await;
    for (resource, _) in LISTED {
        stage.create_rows(resource, rows, Duration::from_secs(1));
    }
    stage.poll_all().await;
    stage.advance(Duration::from_hours(100));
    stage.poll_all().await;
    for (resource, _) in LISTED {
        stage.touch_mixed(resource, rows, Duration::from_secs(3));
    }
    stage.advance(pause);
    stage.poll_all().await;
    stage.deliver().await;
    stage
}

#[test]
fn a_quiet_poll_of_a_full_page_is_one_request_and_writes_nothing_but_a_cursor() {
    play(async {
        let mut stage = settled(15, Duration::from_mins(30)).await;
        let before = rows(&stage).await;
        for (resource, route) in LISTED {
            for _ in 0..3 {
                stage.advance(Duration::from_secs(30));
                let asked = stage.world.requests().by_endpoint[route];
                stage.polled(resource).await;
                assert_eq!(stage.world.requests().by_endpoint[route] - asked, 1, "{resource}");
            }
        }
        assert_eq!(rows(&stage).await, before);
    });
}

#[test]
fn a_quiet_poll_of_less_than_a_page_is_two_requests() {
    play(async {
        let mut stage = settled(4, Duration::from_secs(10)).await;
        let before = rows(&stage).await;
        for (resource, route) in LISTED.into_iter().filter(|(resource, _)| resource.filters_by_date()) {
            stage.advance(Duration::from_secs(30));
            let asked = stage.world.requests().by_endpoint[route];
            stage.polled(resource).await;
            assert_eq!(stage.world.requests().by_endpoint[route] - asked, 2, "{resource}");
        }
        assert_eq!(rows(&stage).await, before);
    });
}

#[test]
fn quiet_polls_write_a_cursor_about_once_a_minute() {
    play(async {
        let mut stage = settled(15, Duration::from_mins(30)).await;
        let mut writes = 0;
        let mut before = cursors(&stage).await;
        for _ in 0..20 {
            stage.advance(Duration::from_secs(15));
            stage.polled(Resource::Receivables).await;
            let after = cursors(&stage).await;
            writes += usize::from(after != before);
            before = after;
        }
        assert!((4..=5).contains(&writes), "{writes} writes in five minutes");
    });
}
