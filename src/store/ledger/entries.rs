//! New rows of `ledger_entry`. Those of an adapter follow each other, so that a claim names them by few ranges.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::super::{Novelty, Outgoing, StoreError};
use crate::ledger::state::State;
use crate::model::ids::{AdapterName, MerchantId, SourceId};
use crate::model::resource::Resource;

/// Rows for `ledger_entry`, one vector per column.
#[derive(Debug, Default)]
pub(in crate::store) struct NewEntries {
    key: Vec<String>,
    adapter: Vec<String>,
    source_id: Vec<String>,
    version: Vec<i64>,
    state: Vec<&'static str>,
    reason: Vec<Option<String>>,
}

impl NewEntries {
    /// An entry per adapter for a version in effect; parked where it cannot be decoded.
    pub fn push_version(
        &mut self,
        adapters: &[AdapterName],
        novelty: &Novelty,
        version: i64,
        undecodable: Option<&String>,
    ) {
        let state = if undecodable.is_some() { State::Parked } else { State::Pending };
        self.push(adapters, novelty, version, state, undecodable);
    }

    /// An entry per adapter for a version that was overtaken before it arrived.
    pub fn push_superseded(&mut self, adapters: &[AdapterName], novelty: &Novelty, version: i64) {
        self.push(adapters, novelty, version, State::Superseded, None);
    }

    fn push(
        &mut self,
        adapters: &[AdapterName],
        novelty: &Novelty,
        version: i64,
        state: State,
        reason: Option<&String>,
    ) {
        for adapter in adapters {
            self.key.push(format!("{}:{}:v{version}", novelty.resource, novelty.id));
            self.adapter.push(adapter.as_str().to_owned());
            self.source_id.push(novelty.id.as_str().to_owned());
            self.version.push(version);
            self.state.push(state.name());
            self.reason.push(reason.cloned());
        }
    }
}

pub(in crate::store) async fn insert(
    connection: &mut PgConnection,
    merchant: &MerchantId,
    resource: Resource,
    entries: &NewEntries,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    const INSERT: &str = "
        insert into ledger_entry (merchant, resource, key, adapter, source_id, version, state, reason, due_at, recorded_at, settled_at)
        select $1, $2, t.key, t.adapter, t.source_id, t.version, t.state, t.reason, $9, $9, case when t.state = 'superseded' then $9 end
        from unnest($3::text[], $4::text[], $5::text[], $6::int8[], $7::text[], $8::text[])
            with ordinality as t (key, adapter, source_id, version, state, reason, place)
        order by t.adapter, t.place";
    if entries.key.is_empty() {
        return Ok(());
    }
    sqlx::query(INSERT)
        .bind(merchant.as_str())
        .bind(resource.name())
        .bind(&entries.key)
        .bind(&entries.adapter)
        .bind(&entries.source_id)
        .bind(&entries.version)
        .bind(&entries.state)
        .bind(&entries.reason)
        .bind(now)
        .execute(connection)
        .await?;
    Ok(())
}

/// Events and entries for adapters. One that is there already stays as it is.
pub(in crate::store) async fn insert_outgoing(
    connection: &mut PgConnection,
    merchant: &MerchantId,
    outgoing: &[Outgoing],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    const INSERT: &str = "
        insert into ledger_entry (merchant, resource, key, adapter, source_id, version, what, root, state, baseline, nets, text, due_at,
            recorded_at, settled_at)
        select $1, t.resource, t.key, t.adapter, t.source_id, 0, t.what, t.root, t.state, t.baseline, t.nets, t.text, $12, $12,
            case when t.state in ('baseline', 'not_applicable') then $12 end
        from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[],
                $11::text[])
            with ordinality as t (resource, key, adapter, source_id, what, root, state, baseline, nets, text, place)
        order by t.adapter, t.place
        on conflict do nothing";
    if outgoing.is_empty() {
        return Ok(());
    }
    sqlx::query(INSERT)
        .bind(merchant.as_str())
        .bind(outgoing.iter().map(|it| it.resource.name()).collect::<Vec<_>>())
        .bind(outgoing.iter().map(|it| it.key.as_str()).collect::<Vec<_>>())
        .bind(outgoing.iter().map(|it| it.adapter.as_str()).collect::<Vec<_>>())
        .bind(outgoing.iter().map(|it| it.id.as_str()).collect::<Vec<_>>())
        .bind(outgoing.iter().map(|it| it.what).collect::<Vec<_>>())
        .bind(outgoing.iter().map(|it| it.root.as_ref().map(SourceId::as_str)).collect::<Vec<_>>())
        .bind(outgoing.iter().map(|it| it.state.name()).collect::<Vec<_>>())
        .bind(outgoing.iter().map(|it| it.baseline.as_deref()).collect::<Vec<_>>())
        .bind(outgoing.iter().map(|it| it.nets.as_deref()).collect::<Vec<_>>())
        .bind(outgoing.iter().map(|it| it.text.as_deref()).collect::<Vec<_>>())
        .bind(now)
        .execute(connection)
        .await?;
    Ok(())
}
