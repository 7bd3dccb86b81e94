//! Delivery to one adapter: claim, attempt, settle.
//!
//! - The attempt is recorded before the call, and no transaction is open during it (I4).
//! - What the ERP holds is asked before anything is written whose fate is unknown (I5); of an ERP that takes drafts, always.
//! - A key that was sent once is never sent with another payload.
//! - Whatever an attempt comes to, its entries are settled: by a receipt, to be tried again, or for a person.

mod concrete;
mod drafted;
pub(in crate::engine) mod health;
mod keyed;
mod settled;
mod sweep;
mod tend;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::sync::Mutex;

use super::error::StepError;
use super::work::Worker;
use crate::clock::Clock;
use crate::config::Environment;
use crate::crash::{Point, crash_point};
use crate::erp::{Delivery, Erp, ErpError, Posting};
use crate::ledger::retry::Class;
use crate::model::ids::AdapterName;
use crate::model::record::Fingerprint;
use crate::normalize::mask_text;
use crate::store::lease::Held;
use crate::store::{Claimed, Settlement, Store, StoreError};

pub(crate) use concrete::concrete;
pub(in crate::engine) use concrete::read_again;
pub use health::{TARGET_FAILING, TARGET_GONE};
pub use settled::{DIFFERS, DUPLICATE_RELEASED, GONE, HELD, KEY_TAKEN, PAYLOAD_CHANGED, REFUSED, VOID};
use settled::{Plan, Settled};

/// One adapter at work.
#[derive(Debug)]
pub struct Courier {
    pub adapter: AdapterName,
    pub erp: Arc<dyn Erp>,
    pub store: Store,
    pub clock: Arc<dyn Clock>,
    pub environment: Environment,
    pub held: Mutex<Held>,
    /// Entries that the next call takes at most: fewer after calls that failed, until the one that fails is alone.
    appetite: AtomicUsize,
    /// Its target takes nothing, for so long that a person was told.
    is_overdue: AtomicBool,
    /// The target took something since this courier is at work.
    is_well: AtomicBool,
    swept: Mutex<Option<std::time::Duration>>,
    tended: Mutex<Option<std::time::Duration>>,
}

/// An entry in hand, made concrete.
#[derive(Debug)]
struct Parcel {
    entry: Claimed,
    delivery: Delivery,
    payload_sha256: Fingerprint,
}

/// What of our own a courier works with.
#[derive(Debug)]
pub struct Bench {
    pub store: Store,
    pub clock: Arc<dyn Clock>,
    pub environment: Environment,
}

impl Courier {
    #[must_use]
    pub fn new(adapter: AdapterName, erp: Arc<dyn Erp>, bench: Bench, held: Held) -> Self {
        let Bench { store, clock, environment } = bench;
        let appetite = AtomicUsize::new(erp.capabilities().batch_max);
        let (held, swept, tended) = (Mutex::new(held), Mutex::default(), Mutex::default());
        let (is_overdue, is_well) = (AtomicBool::new(false), AtomicBool::new(false));
        Self { adapter, erp, store, clock, environment, held, appetite, is_overdue, is_well, swept, tended }
    }

    /// Delivers one batch of due entries; returns how many it took in hand.
    ///
    /// # Errors
    /// [`StepError::Erp`] where the ERP did not take the batch; the entries wait for their next attempt.
    pub async fn deliver(&self) -> Result<usize, StepError> {
        let held = self.lease().await?;
        let capabilities = self.erp.capabilities();
        let limit = i64::try_from(self.appetite.load(Ordering::Relaxed)).unwrap_or(i64::MAX);
        // A draft and its release are two calls, so of what takes drafts no batch is all or nothing.
        let together = capabilities.atomic_batch && matches!(self.erp.posting(), Posting::Keyed(_));
        let claim = (limit, together);
        let claimed = self.store.claim(&held, &self.adapter, claim, self.clock.now()).await?;
        let taken = claimed.len();
        if taken == 0 {
            return Ok(0);
        }
        crash_point(Point::Claimed);
        let plan = Plan { schedule: self.erp.schedule().to_vec(), is_overdue: self.is_overdue.load(Ordering::Relaxed) };
        let mut settled = Settled::new(self.adapter.clone(), self.clock.now(), taken == 1, plan);
        let parcels = self.parcels(claimed, &mut settled).await?;
        let result = self.hand_over(parcels, &mut settled).await;
        if let Err(StepError::Store(error)) = result {
            return Err(error.into());
        }
        let result = result.and_then(|()| settled.call_failed().map_or(Ok(()), |error| Err(error.into())));
        let held = self.lease().await?;
        crash_point(Point::Answered);
        if let Err(StepError::Erp(ErpError::Gone { reason })) = &result {
            health::gone(&self.store, &held, &self.adapter, reason, self.clock.now()).await?;
        }
        let (settlements, findings) = settled.all();
        let findings = (findings, &settled::CLASSES[..]);
        self.store.settle(&held, &self.adapter, settlements, findings, self.clock.now()).await?;
        crash_point(Point::Settled);
        for settlement in settlements {
            tell(&self.adapter, settlement);
        }
        self.note_health(&held, &result, settled.has_posted()).await?;
        self.grow(taken, &result);
        result.map(|()| taken)
    }

    /// What is claimed, made concrete, without what cannot be sent.
    async fn parcels(&self, claimed: Vec<Claimed>, settled: &mut Settled) -> Result<Vec<Parcel>, StoreError> {
        let mut parcels = Vec::with_capacity(claimed.len());
        for mut entry in claimed {
            match concrete(&mut entry, self.environment) {
                Ok(delivery) => parcels.push(Parcel { payload_sha256: delivery.payload_sha256(), entry, delivery }),
                Err(reason) => settled.unreadable(&entry, reason),
            }
        }
        let mut sendable = Vec::with_capacity(parcels.len());
        for parcel in parcels {
            if parcel.entry.payload_sha256.as_ref().is_some_and(|sent| sent[..] != parcel.payload_sha256.0) {
                let (merchant, key) = (&parcel.delivery.merchant, &parcel.delivery.key);
                let sent = self.store.last_sent(&self.adapter, merchant, key).await?;
                settled.changed(&parcel, sent.as_deref());
            } else {
                sendable.push(parcel);
            }
        }
        Ok(sendable)
    }

    async fn hand_over(&self, parcels: Vec<Parcel>, settled: &mut Settled) -> Result<(), StepError> {
        if parcels.is_empty() {
            return Ok(());
        }
        match self.erp.posting() {
            Posting::Keyed(erp) => Ok(keyed::hand_over(erp, parcels, settled).await?),
            Posting::Drafted(erp) => self.draft_and_release(erp, parcels, settled).await,
        }
    }

    async fn note_health(
        &self,
        held: &Held,
        result: &Result<(), StepError>,
        has_posted: bool,
    ) -> Result<(), StoreError> {
        let now = self.clock.now();
        match result {
            Err(StepError::Erp(error)) if !has_posted => {
                let is_overdue = health::failed(&self.store, held, &self.adapter, error, now).await?;
                self.is_overdue.store(is_overdue, Ordering::Relaxed);
                self.is_well.store(false, Ordering::Relaxed);
            }
            _ if self.is_well.load(Ordering::Relaxed) => {}
            _ => {
                self.store.target_answered(held, &self.adapter, TARGET_FAILING, now).await?;
                self.is_overdue.store(false, Ordering::Relaxed);
                self.is_well.store(true, Ordering::Relaxed);
            }
        }
        Ok(())
    }

    async fn lease(&self) -> Result<Held, StoreError> {
        let mut held = self.held.lock().await;
        self.store.renew(&mut held, self.clock.now()).await?;
        Ok(held.clone())
    }

    /// Half as many after a call that failed, twice as many after one that did not.
    fn grow(&self, taken: usize, result: &Result<(), StepError>) {
        let appetite = match result {
            Ok(()) => self.appetite.load(Ordering::Relaxed).saturating_mul(2).min(self.erp.capabilities().batch_max),
            Err(_) => (taken / 2).max(1),
        };
        self.appetite.store(appetite, Ordering::Relaxed);
    }
}

impl Worker for Courier {
    async fn work(&self) -> Result<usize, StepError> {
        let delivered = self.deliver().await?;
        if delivered == 0 {
            self.sweep_now_and_then().await?;
            self.tend_now_and_then().await?;
        }
        Ok(delivered)
    }

    fn into_held(self) -> Held {
        self.held.into_inner()
    }
}

/// What a failed call means, for the retry table.
#[must_use]
pub fn class_of(error: &ErpError) -> Class {
    match error {
        ErpError::Unreachable { .. } => Class::Unreachable,
        ErpError::Throttled { retry_after, .. } => Class::Throttled(*retry_after),
        ErpError::AnswerLost { .. } => Class::AnswerLost,
        ErpError::Unauthorized { .. } => Class::Unauthorized,
        ErpError::Misfit { .. } => Class::Misfit,
        ErpError::Declined { .. } => Class::Declined,
        ErpError::Gone { .. } => Class::Gone,
    }
}

/// One line for each entry: what went well only for those who ask, and what did not for everybody.
fn tell(adapter: &AdapterName, it: &Settlement) {
    // An entry's key begins with that of its event.
    let (event_key, _) = it.key.split_once('/').unwrap_or((&it.key, ""));
    let (merchant, key, state) = (&it.merchant, &it.key, it.state.name());
    match &it.reason {
        None => tracing::debug!(%adapter, %merchant, event_key, key, state, receipt = it.receipt, "settled"),
        Some(reason) => {
            let reason = mask_text(reason);
            tracing::info!(%adapter, %merchant, event_key, key, state, attempt = it.attempt, reason, "not posted yet");
        }
    }
}
