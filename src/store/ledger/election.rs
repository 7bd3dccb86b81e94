//! The table `election`: which document of an ERP is the one of its key, decided once.

use chrono::{DateTime, Utc};

use super::super::lease::Held;
use super::super::{Store, StoreError};
use crate::model::ids::{AdapterName, MerchantId};

/// A document proposed for its key.
#[derive(Debug, Clone)]
pub struct Ballot<'a> {
    pub merchant: &'a MerchantId,
    pub key: &'a str,
    pub generation: i32,
    /// The key as the ERP writes it.
    pub erp_key: String,
    pub reference: &'a str,
}

impl Store {
    /// Elects each document unless one is elected for its key already; answers with the elected ones, in the order given. `None`
    /// where the ERP's key belongs to another entry.
    pub async fn elect(
        &self,
        held: &Held,
        adapter: &AdapterName,
        ballots: &[Ballot<'_>],
        now: DateTime<Utc>,
    ) -> Result<Vec<Option<String>>, StoreError> {
        const INSERT: &str = "
            insert into election (adapter, erp_key, merchant, key, generation, reference, elected_at)
            select $1, t.*, $2 from unnest($3::text[], $4::text[], $5::text[], $6::int4[], $7::text[]) as t
            on conflict do nothing";
        const READ: &str = "
            select e.reference
            from unnest($2::text[], $3::text[], $4::int4[]) with ordinality as t (merchant, key, generation, place)
            left join election e
                on e.adapter = $1 and e.merchant = t.merchant and e.key = t.key and e.generation = t.generation
            order by t.place";
        let merchants: Vec<&str> = ballots.iter().map(|it| it.merchant.as_str()).collect();
        let keys: Vec<&str> = ballots.iter().map(|it| it.key).collect();
        let generations: Vec<i32> = ballots.iter().map(|it| it.generation).collect();
        let mut transaction = self.begin(held).await?;
        sqlx::query(INSERT)
            .bind(adapter.as_str())
            .bind(now)
            .bind(ballots.iter().map(|it| it.erp_key.as_str()).collect::<Vec<_>>())
            .bind(&merchants)
            .bind(&keys)
            .bind(&generations)
            .bind(ballots.iter().map(|it| it.reference).collect::<Vec<_>>())
            .execute(&mut *transaction)
            .await?;
        let elected = sqlx::query_scalar(READ)
            .bind(adapter.as_str())
            .bind(&merchants)
            .bind(&keys)
            .bind(&generations)
            .fetch_all(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(elected)
    }

    /// Which of these drafts, given by the ERP's key and reference, lost an election. One of whose key nothing is elected may be
    /// about to be.
    pub async fn strays(&self, adapter: &AdapterName, drafts: &[(&str, &str)]) -> Result<Vec<String>, StoreError> {
        const SELECT: &str = "
            select t.reference from unnest($2::text[], $3::text[]) as t (erp_key, reference)
            join election e on e.adapter = $1 and e.erp_key = t.erp_key and e.reference <> t.reference";
        Ok(sqlx::query_scalar(SELECT)
            .bind(adapter.as_str())
            .bind(drafts.iter().map(|(key, _)| *key).collect::<Vec<_>>())
            .bind(drafts.iter().map(|(_, reference)| *reference).collect::<Vec<_>>())
            .fetch_all(&self.pool)
            .await?)
    }
}
