//! One pass over everything: the same steps as the daemon's, in sync order, until nothing is left.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::error::{Exit, StepError};
use super::job::Follow;
use super::read::Progress;
use super::work::{Books, Deliveries, Post};
use super::{DRAIN, Engine, Scope};
use crate::config::MerchantConfig;
use crate::model::ids::{AdapterName, MerchantId};
use crate::model::resource::Resource;
use crate::paystand::{Client, Priority};
use crate::scan::open_items::Reason;

/// How often a lease that another process holds is asked for again, and how many times.
const LEASE_PAUSE: Duration = Duration::from_secs(1);
const LEASE_ATTEMPTS: u32 = 10;

/// A step that did not come to its end.
#[derive(Debug)]
pub struct Failure {
    /// What was at work, such as `payments of main` or `adapter staging`.
    pub step: String,
    pub error: StepError,
}

/// Rounds over the open items: child lists first, for they explain most of the money; then everything once; then what those
/// readings turned up.
const ROUNDS: [&[Reason]; 6] =
    [&[Reason::Children], &Reason::ALL, FOUND_ON_THE_WAY, FOUND_ON_THE_WAY, FOUND_ON_THE_WAY, FOUND_ON_THE_WAY];
const FOUND_ON_THE_WAY: &[Reason] = &[Reason::Children, Reason::Named];

/// What one step of a run does on a resource.
#[derive(Debug, Clone, Copy)]
enum Work {
    Lists,
    Follow(&'static [Reason]),
    SealChildren,
}

/// What a whole run came to.
#[derive(Debug, Default)]
pub struct Outcome {
    pub polls: Vec<(MerchantId, Resource, Progress)>,
    pub delivered: usize,
    pub failures: Vec<Failure>,
    pub open_exceptions: i64,
    failed_adapters: BTreeSet<AdapterName>,
}

impl Outcome {
    /// The exit code of the run.
    #[must_use]
    pub fn exit(&self) -> Exit {
        let exceptions = (self.open_exceptions > 0).then_some(Exit::OpenExceptions);
        Exit::worst(self.failures.iter().map(|failure| failure.error.exit()).chain(exceptions))
    }
}

impl Engine {
    /// Reads everything there is and delivers it. A failure in one resource does not keep the others.
    pub async fn catch_up(&self, scope: &Scope) -> Outcome {
        tokio::select! {
            biased;
            outcome = self.catch_up_alone(scope) => outcome,
            never = self.stay_for_ever() => match never {},
            () = self.stopped_for_long() => {
                tracing::warn!("the step under way was cut short; it is done again by the next run");
                Outcome::default()
            }
        }
    }

    /// Resolves once the process was told to stop and the step under way has had its time to end.
    async fn stopped_for_long(&self) {
        self.stop.cancelled().await;
        self.circumstances.clock.sleep(DRAIN).await;
    }

    async fn catch_up_alone(&self, scope: &Scope) -> Outcome {
        let mut outcome = Outcome::default();
        for (merchant, client) in &self.merchants {
            // Without a token every resource would fail the same way, one after the other.
            if let Err(error) = client.authenticate().await {
                outcome.failures.push(Failure { step: format!("merchant {}", merchant.label), error: error.into() });
                continue;
            }
            for resource in self.resources(scope) {
                self.step(&mut outcome, merchant, client, resource, scope, Work::Lists).await;
            }
            self.follow_all(&mut outcome, merchant, client, scope).await;
            for resource in self.resources(scope).into_iter().filter(|resource| resource.parent().is_some()) {
                self.step(&mut outcome, merchant, client, resource, scope, Work::SealChildren).await;
            }
        }
        match self.store.open_exception_count().await {
            Ok(open) => outcome.open_exceptions = open,
            Err(error) => {
                outcome.failures.push(Failure { step: "counting exceptions".to_owned(), error: error.into() });
            }
        }
        outcome
    }

    /// Reads what lists did not show, until a round finds nothing more to read.
    async fn follow_all(&self, outcome: &mut Outcome, merchant: &Arc<MerchantConfig>, client: &Client, scope: &Scope) {
        for reasons in ROUNDS {
            let mut followed = 0;
            for resource in self.resources(scope) {
                followed += self.step(outcome, merchant, client, resource, scope, Work::Follow(reasons)).await;
            }
            if followed == 0 && *reasons == *FOUND_ON_THE_WAY {
                break;
            }
        }
    }

    /// One piece of work on one resource, and the delivery of what it brought. Returns how many open items were read.
    async fn step(
        &self,
        outcome: &mut Outcome,
        merchant: &Arc<MerchantConfig>,
        client: &Client,
        resource: Resource,
        scope: &Scope,
        work: Work,
    ) -> usize {
        let mut followed = 0;
        let step = async {
            let mut job =
                self.retry_lease(|| self.begin(merchant, client, resource, Priority::Backfill, scope.since)).await?;
            let mut progress = Progress::default();
            let result = match work {
                Work::Lists => job.catch_up().await.map(|read| progress = read),
                Work::Follow(reasons) => {
                    job.follow(Follow::All(reasons), &mut progress).await.map(|items| followed = items)
                }
                Work::SealChildren => job.seal_children(&mut progress).await,
            };
            self.give_back(&job.end().await).await;
            result.map(|()| progress)
        };
        let mut failures = Vec::new();
        match step.await {
            Ok(progress) => outcome.polls.push((merchant.customer_id.clone(), resource, progress)),
            Err(error) => failures.push(Failure { step: format!("{resource} of {}", merchant.label), error }),
        }
        outcome.failures.extend(failures);
        self.book_all(outcome, merchant).await;
        self.deliver_all(outcome).await;
        followed
    }

    /// Books everything that waits.
    async fn book_all(&self, outcome: &mut Outcome, merchant: &Arc<MerchantConfig>) {
        let books = Books(Arc::clone(merchant));
        let step = books.name();
        if let Err(error) = self.work_off(books).await {
            outcome.failures.push(Failure { step, error });
        }
    }

    /// Delivers what is due, adapter by adapter. One that failed is left alone for the rest of the run.
    async fn deliver_all(&self, outcome: &mut Outcome) {
        for (adapter, erp) in &self.adapters {
            if outcome.failed_adapters.contains(adapter) {
                continue;
            }
            let deliveries = Deliveries(adapter.clone(), Arc::clone(erp));
            let step = deliveries.name();
            match self.work_off(deliveries).await {
                Ok(delivered) => outcome.delivered += delivered,
                Err(error) => {
                    outcome.failed_adapters.insert(adapter.clone());
                    outcome.failures.push(Failure { step, error });
                }
            }
        }
    }

    /// A lease that cannot be given back runs out by itself.
    pub(super) async fn give_back(&self, held: &crate::store::lease::Held) {
        if let Err(error) = self.store.release(held, self.circumstances.clock.now()).await {
            tracing::debug!(lease = held.name(), %error, "lease not given back");
        }
    }

    /// Waits a little for another process to give a lease back.
    pub(super) async fn retry_lease<T, F>(&self, mut take: impl FnMut() -> F) -> Result<T, StepError>
    where
        F: Future<Output = Result<T, StepError>>,
    {
        let mut attempts = 0;
        loop {
            match take().await {
                Err(StepError::Leased { .. }) if attempts < LEASE_ATTEMPTS && !self.is_stopped() => {
                    attempts += 1;
                    self.circumstances.clock.sleep(LEASE_PAUSE).await;
                }
                result => return result,
            }
        }
    }
}
