//! What reads one resource of one merchant: the client, the store, and the lease under which it works (I9).
//!
//! `harvest` judges what a page shows, `read` drives passes over a list; a [`super::job::Job`] decides what is read when.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::TimeDelta;
use tokio::sync::{Mutex, Semaphore, SemaphorePermit};
use tokio_util::sync::CancellationToken;

use super::advance::Advances;
use super::bell::Bell;
use super::error::StepError;
use crate::clock::Clock;
use crate::config::{MerchantConfig, SyncConfig};
use crate::model::ids::AdapterName;
use crate::model::page::{Stamp, Window};
use crate::model::resource::Resource;
use crate::paystand::{Client, Priority};
use crate::scan::pass::PassPlan;
use crate::scan::rules::Rules;
use crate::store::Store;
use crate::store::lease::Held;

/// Bytes of answers that one job judges and stores at once, several pages of 200 rows: what was read ahead of them waits as it came. A
/// longer answer goes alone.
pub const BYTES_IN_HAND: u32 = 1_250_000;

/// Two clocks that differ by more are reported.
pub const CLOCKS_APART_MAX: TimeDelta = TimeDelta::minutes(5);

/// One resource of one merchant, and everything that reading it takes. Its clones work under the same lease and within the same bounds.
#[derive(Debug, Clone)]
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
    pub granted: Arc<AtomicUsize>,
    pub(super) bytes_in_hand: Arc<Semaphore>,
    pub stop: CancellationToken,
    /// Told how far a backfill is.
    pub advances: Arc<Advances>,
    /// Told when there is something to deliver.
    pub(super) news: Arc<Bell>,
    pub held: Arc<Mutex<Held>>,
}

impl Reader {
    /// The lease, renewed where its end is near.
    pub async fn lease(&self) -> Result<Held, StepError> {
        let mut held = self.held.lock().await;
        self.store.renew(&mut held, self.clock.now()).await?;
        Ok(held.clone())
    }

    /// How a whole list is read, or a window of it.
    pub(super) fn plan(&self, window: Option<Window>, stamp: Stamp) -> PassPlan {
        PassPlan {
            resource: self.resource,
            parent: None,
            window,
            stamp,
            page_rows: self.sync.page_rows,
            granted: self.granted.load(Ordering::Relaxed),
            stop_before: None,
            rules: self.rules,
        }
    }

    /// Waits until an answer of this length may be judged and stored.
    pub(super) async fn take_in_hand(&self, bytes: usize) -> SemaphorePermit<'_> {
        let bytes = u32::try_from(bytes).map_or(BYTES_IN_HAND, |bytes| bytes.min(BYTES_IN_HAND));
        self.bytes_in_hand.acquire_many(bytes).await.expect("nobody closes it")
    }
}
