//! A long history: the rows of a small business copied in SQL as those of other customers, long ago and with small bodies.
//!
//! Of records, versions and ledger entries there are as many as wanted. The books come in their proportion to the entries, so the
//! oldest versions have none, like those of a time before the adapter.

use std::path::Path;
use std::time::Instant;

use anyhow::ensure;
use sqlx::{AssertSqlSafe, PgConnection};

/// Rows of the business, and what a copy of them is called. A copy is an integer from 1, the oldest, to as many as there are.
const PREPARE: &str = "
    create schema template;
    create function template.id(id text, copy int8) returns text language sql immutable as
        $$ select left(md5(id || copy) || md5(copy || id), length(id)) $$;
    create function template.key(key text, id text, copy int8) returns text language sql immutable as
        $$ select replace(key, id, template.id(id, copy)) $$;
    create function template.ago(copy int8, copies int8) returns interval language sql immutable as
        $$ select interval '65 days' + interval '1826 days' * ((copies - copy)::float8 / copies) $$;
    create table template.record as table record;
    create table template.record_version as table record_version;
    create table template.ledger_entry as table ledger_entry;
    create table template.booking as
        select *, max(booked) over () as booked_last, max(batch) over () as batch_last from booking;
    create table template.event as table event;
    create table template.home as table home;
    create table template.journal_entry as
        select j.*, e.source_id from journal_entry j join event e using (merchant, event_key);
    create table template.journal_line as
        select l.*, j.source_id from journal_line l join template.journal_entry j using (merchant, entry_key)";

/// Keys and indexes of the tables that are filled: made anew in one go, for row by row they would take hours. Foreign keys go first.
const SET_ASIDE: &str = "
    create table template.made as
    select case contype when 'f' then 1 else 3 end as place,
        format('alter table %s drop constraint %I', conrelid::regclass, conname) as gone,
        format('alter table %s add constraint %I %s', conrelid::regclass, conname, pg_get_constraintdef(c.oid)) as back
    from pg_constraint c join pg_class t on t.oid = c.conrelid
    where t.relnamespace = 'paystand_sync'::regnamespace and c.contype in ('p', 'f')
        and to_regclass('template.' || quote_ident(t.relname)) is not null
    union all
    select 2, format('drop index %s', i.indexrelid::regclass), pg_get_indexdef(i.indexrelid)
    from pg_index i join pg_class t on t.oid = i.indrelid
    where t.relnamespace = 'paystand_sync'::regnamespace and to_regclass('template.' || quote_ident(t.relname)) is not null
        and not exists (select from pg_constraint c where c.conindid = i.indexrelid and c.contype = 'p')";
const GO: &str = "select gone from template.made order by place, gone";
const COME_BACK: &str = "select back from template.made order by place desc, back";

/// Each takes the first and the last copy.
const VERSIONS: [&str; 3] = [
    "insert into record (merchant, resource, source_id, version, version_last, embedded_fingerprint, list_fingerprint,
        detail_fingerprint, content, status, amount, currency, created_at, updated_at, parent_id, subject_id, party, recorded_at)
    select merchant, resource, template.id(source_id, k), version, version_last, embedded_fingerprint, list_fingerprint,
        detail_fingerprint, content, status, amount, currency, created_at - ago, updated_at - ago, template.id(parent_id, k),
        template.id(subject_id, k), template.id(party, k), recorded_at - ago
    from generate_series($1, $2) as k cross join template.ago(k, $2) as ago cross join template.record",
    "insert into record_version (merchant, resource, source_id, version, shape, fingerprint, body, parent_id, updated_at, recorded_at)
    select merchant, resource, template.id(source_id, k), version, shape, fingerprint,
        convert_to(format('{\"id\":\"%s\"}', template.id(source_id, k)), 'UTF8'), template.id(parent_id, k), updated_at - ago,
        recorded_at - ago
    from generate_series($1, $2) as k cross join template.ago(k, $2) as ago cross join template.record_version",
    "insert into booking (merchant, resource, source_id, version, booked, batch)
    select merchant, resource, template.id(source_id, k), version, booked + k * booked_last, batch + k * batch_last
    from generate_series($1, $2) as k cross join template.booking",
];
const BOOKS: [&str; 5] = [
    "insert into ledger_entry (merchant, key, adapter, resource, source_id, version, state, reason, due_at, attempts, receipt,
        recorded_at, settled_at, what, root, generation, payload_sha256)
    select merchant, template.key(key, source_id, k), adapter, resource, template.id(source_id, k), version, state, reason,
        due_at - ago, attempts, template.key(receipt, source_id, k), recorded_at - ago, settled_at - ago, what,
        template.id(root, k), generation, payload_sha256
    from generate_series($1, $2) as k cross join template.ago(k, $2) as ago cross join template.ledger_entry",
    "insert into event (merchant, event_key, kind, resource, source_id, occurred_at, fact, root, told_at)
    select merchant, template.key(event_key, source_id, k), kind, resource, template.id(source_id, k), occurred_at - ago, fact,
        template.id(root, k), told_at - ago
    from generate_series($1, $2) as k cross join template.ago(k, $2) as ago cross join template.event",
    "insert into home (merchant, source_id, root) select merchant, template.id(source_id, k), template.id(root, k)
    from generate_series($1, $2) as k cross join template.home",
    "insert into journal_entry (merchant, entry_key, event_key, root, entry_date, currency, memo, reverses, booked_at)
    select merchant, template.key(entry_key, source_id, k), template.key(event_key, source_id, k), template.id(root, k),
        (entry_date - ago)::date, currency, memo,
        case when strpos(reverses, source_id) > 0 then template.key(reverses, source_id, k) end, booked_at - ago
    from generate_series($1, $2) as k cross join template.ago(k, $2) as ago cross join template.journal_entry",
    "insert into journal_line (merchant, entry_key, line_no, role, amount, customer_ref, invoice_ref, receivable_id, payment_id, fee_id,
        refund_id, dispute_id, credit_memo_id, transfer_id, account_key)
    select merchant, template.key(entry_key, source_id, k), line_no, role, amount, template.id(customer_ref, k),
        template.id(invoice_ref, k), template.id(receivable_id, k), template.id(payment_id, k), template.id(fee_id, k),
        template.id(refund_id, k), template.id(dispute_id, k), template.id(credit_memo_id, k), template.id(transfer_id, k), account_key
    from generate_series($1, $2) as k cross join template.journal_line",
];

/// What filling came to.
#[derive(Debug, Clone, Copy)]
pub struct Filled {
    /// Of the database afterwards.
    pub bytes: i64,
    /// Added by the filling.
    pub bytes_added: i64,
    pub seconds: f64,
}

/// Adds so many records, versions and ledger entries.
pub async fn fill(connection: &mut PgConnection, rows: u64) -> anyhow::Result<Filled> {
    let started = Instant::now();
    let before = bytes(connection).await?;
    sqlx::raw_sql(PREPARE).execute(&mut *connection).await?;
    sqlx::raw_sql(SET_ASIDE).execute(&mut *connection).await?;
    let last = copies("record_version", rows, connection).await?.max(copies("record", rows, connection).await?);
    let books = copies("ledger_entry", rows, connection).await?;
    ensure!(books <= last, "a version has one entry at least");
    run_all(connection, GO).await?;
    for (statements, first) in [(&VERSIONS[..], 1), (&BOOKS[..], last - books + 1)] {
        for statement in statements {
            sqlx::query(*statement).bind(first).bind(last).execute(&mut *connection).await?;
        }
    }
    run_all(connection, COME_BACK).await?;
    for statement in ["drop schema template cascade", "vacuum (analyze)", "checkpoint"] {
        sqlx::raw_sql(statement).execute(&mut *connection).await?;
    }
    let bytes = bytes(connection).await?;
    Ok(Filled { bytes, bytes_added: bytes - before, seconds: started.elapsed().as_secs_f64() })
}

/// How many copies of a table of the business hold so many rows.
async fn copies(table: &str, rows: u64, connection: &mut PgConnection) -> anyhow::Result<i64> {
    let count = AssertSqlSafe(format!("select count(*) from template.{table}"));
    let own: i64 = sqlx::query_scalar(count).fetch_one(connection).await?;
    let own = u64::try_from(own)?;
    ensure!(own > 0, "the business has no rows in {table}");
    Ok(i64::try_from(rows.div_ceil(own))?)
}

/// Runs the statements that a statement returns.
async fn run_all(connection: &mut PgConnection, select: &'static str) -> anyhow::Result<()> {
    let statements: Vec<String> = sqlx::query_scalar(select).fetch_all(&mut *connection).await?;
    for statement in statements {
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut *connection).await?;
    }
    Ok(())
}

async fn bytes(connection: &mut PgConnection) -> anyhow::Result<i64> {
    Ok(sqlx::query_scalar("select pg_database_size(current_database())").fetch_one(connection).await?)
}

/// What sorting for the indexes and the write-ahead log take meanwhile, beside a half of the rows themselves.
const MEANWHILE_BYTES: u64 = 2 << 30;

/// Says what so many rows take, by what few of them took, and refuses where there is not enough.
pub fn ensure_room(scratch: &Path, few: (u64, Filled), rows: u64) -> anyhow::Result<()> {
    let (few_rows, filled) = few;
    let lasting = u64::try_from(filled.bytes_added)? / few_rows * rows;
    let needed = lasting + lasting / 2 + MEANWHILE_BYTES;
    let filesystem = rustix::fs::statvfs(scratch)?;
    let free = filesystem.f_bavail * filesystem.f_frsize;
    let mb = |bytes: u64| bytes / 1_000_000;
    eprintln!(
        "{rows} rows take about {} MB, and {} MB while they are made; {} MB are free",
        mb(lasting),
        mb(needed),
        mb(free)
    );
    ensure!(
        needed <= free,
        "{rows} rows need {} MB in {} and {} MB are free; take fewer (--rows), or another place (TMPDIR)",
        mb(needed),
        scratch.display(),
        mb(free)
    );
    Ok(())
}
