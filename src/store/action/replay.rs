//! Replays: what was read is read again, what was refused is delivered again. What is posted stays posted.

use chrono::{DateTime, NaiveDate, Utc};

use crate::model::ids::MerchantId;
use crate::model::resource::Resource;
use crate::store::audit::{self, Act, Actor};
use crate::store::{Store, StoreError, ledger};

impl Store {
    /// Has what one event means delivered again where it is held or parked; what is posted stays posted. Returns how many entries.
    pub async fn replay_event(
        &self,
        merchant: &MerchantId,
        event: &str,
        actor: Actor<'_>,
        now: DateTime<Utc>,
    ) -> Result<u64, StoreError> {
        const UPDATE: &str = concat!(
            "
            update ledger_entry e set state = 'pending', reason = null, due_at = $3, failures = 0, payload_sha256 = null
            where merchant = $1 and state in ('held', 'parked') and not ",
            is_in_flight!(),
            "
                and (key = $2 or key in (select entry_key from journal_entry where merchant = $1 and event_key = $2))"
        );
        let mut transaction = self.pool.begin().await?;
        ledger::hold_claims(&mut transaction, None).await?;
        let entries = sqlx::query(UPDATE)
            .bind(merchant.as_str())
            .bind(event)
            .bind(now)
            .execute(&mut *transaction)
            .await?
            .rows_affected();
        let detail = format!("{entries} entries");
        audit::record(&mut transaction, Act { actor, action: "replay", object: event, detail: &detail }, now).await?;
        transaction.commit().await?;
        Ok(entries)
    }

    /// Has the records of a resource that were created on these days read again (I2), and what was refused of them delivered again.
    /// A job at work on the resource loses its lease and begins anew.
    pub async fn replay_resource(
        &self,
        resource: Resource,
        (from, to): (Option<NaiveDate>, Option<NaiveDate>),
        actor: Actor<'_>,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        const WINDOWS: &str = "
            delete from backfill_window
            where resource = $1 and last_day >= coalesce($2, '-infinity'::date) and first_day <= coalesce($3, 'infinity'::date)";
        const CURSORS: &str = "update cursor set backfilled_at = null, whole_at = null where resource = $1";
        const CHILDREN: &str = "
            insert into open_item (merchant, resource, source_id, reason, opened_at, next_at)
            select merchant, $1, source_id, 'children', $4, $4 from record
            where resource = $5 and coalesce(created_at, '-infinity') >= coalesce($2, '-infinity'::date)
                and coalesce(created_at, 'infinity') < coalesce($3, 'infinity'::date) + 1
            on conflict (merchant, resource, source_id, reason) do update set next_at = excluded.next_at";
        const ENTRIES: &str = concat!(
            "
            update ledger_entry e set state = 'pending', reason = null, due_at = $4, failures = 0, payload_sha256 = null
            from record r
            where e.resource = $1 and e.state in ('held', 'parked') and not ",
            is_in_flight!(),
            "
                and r.merchant = e.merchant and r.resource = e.resource and r.source_id = e.source_id
                and coalesce(r.created_at, '-infinity') >= coalesce($2, '-infinity'::date)
                and coalesce(r.created_at, 'infinity') < coalesce($3, 'infinity'::date) + 1"
        );
        const LEASES: &str = "
            update lease set epoch = epoch + 1, expires_at = $2 where name like 'scan/%/' || $1";
        let mut transaction = self.pool.begin().await?;
        sqlx::query(LEASES).bind(resource.name()).bind(now).execute(&mut *transaction).await?;
        sqlx::query(WINDOWS).bind(resource.name()).bind(from).bind(to).execute(&mut *transaction).await?;
        sqlx::query(CURSORS).bind(resource.name()).execute(&mut *transaction).await?;
        if let Some(parent) = resource.parent() {
            sqlx::query(CHILDREN)
                .bind(resource.name())
                .bind(from)
                .bind(to)
                .bind(now)
                .bind(parent.name())
                .execute(&mut *transaction)
                .await?;
        }
        ledger::hold_claims(&mut transaction, None).await?;
        let entries = sqlx::query(ENTRIES)
            .bind(resource.name())
            .bind(from)
            .bind(to)
            .bind(now)
            .execute(&mut *transaction)
            .await?
            .rows_affected();
        let day = |day: Option<NaiveDate>| day.map_or("…".to_owned(), |day| day.to_string());
        let object = format!("resource/{resource}");
        let detail = format!("created {} to {}, {entries} entries", day(from), day(to));
        audit::record(&mut transaction, Act { actor, action: "replay", object: &object, detail: &detail }, now).await?;
        Ok(transaction.commit().await?)
    }
}
