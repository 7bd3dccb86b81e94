//! Watches the work for whoever asks how it stands: looks at everything now and then, ties the books out, and answers the pages.
//!
//! - Nobody's question makes anybody wait: what is shown was gathered before. Looks that take long are taken more seldom, so that
//!   watching never takes more than a small share of the database.
//! - A tie-out by itself is bounded ([`crate::config::OpsConfig::tie_out_entries_max`]), and raises only what two of them found.

mod answer;
mod gather;
mod slow;
mod tie;
mod trail;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::Semaphore;

use super::Engine;
use crate::model::ids::MerchantId;
use crate::ops::view::{self, Overview};

/// Between two looks at what costs little.
const LOOK_INTERVAL: Duration = Duration::from_secs(5);
/// A look may take this part of the time: one in so many.
const SHARE: u32 = 20;
/// Searches at once: a reader of the page must not take the connections of the work.
const SEARCHES_MAX: usize = 2;

/// What was seen last.
#[derive(Debug)]
pub(super) struct Outlook {
    overview: RwLock<Option<Arc<Overview>>>,
    slow: Mutex<slow::Slow>,
    ties: Mutex<BTreeMap<MerchantId, tie::Standing>>,
    health: tokio::sync::Mutex<Option<(Duration, view::Health)>>,
    searches: Semaphore,
    is_present: AtomicBool,
}

impl Outlook {
    pub(super) fn new() -> Self {
        Self {
            overview: RwLock::default(),
            slow: Mutex::default(),
            ties: Mutex::default(),
            health: tokio::sync::Mutex::default(),
            searches: Semaphore::new(SEARCHES_MAX),
            is_present: AtomicBool::new(true),
        }
    }

    fn seen(&self) -> Option<Arc<Overview>> {
        self.overview.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether the database knows that this process is alive.
    pub(super) fn note_presence(&self, is_present: bool) {
        self.is_present.store(is_present, Ordering::Relaxed);
    }
}

impl Engine {
    /// Looks again and again, for as long as it is polled.
    pub(super) async fn look_for_ever(&self) -> std::convert::Infallible {
        loop {
            let took = self.timed(async { self.look().await }).await;
            self.circumstances.clock.sleep(LOOK_INTERVAL.max(took * SHARE)).await;
        }
    }

    /// Looks once. Without the database what was seen last stays, and says how old it is.
    async fn look(&self) {
        match self.gather().await {
            Ok(overview) => {
                let mut seen = self.outlook.overview.write().unwrap_or_else(PoisonError::into_inner);
                *seen = Some(Arc::new(overview));
            }
            Err(error) => tracing::debug!(%error, "the overview stays as it was"),
        }
    }

    async fn timed(&self, work: impl Future<Output = ()>) -> Duration {
        let clock = &self.circumstances.clock;
        let started = clock.monotonic();
        work.await;
        clock.monotonic().saturating_sub(started)
    }
}
