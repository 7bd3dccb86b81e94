//! Proof that the scheduler makes progress.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::clock::Clock;

/// Without a step for this long the scheduler counts as stuck. Longer than the longest pause between two steps.
const SILENCE_MAX: Duration = Duration::from_mins(15);

/// When the scheduler last came round.
#[derive(Debug)]
pub struct Heartbeat {
    clock: Arc<dyn Clock>,
    last_ms: AtomicU64,
}

impl Heartbeat {
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        let heartbeat = Self { clock, last_ms: AtomicU64::new(0) };
        heartbeat.beat();
        heartbeat
    }

    /// A step began or ended.
    pub fn beat(&self) {
        let now_ms = u64::try_from(self.clock.monotonic().as_millis()).unwrap_or(u64::MAX);
        self.last_ms.fetch_max(now_ms, Ordering::Relaxed);
    }

    #[must_use]
    pub fn is_alive(&self) -> bool {
        let last = Duration::from_millis(self.last_ms.load(Ordering::Relaxed));
        self.clock.monotonic().saturating_sub(last) < SILENCE_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;
    use chrono::DateTime;

    #[tokio::test]
    async fn silence_is_noticed() {
        let clock = Arc::new(ManualClock::new(DateTime::from_timestamp(0, 0).expect("an instant")));
        let heartbeat = Heartbeat::new(clock.clone());
        clock.sleep(SILENCE_MAX).await;
        assert!(!heartbeat.is_alive());
        heartbeat.beat();
        assert!(heartbeat.is_alive());
    }
}
