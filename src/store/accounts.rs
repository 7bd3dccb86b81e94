//! The books as tie-outs read them: all of a merchant at once, or account by account.

use std::collections::HashSet;

use super::books::EventRow;
use super::{Store, StoreError};
use crate::journal::Told;
use crate::model::event::Event;
use crate::model::ids::{MerchantId, SourceId};
use crate::model::journal::Entry;
use crate::reconcile::Placed;

impl Store {
    /// All journal entries of a merchant, in the order of booking.
    pub async fn journal(&self, merchant: &MerchantId) -> Result<Vec<Entry>, StoreError> {
        const SELECT: &str = concat!(
            "select ",
            journal_entry_json!(),
            " from journal_entry j where j.merchant = $1 order by j.position"
        );
        let texts: Vec<String> = sqlx::query_scalar(SELECT).bind(merchant.as_str()).fetch_all(&self.pool).await?;
        texts.iter().map(|text| entry(text)).collect()
    }

    /// All events of a merchant that move money or tell of payouts, in the order of telling.
    pub async fn money_events(&self, merchant: &MerchantId) -> Result<Vec<Event>, StoreError> {
        const SELECT: &str = "
            select event_key, kind, resource, source_id, occurred_at, fact, root from event
            where merchant = $1 and root is not null order by position";
        self.events(SELECT, merchant).await
    }

    /// What was told of all transfers of a merchant, in the order of telling.
    pub async fn transfer_events(&self, merchant: &MerchantId) -> Result<Vec<Event>, StoreError> {
        const SELECT: &str = "
            select event_key, kind, resource, source_id, occurred_at, fact, root from event
            where merchant = $1 and resource = 'transfers' and root is not null order by position";
        self.events(SELECT, merchant).await
    }

    async fn events(&self, select: &'static str, merchant: &MerchantId) -> Result<Vec<Event>, StoreError> {
        let rows: Vec<EventRow> = sqlx::query_as(select).bind(merchant.as_str()).fetch_all(&self.pool).await?;
        rows.into_iter().map(|row| row.into_event().map(|stored| stored.event)).collect()
    }

    /// The next accounts of a merchant after `after`, at most so many, in the order of the database.
    pub async fn accounts(
        &self,
        merchant: &MerchantId,
        after: &SourceId,
        limit: i64,
    ) -> Result<Vec<SourceId>, StoreError> {
        const SELECT: &str = "select distinct root from event where merchant = $1 and root > $2 order by root limit $3";
        let roots: Vec<String> = sqlx::query_scalar(SELECT)
            .bind(merchant.as_str())
            .bind(after.as_str())
            .bind(limit)
            .fetch_all(&self.pool)
            .await?;
        Ok(roots.into_iter().map(SourceId::new).collect())
    }

    /// The events of these accounts with their accounts, in the order of telling.
    pub async fn account_events(
        &self,
        merchant: &MerchantId,
        accounts: &HashSet<SourceId>,
    ) -> Result<Vec<Told>, StoreError> {
        const SELECT: &str = "
            select event_key, kind, resource, source_id, occurred_at, fact, root from event
            where merchant = $1 and root = any($2) order by position";
        let rows: Vec<EventRow> = sqlx::query_as(SELECT)
            .bind(merchant.as_str())
            .bind(accounts.iter().map(SourceId::as_str).collect::<Vec<_>>())
            .fetch_all(&self.pool)
            .await?;
        rows.into_iter().map(EventRow::into_event).collect()
    }

    /// The entries that these events caused.
    pub async fn entries_of(
        &self,
        merchant: &MerchantId,
        events: impl IntoIterator<Item = &Event>,
    ) -> Result<Vec<Placed>, StoreError> {
        const SELECT: &str = concat!(
            "select j.position, ",
            journal_entry_json!(),
            " from journal_entry j where j.merchant = $1 and j.event_key = any($2)"
        );
        let keys: Vec<&str> = events.into_iter().map(|event| event.key.as_str()).collect();
        let rows: Vec<(i64, String)> =
            sqlx::query_as(SELECT).bind(merchant.as_str()).bind(keys).fetch_all(&self.pool).await?;
        rows.iter().map(|(place, text)| Ok((*place, entry(text)?))).collect()
    }
}

fn entry(text: &str) -> Result<Entry, StoreError> {
    serde_json::from_str(text).map_err(|error| StoreError::Corrupt(error.to_string()))
}
