//! The table `seal`: certificates of closed days.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use futures::TryStreamExt;
use rust_decimal::Decimal;
use sha2::{Digest, Sha256};
use sqlx::{FromRow, PgConnection};

use super::exception::{self, Finding};
use super::{Store, StoreError};
use crate::model::ids::{MerchantId, SourceId};
use crate::model::record::Fingerprint;
use crate::model::resource::Resource;
use crate::scan::days::Slot;
use crate::scan::seals::{Content, Seal};

/// A seal to be stored.
#[derive(Debug, Clone)]
pub struct NewSeal {
    pub slot: Slot,
    pub zone: chrono_tz::Tz,
    pub content: Content,
    pub sums: BTreeMap<String, Decimal>,
    pub readings: u32,
    /// False where a reading only agreed with what was sealed before.
    pub is_new: bool,
    pub is_final: bool,
}

/// Through when a resource is sealed.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct SealedThrough {
    pub merchant: String,
    pub resource: String,
    pub provisional: Option<DateTime<Utc>>,
    /// End of the last slot before the first one that is not final.
    #[sqlx(rename = "final")]
    pub final_through: Option<DateTime<Utc>>,
}

impl Store {
    /// All seals of a resource, oldest first.
    pub async fn seals(&self, merchant: &MerchantId, resource: Resource) -> Result<Vec<Seal>, StoreError> {
        const SELECT: &str = "
            select from_at, to_at, ids_sha256, readings, final_at from seal
            where merchant = $1 and resource = $2 order by from_at";
        let rows: Vec<SealRow> =
            sqlx::query_as(SELECT).bind(merchant.as_str()).bind(resource.name()).fetch_all(&self.pool).await?;
        rows.into_iter().map(SealRow::into_seal).collect()
    }

    /// Through when each resource is sealed.
    pub async fn sealed_through(&self) -> Result<Vec<SealedThrough>, StoreError> {
        const SELECT: &str = "
            select merchant, resource, max(to_at) as provisional,
                coalesce(min(from_at) filter (where final_at is null), max(to_at)) as final
            from seal group by merchant, resource order by merchant, resource";
        Ok(sqlx::query_as(SELECT).fetch_all(&self.pool).await?)
    }

    /// What is stored of a slot.
    pub async fn content(&self, merchant: &MerchantId, resource: Resource, slot: Slot) -> Result<Content, StoreError> {
        const SELECT: &str = "
            select source_id from record
            where merchant = $1 and resource = $2 and created_at >= $3 and created_at < $4 order by source_id collate \"C\"";
        let mut ids = sqlx::query_scalar::<_, String>(SELECT)
            .bind(merchant.as_str())
            .bind(resource.name())
            .bind(slot.from)
            .bind(slot.to)
            .fetch(&self.pool);
        let (mut hash, mut rows) = (Sha256::new(), 0);
        while let Some(id) = ids.try_next().await? {
            hash.update(id.as_bytes());
            hash.update(b"\n");
            rows += 1;
        }
        Ok(Content { rows, ids: Fingerprint(hash.finalize().into()) })
    }

    /// Amount per currency of a slot.
    pub async fn sums(
        &self,
        merchant: &MerchantId,
        resource: Resource,
        slot: Slot,
    ) -> Result<BTreeMap<String, Decimal>, StoreError> {
        const SELECT: &str = "
            select currency, sum(amount) from record
            where merchant = $1 and resource = $2 and created_at >= $3 and created_at < $4
                and currency is not null and amount is not null
            group by currency";
        let sums: Vec<(String, Decimal)> = sqlx::query_as(SELECT)
            .bind(merchant.as_str())
            .bind(resource.name())
            .bind(slot.from)
            .bind(slot.to)
            .fetch_all(&self.pool)
            .await?;
        Ok(sums.into_iter().collect())
    }

    /// Ids of stored records created within a slot, a thousand at most after `after`.
    pub async fn ids_created(
        &self,
        merchant: &MerchantId,
        resource: Resource,
        slot: Slot,
        after: &str,
    ) -> Result<Vec<SourceId>, StoreError> {
        const SELECT: &str = "
            select source_id from record
            where merchant = $1 and resource = $2 and created_at >= $3 and created_at < $4 and source_id > $5
            order by source_id limit 1000";
        let ids: Vec<String> = sqlx::query_scalar(SELECT)
            .bind(merchant.as_str())
            .bind(resource.name())
            .bind(slot.from)
            .bind(slot.to)
            .bind(after)
            .fetch_all(&self.pool)
            .await?;
        Ok(ids.into_iter().map(SourceId::new).collect())
    }
}

#[derive(FromRow)]
struct SealRow {
    from_at: DateTime<Utc>,
    to_at: DateTime<Utc>,
    ids_sha256: Vec<u8>,
    readings: i32,
    final_at: Option<DateTime<Utc>>,
}

impl SealRow {
    fn into_seal(self) -> Result<Seal, StoreError> {
        let ids = <[u8; 32]>::try_from(self.ids_sha256)
            .map_err(|bytes| StoreError::Corrupt(format!("a seal's hash of {} bytes", bytes.len())))?;
        Ok(Seal {
            slot: Slot { from: self.from_at, to: self.to_at },
            ids: Fingerprint(ids),
            readings: u32::try_from(self.readings).unwrap_or(u32::MAX),
            final_at: self.final_at,
        })
    }
}

/// The class of an exception about a record that turned up after its day was finally sealed.
const SEALED_DAY_INCOMPLETE: &str = "sealed_day_incomplete";

/// Takes the finality from seals of the instants at which new records were created, and says so: those days are read again until a
/// reading agrees.
pub(super) async fn reopen(
    connection: &mut PgConnection,
    merchant: &MerchantId,
    resource: Resource,
    created: &[DateTime<Utc>],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    const REOPEN: &str = "
        with hit as (
            select distinct slot.from_at from unnest($3::timestamptz[]) as new (created_at)
            cross join lateral (
                select from_at, to_at, final_at from seal
                where merchant = $1 and resource = $2 and from_at <= new.created_at order by from_at desc limit 1
            ) as slot
            where slot.to_at > new.created_at and slot.final_at is not null
        )
        update seal set final_at = null from hit
        where seal.merchant = $1 and seal.resource = $2 and seal.from_at = hit.from_at
        returning seal.from_at, seal.to_at";
    if created.is_empty() {
        return Ok(());
    }
    let reopened: Vec<(DateTime<Utc>, DateTime<Utc>)> = sqlx::query_as(REOPEN)
        .bind(merchant.as_str())
        .bind(resource.name())
        .bind(created)
        .fetch_all(&mut *connection)
        .await?;
    let findings: Vec<Finding> = reopened.into_iter().map(|(from, to)| incomplete(resource, from, to)).collect();
    exception::raise(connection, merchant, &findings, now).await
}

fn incomplete(resource: Resource, from: DateTime<Utc>, to: DateTime<Utc>) -> Finding {
    Finding {
        class: SEALED_DAY_INCOMPLETE,
        subject: format!("{resource}:{from}"),
        detail: format!("records of {resource} turned up in the sealed day from {from} to {to}"),
        evidence: None,
    }
}

/// Stores seals in the transaction that stores the records they cover (I1).
pub(super) async fn write(
    connection: &mut PgConnection,
    merchant: &MerchantId,
    resource: Resource,
    seals: &[NewSeal],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    const UPSERT: &str = "
        insert into seal (merchant, resource, from_at, to_at, zone, rows, sums, ids_sha256, readings, sealed_at, read_at, final_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, case when $11 then $10 end)
        on conflict (merchant, resource, from_at) do update set
            rows = excluded.rows, ids_sha256 = excluded.ids_sha256, readings = excluded.readings, read_at = excluded.read_at,
            sums = case when $12 then excluded.sums else seal.sums end,
            sealed_at = case when $12 then excluded.sealed_at else seal.sealed_at end,
            final_at = case when $12 then excluded.final_at else coalesce(seal.final_at, excluded.final_at) end";
    for seal in seals {
        let sums: BTreeMap<&str, String> =
            seal.sums.iter().map(|(currency, sum)| (currency.as_str(), sum.to_string())).collect();
        sqlx::query(UPSERT)
            .bind(merchant.as_str())
            .bind(resource.name())
            .bind(seal.slot.from)
            .bind(seal.slot.to)
            .bind(seal.zone.name())
            .bind(i64::try_from(seal.content.rows).unwrap_or(i64::MAX))
            .bind(sqlx::types::Json(sums))
            .bind(seal.content.ids.0.as_slice())
            .bind(i32::try_from(seal.readings).unwrap_or(i32::MAX))
            .bind(now)
            .bind(seal.is_final)
            .bind(seal.is_new)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}
