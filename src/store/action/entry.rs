//! What persons do about one ledger entry.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::ledger::state::{Event, State, UnknownState};
use crate::model::ids::{AdapterName, MerchantId};
use crate::store::audit::{self, Act, Actor};
use crate::store::{Settlement, Store, StoreError, exception, ledger};

/// A ledger entry by its key.
#[derive(Debug, Clone, Copy)]
pub struct EntryKey<'a> {
    pub adapter: &'a AdapterName,
    pub merchant: &'a MerchantId,
    pub key: &'a str,
}

impl Store {
    /// Has an entry tried again now, with what it speaks of as it is now. An entry in doubt stays in doubt.
    ///
    /// # Errors
    /// [`StoreError::NotPossible`] where the entry is not there, is final, or is at work.
    pub async fn retry(&self, entry: EntryKey<'_>, actor: Actor<'_>, now: DateTime<Utc>) -> Result<(), StoreError> {
        const UPDATE: &str = "
            update ledger_entry set state = $4, reason = null, due_at = $5, failures = 0, payload_sha256 = null
            where merchant = $1 and key = $2 and adapter = $3";
        self.change_one(entry, (Event::Retried, "retry"), UPDATE, actor, now).await
    }

    /// Has an entry posted under a new key. For a document that somebody removed from the ERP; whoever calls this has seen that it
    /// is not there. Under the old key, which is `given_up` as an ERP that takes drafts writes it, no document is elected any more.
    ///
    /// # Errors
    /// [`StoreError::NotPossible`] where the entry is not there, or was never refused and never posted.
    pub async fn post_anew(
        &self,
        entry: EntryKey<'_>,
        given_up: Option<&str>,
        actor: Actor<'_>,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        // The reference of no document: whatever there is of the key has lost.
        const GIVE_UP: &str = "
            insert into election (adapter, erp_key, merchant, key, generation, reference, elected_at)
            select adapter, $4, merchant, key, generation, '', $5
            from ledger_entry where merchant = $1 and key = $2 and adapter = $3
            on conflict do nothing";
        const UPDATE: &str = "
            update ledger_entry
            set state = $4, reason = null, due_at = $5, failures = 0, payload_sha256 = null, receipt = null, settled_at = null,
                generation = generation + 1
            where merchant = $1 and key = $2 and adapter = $3";
        let mut transaction = self.pool.begin().await?;
        lock(&mut transaction, entry).await?;
        if let Some(erp_key) = given_up {
            sqlx::query(GIVE_UP)
                .bind(entry.merchant.as_str())
                .bind(entry.key)
                .bind(entry.adapter.as_str())
                .bind(erp_key)
                .bind(now)
                .execute(&mut *transaction)
                .await?;
        }
        change(&mut transaction, entry, (Event::Renewed, "renew"), UPDATE, actor, now).await?;
        Ok(transaction.commit().await?)
    }

    /// Settles an entry by hand: nothing more is to be done about it here.
    ///
    /// # Errors
    /// [`StoreError::NotPossible`] where the entry is not there or does not wait for a person.
    pub async fn settle_by_hand(
        &self,
        entry: EntryKey<'_>,
        actor: Actor<'_>,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        const UPDATE: &str = "
            update ledger_entry set state = $4, reason = null, settled_at = $5, text = null
            where merchant = $1 and key = $2 and adapter = $3";
        self.change_one(entry, (Event::Settled, "resolve"), UPDATE, actor, now).await
    }

    async fn change_one(
        &self,
        entry: EntryKey<'_>,
        act: (Event, &'static str),
        update: &'static str,
        actor: Actor<'_>,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let mut transaction = self.pool.begin().await?;
        change(&mut transaction, entry, act, update, actor, now).await?;
        Ok(transaction.commit().await?)
    }
}

async fn change(
    connection: &mut PgConnection,
    entry: EntryKey<'_>,
    (event, action): (Event, &'static str),
    update: &'static str,
    actor: Actor<'_>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let before = lock(connection, entry).await?;
    let after = before.after(event).map_err(|_| {
        StoreError::NotPossible(format!("the entry {} of {} is {}", entry.key, entry.adapter, before.name()))
    })?;
    sqlx::query(update)
        .bind(entry.merchant.as_str())
        .bind(entry.key)
        .bind(entry.adapter.as_str())
        .bind(after.name())
        .bind(now)
        .execute(&mut *connection)
        .await?;
    resolve_exceptions(connection, entry, &format!("{action} by {}: {}", actor.name, actor.reason), now).await?;
    let object = Settlement::subject(entry.adapter, entry.key);
    let detail = format!("{} → {}", before.name(), after.name());
    audit::record(connection, Act { actor, action, object: &object, detail: &detail }, now).await
}

/// Where an entry stands, which nobody else changes until the transaction ends: neither this nor whether it is in flight.
async fn lock(connection: &mut PgConnection, entry: EntryKey<'_>) -> Result<State, StoreError> {
    const SELECT: &str = concat!(
        "select case when ",
        is_in_flight!(),
        " then 'in_flight' else state end
        from ledger_entry e where merchant = $1 and key = $2 and adapter = $3 for update"
    );
    ledger::hold_claims(connection, Some(entry.adapter)).await?;
    let state: Option<String> = sqlx::query_scalar(SELECT)
        .bind(entry.merchant.as_str())
        .bind(entry.key)
        .bind(entry.adapter.as_str())
        .fetch_optional(connection)
        .await?;
    let state =
        state.ok_or_else(|| StoreError::NotPossible(format!("{} has no entry {}", entry.adapter, entry.key)))?;
    state.parse().map_err(|error: UnknownState| StoreError::Corrupt(error.to_string()))
}

/// What a person does about an entry settles what stands open about it; what is still wrong is raised again.
async fn resolve_exceptions(
    connection: &mut PgConnection,
    entry: EntryKey<'_>,
    resolution: &str,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let subject = Settlement::subject(entry.adapter, entry.key);
    exception::resolve_all(connection, entry.merchant, &subject, resolution, now).await
}
