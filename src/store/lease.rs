//! Leases (I9): who may work on what.
//!
//! A lease is a row with an epoch and an expiry. Its holder also keeps a session-level advisory lock of its own name on a
//! connection of its own, so that a process that died is replaced at once, and one that merely sleeps when its time is up.
//! Whoever takes over raises the epoch; every transaction locks the row and compares, so a sleeper that wakes commits nothing.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, PgConnection};
use tokio::sync::Mutex;

use super::{Bounds, Store, StoreError, connect_options};
use crate::clock::Clock;

/// A process, alive for as long as this is held: the advisory lock goes with the connection.
#[derive(Debug)]
pub struct Presence {
    holder: String,
    options: PgConnectOptions,
    connection: Mutex<PgConnection>,
}

/// A lease in hand.
#[derive(Debug, Clone)]
pub struct Held {
    name: String,
    holder: String,
    epoch: i64,
    expires_at: DateTime<Utc>,
}

impl Presence {
    /// Announces this process under a name that no other process has.
    pub async fn announce(url: &secrecy::SecretString, bounds: Bounds, holder: String) -> Result<Self, StoreError> {
        let options = connect_options(url, bounds)?;
        let connection = announced(&options, &holder).await?;
        let connection = connection.expect("a holder's name is drawn at random for each process");
        Ok(Self { holder, options, connection: Mutex::new(connection) })
    }

    #[must_use]
    pub fn holder(&self) -> &str {
        &self.holder
    }

    /// Announces this process again if the connection that proves its life was lost. Until then whoever asks takes its leases, for it
    /// looks dead.
    pub async fn keep(&self) -> Result<(), StoreError> {
        let mut connection = self.connection.lock().await;
        if connection.ping().await.is_ok() {
            return Ok(());
        }
        // While the server takes the lost connection for alive, the lock is still there.
        if let Some(anew) = announced(&self.options, &self.holder).await? {
            *connection = anew;
            tracing::info!("the connection that shows that this process is alive was lost and is there again");
        }
        Ok(())
    }
}

/// A connection with the lock of a holder, unless another session has it.
async fn announced(options: &PgConnectOptions, holder: &str) -> Result<Option<PgConnection>, StoreError> {
    const LOCK: &str = "select pg_try_advisory_lock(hashtextextended('paystand_sync/holder/' || $1, 0))";
    let mut connection = PgConnection::connect_with(options).await?;
    let locked: bool = sqlx::query_scalar(LOCK).bind(holder).fetch_one(&mut connection).await?;
    Ok(locked.then_some(connection))
}

impl Held {
    #[must_use]
    pub const fn epoch(&self) -> i64 {
        self.epoch
    }

    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Locks the lease against a change of hands until the transaction ends, and fails if it is not ours any more.
    pub(super) async fn check(&self, connection: &mut PgConnection) -> Result<(), StoreError> {
        const CHECK: &str = "select epoch from lease where name = $1 and holder = $2 and epoch = $3 for share";
        sqlx::query(CHECK)
            .bind(&self.name)
            .bind(&self.holder)
            .bind(self.epoch)
            .fetch_optional(connection)
            .await?
            .map(|_| ())
            .ok_or_else(|| StoreError::LeaseLost { name: self.name.clone() })
    }
}

/// What is left of a lease when it is renewed.
fn renew_before(lease: Duration) -> Duration {
    lease * 3 / 5
}

impl Store {
    /// Takes a lease that is free, expired, or whose holder is gone. `None` while another process works under it. Whoever takes shows
    /// first that it is alive itself: two processes that both look dead would take from each other without end.
    pub async fn acquire(
        &self,
        name: &str,
        presence: &Presence,
        clock: &dyn Clock,
    ) -> Result<Option<Held>, StoreError> {
        // The first arm takes what is free; the second what we hold already (a restart within one process).
        const TAKE: &str = "
            insert into lease (name, holder, epoch, expires_at) values ($1, $2, 1, $4)
            on conflict (name) do update set holder = excluded.holder, epoch = lease.epoch + 1, expires_at = excluded.expires_at
            where lease.expires_at <= $3 or lease.holder = excluded.holder
               or pg_try_advisory_xact_lock(hashtextextended('paystand_sync/holder/' || lease.holder, 0))
            returning epoch";
        presence.keep().await?;
        // Showing it may have taken a while.
        let now = clock.now();
        let expires_at = now + self.lease;
        let epoch: Option<i64> = sqlx::query_scalar(TAKE)
            .bind(name)
            .bind(presence.holder())
            .bind(now)
            .bind(expires_at)
            .fetch_optional(&self.pool)
            .await?;
        Ok(epoch.map(|epoch| Held { name: name.to_owned(), holder: presence.holder().to_owned(), epoch, expires_at }))
    }

    /// Extends the lease once two fifths of it are over; does nothing before.
    pub async fn renew(&self, held: &mut Held, now: DateTime<Utc>) -> Result<(), StoreError> {
        const RENEW: &str = "update lease set expires_at = $4 where name = $1 and holder = $2 and epoch = $3";
        if held.expires_at > now + renew_before(self.lease) {
            return Ok(());
        }
        let expires_at = now + self.lease;
        let renewed = sqlx::query(RENEW)
            .bind(&held.name)
            .bind(&held.holder)
            .bind(held.epoch)
            .bind(expires_at)
            .execute(&self.pool)
            .await?;
        if renewed.rows_affected() == 0 {
            return Err(StoreError::LeaseLost { name: held.name.clone() });
        }
        held.expires_at = expires_at;
        Ok(())
    }

    /// Gives the lease back, so that the next process need not wait.
    pub async fn release(&self, held: &Held, now: DateTime<Utc>) -> Result<(), StoreError> {
        const RELEASE: &str = "update lease set expires_at = $4 where name = $1 and holder = $2 and epoch = $3";
        sqlx::query(RELEASE).bind(&held.name).bind(&held.holder).bind(held.epoch).bind(now).execute(&self.pool).await?;
        Ok(())
    }
}
