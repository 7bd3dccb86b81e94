//! The daemon: one task per merchant and resource, one per adapter, until told to stop.

use std::sync::Arc;
use std::time::Duration;

use chrono::NaiveDate;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::task::JoinSet;

use super::bell::Listener;
use super::error::StepError;
use super::read::Progress;
use super::tally::Count;
use super::work::{Books, Deliveries};
use super::{DRAIN, Engine, Scope};
use crate::config::MerchantConfig;
use crate::model::resource::Resource;
use crate::paystand::{Client, Priority};
use crate::store::StoreError;

/// Longest pause after steps that fail one after the other.
const PAUSE_MAX: Duration = Duration::from_mins(5);
/// Half of the first pause after our own database failed, after another writer came first, and how often they double.
const STORE_PAUSE: Duration = Duration::from_millis(500);
const CONFLICT_PAUSE: Duration = Duration::from_millis(50);
const STORE_DOUBLINGS: u32 = 6;

impl Engine {
    /// Works until the stop token is cancelled, then lets steps under way finish for a bounded time.
    pub async fn run(self: Arc<Self>, scope: &Scope) {
        let mut tasks = JoinSet::new();
        for (merchant, client) in &self.merchants {
            for resource in self.resources(scope) {
                let (engine, merchant, client) = (Arc::clone(&self), Arc::clone(merchant), client.clone());
                let since = scope.since;
                tasks.spawn(async move { engine.poll_for_ever(&merchant, &client, resource, since).await });
            }
        }
        for (merchant, _) in &self.merchants {
            let (engine, books) = (Arc::clone(&self), Books(Arc::clone(merchant)));
            tasks.spawn(async move { engine.work_for_ever(books).await });
        }
        for (adapter, erp) in &self.adapters {
            let (engine, deliveries) = (Arc::clone(&self), Deliveries(adapter.clone(), Arc::clone(erp)));
            tasks.spawn(async move { engine.work_for_ever(deliveries).await });
        }
        let mut beside = self.beside();
        tokio::select! {
            () = self.stop.cancelled() => {}
            Some(Err(ended)) = beside.join_next() => {
                if ended.is_panic() {
                    std::panic::resume_unwind(ended.into_panic());
                }
            }
            // By itself a task ends only in a panic. Its work would be missed by nobody: whoever supervises the process starts anew.
            Some(Err(ended)) = tasks.join_next() => {
                if ended.is_panic() {
                    std::panic::resume_unwind(ended.into_panic());
                }
            }
        }
        let drained = async { while tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(DRAIN, drained).await.is_err() {
            tracing::warn!("steps under way were cut short; they are done again after the next start");
        }
        tasks.shutdown().await;
    }

    /// What goes on beside the work, and is let go of with it at any moment.
    fn beside(self: &Arc<Self>) -> JoinSet<()> {
        let mut beside = JoinSet::new();
        let engine = || Arc::clone(self);
        let (sharing, looking, looking_closely, tying_out, telling) =
            (engine(), engine(), engine(), engine(), engine());
        beside.spawn(async move { match sharing.stay_for_ever().await {} });
        beside.spawn(async move { match looking.look_for_ever().await {} });
        beside.spawn(async move { match looking_closely.look_closely_for_ever().await {} });
        beside.spawn(async move { match tying_out.tie_out_for_ever().await {} });
        beside.spawn(async move { match telling.tell_audit_head_for_ever().await {} });
        beside
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stop.is_cancelled()
    }

    async fn poll_for_ever(
        &self,
        merchant: &Arc<MerchantConfig>,
        client: &Client,
        resource: Resource,
        since: Option<NaiveDate>,
    ) {
        let interval = self.resource_config(resource).interval;
        let mut jitter = self.jitter(&format!("{}/{resource}", merchant.customer_id));
        let mut failures = 0;
        while !self.is_stopped() {
            match self.begin(merchant, client, resource, Priority::Tail, since).await {
                Ok(mut job) => {
                    while !self.is_stopped() {
                        let begun = self.circumstances.clock.monotonic();
                        let result = job.poll().await;
                        self.observe_poll(merchant, resource, &result);
                        let lost = is_lease_lost(&result);
                        failures = if result.is_ok() { 0 } else { failures + 1 };
                        if lost {
                            break;
                        }
                        if failures == 0 && job.goes_on() {
                            self.heartbeat.beat();
                        } else if failures == 0 {
                            let took = self.circumstances.clock.monotonic().saturating_sub(begun);
                            self.pause(rest_of(interval, took, &mut jitter)).await;
                        } else {
                            self.pause(pause_of(&result, interval, failures, &mut jitter)).await;
                        }
                    }
                    self.give_back(&job.end().await).await;
                }
                // Another process is at work on it; this one stands by.
                Err(StepError::Leased { .. }) => self.pause(spread(interval, 0, &mut jitter)).await,
                Err(error) => {
                    let result = Err(error);
                    self.observe_poll(merchant, resource, &result);
                    failures += 1;
                    self.pause(pause_of(&result, interval, failures, &mut jitter)).await;
                }
            }
        }
    }

    fn observe_poll(&self, merchant: &MerchantConfig, resource: Resource, result: &Result<Progress, StepError>) {
        self.tally.add(Count::Polls(resource), 1);
        match result {
            Ok(progress) => {
                self.tally.add(Count::Rows(resource), progress.rows);
                self.tally.add(Count::Versions(resource), u64::try_from(progress.versions).unwrap_or(u64::MAX));
            }
            Err(error) => self.tally.failed(error),
        }
        observe_poll(merchant, resource, result);
    }

    pub(super) fn jitter(&self, of: &str) -> StdRng {
        let salt = of.bytes().fold(0_u64, |salt, byte| salt.wrapping_mul(31).wrapping_add(u64::from(byte)));
        StdRng::seed_from_u64(self.circumstances.seed ^ salt)
    }

    pub(super) async fn pause(&self, duration: Duration) {
        self.heartbeat.beat();
        tokio::select! {
            biased;
            () = self.stop.cancelled() => {}
            () = self.circumstances.clock.sleep(duration) => {}
        }
    }

    pub(super) async fn pause_for(&self, news: &mut Listener, duration: Duration) {
        self.heartbeat.beat();
        tokio::select! {
            biased;
            () = self.stop.cancelled() => {}
            () = news.heard() => {}
            () = self.circumstances.clock.sleep(duration) => {}
        }
    }
}

/// What is left of the interval, or of up to a tenth less, after a poll that took `took`: it lies between the beginnings of two polls,
/// or what changed early in a long one would wait for that one too. A tenth of it is always left to those whose requests can wait.
fn rest_of(interval: Duration, took: Duration, jitter: &mut StdRng) -> Duration {
    let tenth = interval / 10;
    let early = Duration::from_millis(jitter.random_range(0..=u64::try_from(tenth.as_millis()).unwrap_or(u64::MAX)));
    interval.saturating_sub(early).saturating_sub(took).max(tenth)
}

/// The interval give or take a tenth, longer after failures.
pub(super) fn spread(interval: Duration, failures: u32, jitter: &mut StdRng) -> Duration {
    let longer = interval.saturating_mul(1 << failures.min(8)).min(PAUSE_MAX.max(interval));
    let tenth = u64::try_from(longer.as_millis() / 10).unwrap_or(u64::MAX);
    longer.saturating_sub(Duration::from_millis(tenth))
        + Duration::from_millis(jitter.random_range(0..=tenth.saturating_mul(2)))
}

/// Our own database is asked again soon, for nothing else goes on without it.
pub(super) fn pause_after(error: &StoreError, failures: u32, jitter: &mut StdRng) -> Duration {
    let first = if error.is_worth_repeating() { CONFLICT_PAUSE } else { STORE_PAUSE };
    spread(first, failures.min(STORE_DOUBLINGS), jitter)
}

fn pause_of<T>(result: &Result<T, StepError>, interval: Duration, failures: u32, jitter: &mut StdRng) -> Duration {
    match result {
        Err(StepError::Store(error)) => pause_after(error, failures, jitter),
        _ => spread(interval, failures, jitter),
    }
}

fn is_lease_lost<T>(result: &Result<T, StepError>) -> bool {
    matches!(result, Err(StepError::Store(StoreError::LeaseLost { .. })))
}

fn observe_poll(merchant: &MerchantConfig, resource: Resource, result: &Result<Progress, StepError>) {
    match result {
        Ok(progress) if progress.versions == 0 => {
            tracing::debug!(merchant = %merchant.label, resource = %resource, rows = progress.rows, "no news");
        }
        Ok(progress) => {
            tracing::info!(
                merchant = %merchant.label, resource = %resource, rows = progress.rows, versions = progress.versions, "polled"
            );
        }
        Err(StepError::Stopped) => {}
        Err(error) => tracing::error!(merchant = %merchant.label, resource = %resource, %error, "poll failed"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_lies_between_the_beginnings_of_two_polls() {
        let (interval, mut jitter) = (Duration::from_secs(30), StdRng::seed_from_u64(1));
        for took in [0, 1, 7, 26].map(Duration::from_secs) {
            for _ in 0..100 {
                let apart = took + rest_of(interval, took, &mut jitter);
                assert!((interval * 9 / 10..=interval).contains(&apart), "{took:?}: {apart:?}");
            }
        }
    }

    #[test]
    fn polls_that_take_longer_than_the_interval_leave_a_tenth_of_it_between_them() {
        let (interval, mut jitter) = (Duration::from_secs(30), StdRng::seed_from_u64(1));
        for took in [27, 30, 300].map(Duration::from_secs) {
            let rest = rest_of(interval, took, &mut jitter);
            assert_eq!(rest, Duration::from_secs(3), "{took:?}");
        }
    }
}
