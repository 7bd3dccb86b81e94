//! What reads one resource of one merchant: the client, the store, and the lease under which it works (I9).
//!
//! `harvest` judges what a page shows, `read` drives passes over a list; a [`super::job::Job`] decides what is read when.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use chrono::TimeDelta;
use tokio::sync::{Mutex, Semaphore};
use tokio_util::sync::CancellationToken;

use super::advance::Advances;
use super::bell::Bell;
use super::error::StepError;
use crate::clock::Clock;
use crate::config::{MerchantConfig, SyncConfig};
use crate::model::ids::AdapterName;
use crate::model::resource::Resource;
use crate::paystand::{Client, Priority};
use crate::scan::rules::Rules;
use crate::store::Store;
use crate::store::lease::Held;

/// Pages of one job that are judged and stored at once: what was read ahead of them waits as it came.
pub const PAGES_IN_HAND: usize = 5;

/// Two clocks that differ by more are reported.
pub const CLOCKS_APART_MAX: TimeDelta = TimeDelta::minutes(5);

/// One resource of one merchant, and everything that reading it takes.
#[derive(Debug)]
pub struct Reader {
    pub merchant: Arc<MerchantConfig>,
    pub resource: Resource,
    pub client: Client,
    pub store: Store,
    pub clock: Arc<dyn Clock>,
    pub sync: Arc<SyncConfig>,
    /// Adapters that want documents.
    pub adapters: Arc<[AdapterName]>,
    pub priority: Priority,
    pub rules: Rules,
    /// Rows that do not say when they were updated are read by id even if they look the same; nightly and in a single run.
    pub thorough: bool,
    /// Rows of the longest page after which the list went on, in this process.
    pub granted: AtomicUsize,
    pub(super) pages_in_hand: Semaphore,
    pub stop: CancellationToken,
    /// Told how far a backfill is.
    pub advances: Arc<Advances>,
    /// Told when there is something to deliver.
    pub(super) news: Arc<Bell>,
    pub held: Mutex<Held>,
}

impl Reader {
    /// The lease, renewed where its end is near.
    pub async fn lease(&self) -> Result<Held, StepError> {
        let mut held = self.held.lock().await;
        self.store.renew(&mut held, self.clock.now()).await?;
        Ok(held.clone())
    }
}
