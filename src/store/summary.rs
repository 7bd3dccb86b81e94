//! Sums for people: what is stored and what is still to be delivered.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use sqlx::FromRow;

use super::{Store, StoreError};

/// One resource of one merchant in one currency.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct ResourceSummary {
    pub merchant: String,
    pub resource: String,
    /// `None` where no amount is known, as for customers.
    pub currency: Option<String>,
    pub rows: i64,
    pub amount: Option<Decimal>,
}

/// What an adapter has still to take.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Backlog {
    pub adapter: String,
    pub open: i64,
    pub parked: i64,
    pub oldest: Option<DateTime<Utc>>,
}

/// Fees that are not final yet: what they were charged on, and since when the oldest waits.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct FeesAwaited {
    pub merchant: String,
    pub currency: String,
    pub payments: i64,
    pub gross: Decimal,
    pub oldest: DateTime<Utc>,
}

impl Store {
    /// Payments whose fee is a placeholder still, per merchant and currency.
    pub async fn fees_awaited(&self) -> Result<Vec<FeesAwaited>, StoreError> {
        const SELECT: &str = "
            select o.merchant, p.currency, count(*) as payments, sum(p.amount) as gross, min(o.opened_at) as oldest
            from open_item o
            join record p on p.merchant = o.merchant and p.resource = 'payments' and p.source_id = o.source_id
            where o.resource = 'payments' and o.reason = 'fee' and p.currency is not null and p.amount is not null
            group by o.merchant, p.currency order by o.merchant, p.currency";
        Ok(sqlx::query_as(SELECT).fetch_all(&self.pool).await?)
    }

    /// Rows and exact sums per merchant, resource and currency.
    pub async fn resource_summaries(&self) -> Result<Vec<ResourceSummary>, StoreError> {
        const SELECT: &str = "
            select merchant, resource, nullif(currency, '') as currency, rows, amount
            from record_sum where rows > 0 order by merchant, resource, nullif(currency, '')";
        Ok(sqlx::query_as(SELECT).fetch_all(&self.pool).await?)
    }

    /// Entries that are not final, per adapter.
    pub async fn backlogs(&self) -> Result<Vec<Backlog>, StoreError> {
        // Each half is what one index of open entries holds; together they would be looked for among all.
        const SELECT: &str = "
            select adapter, sum(open)::int8 as open, sum(parked)::int8 as parked, min(oldest) as oldest
            from (
                select adapter, count(*) as open, 0 as parked, min(recorded_at) as oldest
                from ledger_entry where state in ('pending', 'in_doubt', 'held') group by adapter
                union all
                select adapter, 0, count(*), min(recorded_at) from ledger_entry where state = 'parked' group by adapter
            ) as waiting
            group by adapter order by adapter";
        Ok(sqlx::query_as(SELECT).fetch_all(&self.pool).await?)
    }
}
