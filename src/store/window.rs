//! The table `backfill_window`: which ranges of created days the backfill has read.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::{FromRow, PgConnection};

use super::{Store, StoreError};
use crate::model::ids::MerchantId;
use crate::model::resource::Resource;

/// A range of created days, both included, in the merchant's zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromRow)]
pub struct BackfillWindow {
    pub first_day: NaiveDate,
    pub last_day: NaiveDate,
    /// Rows that it showed.
    pub rows: i64,
}

impl Store {
    /// All windows read so far, oldest first.
    pub async fn backfill_windows(
        &self,
        merchant: &MerchantId,
        resource: Resource,
    ) -> Result<Vec<BackfillWindow>, StoreError> {
        const SELECT: &str = "
            select first_day, last_day, rows from backfill_window
            where merchant = $1 and resource = $2 order by first_day";
        Ok(sqlx::query_as(SELECT).bind(merchant.as_str()).bind(resource.name()).fetch_all(&self.pool).await?)
    }
}

/// Marks a window read, in the transaction that stores its last rows.
pub(super) async fn finish(
    connection: &mut PgConnection,
    merchant: &MerchantId,
    resource: Resource,
    window: &BackfillWindow,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    const FINISH: &str = "
        insert into backfill_window (merchant, resource, first_day, last_day, rows, read_at) values ($1, $2, $3, $4, $5, $6)
        on conflict (merchant, resource, first_day)
        do update set last_day = excluded.last_day, rows = excluded.rows, read_at = excluded.read_at";
    sqlx::query(FINISH)
        .bind(merchant.as_str())
        .bind(resource.name())
        .bind(window.first_day)
        .bind(window.last_day)
        .bind(window.rows)
        .bind(now)
        .execute(connection)
        .await?;
    Ok(())
}
