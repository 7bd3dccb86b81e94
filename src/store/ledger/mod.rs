//! The tables `ledger_entry`, which is the dedupe ledger and the outbox in one row (I3), and `claim`: what of it is in flight.
//!
//! An adapter has one call under way at most, so what is in flight is one row for each adapter, and an entry itself is written twice:
//! when it is derived and when it is settled. Only under the lease of the adapter's deliveries are entries claimed and settled; whoever
//! changes one that may be in flight locks that lease first.
//!
//! An event or a journal entry that waits is written into its ledger entry as JSON, so that a claim need not look for it in a history of
//! any length. The books say the same, and are asked where there is none: after an upgrade, for an adapter that comes later, and when
//! what was settled is delivered again. Whoever changes that JSON so that an older one is read otherwise empties the column.

mod election;
mod enroll;
mod entries;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use sqlx::{FromRow, PgConnection};

use super::lease::Held;
use super::{EntryKey, Store, StoreError};
use crate::model::ids::{AdapterName, MerchantId};

pub use election::Ballot;
pub use enroll::{Acquaintance, Enrollment};
pub(in crate::store) use entries::{NewEntries, insert, insert_outgoing};
pub use posted::Progress;
pub use settle::Settlement;

/// Rows `c` of `claimed`, which are ledger entries, with what they speak of; `$1` is the adapter. What is of another kind is not looked
/// for, nor what an entry says itself, nor what is elected where nothing ever was.
macro_rules! entry_made_concrete {
    () => {
        concat!(
            "select c.merchant, c.key, c.what, c.resource, c.source_id, c.version, c.attempts, c.failures, c.generation, c.root,
                c.position, c.payload_sha256, c.in_doubt, v.body, v.parent_id, c.baseline,
                case when exists (select from election where adapter = $1) then (
                    select x.reference from election x
                    where x.adapter = $1 and x.merchant = c.merchant and x.key = c.key and x.generation = c.generation)
                end as elected,
                coalesce(c.text, case c.what
                    when 'event' then (
                        select json_build_object('key', e.event_key, 'kind', e.kind, 'resource', e.resource, 'id', e.source_id,
                            'occurred_at', e.occurred_at, 'fact', e.fact::json)::text
                        from event e where e.merchant = c.merchant and e.event_key = c.key)
                    when 'entry' then (
                        select ",
            journal_entry_json!(),
            "
                        from journal_entry j where j.merchant = c.merchant and j.entry_key = c.key)
                    when 'notice' then (
                        select json_build_object('key', m.key, 'kind', m.kind, 'resource', m.resource, 'id', m.source_id,
                            'occurred_at', m.occurred_at, 'data', m.data::json)::text
                        from notice m where m.merchant = c.merchant and m.key = c.key)
                end) as text,
                case when c.nets is not null then (
                    select ",
            journal_entry_json!(),
            "
                    from journal_entry j where j.merchant = c.merchant and j.entry_key = c.nets)
                end as nets
            from claimed c
            left join lateral (
                select body, parent_id from record_version v
                where c.what = 'document'
                    and v.merchant = c.merchant and v.resource = c.resource and v.source_id = c.source_id and v.version = c.version
                order by array_position(array['detail', 'list', 'embedded'], v.shape), v.arrival desc limit 1
            ) v on true"
        )
    };
}

/// The positions of the rows `$from` as ranges: those that follow each other are one.
macro_rules! ranges {
    ($from:literal) => {
        concat!(
            "array(
                select int8range(min(position), max(position), '[]')
                from (select position, position - row_number() over (order by position) as island from ",
            $from,
            ") p
                group by island order by island)"
        )
    };
}

// Behind the macros, which they use.
mod posted;
mod settle;

/// An entry in hand: recorded as attempted before the ERP is called.
#[derive(Debug, Clone, FromRow)]
pub struct Claimed {
    pub merchant: String,
    pub key: String,
    pub resource: String,
    pub source_id: String,
    pub version: i64,
    pub attempts: i32,
    /// Those of them that bring it further on the schedule of its target.
    pub failures: i32,
    pub generation: i32,
    /// Whose money it is about.
    pub root: Option<String>,
    /// Its place in the order of delivery.
    pub position: i64,
    /// What was last sent.
    pub payload_sha256: Option<Vec<u8>>,
    /// The document that was elected for it.
    pub elected: Option<String>,
    /// Its last answer was lost: the ERP is asked what it holds before anything is written (I5).
    pub in_doubt: bool,
    /// `document`, `event`, `entry` or `notice`.
    pub what: String,
    /// Of a document: the body that the entry speaks of.
    pub body: Option<Vec<u8>>,
    pub parent_id: Option<String>,
    /// Of an event, entry or notice: itself, as JSON.
    pub text: Option<String>,
    /// Of an entry that corrects one from before the adapter's first day: the key of that one.
    pub baseline: Option<String>,
    /// The reversal of it that is delivered as one with the entry, as JSON.
    pub nets: Option<String>,
}

impl Claimed {
    #[must_use]
    pub fn take_body(&mut self) -> Bytes {
        Bytes::from(self.body.take().unwrap_or_default())
    }
}

impl Store {
    /// Takes up to `limit` due entries of an adapter, in the order in which they were derived. What was claimed before and not settled
    /// is in doubt and comes with the rest. An entry comes after what is before it about the same money: in one batch with it where
    /// `together`, and otherwise once that is settled. Nothing comes while the adapter is paused.
    pub async fn claim(
        &self,
        held: &Held,
        adapter: &AdapterName,
        (limit, together): (i64, bool),
        now: DateTime<Utc>,
    ) -> Result<Vec<Claimed>, StoreError> {
        // `offset 0` has what is before an entry looked up by its key. As a join it would be read in full for each entry: where statistics
        // say that nothing is open, that looks no dearer.
        const CLAIM: &str = concat!("
            with claimed as (
                select merchant, key, what, baseline, nets, resource, source_id, version, attempts + 1 as attempts, failures, position,
                    generation, root, payload_sha256, text, state = 'in_doubt' as in_doubt
                from ledger_entry e
                where adapter = $1 and state in ('pending', 'in_doubt', 'held') and due_at <= $2
                    and not exists (select from pause where scope = 'adapter/' || $1)
                    and not exists (
                        select from ledger_entry before
                        where before.adapter = $1 and before.merchant = e.merchant and before.root = e.root
                            and before.position < e.position
                            and before.state in ('pending', 'in_doubt', 'held', 'parked')
                            and (not $5 or before.state = 'parked' or before.due_at > $2)
                        offset 0)
                order by position limit $4
            ), noted as (
                insert into claim (adapter, epoch, positions, claimed_at)
                select $1, $3, ", ranges!("claimed"), ", $2 where exists (select from claimed)
                on conflict (adapter) do update
                set epoch = excluded.epoch, positions = excluded.positions, claimed_at = excluded.claimed_at
            )
            ", entry_made_concrete!(), "
            order by c.position");
        let mut transaction = self.begin(held).await?;
        doubt(&mut transaction, adapter).await?;
        let claimed = sqlx::query_as(CLAIM)
            .bind(adapter.as_str())
            .bind(now)
            .bind(held.epoch())
            .bind(limit)
            .bind(together)
            .fetch_all(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(claimed)
    }

    /// An entry as it would be claimed, and without claiming it.
    pub async fn entry(&self, entry: EntryKey<'_>) -> Result<Option<Claimed>, StoreError> {
        const SELECT: &str = concat!(
            "with claimed as (
                select merchant, key, what, baseline, nets, resource, source_id, version, attempts, failures, position,
                    generation, root, payload_sha256, text, state = 'in_doubt' or ",
            is_in_flight!(),
            " as in_doubt
                from ledger_entry e where adapter = $1 and merchant = $2 and key = $3
            ) ",
            entry_made_concrete!()
        );
        Ok(sqlx::query_as(SELECT)
            .bind(entry.adapter.as_str())
            .bind(entry.merchant.as_str())
            .bind(entry.key)
            .fetch_optional(&self.pool)
            .await?)
    }

    /// When the last attempt of an entry came to its end, if one did.
    pub async fn last_attempt(&self, entry: EntryKey<'_>) -> Result<Option<DateTime<Utc>>, StoreError> {
        const SELECT: &str = "
            select greatest(e.settled_at, (select max(ended_at) from attempt a
                where a.merchant = e.merchant and a.key = e.key and a.adapter = e.adapter))
            from ledger_entry e where e.merchant = $1 and e.key = $2 and e.adapter = $3";
        let select =
            sqlx::query_scalar(SELECT).bind(entry.merchant.as_str()).bind(entry.key).bind(entry.adapter.as_str());
        Ok(select.fetch_optional(&self.pool).await?.flatten())
    }

    /// What was sent by the last attempt of an entry of which nobody knows whether it took effect.
    pub async fn last_sent(
        &self,
        adapter: &AdapterName,
        merchant: &MerchantId,
        key: &str,
    ) -> Result<Option<String>, StoreError> {
        const SELECT: &str = "
            select payload from attempt
            where merchant = $1 and key = $2 and adapter = $3 and payload is not null order by number desc limit 1";
        let select = sqlx::query_scalar(SELECT).bind(merchant.as_str()).bind(key).bind(adapter.as_str());
        Ok(select.fetch_optional(&self.pool).await?)
    }
}

/// What was claimed and never settled may have taken effect, by whomever it was claimed: a call that is still under way belongs to
/// nobody who could settle it.
async fn doubt(connection: &mut PgConnection, adapter: &AdapterName) -> Result<(), StoreError> {
    const LEFT_OVER: &str = "
        select array(select generate_series(lower(r), upper(r) - 1) from unnest(positions) r) from claim
        where adapter = $1 and positions <> '{}'";
    const DOUBT: &str = "
        update ledger_entry set state = 'in_doubt', reason = null, attempts = attempts + 1
        where adapter = $1 and position = any($2) and state in ('pending', 'in_doubt', 'held')";
    const EMPTY: &str = "update claim set positions = '{}' where adapter = $1";
    let left_over = sqlx::query_scalar(LEFT_OVER).bind(adapter.as_str());
    let Some(left_over): Option<Vec<i64>> = left_over.fetch_optional(&mut *connection).await? else { return Ok(()) };
    sqlx::query(DOUBT).bind(adapter.as_str()).bind(left_over).execute(&mut *connection).await?;
    sqlx::query(EMPTY).bind(adapter.as_str()).execute(connection).await?;
    Ok(())
}

/// Nothing is claimed for this adapter, or for any, until the transaction ends: every claim is made under the lease of the deliveries.
pub(in crate::store) async fn hold_claims(
    connection: &mut PgConnection,
    adapter: Option<&AdapterName>,
) -> Result<(), StoreError> {
    const HOLD: &str = "
        select from lease where name = 'deliver/' || $1 or ($1 is null and starts_with(name, 'deliver/')) order by name for update";
    sqlx::query(HOLD).bind(adapter.map(AdapterName::as_str)).execute(connection).await?;
    Ok(())
}
