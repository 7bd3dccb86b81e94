//! The tables `booking`, `event`, `home`, `journal_entry` and `journal_line`: what happened and what it means in the books.
//!
//! Versions are booked in the order in which they took effect; a booking is one transaction. What a desk must be reminded of is
//! read by record and by root, in the order of telling.

use std::collections::{BTreeSet, HashSet};

use bytes::Bytes;
use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use sqlx::{FromRow, PgConnection};

use super::lease::Held;
use super::{Finding, Store, StoreError, exception, ledger};
use crate::crash::{Point, crash_point};
use crate::journal::Told;
use crate::model::event::{Event, Kind};
use crate::model::ids::{AdapterName, MerchantId, SourceId};
use crate::model::journal::Entry;
use crate::model::resource::Resource;

/// A version that waits to be booked, with the body that says most.
#[derive(Debug, Clone, FromRow)]
pub struct Waiting {
    pub resource: String,
    pub source_id: String,
    pub version: i64,
    pub body: Vec<u8>,
    pub parent_id: Option<String>,
    pub recorded_at: DateTime<Utc>,
}

impl Waiting {
    #[must_use]
    pub fn take_body(&mut self) -> Bytes {
        Bytes::from(std::mem::take(&mut self.body))
    }
}

/// What booking a batch of versions came to.
#[derive(Debug)]
pub struct Books<'a> {
    pub merchant: &'a MerchantId,
    pub booked: &'a [Waiting],
    pub told: &'a [Told],
    /// Events told before that go to another account now.
    pub moved: &'a [Told],
    pub homes: &'a [(SourceId, SourceId)],
    /// Entries with the root of their account.
    pub entries: &'a [(SourceId, Entry)],
    pub findings: &'a [Finding],
    /// Classes of findings that a version without them settles, and the subjects of the batch.
    pub settles: (&'a [&'static str], &'a [String]),
    pub ledger: &'a [Outgoing],
    pub now: DateTime<Utc>,
}

/// An event or entry for one adapter.
#[derive(Debug, Clone)]
pub struct Outgoing {
    pub adapter: AdapterName,
    pub what: &'static str,
    pub key: String,
    pub resource: Resource,
    pub id: SourceId,
    /// Whose money it is about.
    pub root: Option<SourceId>,
    pub state: crate::ledger::state::State,
    /// The entry from before the adapter's first day that this one corrects.
    pub baseline: Option<String>,
    /// The reversal of it that goes out as one with this one.
    pub nets: Option<String>,
    /// The event or entry itself, as JSON, where it waits to be delivered.
    pub text: Option<String>,
}

impl Store {
    /// Versions that wait to be booked, in the order in which they took effect.
    pub async fn waiting(&self, merchant: &MerchantId, limit: i64) -> Result<Vec<Waiting>, StoreError> {
        const SELECT: &str = "
            select b.resource, b.source_id, b.version, v.body, v.parent_id, v.recorded_at
            from booking b
            cross join lateral (
                select body, parent_id, recorded_at from record_version v
                where v.merchant = b.merchant and v.resource = b.resource and v.source_id = b.source_id and v.version = b.version
                order by array_position(array['detail', 'list', 'embedded'], v.shape), v.arrival desc limit 1
            ) v
            where b.merchant = $1 and b.booked is null
            order by b.position limit $2";
        Ok(sqlx::query_as(SELECT).bind(merchant.as_str()).bind(limit).fetch_all(&self.pool).await?)
    }

    /// All events of these records and of these accounts, in the order of telling.
    pub async fn events_of(
        &self,
        merchant: &MerchantId,
        records: &[(Resource, SourceId)],
        roots: &HashSet<SourceId>,
    ) -> Result<Vec<Told>, StoreError> {
        const SELECT: &str = "
            select event_key, kind, resource, source_id, occurred_at, fact, root, position from event
            where merchant = $1 and root = any($4)
            union
            select e.event_key, e.kind, e.resource, e.source_id, e.occurred_at, e.fact, e.root, e.position
            from unnest($2::text[], $3::text[]) as r (resource, source_id)
            join event e on e.merchant = $1 and e.resource = r.resource and e.source_id = r.source_id
            order by position";
        let rows: Vec<EventRow> = sqlx::query_as(SELECT)
            .bind(merchant.as_str())
            .bind(records.iter().map(|(resource, _)| resource.name()).collect::<Vec<_>>())
            .bind(records.iter().map(|(_, id)| id.as_str()).collect::<Vec<_>>())
            .bind(roots.iter().map(SourceId::as_str).collect::<Vec<_>>())
            .fetch_all(&self.pool)
            .await?;
        rows.into_iter().map(EventRow::into_event).collect()
    }

    /// One event by its key.
    pub async fn event(&self, merchant: &MerchantId, key: &str) -> Result<Option<Event>, StoreError> {
        const SELECT: &str = "
            select event_key, kind, resource, source_id, occurred_at, fact, root from event where merchant = $1 and event_key = $2";
        let row: Option<EventRow> =
            sqlx::query_as(SELECT).bind(merchant.as_str()).bind(key).fetch_optional(&self.pool).await?;
        Ok(row.map(EventRow::into_event).transpose()?.map(|stored| stored.event))
    }

    /// Around reports: the accounts that have lines of these transfers, and the transfers of which these accounts have lines.
    pub async fn report_neighbours(
        &self,
        merchant: &MerchantId,
        transfers: &HashSet<SourceId>,
        roots: &HashSet<SourceId>,
    ) -> Result<(HashSet<SourceId>, HashSet<SourceId>), StoreError> {
        const ROOTS: &str = "
            select distinct e.root from record r
            join event e on e.merchant = r.merchant and e.resource = 'transfer_entries' and e.source_id = r.source_id
            where r.merchant = $1 and r.resource = 'transfer_entries' and r.parent_id = any($2) and e.root is not null";
        const TRANSFERS: &str = "
            select distinct r.parent_id from event e
            join record r on r.merchant = e.merchant and r.resource = 'transfer_entries' and r.source_id = e.source_id
            where e.merchant = $1 and e.root = any($2) and e.resource = 'transfer_entries' and r.parent_id is not null";
        let ids = |ids: &HashSet<SourceId>| ids.iter().map(|id| id.as_str().to_owned()).collect::<Vec<_>>();
        let found: Vec<String> =
            sqlx::query_scalar(ROOTS).bind(merchant.as_str()).bind(ids(transfers)).fetch_all(&self.pool).await?;
        let mut roots = roots.clone();
        roots.extend(found.into_iter().map(SourceId::new));
        let found: Vec<String> =
            sqlx::query_scalar(TRANSFERS).bind(merchant.as_str()).bind(ids(&roots)).fetch_all(&self.pool).await?;
        Ok((roots, found.into_iter().map(SourceId::new).collect()))
    }

    /// The roots of these records, as far as they are known.
    pub async fn homes(
        &self,
        merchant: &MerchantId,
        ids: &HashSet<SourceId>,
    ) -> Result<Vec<(SourceId, SourceId)>, StoreError> {
        const SELECT: &str = "select source_id, root from home where merchant = $1 and source_id = any($2)";
        let rows: Vec<(String, String)> = sqlx::query_as(SELECT)
            .bind(merchant.as_str())
            .bind(ids.iter().map(SourceId::as_str).collect::<Vec<_>>())
            .fetch_all(&self.pool)
            .await?;
        Ok(rows.into_iter().map(|(id, root)| (SourceId::new(id), SourceId::new(root))).collect())
    }

    /// The currencies of these transfers.
    pub async fn transfer_currencies(
        &self,
        merchant: &MerchantId,
        ids: &HashSet<SourceId>,
    ) -> Result<Vec<(SourceId, String)>, StoreError> {
        const SELECT: &str = "
            select source_id, currency from record
            where merchant = $1 and resource = 'transfers' and source_id = any($2) and currency is not null";
        let rows: Vec<(String, String)> = sqlx::query_as(SELECT)
            .bind(merchant.as_str())
            .bind(ids.iter().map(SourceId::as_str).collect::<Vec<_>>())
            .fetch_all(&self.pool)
            .await?;
        Ok(rows.into_iter().map(|(id, currency)| (SourceId::new(id), currency)).collect())
    }

    /// Credit memos of these customers, and payments of theirs of which more was applied than there is.
    pub async fn to_explain(
        &self,
        merchant: &MerchantId,
        customers: &BTreeSet<String>,
    ) -> Result<(Vec<SourceId>, HashSet<SourceId>), StoreError> {
        const MEMOS: &str = "
            select source_id from record where merchant = $1 and resource = 'credit_memos' and party = any($2) order by 1";
        const SHORT: &str = "
            select l.payment_id from journal_line l
            where l.merchant = $1 and l.role = 'unapplied_cash' and l.payment_id in (
                select payment_id from journal_line where merchant = $1 and role = 'unapplied_cash' and customer_ref = any($2))
            group by l.payment_id, (select currency from journal_entry e where e.merchant = l.merchant and e.entry_key = l.entry_key)
            having sum(l.amount) > 0";
        let customers: Vec<&str> = customers.iter().map(String::as_str).collect();
        let memos: Vec<String> =
            sqlx::query_scalar(MEMOS).bind(merchant.as_str()).bind(&customers).fetch_all(&self.pool).await?;
        let short: Vec<String> =
            sqlx::query_scalar(SHORT).bind(merchant.as_str()).bind(&customers).fetch_all(&self.pool).await?;
        Ok((memos.into_iter().map(SourceId::new).collect(), short.into_iter().map(SourceId::new).collect()))
    }

    /// Which of these entries an adapter does not hold as they are: those from before its first day, and corrections of them.
    pub async fn baselined(
        &self,
        merchant: &MerchantId,
        adapter: &AdapterName,
        keys: &[&str],
    ) -> Result<HashSet<String>, StoreError> {
        const SELECT: &str = "
            select key from ledger_entry where merchant = $1 and adapter = $2 and key = any($3)
                and (state = 'baseline' or baseline is not null)";
        let select = sqlx::query_scalar(SELECT).bind(merchant.as_str()).bind(adapter.as_str()).bind(keys);
        let keys: Vec<String> = select.fetch_all(&self.pool).await?;
        Ok(keys.into_iter().collect())
    }

    /// Stores what a batch of versions came to, in one transaction under the lease.
    pub async fn book(&self, held: &Held, books: &Books<'_>) -> Result<(), StoreError> {
        let mut transaction = self.begin(held).await?;
        tell(&mut transaction, books).await?;
        give_homes(&mut transaction, books).await?;
        enter(&mut transaction, books).await?;
        exception::raise(&mut transaction, books.merchant, books.findings, books.now).await?;
        settle(&mut transaction, books).await?;
        ledger::insert_outgoing(&mut transaction, books.merchant, books.ledger, books.now).await?;
        finish(&mut transaction, books).await?;
        write_lines(&mut transaction, books).await?;
        crash_point(Point::Booking);
        transaction.commit().await?;
        crash_point(Point::Booked);
        self.look_at_books(books.booked.len()).await
    }
}

/// Versions that took effect just now wait to be booked.
pub(super) async fn queue(
    connection: &mut PgConnection,
    merchant: &MerchantId,
    resource: Resource,
    versions: &[(&str, i64)],
) -> Result<(), StoreError> {
    const INSERT: &str = "
        insert into booking (merchant, resource, source_id, version)
        select $1, $2, t.source_id, t.version
        from unnest($3::text[], $4::int8[]) with ordinality as t (source_id, version, place) order by t.place";
    if versions.is_empty() {
        return Ok(());
    }
    sqlx::query(INSERT)
        .bind(merchant.as_str())
        .bind(resource.name())
        .bind(versions.iter().map(|(id, _)| *id).collect::<Vec<_>>())
        .bind(versions.iter().map(|(_, version)| *version).collect::<Vec<_>>())
        .execute(connection)
        .await?;
    Ok(())
}

/// A row of `event`.
#[derive(FromRow)]
pub(super) struct EventRow {
    event_key: String,
    kind: String,
    resource: String,
    source_id: String,
    occurred_at: DateTime<Utc>,
    fact: String,
    root: Option<String>,
}

impl EventRow {
    pub(super) fn into_event(self) -> Result<Told, StoreError> {
        let corrupt = |what: &str| StoreError::Corrupt(format!("the {what} of event {}", self.event_key));
        let kind = Kind::ALL.iter().copied().find(|kind| kind.name() == self.kind).ok_or_else(|| corrupt("kind"))?;
        let resource = self.resource.parse().map_err(|_| corrupt("resource"))?;
        let fact = serde_json::from_str(&self.fact).map_err(|_| corrupt("fact"))?;
        let root = self.root.map(SourceId::new);
        let id = SourceId::new(self.source_id);
        let event = Event { key: self.event_key, kind, resource, id, occurred_at: self.occurred_at, fact };
        Ok(Told { event, root })
    }
}

async fn tell(connection: &mut PgConnection, books: &Books<'_>) -> Result<(), StoreError> {
    const INSERT: &str = "
        insert into event (merchant, event_key, kind, resource, source_id, occurred_at, fact, root, told_at)
        select $1, t.key, t.kind, t.resource, t.source_id, t.occurred_at, t.fact, t.root, $9
        from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::text[], $8::text[])
            with ordinality as t (key, kind, resource, source_id, occurred_at, fact, root, place)
        order by t.place";
    const MOVE: &str = "
        update event e set root = m.root, position = nextval('event_position')
        from (select * from unnest($2::text[], $3::text[]) with ordinality as t (key, root, place) order by place) m
        where e.merchant = $1 and e.event_key = m.key";
    const MOVE_OUTGOING: &str = "
        update ledger_entry e set root = m.root from unnest($2::text[], $3::text[]) as m (key, root)
        where e.merchant = $1 and e.key = m.key";
    let told = books.told;
    if !told.is_empty() {
        sqlx::query(INSERT)
            .bind(books.merchant.as_str())
            .bind(told.iter().map(|it| it.event.key.as_str()).collect::<Vec<_>>())
            .bind(told.iter().map(|it| it.event.kind.name()).collect::<Vec<_>>())
            .bind(told.iter().map(|it| it.event.resource.name()).collect::<Vec<_>>())
            .bind(told.iter().map(|it| it.event.id.as_str()).collect::<Vec<_>>())
            .bind(told.iter().map(|it| it.event.occurred_at).collect::<Vec<_>>())
            .bind(told.iter().map(|it| fact_text(&it.event)).collect::<Vec<_>>())
            .bind(told.iter().map(|it| it.root.as_ref().map(SourceId::as_str)).collect::<Vec<_>>())
            .bind(books.now)
            .execute(&mut *connection)
            .await?;
    }
    if !books.moved.is_empty() {
        for statement in [MOVE, MOVE_OUTGOING] {
            sqlx::query(statement)
                .bind(books.merchant.as_str())
                .bind(books.moved.iter().map(|it| it.event.key.as_str()).collect::<Vec<_>>())
                .bind(books.moved.iter().map(|it| it.root.as_ref().map(SourceId::as_str)).collect::<Vec<_>>())
                .execute(&mut *connection)
                .await?;
        }
    }
    Ok(())
}

fn fact_text(event: &Event) -> String {
    serde_json::to_string(&event.fact).expect("text, numbers as text, and no map with other keys")
}

async fn give_homes(connection: &mut PgConnection, books: &Books<'_>) -> Result<(), StoreError> {
    const INSERT: &str = "
        insert into home (merchant, source_id, root) select $1, t.* from unnest($2::text[], $3::text[]) as t
        on conflict do nothing";
    if books.homes.is_empty() {
        return Ok(());
    }
    sqlx::query(INSERT)
        .bind(books.merchant.as_str())
        .bind(books.homes.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>())
        .bind(books.homes.iter().map(|(_, root)| root.as_str()).collect::<Vec<_>>())
        .execute(connection)
        .await?;
    Ok(())
}

async fn enter(connection: &mut PgConnection, books: &Books<'_>) -> Result<(), StoreError> {
    const ENTRIES: &str = "
        insert into journal_entry (merchant, entry_key, event_key, root, entry_date, currency, memo, reverses, booked_at)
        select $1, t.key, t.event_key, t.root, t.date, t.currency, t.memo, t.reverses, $9
        from unnest($2::text[], $3::text[], $4::text[], $5::date[], $6::text[], $7::text[], $8::text[])
            with ordinality as t (key, event_key, root, date, currency, memo, reverses, place)
        order by t.place";
    let entries = books.entries;
    if entries.is_empty() {
        return Ok(());
    }
    sqlx::query(ENTRIES)
        .bind(books.merchant.as_str())
        .bind(entries.iter().map(|(_, entry)| entry.key.as_str()).collect::<Vec<_>>())
        .bind(entries.iter().map(|(_, entry)| entry.event_key.as_str()).collect::<Vec<_>>())
        .bind(entries.iter().map(|(root, _)| root.as_str()).collect::<Vec<_>>())
        .bind(entries.iter().map(|(_, entry)| entry.date).collect::<Vec<NaiveDate>>())
        .bind(entries.iter().map(|(_, entry)| entry.currency.as_str()).collect::<Vec<_>>())
        .bind(entries.iter().map(|(_, entry)| entry.memo.as_str()).collect::<Vec<_>>())
        .bind(entries.iter().map(|(_, entry)| entry.reverses.as_deref()).collect::<Vec<_>>())
        .bind(books.now)
        .execute(connection)
        .await?;
    Ok(())
}

/// Comes last: from here to the end of the transaction plans may be kept.
async fn write_lines(connection: &mut PgConnection, books: &Books<'_>) -> Result<(), StoreError> {
    // Or Postgres would plan anew for each line how to look for its entry, which takes longer than looking.
    const KEEP_PLANS: &str = "set local plan_cache_mode = auto";
    const LINES: &str = "
        insert into journal_line (merchant, entry_key, line_no, role, amount, customer_ref, invoice_ref, receivable_id, payment_id,
            fee_id, refund_id, dispute_id, credit_memo_id, transfer_id, account_key)
        select $1, t.* from unnest($2::text[], $3::int4[], $4::text[], $5::numeric[], $6::text[], $7::text[], $8::text[], $9::text[],
            $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[]) as t";
    let lines: Vec<_> = books
        .entries
        .iter()
        .flat_map(|(_, entry)| (1_i32..).zip(&entry.lines).map(|(number, line)| (entry.key.as_str(), number, line)))
        .collect();
    let id = |pick: fn(&crate::model::journal::Links) -> &Option<SourceId>| {
        lines.iter().map(|(_, _, line)| pick(&line.links).as_ref().map(SourceId::as_str)).collect::<Vec<_>>()
    };
    let text = |pick: fn(&crate::model::journal::Links) -> &Option<String>| {
        lines.iter().map(|(_, _, line)| pick(&line.links).as_deref()).collect::<Vec<_>>()
    };
    if lines.is_empty() {
        return Ok(());
    }
    sqlx::raw_sql(KEEP_PLANS).execute(&mut *connection).await?;
    sqlx::query(LINES)
        .bind(books.merchant.as_str())
        .bind(lines.iter().map(|(key, _, _)| *key).collect::<Vec<_>>())
        .bind(lines.iter().map(|(_, number, _)| *number).collect::<Vec<_>>())
        .bind(lines.iter().map(|(_, _, line)| line.role.name()).collect::<Vec<_>>())
        .bind(lines.iter().map(|(_, _, line)| line.amount.decimal()).collect::<Vec<Decimal>>())
        .bind(text(|it| &it.customer_ref))
        .bind(text(|it| &it.invoice_ref))
        .bind(id(|it| &it.receivable_id))
        .bind(id(|it| &it.payment_id))
        .bind(id(|it| &it.fee_id))
        .bind(id(|it| &it.refund_id))
        .bind(id(|it| &it.dispute_id))
        .bind(id(|it| &it.credit_memo_id))
        .bind(id(|it| &it.transfer_id))
        .bind(text(|it| &it.account_key))
        .execute(connection)
        .await?;
    Ok(())
}

/// A version that books without a finding of its classes settles those that earlier ones raised.
async fn settle(connection: &mut PgConnection, books: &Books<'_>) -> Result<(), StoreError> {
    let (classes, subjects) = books.settles;
    for class in classes {
        let raised = |subject: &String| {
            books.findings.iter().any(|finding| finding.class == *class && finding.subject == *subject)
        };
        let settled: Vec<String> = subjects.iter().filter(|subject| !raised(subject)).cloned().collect();
        if !settled.is_empty() {
            let resolution = "a later version can be booked";
            exception::resolve(connection, books.merchant, class, &settled, resolution, books.now).await?;
        }
    }
    Ok(())
}

async fn finish(connection: &mut PgConnection, books: &Books<'_>) -> Result<(), StoreError> {
    // Not as a subquery: the last one would be looked for anew for each row.
    const FINISH: &str = "
        with last as materialized (
            select coalesce(max(booked), 0) as booked, coalesce((array_agg(batch order by booked desc))[1], 0) as batch
            from (select booked, batch from booking where merchant = $1 and booked is not null order by booked desc limit 1) newest
        )
        update booking b set booked = last.booked + t.place, batch = last.batch + 1
        from unnest($2::text[], $3::text[], $4::int8[]) with ordinality as t (resource, source_id, version, place), last
        where b.merchant = $1 and b.resource = t.resource and b.source_id = t.source_id and b.version = t.version";
    sqlx::query(FINISH)
        .bind(books.merchant.as_str())
        .bind(books.booked.iter().map(|it| it.resource.as_str()).collect::<Vec<_>>())
        .bind(books.booked.iter().map(|it| it.source_id.as_str()).collect::<Vec<_>>())
        .bind(books.booked.iter().map(|it| it.version).collect::<Vec<_>>())
        .execute(connection)
        .await?;
    Ok(())
}
