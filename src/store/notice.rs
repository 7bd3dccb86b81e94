//! The table `notice`: what became of our own work, for adapters that want to hear of it.
//!
//! A notice and its ledger entries are one statement in the transaction that does what it tells. Without an adapter that wants
//! notices nothing is recorded. Nothing is told of an adapter that itself wants notices: a webhook that fails would have to
//! deliver its own failures.

use chrono::{DateTime, Utc};
use serde_json::json;
use sqlx::PgConnection;

use super::exception::Finding;
use super::ledger::Settlement;
use super::{Store, StoreError};
use crate::ledger::state::State;
use crate::model::ids::{AdapterName, MerchantId};
use crate::model::resource::Resource;

/// Entries of `recorded`, which are notices, for whoever wants them; `$1` is the instant.
macro_rules! and_enroll {
    () => {
        "
        insert into ledger_entry (merchant, resource, key, adapter, source_id, version, what, root, state, due_at, recorded_at)
        select r.merchant, r.resource, r.key, a.name, r.source_id, 0, 'notice', r.root, 'pending', $1, $1
        from recorded r cross join adapter a where a.notices
        order by r.position, a.name
        on conflict do nothing"
    };
}

impl Store {
    /// Says which adapters of those that are known want notices. What others wanted before they get no more of.
    pub async fn want_notices(&self, adapters: &[&str]) -> Result<(), StoreError> {
        const UPDATE: &str = "update adapter set notices = name = any($1) where notices <> (name = any($1))";
        sqlx::query(UPDATE).bind(adapters).execute(&self.pool).await?;
        Ok(())
    }
}

/// Tells which journal entries an adapter posted, and which are parked.
pub(super) async fn postings(
    connection: &mut PgConnection,
    adapter: &AdapterName,
    settlements: &[Settlement],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    const WANTED: &str = "
        select exists (select from adapter where notices) and not exists (select from adapter where name = $1 and notices)";
    // State and kind are compared as expressions, for Postgres knows of few such entries yet and would go through all of them.
    const RECORD: &str = concat!(
        "with settled as (
            select t.place, e.*, j.event_key,
                case e.state when 'posted' then 'posting.confirmed' else 'posting.failed' end as kind,
                case when e.generation > 1 then ':g' || e.generation else '' end
                    || case e.state when 'parked' then ':' || e.attempts else '' end as again
            from unnest($3::text[], $4::text[]) with ordinality as t (merchant, key, place)
            join ledger_entry e on e.merchant = t.merchant and e.key = t.key and e.adapter = $2
            left join journal_entry j on j.merchant = e.merchant and j.entry_key = e.key
            where e.what || '' = 'entry' and e.state || '' in ('posted', 'parked')
        ), recorded as (
            insert into notice (merchant, key, kind, resource, source_id, root, occurred_at, data)
            select merchant, kind || ':' || $2 || ':' || key || again, kind, resource, source_id, $2 || '/' || root, $1,
                json_strip_nulls(json_build_object('adapter', $2, 'entry_key', key, 'event_key', event_key, 'receipt', receipt,
                    'reason', reason))::text
            from settled order by place
            on conflict do nothing
            returning merchant, key, resource, source_id, root, position
        )",
        and_enroll!()
    );
    let told = settlements.iter().filter(|it| matches!(it.state, State::Posted | State::Parked));
    let (merchants, keys): (Vec<&str>, Vec<&str>) = told.map(|it| (it.merchant.as_str(), it.key.as_str())).unzip();
    if keys.is_empty() {
        return Ok(());
    }
    let is_wanted: bool = sqlx::query_scalar(WANTED).bind(adapter.as_str()).fetch_one(&mut *connection).await?;
    if !is_wanted {
        return Ok(());
    }
    sqlx::query(RECORD).bind(now).bind(adapter.as_str()).bind(merchants).bind(keys).execute(connection).await?;
    Ok(())
}

/// Tells of an exception that was raised just now.
pub(super) async fn exception(
    connection: &mut PgConnection,
    merchant: &MerchantId,
    id: i64,
    finding: &Finding,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    const RECORD: &str = concat!(
        "with recorded as (
            insert into notice (merchant, key, kind, resource, source_id, occurred_at, data)
            select $2, 'reconciliation.exception:' || $3::text, 'reconciliation.exception', $4, $5, $1, $6
            where exists (select from adapter where notices)
                and not exists (select from adapter
                    where notices and (starts_with($7, name || '/') or $7 = 'adapter/' || name))
            on conflict do nothing
            returning merchant, key, resource, source_id, root, position
        )",
        and_enroll!()
    );
    let Finding { class, subject, detail, evidence: _ } = finding;
    let (resource, about) = match subject.split_once(':') {
        Some((resource, id)) if resource.parse::<Resource>().is_ok() => (resource, id),
        Some(_) | None => ("", subject.as_str()),
    };
    let data = json!({ "number": id, "class": class, "about": subject, "detail": detail });
    sqlx::query(RECORD)
        .bind(now)
        .bind(merchant.as_str())
        .bind(id)
        .bind(resource)
        .bind(about)
        .bind(data.to_string())
        .bind(subject)
        .execute(connection)
        .await?;
    Ok(())
}
