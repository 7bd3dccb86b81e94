//! Sums for whoever watches: what stands open, what is not posted, and whether the database is the one we know.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use sqlx::FromRow;

use super::lease::Presence;
use super::{Store, StoreError};
use crate::model::ids::MerchantId;

/// Open exceptions of one class.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct OpenClass {
    pub class: String,
    pub open: i64,
    pub oldest: DateTime<Utc>,
}

/// Journal entries that an adapter has not taken yet: what they debit.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Unposted {
    pub adapter: String,
    pub currency: String,
    pub entries: i64,
    pub amount: Decimal,
}

/// Records of one resource of one merchant.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct RowCount {
    pub merchant: String,
    pub resource: String,
    pub rows: i64,
}

/// What the database says of itself and of this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromRow)]
pub struct Vitals {
    /// The last migration that was run on it.
    pub migration: i64,
    /// Leases in the hands of this process.
    pub leases: i64,
}

impl Store {
    /// Open exceptions by class.
    pub async fn open_classes(&self) -> Result<Vec<OpenClass>, StoreError> {
        const SELECT: &str = "
            select class, count(*) as open, min(opened_at) as oldest from exception where resolved_at is null
            group by class order by class";
        Ok(sqlx::query_as(SELECT).fetch_all(&self.pool).await?)
    }

    /// What is booked here and not posted there. Takes time with the number of entries that wait.
    pub async fn unposted(&self) -> Result<Vec<Unposted>, StoreError> {
        const SELECT: &str = "
            select e.adapter, j.currency, count(distinct (j.merchant, j.entry_key)) as entries, sum(l.amount) as amount
            from ledger_entry e
            join journal_entry j on j.merchant = e.merchant and j.entry_key = e.key
            join journal_line l on l.merchant = j.merchant and l.entry_key = j.entry_key and l.amount > 0
            where e.what = 'entry' and e.root is not null
                and e.state in ('pending', 'in_doubt', 'held', 'parked')
            group by e.adapter, j.currency order by e.adapter, j.currency";
        Ok(sqlx::query_as(SELECT).fetch_all(&self.pool).await?)
    }

    /// Records per merchant and resource.
    pub async fn row_counts(&self) -> Result<Vec<RowCount>, StoreError> {
        const SELECT: &str = "
            select merchant, resource, sum(rows)::int8 as rows from record_sum where rows > 0
            group by merchant, resource order by merchant, resource";
        Ok(sqlx::query_as(SELECT).fetch_all(&self.pool).await?)
    }

    /// Whether versions of a merchant wait to be booked.
    pub async fn is_booking(&self, merchant: &MerchantId) -> Result<bool, StoreError> {
        const SELECT: &str = "select exists (select from booking where merchant = $1 and booked is null)";
        Ok(sqlx::query_scalar(SELECT).bind(merchant.as_str()).fetch_one(&self.pool).await?)
    }

    /// Whether the database answers, and as what.
    pub async fn vitals(&self, presence: &Presence, now: DateTime<Utc>) -> Result<Vitals, StoreError> {
        const SELECT: &str = "
            select (select max(version) from _sqlx_migrations where success) as migration,
                (select count(*) from lease where holder = $1 and expires_at > $2) as leases";
        Ok(sqlx::query_as(SELECT).bind(presence.holder()).bind(now).fetch_one(&self.pool).await?)
    }

    /// The last migration that this program knows.
    #[must_use]
    pub fn migration_known() -> i64 {
        sqlx::migrate!().iter().map(|migration| migration.version).max().unwrap_or_default()
    }
}
