//! A process that delivers, which may fall asleep at any call, die there, or wake up after another one has taken over.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use super::report::Failure;
use super::wire::Wire;
use crate::clock::ManualClock;
use crate::engine::deliver::{Courier, class_of};
use crate::engine::error::StepError;
use crate::ledger::retry;
use crate::store::StoreError;

/// Batches in which anything must come to its end.
const BATCHES_MAX: usize = 200;

/// As long as anything but a hold waits.
const WAIT: Duration = Duration::from_mins(15);

type Work = Pin<Box<dyn Future<Output = Result<(), Failure>> + Send>>;

/// One process at work until nothing is left to do.
pub(super) struct Process {
    pub wire: Arc<Wire>,
    work: Work,
}

impl Process {
    pub fn start(wire: Arc<Wire>, courier: Courier, clock: Arc<ManualClock>) -> Self {
        Self { wire, work: Box::pin(async move { work_off(&courier, &clock).await }) }
    }

    /// Works until it falls asleep; false where it came to its end instead.
    pub async fn sleeps(&mut self) -> Result<bool, Failure> {
        let wire = Arc::clone(&self.wire);
        tokio::select! {
            biased;
            () = wire.is_asleep() => Ok(true),
            ended = &mut self.work => ended.map(|()| false),
        }
    }

    /// Wakes it; that it has lost its lease meanwhile is as it should be.
    pub async fn wakes(self) -> Result<(), Failure> {
        self.wire.wake();
        match self.work.await {
            Err(Failure::Step(StepError::Store(StoreError::LeaseLost { .. }))) => Ok(()),
            ended => ended,
        }
    }
}

/// Delivers until nothing is left that waits for less than a hold, as the daemon does: after a call that failed, the target is left
/// alone for a while.
pub(super) async fn work_off(courier: &Courier, clock: &ManualClock) -> Result<(), Failure> {
    let (mut failures, mut is_idle) = (0, false);
    for _ in 0..BATCHES_MAX {
        match courier.deliver().await {
            Ok(0) if is_idle => return Ok(()),
            Ok(0) => {
                is_idle = true;
                clock.advance(WAIT);
            }
            Ok(_) => (failures, is_idle) = (0, false),
            Err(StepError::Erp(error)) => {
                failures += 1;
                is_idle = false;
                clock.advance(retry::pause(class_of(&error), failures));
            }
            Err(error) => return Err(error.into()),
        }
    }
    Err(Failure::Claim(format!("there is still something to do after {BATCHES_MAX} batches")))
}
