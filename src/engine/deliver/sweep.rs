//! Deletes drafts that lost: of their key another document was elected, and nobody can release them any more.

use std::time::Duration;

use chrono::TimeDelta;

use super::Courier;
use crate::engine::error::StepError;
use crate::erp::{Drafted, Posting};

/// How often.
const INTERVAL: Duration = Duration::from_mins(10);

impl Courier {
    /// Sweeps if the last time was long ago.
    pub(super) async fn sweep_now_and_then(&self) -> Result<(), StepError> {
        let now = self.clock.monotonic();
        let mut swept = self.swept.lock().await;
        if swept.is_some_and(|at| now.saturating_sub(at) < INTERVAL) {
            return Ok(());
        }
        *swept = Some(now);
        drop(swept);
        self.sweep().await.map(drop)
    }

    /// Deletes what lost and is older than any request of ours can be under way; returns how many.
    pub async fn sweep(&self) -> Result<usize, StepError> {
        match self.erp.posting() {
            Posting::Keyed(_) => Ok(0),
            Posting::Drafted(erp) => self.sweep_drafts(erp).await,
        }
    }

    async fn sweep_drafts(&self, erp: &dyn Drafted) -> Result<usize, StepError> {
        let settles_within = TimeDelta::from_std(self.erp.capabilities().settles_within).unwrap_or(TimeDelta::MAX);
        let drafts = erp.drafts(self.clock.now() - settles_within).await?;
        let drafts: Vec<(&str, &str)> = drafts.iter().map(|draft| (&*draft.key, &*draft.reference)).collect();
        let strays = self.store.strays(&self.adapter, &drafts).await?;
        if strays.is_empty() {
            return Ok(0);
        }
        self.lease().await?;
        erp.discard(&strays.iter().map(String::as_str).collect::<Vec<_>>()).await?;
        tracing::info!(adapter = %self.adapter, drafts = strays.len(), "drafts that lost were deleted");
        Ok(strays.len())
    }
}
