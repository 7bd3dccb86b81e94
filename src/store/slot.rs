//! What is stored of a slot: the records that belong to it, and the records above them whose lists show them.

use std::collections::BTreeMap;

use bytes::Bytes;
use futures::TryStreamExt;
use rust_decimal::Decimal;
use sha2::{Digest, Sha256};
use sqlx::FromRow;

use super::{Store, StoreError};
use crate::model::ids::{MerchantId, SourceId};
use crate::model::record::{Fingerprint, Shape};
use crate::model::resource::Resource;
use crate::scan::days::Slot;
use crate::scan::seals::Content;

/// Records of the merchant $1 and resource $2 that belong to the slot from $3 to before $4: those created within it. Lines of a
/// transfer's report do not say when they were created and belong to the day of their transfer.
macro_rules! members {
    () => {
        "
        with member as (
            select source_id, parent_id, amount, currency from record
            where merchant = $1 and resource = $2 and created_at >= $3 and created_at < $4
            union all
            select line.source_id, line.parent_id, line.amount, line.currency
            from record transfer join record line on line.merchant = transfer.merchant
                and line.resource = 'transfer_entries' and line.parent_id = transfer.source_id
            where $2 = 'transfer_entries' and transfer.merchant = $1 and transfer.resource = 'transfers'
                and transfer.created_at >= $3 and transfer.created_at < $4 and line.created_at is null
        )"
    };
}

/// A record of a slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    pub id: SourceId,
    /// The record under which it is listed, if it is.
    pub parent: Option<SourceId>,
}

/// A record under which others are listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parent {
    pub id: SourceId,
    /// A stored record of the slot is listed under it.
    pub is_named: bool,
    /// Of the version in effect; `None` where it is named, or not stored.
    pub body: Option<(Shape, Bytes)>,
}

impl Store {
    /// What is stored of a slot.
    pub async fn content(&self, merchant: &MerchantId, resource: Resource, slot: Slot) -> Result<Content, StoreError> {
        const SELECT: &str = concat!(members!(), " select source_id from member order by source_id collate \"C\"");
        let mut ids = sqlx::query_scalar::<_, String>(SELECT)
            .bind(merchant.as_str())
            .bind(resource.name())
            .bind(slot.from)
            .bind(slot.to)
            .fetch(&self.pool);
        let (mut hash, mut rows) = (Sha256::new(), 0);
        while let Some(id) = ids.try_next().await? {
            hash.update(id.as_bytes());
            hash.update(b"\n");
            rows += 1;
        }
        Ok(Content { rows, ids: Fingerprint(hash.finalize().into()) })
    }

    /// Amount per currency of a slot.
    pub async fn sums(
        &self,
        merchant: &MerchantId,
        resource: Resource,
        slot: Slot,
    ) -> Result<BTreeMap<String, Decimal>, StoreError> {
        const SELECT: &str = concat!(
            members!(),
            " select currency, sum(amount) from member where currency is not null and amount is not null group by currency"
        );
        let sums: Vec<(String, Decimal)> = sqlx::query_as(SELECT)
            .bind(merchant.as_str())
            .bind(resource.name())
            .bind(slot.from)
            .bind(slot.to)
            .fetch_all(&self.pool)
            .await?;
        Ok(sums.into_iter().collect())
    }

    /// Stored records of a slot by id, a thousand at most after `after`.
    pub async fn members(
        &self,
        merchant: &MerchantId,
        resource: Resource,
        slot: Slot,
        after: &str,
    ) -> Result<Vec<Member>, StoreError> {
        const SELECT: &str = concat!(
            members!(),
            " select source_id, parent_id from member where source_id > $5 order by source_id limit 1000"
        );
        let rows: Vec<(String, Option<String>)> = sqlx::query_as(SELECT)
            .bind(merchant.as_str())
            .bind(resource.name())
            .bind(slot.from)
            .bind(slot.to)
            .bind(after)
            .fetch_all(&self.pool)
            .await?;
        Ok(rows
            .into_iter()
            .map(|(id, parent)| Member { id: SourceId::new(id), parent: parent.map(SourceId::new) })
            .collect())
    }

    /// Records of `above` whose lists may show records of the slot, by id, some hundred at most after `after`: those under which
    /// stored ones are listed, and those created or last updated within it.
    pub async fn parents(
        &self,
        merchant: &MerchantId,
        resource: Resource,
        above: Resource,
        slot: Slot,
        after: &str,
    ) -> Result<Vec<Parent>, StoreError> {
        const SELECT: &str = concat!(
            members!(),
            ", parent as (
                select parent_id as source_id, true as is_named from member where parent_id is not null
                union all
                select source_id, false from record
                where merchant = $1 and resource = $5 and created_at >= $3 and created_at < $4
                union all
                select source_id, false from record
                where merchant = $1 and resource = $5 and updated_at >= $3 and updated_at < $4
            ), page as (
                select source_id, bool_or(is_named) as is_named from parent
                where source_id > $6 group by source_id order by source_id limit 500
            )
            select page.source_id, page.is_named, archived.shape, archived.body from page
            left join record r on r.merchant = $1 and r.resource = $5 and r.source_id = page.source_id and not page.is_named
            left join lateral (
                select shape, body from record_version v
                where v.merchant = r.merchant and v.resource = r.resource and v.source_id = r.source_id and v.version = r.version
                order by v.shape = 'detail' desc, v.arrival desc limit 1
            ) as archived on true
            order by page.source_id"
        );
        let rows: Vec<ParentRow> = sqlx::query_as(SELECT)
            .bind(merchant.as_str())
            .bind(resource.name())
            .bind(slot.from)
            .bind(slot.to)
            .bind(above.name())
            .bind(after)
            .fetch_all(&self.pool)
            .await?;
        rows.into_iter().map(ParentRow::into_parent).collect()
    }
}

#[derive(FromRow)]
struct ParentRow {
    source_id: String,
    is_named: bool,
    shape: Option<String>,
    body: Option<Vec<u8>>,
}

impl ParentRow {
    fn into_parent(self) -> Result<Parent, StoreError> {
        let shape = self.shape.map(|name| {
            let shape = Shape::ALL.into_iter().find(|shape| shape.name() == name);
            shape.ok_or_else(|| StoreError::Corrupt(format!("a body of the shape {name}")))
        });
        let body = shape.transpose()?.zip(self.body.map(Bytes::from));
        Ok(Parent { id: SourceId::new(self.source_id), is_named: self.is_named, body })
    }
}
