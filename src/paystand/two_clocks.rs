//! Our clock and the server's, as its last `Date` header told it. Either may be wrong, so decisions take the safer one.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::clock::Clock;

/// The server's time as last heard, carried on by elapsed time.
#[derive(Debug)]
pub struct TwoClocks {
    clock: Arc<dyn Clock>,
    /// False where a test takes the second clock away.
    listens: bool,
    heard: Mutex<Option<(DateTime<Utc>, Duration)>>,
}

impl TwoClocks {
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, listens: bool) -> Self {
        Self { clock, listens, heard: Mutex::new(None) }
    }

    /// Takes the `Date` header of an answer that came just now.
    pub fn hear(&self, date: Option<DateTime<Utc>>) {
        if let Some(date) = date.filter(|_| self.listens) {
            let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
            *heard = Some((date, self.clock.monotonic()));
        }
    }

    /// The server's clock now; `None` before any answer told it.
    #[must_use]
    pub fn server_now(&self) -> Option<DateTime<Utc>> {
        let heard = *self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let (date, at) = heard?;
        let elapsed = self.clock.monotonic().saturating_sub(at);
        date.checked_add_signed(TimeDelta::from_std(elapsed).ok()?)
    }

    /// What both clocks have reached: high waters go no further.
    #[must_use]
    pub fn earlier_now(&self) -> DateTime<Utc> {
        let local = self.clock.now();
        self.server_now().map_or(local, |server| server.min(local))
    }

    /// What no clock has passed: right edges lie behind it.
    #[must_use]
    pub fn later_now(&self) -> DateTime<Utc> {
        let local = self.clock.now();
        self.server_now().map_or(local, |server| server.max(local))
    }

    /// How far our clock is ahead of the server's.
    #[must_use]
    pub fn local_ahead(&self) -> TimeDelta {
        self.server_now().map_or(TimeDelta::zero(), |server| self.clock.now() - server)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;

    #[tokio::test]
    async fn neither_clock_alone_decides() {
        let clock = Arc::new(ManualClock::new(DateTime::from_timestamp(1_000_000, 0).expect("an instant")));
        let clocks = TwoClocks::new(clock.clone(), true);
        assert_eq!(clocks.server_now(), None);
        let date = clock.now() + TimeDelta::hours(24);
        clocks.hear(Some(date));
        clock.sleep(Duration::from_mins(1)).await;
        assert_eq!(clocks.server_now(), Some(date + TimeDelta::seconds(60)));
        assert_eq!(clocks.earlier_now(), clock.now());
        assert_eq!(clocks.later_now(), clock.now() + TimeDelta::hours(24));
        assert_eq!(clocks.local_ahead(), TimeDelta::hours(-24));
    }
}
