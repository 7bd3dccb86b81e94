//! The table `seal`: certificates of closed days.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
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
    /// End of the last slot before the first one that is not sealed.
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
            with certified as (
                select s.merchant, s.resource, min(s.to_at) filter (where next.from_at is null) as through,
                    min(s.from_at) filter (where s.final_at is null) as doubted
                from seal s left join seal next
                    on next.merchant = s.merchant and next.resource = s.resource and next.from_at = s.to_at
                group by s.merchant, s.resource
            )
            select merchant, resource, through as provisional, least(through, doubted) as final
            from certified order by merchant, resource";
        Ok(sqlx::query_as(SELECT).fetch_all(&self.pool).await?)
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

/// A record of which nothing was known before.
#[derive(Debug, Clone, Copy)]
pub(super) struct Arrival<'a> {
    pub created_at: Option<DateTime<Utc>>,
    pub parent: Option<&'a SourceId>,
}

/// Takes the finality from seals of the slots to which new records belong, and says so: those days are read again until a reading
/// agrees. Nothing is said where a record came with one above it from before the first seal, whose list no seal speaks of.
pub(super) async fn reopen(
    connection: &mut PgConnection,
    merchant: &MerchantId,
    resource: Resource,
    arrivals: &[Arrival<'_>],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    const REOPEN: &str = "
        with new as (
            select coalesce(t.created_at, case when $2 = 'transfer_entries' then above.created_at end) as created_at,
                $5::text is null or coalesce(above.created_at >= (
                    select min(from_at) from seal where merchant = $1 and resource = $2), false) as is_told
            from unnest($3::timestamptz[], $4::text[]) as t (created_at, parent_id)
            left join record above on above.merchant = $1 and above.resource = $5 and above.source_id = t.parent_id
        ), hit as (
            select slot.from_at, bool_or(new.is_told) as is_told from new
            cross join lateral (
                select from_at, to_at, final_at from seal
                where merchant = $1 and resource = $2 and from_at <= new.created_at order by from_at desc limit 1
            ) as slot
            where slot.to_at > new.created_at and slot.final_at is not null
            group by slot.from_at
        )
        update seal set final_at = null from hit
        where seal.merchant = $1 and seal.resource = $2 and seal.from_at = hit.from_at
        returning seal.from_at, seal.to_at, hit.is_told";
    if arrivals.is_empty() {
        return Ok(());
    }
    let created: Vec<Option<DateTime<Utc>>> = arrivals.iter().map(|arrival| arrival.created_at).collect();
    let parents: Vec<Option<&str>> = arrivals.iter().map(|arrival| arrival.parent.map(SourceId::as_str)).collect();
    let reopened: Vec<(DateTime<Utc>, DateTime<Utc>, bool)> = sqlx::query_as(REOPEN)
        .bind(merchant.as_str())
        .bind(resource.name())
        .bind(created)
        .bind(parents)
        .bind(resource.parent().map(Resource::name))
        .fetch_all(&mut *connection)
        .await?;
    let told = reopened.into_iter().filter(|(_, _, is_told)| *is_told);
    let findings: Vec<Finding> = told.map(|(from, to, _)| incomplete(resource, from, to)).collect();
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
