//! Who goes next: one budget of requests per environment and `client_id`, shared by all resources and merchants of that key.
//!
//! [`Pace`] says when the next slot comes. Here stands the queue for it: a waiting [`Priority::Tail`] always gets the next
//! slot before any [`Priority::Backfill`], first come first served within a priority. That is the reserve of the tails: all
//! of the budget, one slot away. A fixed share held back for them would leave slots unused while no tail waits and
//! would not be faster when one does.
//!
//! Only the front of the queue waits for the clock; when it goes, by its slot or by being dropped, it calls the next.
//! There is no task behind this and no lock across an await.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::clock::Clock;
use crate::config::{Environment, MerchantConfig};
use crate::paystand::pace::Pace;
use crate::paystand::rate_headers::RateHeaders;

/// A pause longer than this is not waited for: the caller is told instead.
const WAIT_MAX: Duration = Duration::from_mins(2);

/// What a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Priority {
    /// Freshness: tails, open items, tokens.
    Tail,
    /// Whatever can wait: backfills, freshness passes, seals.
    Backfill,
}

/// What Paystand counts requests by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BudgetKey {
    pub environment: Environment,
    pub client_id: String,
}

/// The budgets of this process.
#[derive(Debug)]
pub struct Budgets {
    clock: Arc<dyn Clock>,
    /// One per key; there are few.
    budgets: Mutex<Vec<(BudgetKey, Arc<Budget>)>>,
}

impl Budgets {
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, budgets: Mutex::default() }
    }

    /// The budget of the merchant's key. Merchants that share a key share the lowest of their rates.
    #[must_use]
    pub fn for_merchant(&self, merchant: &MerchantConfig) -> Arc<Budget> {
        let key = BudgetKey { environment: merchant.environment, client_id: merchant.client_id.clone() };
        let per_minute = merchant.requests_per_minute;
        let mut budgets = self.budgets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, budget)) = budgets.iter().find(|(known, _)| *known == key) {
            budget.change(|pace| pace.limit_configured(per_minute));
            return Arc::clone(budget);
        }
        let budget = Arc::new(Budget::new(per_minute, Arc::clone(&self.clock)));
        budgets.push((key, Arc::clone(&budget)));
        budget
    }

    /// Every budget with its key, for the coordination of several daemons and for status.
    #[must_use]
    pub fn all(&self) -> Vec<(BudgetKey, Arc<Budget>)> {
        self.budgets.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The requests of one key, paced.
#[derive(Debug)]
pub struct Budget {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    pace: Pace,
    tails: VecDeque<Waiting>,
    backfills: VecDeque<Waiting>,
    next_ticket: u64,
    taken: LastMinute,
}

#[derive(Debug)]
struct Waiting {
    ticket: u64,
    called: Arc<Notify>,
}

/// Leave to send one request, taken at [`Slot::at`] of the monotonic clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    pub at: Duration,
}

/// Nothing may go for longer than a request should wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paused {
    pub resume_in: Duration,
}

/// For status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// Slots taken in the last 60 s, to the second.
    pub last_minute: u32,
    /// The rate allowed now; below the configured one after a 429, by a header, or by the share of this process.
    pub rate_per_minute: u32,
    pub configured_per_minute: u32,
    pub waiting_tail: usize,
    pub waiting_backfill: usize,
    pub paused_for: Option<Duration>,
}

impl Budget {
    #[must_use]
    pub fn new(per_minute: u32, clock: Arc<dyn Clock>) -> Self {
        let state = State {
            pace: Pace::new(per_minute),
            tails: VecDeque::new(),
            backfills: VecDeque::new(),
            next_ticket: 0,
            taken: LastMinute::default(),
        };
        Self { clock, state: Mutex::new(state) }
    }

    /// Waits for a slot and takes it. Dropping the future gives up the place in the queue.
    pub async fn slot(&self, priority: Priority) -> Result<Slot, Paused> {
        let place = Place::enter(self, priority);
        loop {
            match place.turn() {
                Turn::Taken(slot) => return Ok(slot),
                Turn::Paused(paused) => return Err(paused),
                Turn::Behind => place.called.notified().await,
                Turn::In(wait) => tokio::select! {
                    biased;
                    () = place.called.notified() => {}
                    () = self.clock.sleep(wait) => {}
                },
            }
        }
    }

    /// A 429 came for the request of `slot`: everybody on this key slows down, and pauses as long as it asked.
    pub fn throttled(&self, slot: Slot, retry_after: Option<Duration>) {
        let now = self.clock.monotonic();
        self.change(|pace| pace.throttled(now, slot.at, retry_after));
    }

    /// An answer told about the limit of this key.
    pub fn limit_seen(&self, headers: RateHeaders) {
        let now = self.clock.monotonic();
        self.change(|pace| pace.limit_seen(now, headers));
    }

    /// Sets the part of the key's limit that belongs to this process; the configured rate stays the bound. Where several
    /// processes share one key, their shares add up to the limit of the key.
    pub fn set_share(&self, per_minute: u32) {
        self.change(|pace| pace.set_share(per_minute));
    }

    #[must_use]
    pub fn usage(&self) -> Usage {
        let now = self.clock.monotonic();
        let state = self.state();
        Usage {
            last_minute: state.taken.count(now),
            rate_per_minute: state.pace.rate_per_minute(now),
            configured_per_minute: state.pace.configured_per_minute(),
            waiting_tail: state.tails.len(),
            waiting_backfill: state.backfills.len(),
            paused_for: state.pace.paused_for(now),
        }
    }

    /// Changes the pace and has the front of the queue look again: its slot may come earlier, or later than is worth waiting.
    fn change(&self, change: impl FnOnce(&mut Pace)) {
        let mut state = self.state();
        let now = self.clock.monotonic();
        let before = state.pace.next_slot(now);
        change(&mut state.pace);
        if state.pace.next_slot(now) != before {
            state.call_front();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn queue(&mut self, priority: Priority) -> &mut VecDeque<Waiting> {
        match priority {
            Priority::Tail => &mut self.tails,
            Priority::Backfill => &mut self.backfills,
        }
    }

    fn front(&self) -> Option<&Waiting> {
        self.tails.front().or_else(|| self.backfills.front())
    }

    fn call_front(&self) {
        if let Some(front) = self.front() {
            front.called.notify_one();
        }
    }
}

enum Turn {
    Taken(Slot),
    /// At the front; the slot comes after this wait.
    In(Duration),
    Behind,
    Paused(Paused),
}

/// A place in the queue, left on drop.
struct Place<'a> {
    budget: &'a Budget,
    priority: Priority,
    ticket: u64,
    called: Arc<Notify>,
}

impl<'a> Place<'a> {
    fn enter(budget: &'a Budget, priority: Priority) -> Self {
        let called = Arc::new(Notify::new());
        let mut state = budget.state();
        let ticket = state.next_ticket;
        state.next_ticket += 1;
        state.queue(priority).push_back(Waiting { ticket, called: Arc::clone(&called) });
        drop(state);
        Self { budget, priority, ticket, called }
    }

    fn turn(&self) -> Turn {
        let mut state = self.budget.state();
        let now = self.budget.clock.monotonic();
        if let Some(resume_in) = state.pace.paused_for(now).filter(|left| *left > WAIT_MAX) {
            return Turn::Paused(Paused { resume_in });
        }
        if state.front().is_none_or(|front| front.ticket != self.ticket) {
            return Turn::Behind;
        }
        let due = state.pace.next_slot(now);
        if due > now {
            return Turn::In(due.saturating_sub(now));
        }
        state.pace.take(now);
        state.taken.add(now);
        Turn::Taken(Slot { at: now })
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut state = self.budget.state();
        let was_front = state.front().is_some_and(|front| front.ticket == self.ticket);
        state.queue(self.priority).retain(|waiting| waiting.ticket != self.ticket);
        if was_front {
            state.call_front();
        }
    }
}

/// Counts the last 60 s in a ring of seconds.
#[derive(Debug)]
struct LastMinute {
    /// (second of the monotonic clock, slots taken in it)
    seconds: [(u64, u32); 60],
}

impl Default for LastMinute {
    fn default() -> Self {
        Self { seconds: [(0, 0); 60] }
    }
}

impl LastMinute {
    fn add(&mut self, now: Duration) {
        let second = now.as_secs();
        let place = usize::try_from(second % 60).expect("a number below 60 fits");
        let (kept, count) = &mut self.seconds[place];
        if *kept != second {
            (*kept, *count) = (second, 0);
        }
        *count += 1;
    }

    fn count(&self, now: Duration) -> u32 {
        let second = now.as_secs();
        self.seconds.iter().filter(|(kept, _)| kept + 60 > second).map(|(_, count)| count).sum()
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use chrono::{TimeZone, Utc};
    use futures::future::join_all;
    use futures::{FutureExt, poll};

    use super::*;
    use crate::clock::ManualClock;

    fn budget(per_minute: u32) -> (Arc<ManualClock>, Budget) {
        let clock = Arc::new(ManualClock::new(Utc.with_ymd_and_hms(2026, 5, 12, 0, 0, 0).single().unwrap()));
        (Arc::clone(&clock), Budget::new(per_minute, clock))
    }

    #[tokio::test]
    async fn a_thousand_waiting_requests_use_the_budget_and_never_more() {
        let (clock, budget) = budget(600);
        let slots = join_all((0..1_200).map(|_| budget.slot(Priority::Backfill))).await;
        assert!(slots.iter().all(Result::is_ok));
        let minutes_for_600_each = Duration::from_mins(2);
        assert!(clock.monotonic() >= minutes_for_600_each);
        assert!(clock.monotonic() <= minutes_for_600_each * 1015 / 1000, "{:?}", clock.monotonic());
        assert!((580..=600).contains(&budget.usage().last_minute), "{:?}", budget.usage());
    }

    #[tokio::test]
    async fn a_waiting_tail_goes_before_every_backfill_and_each_in_its_turn() {
        let (_, budget) = budget(600);
        let order = Mutex::new(Vec::new());
        let request = async |name: &'static str, priority| {
            budget.slot(priority).await.unwrap();
            order.lock().unwrap().push(name);
        };
        futures::join!(
            request("backfill 1", Priority::Backfill),
            request("backfill 2", Priority::Backfill),
            request("backfill 3", Priority::Backfill),
            request("tail 1", Priority::Tail),
            request("tail 2", Priority::Tail),
        );
        // The first took the free slot before any tail had come.
        assert_eq!(*order.lock().unwrap(), ["backfill 1", "tail 1", "tail 2", "backfill 2", "backfill 3"]);
    }

    #[tokio::test]
    async fn a_dropped_request_calls_the_next() {
        let (_, budget) = budget(600);
        budget.slot(Priority::Tail).await.unwrap();
        let mut behind = pin!(budget.slot(Priority::Backfill));
        {
            let mut front = pin!(budget.slot(Priority::Tail));
            assert!(poll!(front.as_mut()).is_pending());
            assert!(poll!(behind.as_mut()).is_pending());
        }
        behind.await.unwrap();
        assert_eq!(budget.usage().waiting_tail, 0);
    }

    #[tokio::test]
    async fn a_429_holds_everybody_back_and_a_long_pause_is_told() {
        let (clock, budget) = budget(600);
        let slot = budget.slot(Priority::Tail).await.unwrap();
        budget.throttled(slot, Some(Duration::from_secs(45)));
        let next = budget.slot(Priority::Backfill).await.unwrap();
        assert_eq!(next.at, Duration::from_secs(45));
        assert!(budget.usage().rate_per_minute < 310);
        budget.throttled(next, Some(Duration::from_mins(10)));
        assert_eq!(budget.slot(Priority::Tail).await, Err(Paused { resume_in: Duration::from_mins(10) }));
        clock.advance(Duration::from_mins(9));
        budget.slot(Priority::Tail).await.unwrap();
    }

    #[tokio::test]
    async fn a_larger_share_shortens_a_wait_that_has_begun() {
        let (clock, budget) = budget(600);
        budget.set_share(1);
        budget.slot(Priority::Tail).await.unwrap();
        let mut waiting = pin!(budget.slot(Priority::Tail));
        assert!(poll!(waiting.as_mut()).is_pending());
        budget.set_share(600);
        waiting.await.unwrap();
        assert!(clock.monotonic() < Duration::from_secs(1), "{:?}", clock.monotonic());
    }

    #[test]
    fn merchants_of_one_key_share_the_lowest_rate() {
        let (clock, _) = budget(1);
        let budgets = Budgets::new(clock);
        let merchant = crate::paystand::tests::merchant("http://127.0.0.1:1/v3");
        let mut slower = merchant.clone();
        slower.requests_per_minute = 100;
        let mut stranger = merchant.clone();
        stranger.client_id = "cid_other".to_owned();
        let first = budgets.for_merchant(&merchant);
        assert!(Arc::ptr_eq(&first, &budgets.for_merchant(&slower)));
        assert!(!Arc::ptr_eq(&first, &budgets.for_merchant(&stranger)));
        assert_eq!(first.usage().configured_per_minute, 100);
        assert!(first.slot(Priority::Tail).now_or_never().is_some(), "the first slot is free");
    }
}
