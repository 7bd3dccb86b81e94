//! The only place that asks the system for time.
//!
//! Everything else receives a [`Clock`]. Wall time ([`Clock::now`]) may jump; [`Clock::monotonic`] never goes back and is
//! what pacing, leases and back-off measure with.

use std::fmt::Debug;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use futures::future::BoxFuture;
use tokio::sync::Notify;

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

/// A clock for simulations and tests: it moves only when told to, or when someone waits.
///
/// [`Clock::sleep`] yields once and then advances the clock by what is left of the wait, so that a minute of pacing takes
/// no time and two waits begun at one instant overlap as they would in reality. [`Clock::deadline`] stays pending until
/// [`ManualClock::hang`].
#[derive(Debug)]
pub struct ManualClock {
    started: DateTime<Utc>,
    state: Mutex<ManualState>,
    hung: Notify,
}

#[derive(Debug, Default)]
struct ManualState {
    elapsed: Duration,
    wall_offset: TimeDelta,
}

impl ManualClock {
    /// A clock whose wall time is `started` and whose [`Clock::monotonic`] is zero.
    #[must_use]
    pub fn new(started: DateTime<Utc>) -> Self {
        Self { started, state: Mutex::default(), hung: Notify::new() }
    }

    /// Lets `duration` pass.
    pub fn advance(&self, duration: Duration) {
        let mut state = self.state();
        state.elapsed = state.elapsed.saturating_add(duration);
    }

    /// Declares that whatever runs against a deadline right now hangs: each deadline begun before this call advances the
    /// clock by what is left of it and resolves. Later deadlines are pending again.
    pub fn hang(&self) {
        self.hung.notify_waiters();
    }

    /// Makes [`Clock::now`] wrong by `offset`; [`Clock::monotonic`] does not notice.
    pub fn set_wall_offset(&self, offset: TimeDelta) {
        self.state().wall_offset = offset;
    }

    fn advance_to(&self, elapsed: Duration) {
        let mut state = self.state();
        state.elapsed = state.elapsed.max(elapsed);
    }

    fn state(&self) -> MutexGuard<'_, ManualState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for ManualClock {
    fn now(&self) -> DateTime<Utc> {
        let state = self.state();
        self.started + state.elapsed + state.wall_offset
    }

    fn monotonic(&self) -> Duration {
        self.state().elapsed
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'_, ()> {
        let until = self.monotonic().saturating_add(duration);
        Box::pin(async move {
            tokio::task::yield_now().await;
            self.advance_to(until);
        })
    }

    fn deadline(&self, duration: Duration) -> BoxFuture<'_, ()> {
        let until = self.monotonic().saturating_add(duration);
        let hung = self.hung.notified();
        Box::pin(async move {
            hung.await;
            self.advance_to(until);
        })
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;
    use futures::FutureExt;

    use super::*;

    fn clock() -> ManualClock {
        ManualClock::new(Utc.with_ymd_and_hms(2026, 5, 12, 0, 0, 0).single().unwrap())
    }

    #[tokio::test]
    async fn waits_begun_together_overlap() {
        let clock = clock();
        let second = Duration::from_secs(1);
        let minute = Duration::from_mins(1);
        futures::join!(clock.sleep(second), clock.sleep(minute));
        assert_eq!(clock.monotonic(), minute);
        clock.sleep(second).await;
        assert_eq!(clock.monotonic(), minute + second);
    }

    #[tokio::test]
    async fn a_deadline_waits_for_a_hang_and_then_takes_its_time() {
        let clock = clock();
        let early = clock.deadline(Duration::from_mins(1));
        clock.advance(Duration::from_secs(10));
        clock.hang();
        early.await;
        assert_eq!(clock.monotonic(), Duration::from_mins(1));
        assert!(clock.deadline(Duration::ZERO).now_or_never().is_none(), "begun after the hang");
    }

    #[test]
    fn a_wrong_wall_clock_leaves_elapsed_time_alone() {
        let clock = clock();
        let right = clock.now();
        clock.set_wall_offset(TimeDelta::days(-1));
        assert_eq!(clock.now(), right - TimeDelta::days(1));
        assert_eq!(clock.monotonic(), Duration::ZERO);
    }
}
