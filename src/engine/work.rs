//! Booking and delivery: work under a lease, batch by batch, until nothing is left or for ever.

use std::sync::Arc;
use std::time::Duration;

use rand::rngs::StdRng;

use super::Engine;
use super::bell::Listener;
use super::book::Bookkeeper;
use super::deliver::{Courier, class_of};
use super::error::StepError;
use super::schedule::{pause_after, spread};
use super::tally::Count;
use crate::config::MerchantConfig;
use crate::erp::Erp;
use crate::ledger::retry::{self, Class};
use crate::model::ids::AdapterName;
use crate::store::StoreError;
use crate::store::lease::Held;

/// How long a worker waits for news before it looks for what is due.
const PAUSE: Duration = Duration::from_secs(5);
/// How often a run that ends by itself tries again where an ERP answered, but not as it should.
const ATTEMPTS: u32 = 3;

/// One who works under a lease.
pub(super) trait Worker {
    /// Takes one batch in hand; returns how many pieces it had.
    async fn work(&self) -> Result<usize, StepError>;

    /// Ends the work; the lease is for the caller to give back.
    fn into_held(self) -> Held;
}

/// Work that one process at a time does.
pub(super) trait Post {
    type Worker: Worker;

    /// What it is, for people.
    fn name(&self) -> String;

    /// Takes the lease.
    async fn begin(&self, engine: &Engine) -> Result<Self::Worker, StepError>;

    /// Hears of news that are work here.
    fn listener(&self, engine: &Engine) -> Listener;

    /// What its pieces are counted as.
    fn count(&self) -> Count;

    /// Tells those whose work begins where this one ends.
    fn tell(&self, engine: &Engine);
}

/// The books of a merchant.
pub(super) struct Books(pub Arc<MerchantConfig>);

impl Post for Books {
    type Worker = Bookkeeper;

    fn name(&self) -> String {
        format!("books of {}", self.0.label)
    }

    async fn begin(&self, engine: &Engine) -> Result<Bookkeeper, StepError> {
        engine.bookkeeper(&self.0).await
    }

    fn listener(&self, engine: &Engine) -> Listener {
        engine.news.listener()
    }

    fn count(&self) -> Count {
        Count::Booked
    }

    fn tell(&self, engine: &Engine) {
        engine.booked.ring();
    }
}

/// Delivery to an adapter.
pub(super) struct Deliveries(pub AdapterName, pub Arc<dyn Erp>);

impl Post for Deliveries {
    type Worker = Courier;

    fn name(&self) -> String {
        format!("adapter {}", self.0)
    }

    async fn begin(&self, engine: &Engine) -> Result<Courier, StepError> {
        engine.courier(&self.0, &self.1).await
    }

    fn listener(&self, engine: &Engine) -> Listener {
        engine.booked.listener()
    }

    fn count(&self) -> Count {
        Count::Delivered(self.0.clone())
    }

    fn tell(&self, _: &Engine) {}
}

impl Engine {
    /// Works whenever there is something to do, until told to stop.
    pub(super) async fn work_for_ever(&self, post: impl Post) {
        let mut jitter = self.jitter(&post.name());
        let mut news = post.listener(self);
        let mut failures = 0;
        while !self.is_stopped() {
            let worker = match post.begin(self).await {
                Ok(worker) => worker,
                Err(error) => {
                    failures = counted(failures, &error);
                    self.recover(&post, &error, failures, &mut jitter).await;
                    continue;
                }
            };
            while !self.is_stopped() {
                match worker.work().await {
                    Ok(0) => {
                        failures = 0;
                        self.pause_for(&mut news, self.patience()).await;
                    }
                    Ok(pieces) => {
                        failures = 0;
                        self.tally.add(post.count(), u64::try_from(pieces).unwrap_or(u64::MAX));
                        post.tell(self);
                    }
                    Err(error) => {
                        failures = counted(failures, &error);
                        self.recover(&post, &error, failures, &mut jitter).await;
                        // Under a new epoch, what this one left in flight is in doubt and comes again.
                        if matches!(error, StepError::Store(_)) {
                            break;
                        }
                    }
                }
            }
            self.give_back(&worker.into_held()).await;
        }
    }

    /// How long a worker waits for news; often enough to keep its lease, and to take over one that ran out.
    fn patience(&self) -> Duration {
        PAUSE.min(self.config.sync.lease / 3)
    }

    async fn recover(&self, post: &impl Post, error: &StepError, failures: u32, jitter: &mut StdRng) {
        self.tally.failed(error);
        let pause = match error {
            // Another process is at work on it; this one stands by.
            StepError::Leased { .. } => {
                tracing::debug!(work = post.name(), "another process is at work");
                return self.pause(spread(self.patience(), 0, jitter)).await;
            }
            StepError::Store(error) => pause_after(error, failures, jitter),
            StepError::Erp(error) => spread(retry::pause(class_of(error), failures), 0, jitter),
            _ => spread(PAUSE, failures, jitter),
        };
        tracing::error!(work = post.name(), %error, pause_s = pause.as_secs(), "failed; it goes on by itself");
        self.pause(pause).await;
    }

    /// Works until nothing is left that is due; returns how many pieces were done.
    pub(super) async fn work_off(&self, post: impl Post) -> Result<usize, StepError> {
        let worker = self.retry_lease(|| post.begin(self)).await?;
        let (mut done, mut failures) = (0, 0);
        let result = loop {
            match worker.work().await {
                Ok(0) => break Ok(done),
                Ok(pieces) => (done, failures) = (done + pieces, 0),
                Err(StepError::Erp(error)) if failures + 1 < ATTEMPTS && answered(class_of(&error)) => {
                    failures += 1;
                    self.pause(retry::pause(class_of(&error), failures).min(PAUSE)).await;
                }
                Err(error) => break Err(error),
            }
        };
        self.give_back(&worker.into_held()).await;
        result
    }
}

/// Failures in a row, with this one. While another process holds the work, or has just taken it, nothing failed: who stood by for a
/// day must not begin as if it had failed for a day.
fn counted(failures: u32, error: &StepError) -> u32 {
    match error {
        StepError::Leased { .. } | StepError::Store(StoreError::LeaseLost { .. }) => 0,
        _ => failures.saturating_add(1),
    }
}

/// Whether the ERP is there, so that trying again at once is worth it.
fn answered(class: Class) -> bool {
    match class {
        Class::AnswerLost | Class::Throttled(_) | Class::Declined => true,
        Class::Unreachable
        | Class::Unauthorized
        | Class::Misfit
        | Class::Gone
        | Class::NotNow
        | Class::Never
        | Class::NotTried => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn standing_by_is_no_failure() {
        let leased = StepError::Leased { name: "deliver/books".to_owned() };
        let lost = StepError::Store(StoreError::LeaseLost { name: "deliver/books".to_owned() });
        assert_eq!(counted(7, &leased), 0);
        assert_eq!(counted(7, &lost), 0);
        let away = StepError::Erp(crate::erp::ErpError::Unreachable { reason: "refused".to_owned() });
        assert_eq!(counted(counted(0, &away), &away), 2);
    }
}
