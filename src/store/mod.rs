//! Edge: our Postgres. SQL stands as a `const` beside its function, one file per table family.
//!
//! - I1 a cursor moves only in the transaction that stores what it covers ([`Store::ingest`]).
//! - I3 one ledger entry per key and adapter is a primary key, not code.
//! - I4 no transaction here is open across anything but Postgres.
//! - I9 every commit locks and checks the lease under which it works ([`lease::Held`]).
//!
//! Time is always an argument; no statement asks the server for it.

/// A row `j` of `journal_entry` as [`crate::model::journal::Entry`] in JSON.
macro_rules! journal_entry_json {
    () => {
        "json_build_object('key', j.entry_key, 'event_key', j.event_key, 'date', j.entry_date, 'currency', j.currency,
            'memo', j.memo, 'reverses', j.reverses, 'lines', (
                select json_agg(json_build_object('role', l.role, 'amount', l.amount::text, 'customer_ref', l.customer_ref,
                    'invoice_ref', l.invoice_ref, 'receivable_id', l.receivable_id, 'payment_id', l.payment_id, 'fee_id', l.fee_id,
                    'refund_id', l.refund_id, 'dispute_id', l.dispute_id, 'credit_memo_id', l.credit_memo_id,
                    'transfer_id', l.transfer_id, 'account_key', l.account_key) order by l.line_no)
                from journal_line l where l.merchant = j.merchant and l.entry_key = j.entry_key))::text"
    };
}

/// Whether the ledger entry `e` is claimed and not settled.
macro_rules! is_in_flight {
    () => {
        "exists (select from claim c where c.adapter = e.adapter and e.position <@ any(c.positions))"
    };
}

mod accounts;
mod action;
mod audit;
mod books;
pub mod cluster;
mod cursor;
mod error;
mod exception;
mod ingest;
pub mod lease;
mod ledger;
mod notice;
mod open_item;
mod outlook;
pub mod rate_share;
mod record;
mod sample;
mod seal;
mod slot;
mod statistics;
mod sum;
mod summary;
mod target;
pub mod trail;
mod window;

use std::str::FromStr;
use std::time::Duration;

use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection, PgConnection, PgPool};

use crate::config::{Config, Environment};

pub use action::{EntryKey, Pause, Scope};
pub use audit::{Actor, AuditHead, AuditRow, Broken, verify as verify_audit};
pub use books::{Books, Outgoing, Waiting};
pub use cluster::{ClusterError, Durability, PrivateCluster};
pub use cursor::{Cursor, CursorMove, NewCursor};
pub use error::StoreError;
pub use exception::{Finding, OpenException};
pub use ingest::{Batch, Filing, Ingested, Novelty};
pub use ledger::{Acquaintance, Ballot, Claimed, Enrollment, Progress, Settlement};
pub use open_item::DueItem;
pub use outlook::{OpenClass, RowCount, Unposted, Vitals};
pub use sample::Sample;
pub use seal::{NewSeal, SealedThrough};
pub use slot::{Member, Parent};
pub use summary::{Backlog, FeesAwaited, ResourceSummary};
pub use target::{DAEMON, Failing, nobody};
pub use window::BackfillWindow;

/// Our schema, for an ERP may share the database with us. And every statement here looks rows up by key, so no plan that was made
/// while the tables were empty may be kept, nor one that reads them whole, for want of statistics or because they are small yet. Where
/// nothing else is possible, such a plan seems so dear that it would be compiled, which takes longer than all of them.
const TERMS: [(&str, &str); 6] = [
    ("jit", "off"),
    ("search_path", "paystand_sync"),
    ("plan_cache_mode", "force_custom_plan"),
    ("enable_seqscan", "off"),
    ("enable_hashjoin", "off"),
    ("enable_mergejoin", "off"),
];

/// What a process takes of the database at most.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    pub connections_max: u32,
    /// How long a lease lasts without renewal.
    pub lease: Duration,
}

impl Bounds {
    #[must_use]
    pub const fn of(config: &Config) -> Self {
        Self { connections_max: config.database.connections_max, lease: config.sync.lease }
    }
}

/// Handle on our database; cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    pool: PgPool,
    lease: Duration,
    growth: statistics::Growth,
}

impl Store {
    /// Connects, brings the schema up to date and checks that the database serves `environment`.
    ///
    /// # Errors
    /// [`StoreError::Unreachable`] where there is no database, [`StoreError::OtherEnvironment`] where it serves another one.
    pub async fn open(
        url: &SecretString,
        bounds: Bounds,
        environment: Environment,
        now: DateTime<Utc>,
    ) -> Result<Self, StoreError> {
        let options = connect_options(url, bounds)?;
        migrate(&options).await?;
        let pool = PgPoolOptions::new()
            .max_connections(bounds.connections_max)
            .acquire_timeout(Duration::from_secs(30))
            // A connection would keep buffers as long as the longest statement that it ever sent.
            .after_release(|connection, _| {
                connection.shrink_buffers();
                Box::pin(async { Ok(true) })
            })
            .connect_with(options)
            .await?;
        let store = Self { pool, lease: bounds.lease, growth: statistics::Growth::default() };
        store.claim_environment(environment, now).await?;
        Ok(store)
    }

    /// The pool, for an adapter whose target is this database.
    #[must_use]
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// A transaction that commits only while the lease is ours (I9).
    async fn begin(&self, held: &lease::Held) -> Result<sqlx::Transaction<'static, sqlx::Postgres>, StoreError> {
        let mut transaction = self.pool.begin().await?;
        held.check(&mut transaction).await?;
        Ok(transaction)
    }

    /// Waits for connections in use and closes them.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    async fn claim_environment(&self, environment: Environment, now: DateTime<Utc>) -> Result<(), StoreError> {
        const CLAIM: &str = "insert into instance (environment, created_at) values ($1, $2) on conflict do nothing";
        const READ: &str = "select environment from instance";
        sqlx::query(CLAIM).bind(environment.name()).bind(now).execute(&self.pool).await?;
        let serves: String = sqlx::query_scalar(READ).fetch_one(&self.pool).await?;
        if serves == environment.name() { Ok(()) } else { Err(StoreError::OtherEnvironment { serves }) }
    }
}

/// A process that is stopped in the middle of a transaction would keep the locks of its lease for as long as it is stopped. Ours are
/// never idle for long within one (I4), so the server ends such a session when the lease does.
fn connect_options(url: &SecretString, bounds: Bounds) -> Result<PgConnectOptions, StoreError> {
    let patience = [("idle_in_transaction_session_timeout", bounds.lease.as_millis())];
    PgConnectOptions::from_str(url.expose_secret())
        .map(|options| options.options(TERMS).options(patience).application_name("paystand-sync"))
        // The cause may quote the URL and with it the password.
        .map_err(|_| StoreError::BadUrl)
}

/// Runs on a connection of its own under an advisory lock, so that two processes may start at once.
async fn migrate(options: &PgConnectOptions) -> Result<(), StoreError> {
    const LOCK: &str = "select pg_advisory_lock(hashtextextended('paystand_sync/migrate', 0))";
    const CREATE: &str = "create schema if not exists paystand_sync";
    let mut connection = PgConnection::connect_with(options).await?;
    sqlx::query(LOCK).execute(&mut connection).await?;
    sqlx::query(CREATE).execute(&mut connection).await?;
    sqlx::migrate!().run(&mut connection).await?;
    connection.close().await?;
    Ok(())
}
