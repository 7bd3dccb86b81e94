//! What became of claimed entries.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::super::exception::{self, Finding};
use super::super::lease::Held;
use super::super::{Store, StoreError, notice};
use crate::ledger::state::State;
use crate::model::ids::{AdapterName, MerchantId};
use crate::model::record::Fingerprint;

/// What became of a claimed entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settlement {
    pub merchant: MerchantId,
    pub key: String,
    /// It is of a version that may have older ones beside it.
    pub is_later_version: bool,
    /// Which attempt this was, from 1.
    pub attempt: i32,
    pub state: State,
    /// Why it is not posted.
    pub reason: Option<String>,
    pub receipt: Option<String>,
    pub due_at: DateTime<Utc>,
    /// Of what was sent; `None` where nothing was.
    pub payload_sha256: Option<Fingerprint>,
    /// What was sent, where nobody knows whether it took effect.
    pub payload: Option<String>,
    /// It is one step further on the schedule of its target.
    pub is_failure: bool,
}

impl Settlement {
    /// The subject of exceptions about an entry of an adapter.
    #[must_use]
    pub fn subject(adapter: &AdapterName, key: &str) -> String {
        format!("{adapter}/{key}")
    }
}

impl Store {
    /// Records what became of claimed entries. A posted version supersedes the older ones of its record; the exceptions of `classes`
    /// about what is posted or superseded are settled, and whoever wants notices is told.
    pub async fn settle(
        &self,
        held: &Held,
        adapter: &AdapterName,
        settlements: &[Settlement],
        (findings, classes): (&[(MerchantId, Finding)], &[&str]),
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let mut transaction = self.begin(held).await?;
        settle(&mut transaction, adapter, settlements, now).await?;
        let posted: Vec<&Settlement> = settlements.iter().filter(|it| it.state == State::Posted).collect();
        let later: Vec<&Settlement> = posted.iter().filter(|it| it.is_later_version).copied().collect();
        let superseded = match &later[..] {
            [] => Vec::new(),
            later => supersede(&mut transaction, adapter, later, now).await?,
        };
        let posted = posted.into_iter().filter(|it| it.attempt > 1);
        let posted = posted.map(|it| (it.merchant.clone(), it.key.clone(), "posted"));
        let superseded = superseded.into_iter().map(|(merchant, key)| (MerchantId::new(merchant), key, "superseded"));
        for (merchant, key, resolution) in posted.chain(superseded) {
            let subject = [Settlement::subject(adapter, &key)];
            for class in classes {
                exception::resolve(&mut transaction, &merchant, class, &subject, resolution, now).await?;
            }
        }
        note_attempts(&mut transaction, adapter, settlements, held.epoch(), now).await?;
        notice::postings(&mut transaction, adapter, settlements, now).await?;
        for (merchant, finding) in findings {
            exception::raise(&mut transaction, merchant, std::slice::from_ref(finding), now).await?;
        }
        transaction.commit().await?;
        Ok(())
    }
}

async fn settle(
    connection: &mut PgConnection,
    adapter: &AdapterName,
    settlements: &[Settlement],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    // Not by what waits: Postgres may know of no entry that does, and would read all of them for each. What is not settled stays claimed.
    const SETTLE: &str = concat!(
        "with settled as (
            update ledger_entry e
            set state = s.state, reason = s.reason, receipt = s.receipt, due_at = s.due_at, attempts = s.attempt,
                payload_sha256 = coalesce(s.payload_sha256, e.payload_sha256),
                failures = e.failures + case when s.is_failure then 1 else 0 end,
                text = case when s.state in ('pending', 'in_doubt', 'held', 'parked') then e.text end,
                settled_at = case when s.state in ('pending', 'in_doubt', 'held', 'parked') then null else $9 end
            from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::timestamptz[], $8::bytea[], $10::bool[],
                    $11::int4[])
                as s (merchant, key, state, reason, receipt, due_at, payload_sha256, is_failure, attempt)
            where e.merchant = s.merchant and e.key = s.key and e.adapter = $1 and e.settled_at is null
            returning e.position
        )
        update claim set positions = ",
        ranges!(
            "(select generate_series(lower(r), upper(r) - 1) as position from unnest(positions) r
                    except select position from settled) left_over"
        ),
        " where adapter = $1"
    );
    let reason = |it: &Settlement| match it.state {
        State::Held | State::Parked => it.reason.clone(),
        _ => None,
    };
    sqlx::query(SETTLE)
        .bind(adapter.as_str())
        .bind(settlements.iter().map(|it| it.merchant.as_str()).collect::<Vec<_>>())
        .bind(settlements.iter().map(|it| it.key.as_str()).collect::<Vec<_>>())
        .bind(settlements.iter().map(|it| it.state.name()).collect::<Vec<_>>())
        .bind(settlements.iter().map(reason).collect::<Vec<_>>())
        .bind(settlements.iter().map(|it| it.receipt.as_deref()).collect::<Vec<_>>())
        .bind(settlements.iter().map(|it| it.due_at).collect::<Vec<_>>())
        .bind(settlements.iter().map(|it| it.payload_sha256.map(|sha| sha.0.to_vec())).collect::<Vec<_>>())
        .bind(now)
        .bind(settlements.iter().map(|it| it.is_failure).collect::<Vec<_>>())
        .bind(settlements.iter().map(|it| it.attempt).collect::<Vec<_>>())
        .execute(connection)
        .await?;
    Ok(())
}

/// Returns what was.
async fn supersede(
    connection: &mut PgConnection,
    adapter: &AdapterName,
    posted: &[&Settlement],
    now: DateTime<Utc>,
) -> Result<Vec<(String, String)>, StoreError> {
    const SUPERSEDE: &str = "
        update ledger_entry old
        set state = 'superseded', reason = null, settled_at = $4
        from ledger_entry new
        where new.merchant = any($2) and new.key = any($3) and new.adapter = $1 and new.state = 'posted'
            and old.adapter = $1 and old.merchant = new.merchant and old.resource = new.resource
            and old.source_id = new.source_id and old.version < new.version and old.what = 'document' and new.what = 'document'
            and old.state in ('held', 'parked')
        returning old.merchant, old.key";
    let superseded = sqlx::query_as(SUPERSEDE)
        .bind(adapter.as_str())
        .bind(posted.iter().map(|it| it.merchant.as_str()).collect::<Vec<_>>())
        .bind(posted.iter().map(|it| it.key.as_str()).collect::<Vec<_>>())
        .bind(now)
        .fetch_all(connection)
        .await?;
    Ok(superseded)
}

/// Keeps attempts that did not end with a receipt.
async fn note_attempts(
    connection: &mut PgConnection,
    adapter: &AdapterName,
    settlements: &[Settlement],
    epoch: i64,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    const INSERT: &str = "
        insert into attempt (merchant, key, adapter, number, epoch, ended_at, state, reason, payload)
        select t.merchant, t.key, $1, t.number, $2, $3, t.state, t.reason, t.payload
        from unnest($4::text[], $5::text[], $6::int4[], $7::text[], $8::text[], $9::text[])
            as t (merchant, key, number, state, reason, payload)";
    let failed: Vec<&Settlement> = settlements.iter().filter(|it| it.state != State::Posted).collect();
    if failed.is_empty() {
        return Ok(());
    }
    sqlx::query(INSERT)
        .bind(adapter.as_str())
        .bind(epoch)
        .bind(now)
        .bind(failed.iter().map(|it| it.merchant.as_str()).collect::<Vec<_>>())
        .bind(failed.iter().map(|it| it.key.as_str()).collect::<Vec<_>>())
        .bind(failed.iter().map(|it| it.attempt).collect::<Vec<_>>())
        .bind(failed.iter().map(|it| it.state.name()).collect::<Vec<_>>())
        .bind(failed.iter().map(|it| it.reason.as_deref().unwrap_or_default()).collect::<Vec<_>>())
        .bind(
            failed.iter().map(|it| it.payload.as_ref().map(|text| text.replace('\0', "\u{fffd}"))).collect::<Vec<_>>(),
        )
        .execute(connection)
        .await?;
    Ok(())
}
