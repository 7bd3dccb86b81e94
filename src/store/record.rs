//! The tables `record` and `record_version`: what is known, and the archive of every body.

use std::collections::HashMap;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use sqlx::{FromRow, PgConnection};

use super::sum::Change;
use super::{Store, StoreError};
use crate::model::ids::{MerchantId, SourceId};
use crate::model::record::{Fingerprint, Shape};
use crate::model::resource::Resource;
use crate::scan::news::Known;

impl Store {
    /// What is stored of these records; an id that is not in the answer is new.
    pub async fn known(
        &self,
        merchant: &MerchantId,
        resource: Resource,
        ids: &[&str],
    ) -> Result<HashMap<SourceId, Known>, StoreError> {
        const SELECT: &str = "
            select source_id, version, version_last, embedded_fingerprint, list_fingerprint, detail_fingerprint, content,
                   status, updated_at
            from record where merchant = $1 and resource = $2 and source_id = any($3)";
        let rows: Vec<KnownRow> = sqlx::query_as(SELECT)
            .bind(merchant.as_str())
            .bind(resource.name())
            .bind(ids)
            .fetch_all(&self.pool)
            .await?;
        rows.into_iter().map(KnownRow::into_known).collect()
    }

    /// The last archived body of the version in effect in one shape.
    pub async fn body(
        &self,
        merchant: &MerchantId,
        resource: Resource,
        id: &SourceId,
        shape: Shape,
    ) -> Result<Option<Bytes>, StoreError> {
        const SELECT: &str = "
            select body from record_version
            where merchant = $1 and resource = $2 and source_id = $3 and shape = $4
            order by version desc, arrival desc limit 1";
        let body: Option<Vec<u8>> = sqlx::query_scalar(SELECT)
            .bind(merchant.as_str())
            .bind(resource.name())
            .bind(id.as_str())
            .bind(shape.name())
            .fetch_optional(&self.pool)
            .await?;
        Ok(body.map(Bytes::from))
    }

    /// Ids of stored records last updated from `from` up to but not including `to`, in pages after `after`.
    pub async fn ids_updated(
        &self,
        merchant: &MerchantId,
        resource: Resource,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        after: &str,
    ) -> Result<Vec<SourceId>, StoreError> {
        const SELECT: &str = "
            select source_id from record
            where merchant = $1 and resource = $2 and updated_at >= $3 and updated_at < $4 and source_id > $5
            order by source_id limit 1000";
        let ids: Vec<String> = sqlx::query_scalar(SELECT)
            .bind(merchant.as_str())
            .bind(resource.name())
            .bind(from)
            .bind(to)
            .bind(after)
            .fetch_all(&self.pool)
            .await?;
        Ok(ids.into_iter().map(SourceId::new).collect())
    }
}

#[derive(FromRow)]
struct KnownRow {
    source_id: String,
    version: i64,
    version_last: i64,
    embedded_fingerprint: Option<Vec<u8>>,
    list_fingerprint: Option<Vec<u8>>,
    detail_fingerprint: Option<Vec<u8>>,
    content: Option<Vec<u8>>,
    status: Option<String>,
    updated_at: Option<DateTime<Utc>>,
}

impl KnownRow {
    fn into_known(self) -> Result<(SourceId, Known), StoreError> {
        let known = Known {
            version: self.version,
            version_last: self.version_last,
            embedded: fingerprint(self.embedded_fingerprint)?,
            list: fingerprint(self.list_fingerprint)?,
            detail: fingerprint(self.detail_fingerprint)?,
            content: fingerprint(self.content)?,
            status: self.status,
            updated_at: self.updated_at,
        };
        Ok((SourceId::new(self.source_id), known))
    }
}

fn fingerprint(bytes: Option<Vec<u8>>) -> Result<Option<Fingerprint>, StoreError> {
    bytes
        .map(|bytes| <[u8; 32]>::try_from(bytes).map(Fingerprint))
        .transpose()
        .map_err(|bytes| StoreError::Corrupt(format!("a fingerprint of {} bytes", bytes.len())))
}

/// Rows for `record`, one vector per column. `expected` is `version_last` as it was read, 0 for a new record: whoever changed
/// the row since makes the write fail as a whole.
#[derive(Debug, Default)]
pub(super) struct RecordRows<'n> {
    pub source_id: Vec<&'n str>,
    pub expected: Vec<i64>,
    pub version: Vec<i64>,
    pub version_last: Vec<i64>,
    pub embedded: Vec<Option<&'n [u8]>>,
    pub list: Vec<Option<&'n [u8]>>,
    pub detail: Vec<Option<&'n [u8]>>,
    pub content: Vec<Option<Vec<u8>>>,
    pub status: Vec<Option<&'n str>>,
    pub amount: Vec<Option<Decimal>>,
    pub currency: Vec<Option<&'n str>>,
    pub created_at: Vec<Option<DateTime<Utc>>>,
    pub updated_at: Vec<Option<DateTime<Utc>>>,
    pub parent_id: Vec<Option<&'n str>>,
    pub subject_id: Vec<Option<&'n str>>,
    pub party: Vec<Option<&'n str>>,
    /// False where only a fingerprint or `version_last` changes.
    pub in_effect: Vec<bool>,
}

/// Inserts new records and updates known ones; [`StoreError::Conflict`] where another writer came first. Returns what became more.
pub(super) async fn write(
    connection: &mut PgConnection,
    merchant: &MerchantId,
    resource: Resource,
    rows: &RecordRows<'_>,
    now: DateTime<Utc>,
) -> Result<Vec<Change>, StoreError> {
    // Sorted by id, so that two writers of the same rows wait for each other instead of dead-locking.
    const WRITE: &str = "
        with incoming as (
            select * from unnest($3::text[], $4::int8[], $5::int8[], $6::int8[], $7::bytea[], $8::bytea[], $9::bytea[], $10::bytea[],
                $11::text[], $12::numeric[], $13::text[], $14::timestamptz[], $15::timestamptz[], $16::text[], $17::text[], $18::text[],
                $19::bool[])
            as t (source_id, expected, version, version_last, embedded, list, detail, content, status, amount, currency,
                created_at, updated_at, parent_id, subject_id, party, in_effect)
            order by source_id
        ), inserted as (
            insert into record (merchant, resource, source_id, version, version_last, embedded_fingerprint, list_fingerprint,
                detail_fingerprint, content, status, amount, currency, created_at, updated_at, parent_id, subject_id, party, recorded_at)
            select $1, $2, source_id, version, version_last, embedded, list, detail, content, status, amount, currency,
                created_at, updated_at, parent_id, subject_id, party, $20
            from incoming where expected = 0
            on conflict do nothing returning currency, amount
        ), updated as (
            update record r set
                version = i.version, version_last = i.version_last,
                embedded_fingerprint = coalesce(i.embedded, r.embedded_fingerprint),
                list_fingerprint = coalesce(i.list, r.list_fingerprint),
                detail_fingerprint = coalesce(i.detail, r.detail_fingerprint),
                content = case when i.in_effect then i.content else r.content end,
                status = case when i.in_effect then i.status else r.status end,
                amount = case when i.in_effect then i.amount else r.amount end,
                currency = case when i.in_effect then i.currency else r.currency end,
                created_at = coalesce(r.created_at, i.created_at),
                updated_at = case when i.in_effect then coalesce(i.updated_at, r.updated_at) else r.updated_at end,
                parent_id = coalesce(i.parent_id, r.parent_id),
                subject_id = coalesce(i.subject_id, r.subject_id),
                party = coalesce(i.party, r.party),
                recorded_at = case when i.in_effect then $20 else r.recorded_at end
            from incoming i
            where r.merchant = $1 and r.resource = $2 and r.source_id = i.source_id and i.expected > 0
                and r.version_last = i.expected
            returning r.source_id, r.currency, r.amount
        ), change as (
            select currency, amount, 1 as rows, 1 as written from inserted
            union all
            select currency, amount, 1, 1 from updated
            union all
            select before.currency, -before.amount, -1, 0
            from updated u join record before on before.merchant = $1 and before.resource = $2 and before.source_id = u.source_id
        )
        select currency, sum(rows)::int8 as rows, sum(amount) as amount, sum(written)::int8 as written from change group by currency";
    let changes: Vec<Change> = sqlx::query_as(WRITE)
        .bind(merchant.as_str())
        .bind(resource.name())
        .bind(&rows.source_id)
        .bind(&rows.expected)
        .bind(&rows.version)
        .bind(&rows.version_last)
        .bind(&rows.embedded)
        .bind(&rows.list)
        .bind(&rows.detail)
        .bind(&rows.content)
        .bind(&rows.status)
        .bind(&rows.amount)
        .bind(&rows.currency)
        .bind(&rows.created_at)
        .bind(&rows.updated_at)
        .bind(&rows.parent_id)
        .bind(&rows.subject_id)
        .bind(&rows.party)
        .bind(&rows.in_effect)
        .bind(now)
        .fetch_all(connection)
        .await?;
    let written: i64 = changes.iter().map(|it| it.written).sum();
    if written == i64::try_from(rows.source_id.len()).expect("a batch is small") {
        Ok(changes)
    } else {
        Err(StoreError::Conflict)
    }
}

/// Rows for `record_version`, one vector per column.
#[derive(Debug, Default)]
pub(super) struct VersionRows<'b> {
    pub source_id: Vec<&'b str>,
    pub version: Vec<i64>,
    pub shape: Vec<&'static str>,
    pub fingerprint: Vec<&'b [u8]>,
    pub body: Vec<&'b [u8]>,
    pub parent_id: Vec<Option<&'b str>>,
    pub updated_at: Vec<Option<DateTime<Utc>>>,
}

/// Adds bodies to the archive; a body that is there already stays as it is.
pub(super) async fn archive(
    connection: &mut PgConnection,
    merchant: &MerchantId,
    resource: Resource,
    rows: &VersionRows<'_>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    const INSERT: &str = "
        insert into record_version (merchant, resource, source_id, version, shape, fingerprint, body, parent_id, updated_at, recorded_at)
        select $1, $2, t.*, $10
        from unnest($3::text[], $4::int8[], $5::text[], $6::bytea[], $7::bytea[], $8::text[], $9::timestamptz[]) as t
        on conflict do nothing";
    sqlx::query(INSERT)
        .bind(merchant.as_str())
        .bind(resource.name())
        .bind(&rows.source_id)
        .bind(&rows.version)
        .bind(&rows.shape)
        .bind(&rows.fingerprint)
        .bind(&rows.body)
        .bind(&rows.parent_id)
        .bind(&rows.updated_at)
        .bind(now)
        .execute(connection)
        .await?;
    Ok(())
}

/// Which of these bodies are in the archive already, under any version: a stale answer that comes again and again is kept once.
pub(super) async fn archived(
    connection: &mut PgConnection,
    merchant: &MerchantId,
    resource: Resource,
    ids: &[&str],
) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
    const SELECT: &str = "
        select source_id, fingerprint from record_version where merchant = $1 and resource = $2 and source_id = any($3)";
    Ok(sqlx::query_as(SELECT).bind(merchant.as_str()).bind(resource.name()).bind(ids).fetch_all(connection).await?)
}
