//! The clock of a sandbox that runs as a program: it can be moved, and may run faster than the machine's.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use futures::future::BoxFuture;

use crate::clock::Clock;

/// A base instant plus elapsed time times speed plus whatever it was moved by.
///
/// Only the calendar is simulated: pauses, deadlines and the rate limit run in real time, because clients do.
#[derive(Debug)]
pub struct SandboxClock {
    base: DateTime<Utc>,
    started: Instant,
    moved_ms: AtomicI64,
    speed: u32,
}

impl SandboxClock {
    /// A clock that shows `base` now. Speed 1 is real time, 0 stands still.
    #[must_use]
    pub fn new(base: DateTime<Utc>, speed: u32) -> Self {
        Self { base, started: Instant::now(), moved_ms: AtomicI64::new(0), speed }
    }

    /// Moves the clock, backwards too.
    pub fn advance(&self, by: TimeDelta) {
        self.moved_ms.fetch_add(by.num_milliseconds(), Ordering::SeqCst);
    }

    /// Makes the clock show `instant` now.
    pub fn set(&self, instant: DateTime<Utc>) {
        self.advance(instant - self.now());
    }
}

impl Clock for SandboxClock {
    fn now(&self) -> DateTime<Utc> {
        let elapsed_ms = i64::try_from(self.started.elapsed().as_millis()).unwrap_or(i64::MAX);
        let ran_ms = elapsed_ms.saturating_mul(i64::from(self.speed));
        self.base + TimeDelta::milliseconds(ran_ms.saturating_add(self.moved_ms.load(Ordering::SeqCst)))
    }

    fn monotonic(&self) -> Duration {
        self.started.elapsed()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'_, ()> {
        Box::pin(tokio::time::sleep(duration))
    }

    fn deadline(&self, duration: Duration) -> BoxFuture<'_, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_standing_clock_shows_exactly_what_it_is_set_to() {
        let instant = |text: &str| text.parse::<DateTime<Utc>>().expect("instant");
        let clock = SandboxClock::new(instant("2026-05-01T00:00:00Z"), 0);
        clock.advance(TimeDelta::days(2));
        assert_eq!(clock.now(), instant("2026-05-03T00:00:00Z"));
        clock.set(instant("2026-04-01T12:00:00Z"));
        assert_eq!(clock.now(), instant("2026-04-01T12:00:00Z"));
    }
}
