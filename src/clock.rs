//! The only place that asks the system for time.
//!
//! Everything else receives a [`Clock`]. Wall time ([`Clock::now`]) may jump; [`Clock::monotonic`] never goes back and is
//! what pacing, leases and back-off measure with.

use std::fmt::Debug;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use futures::future::BoxFuture;

/// Wall time, elapsed time and waiting, replaceable as one thing.
pub trait Clock: Debug + Send + Sync {
    /// The wall clock. It may be wrong and it may jump.
    fn now(&self) -> DateTime<Utc>;

    /// Time since an arbitrary fixed point; never decreases.
    fn monotonic(&self) -> Duration;

    /// Waits for `duration`: pacing, back-off and poll intervals.
    fn sleep(&self, duration: Duration) -> BoxFuture<'_, ()>;

    /// Resolves once an operation begun now has run for `duration`. Apart from [`Clock::sleep`] because a simulated clock
    /// skips waits at once, but must let an operation that answers win against its deadline.
    fn deadline(&self, duration: Duration) -> BoxFuture<'_, ()>;
}

/// The clock of the machine.
#[derive(Debug)]
pub struct SystemClock {
    started: Instant,
}

impl SystemClock {
    #[must_use]
    pub fn new() -> Self {
        Self { started: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the wall clock")]
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
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
