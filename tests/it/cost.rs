//! What a payment costs in requests and rows written, from the list to the ERP: counts, which no other load on the machine changes.
//!
//! More than the bounds say means that something is written twice, or that something new is: then the bound is raised on purpose.

#![expect(clippy::print_stderr, reason = "what was counted is worth reading")]

use std::time::Duration;

use crate::harness::{Site, eventually, number};
use crate::literal::{Kind, Literal, Row, rows};
use crate::mirror::ago;

const BOUND: Duration = Duration::from_mins(2);
const PAGE_ROWS: i64 = 100;

/// Requests for a page of payments, of which each row comes in one backfill window and is looked at once more before its day is sealed.
/// Tails are not counted: how many there are is a matter of time.
const REQUESTS_PER_PAGE_MAX: f64 = 2.5;
/// Of a payment with one fee: records, versions, bookings, homes, events, entries with their lines, what is due at the adapter, and the
/// same again in its tables.
const INSERTED_MAX: f64 = 36.0;
/// Of each entry that it was posted, and of each version that it was booked.
const UPDATED_MAX: f64 = 9.0;

/// Index entries of the ledger that are read for one entry of it, from its derivation until it is settled.
const LOOKED_AT_MAX: i64 = 30;

#[derive(Debug, Clone, Copy)]
struct Counts {
    requests: i64,
    inserted: i64,
    updated: i64,
}

/// A server with `count` payments, each with its fee, over ten days.
fn server(count: i64) -> Literal {
    let server = Literal::start();
    server.books(|books| {
        for n in 0..count {
            let (day, second) = (2 + n % 10, n / 10);
            let at = |month| {
                format!("2026-{month}-{day:02}T{:02}:{:02}:{:02}.000Z", second / 3600, second / 60 % 60, second % 60)
            };
            books.put(Kind::Payments, payment(n, &at("05"), &at("06")));
        }
    });
    server
}

/// Payment number `n` with its fee.
fn payment(n: i64, created: &str, updated: &str) -> Row {
    let fee = format!(
        r#""fees": [{{"object": "fee", "id": "fe{n:022}", "amount": "2.50", "feeType": "paystand", "currency": "USD"}}]"#
    );
    let payment = rows::payment(&format!("pm{n:022}"), created, updated);
    Row::of(&payment.replace(r#""fees": []"#, &fee))
}

/// What a daemon takes until everything is posted.
async fn measure(count: i64) -> Counts {
    const POSTED: &str = "
        select (not exists (select from paystand_sync.booking where booked is null)
            and not exists (select from paystand_sync.ledger_entry where settled_at is null))::int::int8";
    const WRITTEN: &str = "select tup_inserted from pg_stat_database where datname = current_database()";
    const UPDATED: &str = "select tup_updated from pg_stat_database where datname = current_database()";
    const OTHERS: &str = "select count(*) from pg_stat_activity where datname = current_database() and application_name = 'paystand-sync'";
    let server = server(count);
    let mut site = Site::new(&server).await;
    site.set("SYNC__PAGE_ROWS", &PAGE_ROWS.to_string());
    let running = site.start(&["--resource", "payments"]);
    eventually("everything is posted", BOUND, async || {
        let staged = sqlx::query_scalar("select count(*) from erp.payment").fetch_one(site.pool()).await;
        staged.is_ok_and(|staged: i64| staged == count) && number(site.pool(), POSTED).await == 1
    })
    .await;
    running.terminate();
    let finished = running.finish(BOUND);
    assert_eq!(finished.code, Some(0), "{finished}");
    let by_day =
        server.requests().iter().filter(|seen| seen.query.get("f.datetype").is_some_and(|it| it == "created")).count();
    let requests = i64::try_from(by_day).expect("a small number");
    // Counts are told when a session ends.
    eventually("its sessions ended", BOUND, async || number(site.pool(), OTHERS).await == 0).await;
    let (inserted, updated) = (number(site.pool(), WRITTEN).await, number(site.pool(), UPDATED).await);
    Counts { requests, inserted, updated }
}

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::cast_precision_loss, reason = "counts of thousands, and no money")]
async fn a_payment_costs_no_more_requests_and_rows_than_it_must() {
    let (few, many) = (1_000, 3_000);
    let (one, other) = (measure(few).await, measure(many).await);
    let per = |more: i64, by: i64| more as f64 / by as f64;
    let requests = per(other.requests - one.requests, (many - few) / PAGE_ROWS);
    let (inserted, updated) =
        (per(other.inserted - one.inserted, many - few), per(other.updated - one.updated, many - few));
    eprintln!("{requests:.2} requests for a page; {inserted:.2} rows inserted and {updated:.2} updated for a payment");
    assert!(requests <= REQUESTS_PER_PAGE_MAX, "{requests} requests for a page");
    assert!(inserted <= INSERTED_MAX, "{inserted} rows inserted for a payment");
    assert!(updated <= UPDATED_MAX, "{updated} rows updated for a payment");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_is_delivered_without_a_look_at_all_others() {
    const ENTRIES: &str = "select count(*) from paystand_sync.ledger_entry";
    const LOOKED_AT: &str = "
        select sum(idx_tup_read)::int8 from pg_stat_user_indexes
        where schemaname = 'paystand_sync' and relname = 'ledger_entry'";
    let (before, news) = (500, 90);
    let server = server(before);
    let site = Site::new(&server).await;
    site.once_clean();
    // What Postgres knows after a quiet while: that nothing is open. So few news do not make it look again.
    sqlx::query("vacuum analyze paystand_sync.ledger_entry").execute(site.pool()).await.expect("it may");
    let counts = async || (number(site.pool(), ENTRIES).await, number(site.pool(), LOOKED_AT).await);
    let (entries, looked_at) = counts().await;
    let now = ago(chrono::TimeDelta::zero());
    server.books(|books| {
        for n in before..before + news {
            books.put(Kind::Payments, payment(n, &now, &now));
        }
    });
    site.once_clean();
    let after = counts().await;
    let (entries, looked_at) = (after.0 - entries, after.1 - looked_at);
    assert!(entries > 5 * news, "{entries} entries");
    eprintln!("{} index entries of the ledger read for one of {entries} entries", looked_at / entries);
    assert!(looked_at <= LOOKED_AT_MAX * entries, "{looked_at} index entries for {entries} entries");
}
