//! The table `cursor`: how far each resource is read.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::{FromRow, PgConnection};

use super::lease::Held;
use super::{Store, StoreError};
use crate::model::ids::MerchantId;
use crate::model::resource::Resource;

/// How far one resource of one merchant is read.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Cursor {
    /// Everything last updated before this instant and visible by then is stored.
    pub high_water: DateTime<Utc>,
    /// First created day that the backfill reads.
    pub backfill_from: NaiveDate,
    pub backfilled_at: Option<DateTime<Utc>>,
    pub freshened_at: Option<DateTime<Utc>>,
    pub whole_at: Option<DateTime<Utc>>,
    pub sealed_at: Option<DateTime<Utc>>,
    pub polled_at: Option<DateTime<Utc>>,
    pub unavailable_since: Option<DateTime<Utc>>,
}

#[derive(FromRow)]
struct NamedCursor {
    merchant: String,
    resource: String,
    #[sqlx(flatten)]
    cursor: Cursor,
}

/// A cursor at its start: the tail begins at `high_water`, the backfill covers what was there before.
#[derive(Debug, Clone, Copy)]
pub struct NewCursor {
    pub high_water: DateTime<Utc>,
    pub backfill_from: NaiveDate,
}

/// What a transaction says about progress. Instants never go back (I2): an earlier one leaves the later standing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CursorMove {
    pub high_water: Option<DateTime<Utc>>,
    pub backfilled_at: Option<DateTime<Utc>>,
    pub freshened_at: Option<DateTime<Utc>>,
    pub whole_at: Option<DateTime<Utc>>,
    pub sealed_at: Option<DateTime<Utc>>,
    pub polled_at: Option<DateTime<Utc>>,
}

impl Store {
    pub async fn cursor(&self, merchant: &MerchantId, resource: Resource) -> Result<Option<Cursor>, StoreError> {
        const SELECT: &str = "
            select high_water, backfill_from, backfilled_at, freshened_at, whole_at, sealed_at, polled_at, unavailable_since
            from cursor where merchant = $1 and resource = $2";
        Ok(sqlx::query_as(SELECT).bind(merchant.as_str()).bind(resource.name()).fetch_optional(&self.pool).await?)
    }

    /// All cursors with their merchant and resource.
    pub async fn cursors(&self) -> Result<Vec<(String, String, Cursor)>, StoreError> {
        const SELECT: &str = "
            select merchant, resource, high_water, backfill_from, backfilled_at, freshened_at, whole_at, sealed_at, polled_at, unavailable_since
            from cursor order by merchant, resource";
        let rows: Vec<NamedCursor> = sqlx::query_as(SELECT).fetch_all(&self.pool).await?;
        Ok(rows.into_iter().map(|row| (row.merchant, row.resource, row.cursor)).collect())
    }

    /// The cursor, made where there is none.
    pub async fn cursor_or_start(
        &self,
        held: &Held,
        merchant: &MerchantId,
        resource: Resource,
        start: NewCursor,
    ) -> Result<Cursor, StoreError> {
        const INSERT: &str = "
            insert into cursor (merchant, resource, high_water, backfill_from) values ($1, $2, $3, $4)
            on conflict do nothing";
        if let Some(cursor) = self.cursor(merchant, resource).await? {
            return Ok(cursor);
        }
        let mut transaction = self.begin(held).await?;
        sqlx::query(INSERT)
            .bind(merchant.as_str())
            .bind(resource.name())
            .bind(start.high_water)
            .bind(start.backfill_from)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        self.cursor(merchant, resource)
            .await?
            .ok_or_else(|| StoreError::Corrupt("a cursor vanished right after it was made".to_owned()))
    }

    /// Notes since when a list may not be read with these credentials; `None` clears the note.
    pub async fn note_unavailable(
        &self,
        held: &Held,
        merchant: &MerchantId,
        resource: Resource,
        since: Option<DateTime<Utc>>,
    ) -> Result<(), StoreError> {
        const UPDATE: &str = "
            update cursor set unavailable_since = case when $3::timestamptz is null then null else coalesce(unavailable_since, $3) end
            where merchant = $1 and resource = $2 and (unavailable_since is null) <> ($3 is null)";
        let mut transaction = self.begin(held).await?;
        sqlx::query(UPDATE)
            .bind(merchant.as_str())
            .bind(resource.name())
            .bind(since)
            .execute(&mut *transaction)
            .await?;
        Ok(transaction.commit().await?)
    }
}

/// Moves a cursor forward inside the caller's transaction (I1).
pub(super) async fn advance(
    connection: &mut PgConnection,
    merchant: &MerchantId,
    resource: Resource,
    step: &CursorMove,
) -> Result<(), StoreError> {
    // `greatest` ignores nulls, so an absent instant changes nothing.
    const UPDATE: &str = "
        update cursor set
            high_water = greatest(high_water, $3), backfilled_at = greatest(backfilled_at, $4),
            freshened_at = greatest(freshened_at, $5), whole_at = greatest(whole_at, $6),
            polled_at = greatest(polled_at, $7), sealed_at = greatest(sealed_at, $8)
        where merchant = $1 and resource = $2";
    sqlx::query(UPDATE)
        .bind(merchant.as_str())
        .bind(resource.name())
        .bind(step.high_water)
        .bind(step.backfilled_at)
        .bind(step.freshened_at)
        .bind(step.whole_at)
        .bind(step.polled_at)
        .bind(step.sealed_at)
        .execute(connection)
        .await?;
    Ok(())
}
