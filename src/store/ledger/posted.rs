//! Entries that are posted, to be compared with what the ERP shows of them.

use chrono::{DateTime, Utc};
use sqlx::FromRow;

use super::super::{Store, StoreError};
use super::Claimed;
use crate::model::ids::{AdapterName, MerchantId};

/// How far the entries of one record have come at an adapter.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Progress {
    pub source_id: String,
    /// Entries that wait: for time, for the ERP or for a person.
    pub waiting: i64,
    /// Entries that are not posted and never will be.
    pub outside: i64,
}

impl Store {
    /// Journal entries that were posted until then, by key, from behind `after`.
    pub async fn posted_entries(
        &self,
        (adapter, merchant): (&AdapterName, &MerchantId),
        after: &str,
        until: DateTime<Utc>,
        limit: i64,
    ) -> Result<Vec<Claimed>, StoreError> {
        const SELECT: &str = concat!(
            "with claimed as (
                select merchant, key, what, baseline, nets, resource, source_id, version, attempts, failures, position,
                    generation, root, payload_sha256, text, false as in_doubt
                from ledger_entry
                where merchant = $2 and adapter = $1 and key > $3 and what = 'entry' and state = 'posted' and settled_at <= $4
                order by key limit $5
            ) ",
            entry_made_concrete!(),
            " order by c.key"
        );
        Ok(sqlx::query_as(SELECT)
            .bind(adapter.as_str())
            .bind(merchant.as_str())
            .bind(after)
            .bind(until)
            .bind(limit)
            .fetch_all(&self.pool)
            .await?)
    }

    /// For each document, given by the ERP's key and its reference: when its entry was posted, none where it is not yet. A document
    /// that was never elected is not in the answer.
    pub async fn elected_documents(
        &self,
        adapter: &AdapterName,
        documents: &[(&str, &str)],
    ) -> Result<Vec<(String, Option<DateTime<Utc>>)>, StoreError> {
        const SELECT: &str = "
            select t.reference, case when l.state = 'posted' then l.settled_at end
            from unnest($2::text[], $3::text[]) as t (erp_key, reference)
            join election e on e.adapter = $1 and e.erp_key = t.erp_key and e.reference = t.reference
            join ledger_entry l on l.merchant = e.merchant and l.key = e.key and l.adapter = e.adapter";
        Ok(sqlx::query_as(SELECT)
            .bind(adapter.as_str())
            .bind(documents.iter().map(|(key, _)| *key).collect::<Vec<_>>())
            .bind(documents.iter().map(|(_, reference)| *reference).collect::<Vec<_>>())
            .fetch_all(&self.pool)
            .await?)
    }

    /// Of the transfers that have entries at an adapter which are not posted, how many wait and how many never will be.
    pub async fn transfers_not_posted(
        &self,
        adapter: &AdapterName,
        merchant: &MerchantId,
    ) -> Result<Vec<Progress>, StoreError> {
        const SELECT: &str = "
            select source_id, count(*) filter (where settled_at is null) as waiting,
                count(*) filter (where settled_at is not null) as outside
            from ledger_entry
            where merchant = $2 and adapter = $1 and resource = 'transfers' and what = 'entry' and state <> 'posted'
            group by source_id";
        Ok(sqlx::query_as(SELECT).bind(adapter.as_str()).bind(merchant.as_str()).fetch_all(&self.pool).await?)
    }
}
