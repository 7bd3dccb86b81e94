//! What a verb needs of the machine: the database, time, chance, and being told to stop.

use std::sync::Arc;
use std::time::Duration;

use rand::TryRngCore;
use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};
use secrecy::SecretString;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::tell::Complaint;
use crate::clock::{Clock, SystemClock};
use crate::config::DatabaseConfig;
use crate::engine::Circumstances;
use crate::engine::error::Exit;
use crate::scan::rules::Rules;
use crate::store::{Durability, PrivateCluster};

/// How often a daemon looks whether its private cluster runs.
const CLUSTER_INTERVAL: Duration = Duration::from_secs(2);

/// Secrets are in memory: it is never written to a core file, nor read by another process of the same user. A system that does not know
/// how is left as it is.
pub fn keep_memory_private() {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    let _ = setrlimit(Resource::Core, none);
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
}

/// The database in use. A private cluster stops when this is dropped.
pub struct Database {
    pub url: SecretString,
    pub private: Option<PrivateCluster>,
}

impl Database {
    /// The configured one, or a private cluster.
    pub async fn open(config: &DatabaseConfig) -> Result<Self, Complaint> {
        if let Some(url) = &config.url {
            return Ok(Self { url: url.clone(), private: None });
        }
        let cluster = PrivateCluster::open(&config.state_dir, Durability::Durable).await?;
        Ok(Self { url: cluster.url(), private: Some(cluster) })
    }

    /// Starts a private cluster again whenever it died, for nobody else would.
    pub async fn keep(&self, clock: &dyn Clock) -> std::convert::Infallible {
        let Some(cluster) = &self.private else { return std::future::pending().await };
        loop {
            clock.sleep(CLUSTER_INTERVAL).await;
            match cluster.revive().await {
                Ok(true) => tracing::warn!("the private cluster had stopped and was started again"),
                Ok(false) => {}
                Err(error) => tracing::error!(%error, "the private cluster has stopped and cannot be started"),
            }
        }
    }

    /// Stops a private cluster and waits for it.
    pub async fn close(self) -> Result<(), Complaint> {
        match self.private {
            Some(cluster) => Ok(cluster.close().await?),
            None => Ok(()),
        }
    }
}

/// The real clock, a fresh seed, a name of our own.
pub fn circumstances() -> Result<Circumstances, Complaint> {
    let mut bytes = [0; 16];
    rand::rngs::OsRng
        .try_fill_bytes(&mut bytes)
        .map_err(|error| Complaint::new(Exit::Internal, format!("the system gives no random bytes: {error}")))?;
    let number = u128::from_le_bytes(bytes);
    let seed = u64::try_from(number >> 64).expect("half of the bits");
    Ok(Circumstances {
        clock: Arc::new(SystemClock::new()),
        seed,
        holder: format!("{number:032x}"),
        rules: Rules::default(),
    })
}

/// What the process is told from outside.
pub struct Signals {
    /// Cancelled by SIGTERM or SIGINT.
    pub stop: CancellationToken,
    /// Notified by SIGHUP.
    pub reload: Arc<Notify>,
    _listener: JoinSet<()>,
}

impl Signals {
    pub fn listen() -> Result<Self, Complaint> {
        let failed =
            |error: std::io::Error| Complaint::new(Exit::Internal, format!("signals cannot be caught: {error}"));
        let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
        let mut hang_up = signal(SignalKind::hangup()).map_err(failed)?;
        let (stop, reload) = (CancellationToken::new(), Arc::new(Notify::new()));
        let (told_to_stop, told_to_reload) = (stop.clone(), Arc::clone(&reload));
        let mut listener = JoinSet::new();
        listener.spawn(async move {
            loop {
                tokio::select! {
                    _ = terminate.recv() => break,
                    _ = interrupt.recv() => break,
                    _ = hang_up.recv() => told_to_reload.notify_one(),
                }
            }
            tracing::info!("told to stop: finishing the steps under way");
            told_to_stop.cancel();
        });
        Ok(Self { stop, reload, _listener: listener })
    }
}
