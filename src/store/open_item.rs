//! The table `open_item`: what is read by id until nothing about it is open.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use sqlx::{FromRow, PgConnection};

use super::lease::Held;
use super::{Store, StoreError};
use crate::crash::{Point, crash_point};
use crate::model::ids::{MerchantId, SourceId};
use crate::model::money::Amount;
use crate::model::resource::Resource;
use crate::scan::open_items::{OpenItem, Reason};

/// An open item whose time has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueItem {
    pub item: OpenItem,
    pub next_at: DateTime<Utc>,
    pub opened_at: DateTime<Utc>,
    pub reads: u32,
}

impl Store {
    /// Open items of a resource that are due by `now` and come after `after` (reason, id), in that order.
    pub async fn due_items(
        &self,
        merchant: &MerchantId,
        resource: Resource,
        reasons: &[Reason],
        now: DateTime<Utc>,
        after: &(SourceId, Reason),
    ) -> Result<Vec<DueItem>, StoreError> {
        const SELECT: &str = "
            select source_id, reason, amount, party, next_at, opened_at, reads from open_item
            where merchant = $1 and resource = $2 and next_at <= $3 and reason = any($4) and (source_id, reason) > ($5, $6)
            order by source_id, reason limit 500";
        let names: Vec<&str> = reasons.iter().map(|reason| reason.name()).collect();
        let rows: Vec<ItemRow> = sqlx::query_as(SELECT)
            .bind(merchant.as_str())
            .bind(resource.name())
            .bind(now)
            .bind(names)
            .bind(after.0.as_str())
            .bind(after.1.name())
            .fetch_all(&self.pool)
            .await?;
        rows.into_iter().map(|row| row.into_item(resource)).collect()
    }

    /// Puts an item off after a reading that left it open; `None` takes it out of the rota.
    pub async fn put_off(
        &self,
        held: &Held,
        merchant: &MerchantId,
        item: &OpenItem,
        next_at: Option<DateTime<Utc>>,
    ) -> Result<(), StoreError> {
        const UPDATE: &str = "
            update open_item set reads = reads + 1, next_at = $5
            where merchant = $1 and resource = $2 and source_id = $3 and reason = $4";
        let mut transaction = self.begin(held).await?;
        sqlx::query(UPDATE)
            .bind(merchant.as_str())
            .bind(item.resource.name())
            .bind(item.id.as_str())
            .bind(item.reason.name())
            .bind(next_at)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Takes an item off the list, unless it has become due again since.
    pub async fn close_item(&self, held: &Held, merchant: &MerchantId, due: &DueItem) -> Result<(), StoreError> {
        const DELETE: &str = "
            delete from open_item
            where merchant = $1 and resource = $2 and source_id = $3 and reason = $4 and next_at = $5";
        let mut transaction = self.begin(held).await?;
        sqlx::query(DELETE)
            .bind(merchant.as_str())
            .bind(due.item.resource.name())
            .bind(due.item.id.as_str())
            .bind(due.item.reason.name())
            .bind(due.next_at)
            .execute(&mut *transaction)
            .await?;
        crash_point(Point::Closing);
        transaction.commit().await?;
        crash_point(Point::Closed);
        Ok(())
    }

    /// Drops what meanwhile came by itself: named records that are stored, payments whose principal is found on receivables.
    pub async fn close_explained(
        &self,
        held: &Held,
        merchant: &MerchantId,
        resource: Resource,
    ) -> Result<(), StoreError> {
        const NAMED: &str = "
            delete from open_item o using record r
            where o.merchant = $1 and o.resource = $2 and o.reason = 'named'
                and r.merchant = $1 and r.resource = $2 and r.source_id = o.source_id";
        const APPLIED: &str = "
            delete from open_item o
            where o.merchant = $1 and o.resource = $2 and o.reason = 'unapplied' and o.amount <= (
                select coalesce(sum(abs(t.amount)), 0) from record t
                where t.merchant = $1 and t.resource = 'receivable_transactions' and t.subject_id = o.source_id)";
        let mut transaction = self.begin(held).await?;
        sqlx::query(NAMED).bind(merchant.as_str()).bind(resource.name()).execute(&mut *transaction).await?;
        if matches!(resource, Resource::Payments | Resource::Refunds) {
            sqlx::query(APPLIED).bind(merchant.as_str()).bind(resource.name()).execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Has the child lists read of the receivables to which the payment of a refund was applied.
    pub async fn suspect_refunded(
        &self,
        held: &Held,
        merchant: &MerchantId,
        refund: &SourceId,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        const INSERT: &str = "
            insert into open_item (merchant, resource, source_id, reason, opened_at, next_at)
            select distinct t.merchant, 'receivable_transactions', t.parent_id, 'children', $3, $3
            from record r join record t on t.merchant = r.merchant and t.resource = 'receivable_transactions' and t.subject_id = r.subject_id
            where r.merchant = $1 and r.resource = 'refunds' and r.source_id = $2 and t.parent_id is not null
            on conflict (merchant, resource, source_id, reason) do update set next_at = excluded.next_at
            where open_item.next_at is null or open_item.next_at > excluded.next_at";
        let mut transaction = self.begin(held).await?;
        sqlx::query(INSERT).bind(merchant.as_str()).bind(refund.as_str()).bind(now).execute(&mut *transaction).await?;
        Ok(transaction.commit().await?)
    }

    /// Has the child lists read of every receivable on which the money of this customer may be: open, or changed since `since`.
    pub async fn suspect_receivables(
        &self,
        held: &Held,
        merchant: &MerchantId,
        party: &str,
        since: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<u64, StoreError> {
        const INSERT: &str = "
            insert into open_item (merchant, resource, source_id, reason, opened_at, next_at)
            select merchant, 'receivable_transactions', source_id, 'children', $4, $4 from record
            where merchant = $1 and resource = 'receivables' and party = $2 and (status = 'active' or updated_at >= $3)
            order by updated_at desc limit 200
            on conflict (merchant, resource, source_id, reason) do update set next_at = excluded.next_at
            where open_item.next_at is null or open_item.next_at > excluded.next_at";
        let mut transaction = self.begin(held).await?;
        let suspected = sqlx::query(INSERT)
            .bind(merchant.as_str())
            .bind(party)
            .bind(since)
            .bind(now)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(suspected.rows_affected())
    }
}

#[derive(FromRow)]
struct ItemRow {
    source_id: String,
    reason: String,
    amount: Option<Decimal>,
    party: Option<String>,
    next_at: DateTime<Utc>,
    opened_at: DateTime<Utc>,
    reads: i32,
}

impl ItemRow {
    fn into_item(self, resource: Resource) -> Result<DueItem, StoreError> {
        let reason = Reason::ALL.into_iter().find(|reason| reason.name() == self.reason);
        let reason =
            reason.ok_or_else(|| StoreError::Corrupt(format!("an open item for the reason {}", self.reason)))?;
        let item = OpenItem {
            resource,
            id: SourceId::new(self.source_id),
            reason,
            amount: self.amount.map(Amount::from),
            party: self.party,
        };
        Ok(DueItem {
            item,
            next_at: self.next_at,
            opened_at: self.opened_at,
            reads: u32::try_from(self.reads).unwrap_or(u32::MAX),
        })
    }
}

/// Rows for `open_item`, one vector per column.
#[derive(Debug, Default)]
pub(super) struct ItemRows {
    resource: Vec<&'static str>,
    source_id: Vec<String>,
    reason: Vec<&'static str>,
    amount: Vec<Option<Decimal>>,
    party: Vec<Option<String>>,
    next_at: Vec<DateTime<Utc>>,
}

impl ItemRows {
    pub fn push(&mut self, item: &OpenItem, next_at: DateTime<Utc>) {
        self.resource.push(item.resource.name());
        self.source_id.push(item.id.as_str().to_owned());
        self.reason.push(item.reason.name());
        self.amount.push(item.amount.map(Amount::decimal));
        self.party.push(item.party.clone());
        self.next_at.push(next_at);
    }
}

/// Replaces what is open about new versions of `ids`: reasons that fell away are closed, those that stay keep their delay.
pub(super) async fn reopen(
    connection: &mut PgConnection,
    merchant: &MerchantId,
    resource: Resource,
    ids: &[&str],
    items: &ItemRows,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    const CLOSE: &str = "
        delete from open_item o
        where merchant = $1 and resource = $2 and source_id = any($3) and reason in ('status', 'fee', 'fee_absent', 'unapplied')
            and not exists (select from unnest($4::text[], $5::text[], $6::text[]) as t (resource, source_id, reason)
                where t.resource = o.resource and t.source_id = o.source_id and t.reason = o.reason)";
    sqlx::query(CLOSE)
        .bind(merchant.as_str())
        .bind(resource.name())
        .bind(ids)
        .bind(&items.resource)
        .bind(&items.source_id)
        .bind(&items.reason)
        .execute(&mut *connection)
        .await?;
    insert(connection, merchant, items, now).await
}

async fn insert(
    connection: &mut PgConnection,
    merchant: &MerchantId,
    items: &ItemRows,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    // Children are due at once again: the receivable has changed since they were read.
    const INSERT: &str = "
        insert into open_item (merchant, resource, source_id, reason, amount, party, opened_at, next_at)
        select $1, t.resource, t.source_id, t.reason, t.amount, t.party, $8, t.next_at
        from unnest($2::text[], $3::text[], $4::text[], $5::numeric[], $6::text[], $7::timestamptz[])
            as t (resource, source_id, reason, amount, party, next_at)
        order by t.resource, t.source_id, t.reason
        on conflict (merchant, resource, source_id, reason) do update
        set amount = excluded.amount, party = excluded.party,
            next_at = case when excluded.reason = 'children' then excluded.next_at else open_item.next_at end";
    if items.resource.is_empty() {
        return Ok(());
    }
    sqlx::query(INSERT)
        .bind(merchant.as_str())
        .bind(&items.resource)
        .bind(&items.source_id)
        .bind(&items.reason)
        .bind(&items.amount)
        .bind(&items.party)
        .bind(&items.next_at)
        .bind(now)
        .execute(connection)
        .await?;
    Ok(())
}

/// Notes records that are named and not stored, to be read by id from `next_at` on unless they come by themselves.
pub(super) async fn name(
    connection: &mut PgConnection,
    merchant: &MerchantId,
    named: &[(Resource, &SourceId)],
    now: DateTime<Utc>,
    next_at: DateTime<Utc>,
) -> Result<(), StoreError> {
    const INSERT: &str = "
        insert into open_item (merchant, resource, source_id, reason, opened_at, next_at)
        select distinct $1, t.resource, t.source_id, 'named', $4, $5 from unnest($2::text[], $3::text[]) as t (resource, source_id)
        where not exists (select from record r
            where r.merchant = $1 and r.resource = t.resource and r.source_id = t.source_id)
        on conflict do nothing";
    if named.is_empty() {
        return Ok(());
    }
    let resources: Vec<&str> = named.iter().map(|(resource, _)| resource.name()).collect();
    let ids: Vec<&str> = named.iter().map(|(_, id)| id.as_str()).collect();
    sqlx::query(INSERT)
        .bind(merchant.as_str())
        .bind(resources)
        .bind(ids)
        .bind(now)
        .bind(next_at)
        .execute(connection)
        .await?;
    Ok(())
}
