//! Whether a business that was mirrored under faults arrived: what its lists show, and what it did by its own books.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use paystand_sync::clock::{Clock as _, SystemClock};
use paystand_sync::model::resource::Resource;
use paystand_sync::sandbox::CUSTOMER_ID;
use rust_decimal::Decimal;
use sqlx::{AssertSqlSafe, PgPool};

use super::audit::written_again;
use super::paystand::Paystand;
use super::plant::Plant;
use super::state::{assert_same, stamped};
use crate::harness::{Running, column, number};

/// Within this time the daemons catch up with what happened, whatever broke.
pub const DELIVERED: Duration = Duration::from_mins(1);
/// What happens in the business, and is for a person: a bank sent a payout back.
pub const SENT_BACK: &str = " failed_after_posting ";

const WAITING: &str = "
    select (select count(*) from paystand_sync.ledger_entry where settled_at is null)
         + (select count(*) from paystand_sync.booking where booked is null)";
const ROLES: &str = "
    select l.role || ' ' || e.currency, sum(l.debit - l.credit)
    from erp.journal_line l join erp.journal_entry e using (merchant, entry_key) group by 1";
const APPLIED: &str = "
    select receivable_id, sum(credit - debit) from erp.journal_line where role = 'receivable' and receivable_id is not null group by 1";
const UNAPPLIED: &str = "
    select payment_id, sum(credit - debit) from erp.journal_line where role = 'unapplied_cash' group by 1";

/// Rows that lists show and the target does not hold so.
async fn missing(paystand: &Paystand, target: &PgPool) -> Vec<String> {
    // How much of a credit memo a payment used shows only to those who saw the memo before.
    const RESOURCES: [Resource; 5] =
        [Resource::Payments, Resource::Refunds, Resource::Disputes, Resource::Transfers, Resource::CreditMemos];
    let mut missing = Vec::new();
    for resource in RESOURCES {
        let table = resource.singular();
        let rows = format!("select concat_ws(' ', id, extract(epoch from updated_at)::bigint) from erp.{table}");
        let held: Option<Vec<String>> = sqlx::query_scalar(AssertSqlSafe(rows)).fetch_all(target).await.ok();
        let held: BTreeSet<String> = held.into_iter().flatten().collect();
        let shown = paystand.world.rows_now(resource).into_iter();
        let shown = shown.map(|row| format!("{} {}", row.id, row.last_updated.timestamp()));
        missing.extend(shown.filter(|row| !held.contains(row)).map(|row| format!("{table} {row}")));
    }
    missing
}

/// Waits until the target has what lists show, and nothing waits.
pub async fn await_delivery(paystand: &Paystand, plant: &Plant, daemons: &[&Running]) {
    let started = Instant::now();
    loop {
        let waiting: Option<i64> = sqlx::query_scalar(WAITING).fetch_one(plant.own()).await.ok();
        let missing = missing(paystand, &plant.target).await;
        if missing.is_empty() && waiting == Some(0) {
            return;
        }
        if started.elapsed() > DELIVERED {
            let tails: Vec<String> = daemons.iter().map(|daemon| tail(&daemon.stderr())).collect();
            let told = told_of(plant, &missing).await;
            panic!(
                "not within {DELIVERED:?}: {missing:#?}, and {waiting:?} wait\n{told:#?}\n{}",
                tails.join("\n---\n")
            );
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// What is known of rows that are missing, and of entries that wait.
async fn told_of(plant: &Plant, missing: &[String]) -> Vec<String> {
    const SESSIONS: &str = "
        select concat_ws(' ', 'session', pid, state, wait_event_type, wait_event, pg_blocking_pids(pid)::text,
            clock_timestamp() - state_change, regexp_replace(left(query, 200), '\\s+', ' ', 'g'))
        from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()";
    let ids: Vec<&str> = missing.iter().filter_map(|row| row.split(' ').nth(1)).collect();
    let ids = ids.join("', '");
    let mut told = Vec::new();
    for pool in [plant.own(), &plant.target] {
        told.extend(column(pool, SESSIONS).await);
    }
    for query in [
        format!(
            "select concat_ws(' ', 'record', resource, source_id, version, status, updated_at)
             from paystand_sync.record where source_id in ('{ids}')"
        ),
        format!(
            "select concat_ws(' ', 'ledger', key, state, attempts, due_at)
             from paystand_sync.ledger_entry where source_id in ('{ids}')"
        ),
        "select concat_ws(' ', 'waits', key, state, attempts, due_at)
         from paystand_sync.ledger_entry where settled_at is null limit 5"
            .to_owned(),
        "select concat_ws(' ', 'unbooked', resource, source_id) from paystand_sync.booking where booked is null limit 5"
            .to_owned(),
        "select concat_ws(' ', 'lease', name, epoch, expires_at) from paystand_sync.lease".to_owned(),
    ] {
        told.extend(column(plant.own(), &query).await);
    }
    told
}

fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(25)..].join("\n")
}

pub async fn sums(pool: &PgPool, query: &'static str) -> BTreeMap<String, Decimal> {
    let rows: Vec<(String, Decimal)> = sqlx::query_as(query).fetch_all(pool).await.expect("the query holds");
    rows.into_iter().filter(|(_, sum)| !sum.is_zero()).collect()
}

/// The business comes to rest, and runs read what is left.
pub async fn settle_down(paystand: &Paystand, plant: &Plant) {
    paystand.clock.set(SystemClock::new().now());
    paystand.world.advance();
    for _ in 0..2 {
        let finished = plant.site.once();
        assert!(matches!(finished.code, Some(0 | 5)), "{finished}");
    }
    let missing = missing(paystand, &plant.target).await;
    assert!(missing.is_empty(), "{missing:#?} {:#?}", told_of(plant, &missing).await);
}

/// The target holds what happened by the business's own books.
pub async fn assert_books(paystand: &Paystand, plant: &Plant) {
    let truth = paystand.world.books_truth(CUSTOMER_ID);
    let roles = truth
        .roles
        .into_iter()
        .map(|((role, currency), sum)| (format!("{role} {currency}"), sum))
        .collect::<BTreeMap<_, _>>();
    let mut wrong = different("role", &roles, &sums(&plant.target, ROLES).await);
    wrong.extend(different("applied to", &truth.applied, &sums(&plant.target, APPLIED).await));
    wrong.extend(different("unapplied of", &truth.unapplied, &sums(&plant.target, UNAPPLIED).await));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

pub fn different(what: &str, truth: &BTreeMap<String, Decimal>, booked: &BTreeMap<String, Decimal>) -> Vec<String> {
    let keys: BTreeSet<&String> = truth.keys().chain(booked.keys()).collect();
    let of = |books: &BTreeMap<String, Decimal>, key: &String| books.get(key).copied().unwrap_or_default();
    keys.into_iter()
        .filter(|key| of(truth, key) != of(booked, key))
        .map(|key| format!("{what} {key}: {} happened, {} is booked", of(truth, key), of(booked, key)))
        .collect()
}

/// Everything arrived, each row was written once, nothing is for a person, and a further run finds nothing to do.
pub async fn ends_exact(paystand: &Paystand, plant: &Plant) {
    settle_down(paystand, plant).await;
    assert_eq!(number(plant.own(), WAITING).await, 0);
    let mut exceptions = plant.site.open_exceptions().await;
    exceptions.retain(|exception| !exception.contains(SENT_BACK));
    assert_eq!(exceptions, Vec::<String>::new());
    assert_books(paystand, plant).await;
    assert_eq!(written_again(&plant.target).await, Vec::<String>::new(), "written twice");
    let before = stamped(plant).await;
    plant.site.once();
    assert_same(&before, &stamped(plant).await, "a further run");
}
