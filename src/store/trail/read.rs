//! What there is of one thing.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::{FromRow, PgPool};

use super::{Attempt, Delivery, Entry, Explanation, Line, Raised, Said, Seal, Subject, Told, Version};
use crate::model::record::Fingerprint;
use crate::normalize::{mask, mask_text};
use crate::store::StoreError;

/// Rows of one kind at most.
const ROWS_MAX: i64 = 1_000;

#[derive(FromRow)]
struct Head {
    status: Option<String>,
    amount: Option<String>,
    currency: Option<String>,
    created_at: Option<DateTime<Utc>>,
}

#[derive(FromRow)]
struct Archived {
    version: i64,
    shape: String,
    updated_at: Option<DateTime<Utc>>,
    recorded_at: DateTime<Utc>,
    body: Vec<u8>,
}

#[derive(FromRow)]
struct EntryRow {
    key: String,
    event_key: String,
    date: NaiveDate,
    currency: String,
    memo: String,
    reverses: Option<String>,
    booked_at: DateTime<Utc>,
}

#[derive(FromRow)]
struct LineOf {
    entry_key: String,
    #[sqlx(flatten)]
    line: Line,
}

pub(super) async fn explanation(pool: &PgPool, subject: Subject) -> Result<Explanation, StoreError> {
    let head = head(pool, &subject).await?;
    let versions = versions(pool, &subject).await?;
    let accounts = accounts(pool, &subject).await?;
    let events = events(pool, &subject).await?;
    let entries = entries(pool, &subject, &events).await?;
    let deliveries = deliveries(pool, &subject, &events, &entries).await?;
    let exceptions = exceptions(pool, &subject, &deliveries).await?;
    let seal = seal(pool, &subject, head.as_ref().and_then(|head| head.created_at)).await?;
    let persons = persons(pool, &deliveries, &exceptions).await?;
    let (status, amount, currency, created_at) =
        head.map_or((None, None, None, None), |it| (it.status, it.amount, it.currency, it.created_at));
    Ok(Explanation {
        subject,
        status,
        amount,
        currency,
        created_at,
        accounts,
        versions,
        events,
        entries,
        deliveries,
        exceptions,
        seal,
        persons,
    })
}

async fn head(pool: &PgPool, subject: &Subject) -> Result<Option<Head>, StoreError> {
    const SELECT: &str = "
        select status, amount::text as amount, currency, created_at from record
        where merchant = $1 and resource = $2 and source_id = $3";
    let Subject { merchant, resource, id } = subject;
    Ok(sqlx::query_as(SELECT).bind(merchant).bind(resource).bind(id).fetch_optional(pool).await?)
}

async fn versions(pool: &PgPool, subject: &Subject) -> Result<Vec<Version>, StoreError> {
    const SELECT: &str = "
        select version, shape, updated_at, recorded_at, body from record_version
        where merchant = $1 and resource = $2 and source_id = $3 order by version, arrival limit $4";
    let Subject { merchant, resource, id } = subject;
    let select = sqlx::query_as(SELECT).bind(merchant).bind(resource).bind(id).bind(ROWS_MAX);
    let archived: Vec<Archived> = select.fetch_all(pool).await?;
    let version = |it: Archived| Version {
        version: it.version,
        shape: it.shape,
        updated_at: it.updated_at,
        recorded_at: it.recorded_at,
        body_sha256: sha256(&it.body),
        body: mask(&it.body),
    };
    Ok(archived.into_iter().map(version).collect())
}

/// The payments and transfers that it belongs to.
async fn accounts(pool: &PgPool, subject: &Subject) -> Result<Vec<String>, StoreError> {
    const SELECT: &str = "
        select root from home where merchant = $1 and source_id = $3
        union select root from event where merchant = $1 and resource = $2 and source_id = $3 and root is not null
        union select j.root from journal_line l join journal_entry j using (merchant, entry_key)
            where l.merchant = $1 and $2 = 'receivables' and l.receivable_id = $3
        order by 1";
    let Subject { merchant, resource, id } = subject;
    Ok(sqlx::query_scalar(SELECT).bind(merchant).bind(resource).bind(id).fetch_all(pool).await?)
}

/// Its own events, those about its money, and those that were booked on it.
async fn events(pool: &PgPool, subject: &Subject) -> Result<Vec<Told>, StoreError> {
    const SELECT: &str = "
        select event_key as key, kind, occurred_at, told_at, fact::jsonb as fact from event e
        where merchant = $1 and ((resource = $2 and source_id = $3) or root = $3
            or event_key in (select j.event_key from journal_line l join journal_entry j using (merchant, entry_key)
                where l.merchant = $1 and $2 = 'receivables' and l.receivable_id = $3))
        order by position limit $4";
    let Subject { merchant, resource, id } = subject;
    let select = sqlx::query_as(SELECT).bind(merchant).bind(resource).bind(id).bind(ROWS_MAX);
    let mut events: Vec<Told> = select.fetch_all(pool).await?;
    for event in &mut events {
        event.fact = serde_json::from_str(&mask(event.fact.to_string().as_bytes())).unwrap_or_default();
    }
    Ok(events)
}

async fn entries(pool: &PgPool, subject: &Subject, events: &[Told]) -> Result<Vec<Entry>, StoreError> {
    const SELECT: &str = "
        select entry_key as key, event_key, entry_date as date, currency, memo, reverses, booked_at from journal_entry
        where merchant = $1 and event_key = any($2) order by position limit $3";
    const LINES: &str = "
        select entry_key, role, amount::text as amount, customer_ref, invoice_ref from journal_line
        where merchant = $1 and entry_key = any($2) order by entry_key, line_no";
    let keys: Vec<&str> = events.iter().map(|event| event.key.as_str()).collect();
    let booked: Vec<EntryRow> =
        sqlx::query_as(SELECT).bind(&subject.merchant).bind(keys).bind(ROWS_MAX).fetch_all(pool).await?;
    let keys: Vec<&str> = booked.iter().map(|entry| entry.key.as_str()).collect();
    let lines: Vec<LineOf> = sqlx::query_as(LINES).bind(&subject.merchant).bind(keys).fetch_all(pool).await?;
    let mut by_entry: BTreeMap<String, Vec<Line>> = BTreeMap::new();
    for LineOf { entry_key, line } in lines {
        by_entry.entry(entry_key).or_default().push(line);
    }
    let entry = |it: EntryRow| {
        let lines = by_entry.remove(&it.key).unwrap_or_default();
        let EntryRow { key, event_key, date, currency, memo, reverses, booked_at } = it;
        Entry { key, event_key, date, currency, memo, reverses, booked_at, lines }
    };
    Ok(booked.into_iter().map(entry).collect())
}

async fn deliveries(
    pool: &PgPool,
    subject: &Subject,
    events: &[Told],
    entries: &[Entry],
) -> Result<Vec<Delivery>, StoreError> {
    const SELECT: &str = concat!(
        "
        select e.adapter, e.key, case when f.it then 'in_flight' else e.state end as state, e.reason, e.recorded_at, e.due_at,
            e.settled_at, e.attempts + f.it::int4 as attempts_made,
            e.generation, encode(e.payload_sha256, 'hex') as request_sha256, nullif(x.reference, '') as elected, e.receipt,
            (select b.key || ' is ' || b.state from ledger_entry b
             where e.settled_at is null and b.adapter = e.adapter and b.merchant = e.merchant and b.root = e.root
                and b.position < e.position and b.state in ('pending', 'in_doubt', 'held', 'parked')
             order by b.position limit 1) as waits_for
        from ledger_entry e
        cross join lateral (select ",
        is_in_flight!(),
        " as it) f
        left join election x on x.adapter = e.adapter and x.merchant = e.merchant and x.key = e.key and x.generation = e.generation
        where e.merchant = $1 and e.key = any($2) order by e.adapter, e.position"
    );
    const LAST_VERSION: &str =
        "select version_last from record where merchant = $1 and resource = $2 and source_id = $3";
    const ATTEMPTS: &str = "
        select adapter, key, number, ended_at, state, reason as answer,
            encode(sha256(convert_to(reason, 'UTF8')), 'hex') as answer_sha256,
            encode(sha256(convert_to(payload, 'UTF8')), 'hex') as request_sha256
        from attempt where merchant = $1 and key = any($2) order by number limit $3";
    let Subject { merchant, resource, id } = subject;
    let last = sqlx::query_scalar(LAST_VERSION).bind(merchant).bind(resource).bind(id);
    let versions: i64 = last.fetch_optional(pool).await?.unwrap_or_default();
    let documents = (1..=versions.min(ROWS_MAX)).map(|version| format!("{resource}:{id}:v{version}"));
    let mut keys: Vec<String> = documents.collect();
    keys.extend(events.iter().map(|event| event.key.clone()));
    keys.extend(entries.iter().map(|entry| entry.key.clone()));
    let mut deliveries: Vec<Delivery> = sqlx::query_as(SELECT).bind(merchant).bind(&keys).fetch_all(pool).await?;
    let attempts: Vec<Attempt> =
        sqlx::query_as(ATTEMPTS).bind(merchant).bind(&keys).bind(ROWS_MAX).fetch_all(pool).await?;
    for mut attempt in attempts {
        attempt.answer = mask_text(&attempt.answer);
        let of = deliveries.iter_mut().find(|it| it.adapter == attempt.adapter && it.key == attempt.key);
        if let Some(delivery) = of {
            delivery.attempts.push(attempt);
        }
    }
    for delivery in &mut deliveries {
        delivery.reason = delivery.reason.as_deref().map(mask_text);
    }
    Ok(deliveries)
}

async fn exceptions(pool: &PgPool, subject: &Subject, deliveries: &[Delivery]) -> Result<Vec<Raised>, StoreError> {
    const SELECT: &str = "
        select id, class, subject, detail, opened_at, resolved_at, resolution from exception
        where merchant = $1 and subject = any($2) order by id limit $3";
    let mut about: Vec<String> = deliveries.iter().map(|it| format!("{}/{}", it.adapter, it.key)).collect();
    about.push(format!("{}:{}", subject.resource, subject.id));
    let select = sqlx::query_as(SELECT).bind(&subject.merchant).bind(about).bind(ROWS_MAX);
    let mut troubles: Vec<Raised> = select.fetch_all(pool).await?;
    for trouble in &mut troubles {
        trouble.detail = mask_text(&trouble.detail);
    }
    Ok(troubles)
}

async fn seal(pool: &PgPool, subject: &Subject, created_at: Option<DateTime<Utc>>) -> Result<Option<Seal>, StoreError> {
    const SELECT: &str = "
        select from_at, to_at, rows, encode(ids_sha256, 'hex') as ids_sha256, sealed_at, final_at from seal
        where merchant = $1 and resource = $2 and from_at <= $3 and to_at > $3";
    let select = sqlx::query_as(SELECT).bind(&subject.merchant).bind(&subject.resource).bind(created_at);
    Ok(select.fetch_optional(pool).await?)
}

async fn persons(pool: &PgPool, deliveries: &[Delivery], troubles: &[Raised]) -> Result<Vec<Said>, StoreError> {
    const SELECT: &str = "
        select number, at, actor, action, object, reason, detail, encode(sha256, 'hex') as sha256 from audit
        where object = any($1) order by number limit $2";
    let mut about: Vec<String> = deliveries.iter().map(|it| format!("{}/{}", it.adapter, it.key)).collect();
    about.extend(troubles.iter().map(|it| format!("exception/{}", it.id)));
    about.extend(deliveries.iter().map(|it| it.key.clone()));
    Ok(sqlx::query_as(SELECT).bind(about).bind(ROWS_MAX).fetch_all(pool).await?)
}

fn sha256(bytes: &[u8]) -> String {
    format!("{:?}", Fingerprint::of_bytes(bytes))
}
