//! The table `record_sum`: how many records there are and what they come to, so that nobody reads all of them to know it.

use rust_decimal::Decimal;
use sqlx::{FromRow, PgConnection};

use super::StoreError;
use crate::model::ids::MerchantId;
use crate::model::resource::Resource;

/// By how much the records of one resource in one currency became more.
#[derive(Debug, FromRow)]
pub(super) struct Change {
    pub currency: Option<String>,
    pub rows: i64,
    pub amount: Option<Decimal>,
    /// Records that were written.
    pub written: i64,
}

impl Change {
    /// Whether there is anything to add.
    pub fn counts(&self) -> bool {
        self.rows != 0 || self.amount.is_some_and(|amount| !amount.is_zero())
    }
}

/// Adds changes, the last thing in their transaction: its rows are locked for a moment only, and whoever waits for them holds nothing that
/// their holder may want.
pub(super) async fn add(
    connection: &mut PgConnection,
    merchant: &MerchantId,
    changes: &[(Resource, Change)],
) -> Result<(), StoreError> {
    const ADD: &str = "
        insert into record_sum (merchant, resource, currency, rows, amount)
        select $1, t.resource, t.currency, t.rows, t.amount
        from unnest($2::text[], $3::text[], $4::int8[], $5::numeric[]) as t (resource, currency, rows, amount)
        order by t.resource, t.currency
        on conflict (merchant, resource, currency) do update set rows = record_sum.rows + excluded.rows,
            amount = coalesce(record_sum.amount + excluded.amount, record_sum.amount, excluded.amount)";
    if changes.is_empty() {
        return Ok(());
    }
    sqlx::query(ADD)
        .bind(merchant.as_str())
        .bind(changes.iter().map(|(resource, _)| resource.name()).collect::<Vec<_>>())
        .bind(changes.iter().map(|(_, it)| it.currency.as_deref().unwrap_or_default()).collect::<Vec<_>>())
        .bind(changes.iter().map(|(_, it)| it.rows).collect::<Vec<_>>())
        .bind(changes.iter().map(|(_, it)| it.amount).collect::<Vec<_>>())
        .execute(connection)
        .await?;
    Ok(())
}
