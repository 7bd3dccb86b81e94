//! What must be the same whatever happened on the way: all that is stored and delivered, free of times and of numbers that two
//! undisturbed runs may differ in.

use sqlx::PgPool;

use super::plant::Plant;
use crate::harness::column;

const OWN: [&str; 10] = [
    "select concat_ws(' ', 'version', resource, source_id, version, shape, encode(fingerprint, 'hex'))
     from paystand_sync.record_version order by 1",
    "select concat_ws(' ', 'record', resource, source_id, version, version_last, status, amount, currency, updated_at)
     from paystand_sync.record order by 1",
    "select concat_ws(' ', 'event', event_key, kind, resource, source_id, root, fact,
        case when resource <> 'transfer_entries' then occurred_at end) from paystand_sync.event order by 1",
    "select concat_ws(' ', 'entry', entry_key, event_key, root, entry_date, currency, memo, reverses) from paystand_sync.journal_entry
     order by 1",
    "select concat_ws(' ', 'line', (to_jsonb(l) - 'merchant')::text) from paystand_sync.journal_line l order by 1",
    "select concat_ws(' ', 'booking', resource, source_id, version, booked is null) from paystand_sync.booking order by 1",
    "select concat_ws(' ', 'ledger', key, adapter, what, root, state, receipt) from paystand_sync.ledger_entry order by 1",
    "select concat_ws(' ', 'exception', class, subject) from paystand_sync.exception where resolved_at is null order by 1",
    "select concat_ws(' ', 'item', resource, source_id, reason) from paystand_sync.open_item order by 1",
    "select concat_ws(' ', 'cursor', resource, backfilled_at is null, unavailable_since is null) from paystand_sync.cursor order by 1",
];

/// A row of a staging table. Lines of a report bear no date: they happen when they are first read.
const ROW: &str = "
    case when t->>'subject_kind' = 'transfer_entry' then (t #- '{envelope,time}') - 'occurred_at' else t end - 'written_at'";

/// The tables of a staging schema.
const TABLES: &str = "
    select table_name::text from information_schema.tables
    where table_schema = 'erp' and table_name <> 'paystand_sync_schema' order by 1";

/// What an installation came to.
pub async fn state(plant: &Plant) -> Vec<String> {
    let mut lines = own(plant.own()).await;
    lines.extend(delivered(&plant.target).await);
    lines
}

/// What is stored with us.
pub async fn own(pool: &PgPool) -> Vec<String> {
    let mut lines = Vec::new();
    for query in OWN {
        lines.extend(column(pool, query).await);
    }
    lines
}

/// What the target holds.
pub async fn delivered(pool: &PgPool) -> Vec<String> {
    let mut lines = Vec::new();
    for table in column(pool, TABLES).await {
        let rows = format!(
            "select '{table} ' || ({ROW})::text from (select to_jsonb(t) as t from erp.{table} t) t order by 1"
        );
        lines.extend(column(pool, &rows).await);
    }
    lines
}

/// The same with what Postgres stamps on a row that is written, even if it is written as it was.
pub async fn stamped(plant: &Plant) -> Vec<String> {
    let mut lines = Vec::new();
    for table in column(&plant.target, TABLES).await {
        let rows = format!("select '{table} ' || xmin::text || ' ' || ctid::text from erp.{table} order by 1");
        lines.extend(column(&plant.target, &rows).await);
    }
    for table in ["record", "record_version", "event", "journal_entry", "journal_line", "ledger_entry", "exception"] {
        let rows =
            format!("select '{table} ' || xmin::text || ' ' || ctid::text from paystand_sync.{table} order by 1");
        lines.extend(column(plant.own(), &rows).await);
    }
    lines
}

/// Where two states differ.
pub fn difference(expected: &[String], found: &[String]) -> Vec<String> {
    let lost = expected.iter().filter(|line| !found.contains(line)).map(|line| format!("- {line}"));
    let more = found.iter().filter(|line| !expected.contains(line)).map(|line| format!("+ {line}"));
    let mut lines: Vec<String> = lost.chain(more).collect();
    if lines.is_empty() && expected.len() != found.len() {
        lines.push(format!("{} lines instead of {}", found.len(), expected.len()));
    }
    lines
}

#[track_caller]
pub fn assert_same(expected: &[String], found: &[String], what: &str) {
    let difference = difference(expected, found);
    let shown: Vec<String> = difference.iter().take(12).map(|line| line.chars().take(300).collect()).collect();
    assert!(difference.is_empty(), "{what}, {} lines:\n{}", difference.len(), shown.join("\n"));
}
