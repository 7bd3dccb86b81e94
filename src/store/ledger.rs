//! The table `ledger_entry`: the dedupe ledger and the outbox in one row (I3).

use bytes::Bytes;
use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use sqlx::{FromRow, PgConnection};

use super::lease::Held;
use super::{Finding, Novelty, Store, StoreError, exception};
use crate::ledger::state::State;
use crate::model::ids::{AdapterName, MerchantId};
use crate::model::resource::Resource;

/// An entry in hand: recorded as attempted before the ERP is called.
#[derive(Debug, Clone, FromRow)]
pub struct Claimed {
    pub merchant: String,
    pub key: String,
    pub resource: String,
    pub source_id: String,
    pub version: i64,
    pub attempts: i32,
    /// Its last answer was lost: the ERP is asked what it holds before anything is written (I5).
    pub in_doubt: bool,
    /// `document`, `event` or `entry`.
    pub what: String,
    /// Of a document: shape and bytes of the body that the entry speaks of.
    pub shape: Option<String>,
    pub body: Option<Vec<u8>>,
    pub parent_id: Option<String>,
    /// Of an event or entry: itself, as JSON.
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

/// What became of a claimed entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settlement {
    pub merchant: MerchantId,
    pub key: String,
    pub state: State,
    pub reason: Option<String>,
    pub receipt: Option<String>,
    pub due_at: DateTime<Utc>,
}

/// An adapter that comes, and what it wants.
#[derive(Debug, Clone)]
pub struct Enrollment<'a> {
    pub adapter: &'a AdapterName,
    pub documents: bool,
    pub events: bool,
    pub entries: bool,
    /// What happened before this day is not posted.
    pub post_from: Option<NaiveDate>,
    /// Where each merchant's days are cut.
    pub zones: &'a [(MerchantId, Tz)],
}

// All three take the same arguments.
const ENROLL_DOCUMENTS: &str = "
    insert into ledger_entry (merchant, resource, key, adapter, source_id, version, state, due_at, recorded_at)
    select merchant, resource, resource || ':' || source_id || ':v' || version, $1, source_id, version, 'pending', $2, $2
    from record where content is not null and ($3::date is null or $3::date is not null) and $4::text[] is not null and $5::text[] is not null
    order by recorded_at, resource, source_id
    on conflict do nothing";
const ENROLL_EVENTS: &str = "
    insert into ledger_entry (merchant, resource, key, adapter, source_id, version, what, state, due_at, recorded_at, settled_at)
    select merchant, resource, event_key, $1, source_id, 0, 'event', case when early then 'baseline' else 'pending' end, $2, $2,
        case when early then $2 end
    from (
        select e.*, coalesce((e.occurred_at at time zone z.zone)::date < $3::date, false) as early
        from event e left join unnest($4::text[], $5::text[]) as z (merchant, zone) on z.merchant = e.merchant
    ) e
    order by position
    on conflict do nothing";
const ENROLL_ENTRIES: &str = "
    insert into ledger_entry (merchant, resource, key, adapter, source_id, version, what, state, due_at, recorded_at, settled_at)
    select merchant, resource, entry_key, $1, source_id, 0, 'entry', case when early then 'baseline' else 'pending' end, $2, $2,
        case when early then $2 end
    from (
        select j.merchant, e.resource, j.entry_key, e.source_id, j.position,
            coalesce((e.occurred_at at time zone z.zone)::date < $3::date, false) as early
        from journal_entry j
        join event e on e.merchant = j.merchant and e.event_key = j.event_key
        left join unnest($4::text[], $5::text[]) as z (merchant, zone) on z.merchant = j.merchant
    ) j
    order by position
    on conflict do nothing";

impl Store {
    /// Gives an adapter that is new an entry for the version in effect of every record, and for every event and journal entry that
    /// it wants. The next times nothing happens.
    pub async fn enroll(&self, held: &Held, enrollment: &Enrollment<'_>, now: DateTime<Utc>) -> Result<(), StoreError> {
        const KNOWN: &str = "select exists (select from adapter where name = $1)";
        const ENROLL: &str = "insert into adapter (name, enrolled_at) values ($1, $2)";
        if sqlx::query_scalar(KNOWN).bind(enrollment.adapter.as_str()).fetch_one(&self.pool).await? {
            return Ok(());
        }
        let mut transaction = self.begin(held).await?;
        sqlx::query(ENROLL).bind(enrollment.adapter.as_str()).bind(now).execute(&mut *transaction).await?;
        for (wanted, statement) in [
            (enrollment.documents, ENROLL_DOCUMENTS),
            (enrollment.events, ENROLL_EVENTS),
            (enrollment.entries, ENROLL_ENTRIES),
        ] {
            if wanted {
                sqlx::query(statement)
                    .bind(enrollment.adapter.as_str())
                    .bind(now)
                    .bind(enrollment.post_from)
                    .bind(enrollment.zones.iter().map(|(merchant, _)| merchant.as_str()).collect::<Vec<_>>())
                    .bind(enrollment.zones.iter().map(|(_, zone)| zone.name()).collect::<Vec<_>>())
                    .execute(&mut *transaction)
                    .await?;
            }
        }
        Ok(transaction.commit().await?)
    }

    /// Takes up to `limit` due entries of an adapter, in the order in which they were derived. What an earlier epoch left in
    /// flight is in doubt and comes with the rest.
    pub async fn claim(
        &self,
        held: &Held,
        adapter: &AdapterName,
        limit: i64,
        now: DateTime<Utc>,
    ) -> Result<Vec<Claimed>, StoreError> {
        const CLAIM: &str = concat!("
            with due as (
                select merchant, key, state from ledger_entry
                where adapter = $1 and state in ('pending', 'in_flight', 'in_doubt', 'held') and due_at <= $2
                    and (state <> 'in_flight' or epoch < $3)
                order by position limit $4
                for update skip locked
            ), claimed as (
                update ledger_entry e
                set state = 'in_flight', epoch = $3, attempts = e.attempts + 1
                from due where e.merchant = due.merchant and e.key = due.key and e.adapter = $1
                returning e.merchant, e.key, e.what, e.baseline, e.nets, e.resource, e.source_id, e.version, e.attempts, e.position,
                    due.state in ('in_flight', 'in_doubt') as in_doubt
            )
            select c.merchant, c.key, c.what, c.resource, c.source_id, c.version, c.attempts, c.in_doubt, v.shape, v.body, v.parent_id,
                coalesce(e.text, j.text) as text, c.baseline, n.text as nets
            from claimed c
            left join lateral (
                select shape, body, parent_id from record_version v
                where c.what = 'document'
                    and v.merchant = c.merchant and v.resource = c.resource and v.source_id = c.source_id and v.version = c.version
                order by array_position(array['detail', 'list', 'embedded'], v.shape), v.arrival desc limit 1
            ) v on true
            left join lateral (
                select json_build_object('key', event_key, 'kind', kind, 'resource', resource, 'id', source_id, 'occurred_at', occurred_at,
                    'fact', fact::json)::text as text
                from event where c.what = 'event' and merchant = c.merchant and event_key = c.key
            ) e on true
            left join lateral (
                select ", journal_entry_json!(), " as text
                from journal_entry j where c.what = 'entry' and j.merchant = c.merchant and j.entry_key = c.key
            ) j on true
            left join lateral (
                select ", journal_entry_json!(), " as text
                from journal_entry j where c.what = 'entry' and j.merchant = c.merchant and j.entry_key = c.nets
            ) n on true
            order by c.position");
        let mut transaction = self.begin(held).await?;
        let claimed = sqlx::query_as(CLAIM)
            .bind(adapter.as_str())
            .bind(now)
            .bind(held.epoch())
            .bind(limit)
            .fetch_all(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(claimed)
    }

    /// Records what became of claimed entries. A posted version supersedes the older ones of its record.
    pub async fn settle(
        &self,
        held: &Held,
        adapter: &AdapterName,
        settlements: &[Settlement],
        findings: &[(MerchantId, Finding)],
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        // The state is compared as an expression, for Postgres knows of no entry in flight and would look for them among all that wait.
        const SETTLE: &str = "
            update ledger_entry e
            set state = s.state, reason = s.reason, receipt = s.receipt, due_at = s.due_at,
                settled_at = case when s.state in ('pending', 'in_doubt', 'held', 'parked') then null else $8 end
            from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::timestamptz[])
                as s (merchant, key, state, reason, receipt, due_at)
            where e.merchant = s.merchant and e.key = s.key and e.adapter = $1 and e.state || '' = 'in_flight'";
        const SUPERSEDE: &str = "
            update ledger_entry old
            set state = 'superseded', reason = null, settled_at = $4
            from ledger_entry new
            where new.merchant = any($2) and new.key = any($3) and new.adapter = $1 and new.state = 'posted'
                and old.adapter = $1 and old.merchant = new.merchant and old.resource = new.resource
                and old.source_id = new.source_id and old.version < new.version and old.what = 'document' and new.what = 'document'
                and old.state in ('held', 'parked')";
        let column = |text: fn(&Settlement) -> String| settlements.iter().map(text).collect::<Vec<_>>();
        let merchants = column(|it| it.merchant.as_str().to_owned());
        let keys = column(|it| it.key.clone());
        let mut transaction = self.begin(held).await?;
        sqlx::query(SETTLE)
            .bind(adapter.as_str())
            .bind(&merchants)
            .bind(&keys)
            .bind(column(|it| it.state.name().to_owned()))
            .bind(settlements.iter().map(|it| it.reason.clone()).collect::<Vec<_>>())
            .bind(settlements.iter().map(|it| it.receipt.clone()).collect::<Vec<_>>())
            .bind(settlements.iter().map(|it| it.due_at).collect::<Vec<_>>())
            .bind(now)
            .execute(&mut *transaction)
            .await?;
        if settlements.iter().any(|it| it.state == State::Posted) {
            sqlx::query(SUPERSEDE)
                .bind(adapter.as_str())
                .bind(&merchants)
                .bind(&keys)
                .bind(now)
                .execute(&mut *transaction)
                .await?;
        }
        for (merchant, finding) in findings {
            exception::raise(&mut transaction, merchant, std::slice::from_ref(finding), now).await?;
        }
        transaction.commit().await?;
        Ok(())
    }
}

/// Rows for `ledger_entry`, one vector per column.
#[derive(Debug, Default)]
pub(super) struct NewEntries {
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

pub(super) async fn insert(
    connection: &mut PgConnection,
    merchant: &MerchantId,
    resource: Resource,
    entries: &NewEntries,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    const INSERT: &str = "
        insert into ledger_entry (merchant, resource, key, adapter, source_id, version, state, reason, due_at, recorded_at, settled_at)
        select $1, $2, t.*, $9, $9, case when t.state = 'superseded' then $9 end
        from unnest($3::text[], $4::text[], $5::text[], $6::int8[], $7::text[], $8::text[])
            as t (key, adapter, source_id, version, state, reason)";
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
pub(super) async fn insert_outgoing(
    connection: &mut PgConnection,
    merchant: &MerchantId,
    outgoing: &[super::Outgoing],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    const INSERT: &str = "
        insert into ledger_entry (merchant, resource, key, adapter, source_id, version, what, state, baseline, nets, due_at,
            recorded_at, settled_at)
        select $1, t.resource, t.key, t.adapter, t.source_id, 0, t.what, t.state, t.baseline, t.nets, $10, $10,
            case when t.state in ('baseline', 'not_applicable') then $10 end
        from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[])
            with ordinality as t (resource, key, adapter, source_id, what, state, baseline, nets, place)
        order by t.place
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
        .bind(outgoing.iter().map(|it| it.state.name()).collect::<Vec<_>>())
        .bind(outgoing.iter().map(|it| it.baseline.as_deref()).collect::<Vec<_>>())
        .bind(outgoing.iter().map(|it| it.nets.as_deref()).collect::<Vec<_>>())
        .bind(now)
        .execute(connection)
        .await?;
    Ok(())
}
