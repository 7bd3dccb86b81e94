//! Delivery to one adapter: claim, attempt, settle.
//!
//! The attempt is recorded before the call, no transaction is open during it (I4), and an entry whose last answer was lost is
//! looked up in the ERP before anything is written (I5).

use std::sync::Arc;

use bytes::Bytes;
use chrono::TimeDelta;
use tokio::sync::Mutex;

use super::error::StepError;
use crate::clock::Clock;
use crate::config::Environment;
use crate::erp::{Delivery, Erp, ErpError, Outcome, Payload, Receipt, Told, Version};
use crate::events::envelope;
use crate::ledger::retry;
use crate::ledger::state::{Event, State};
use crate::model::document::Document;
use crate::model::ids::{AdapterName, MerchantId, SourceId};
use crate::model::journal::Entry;
use crate::model::record::Shape;
use crate::model::resource::{Resource, UnknownResource};
use crate::normalize::sight;
use crate::store::lease::Held;
use crate::store::{Claimed, Finding, Settlement, Store, StoreError};

/// The class of an exception about an entry that the ERP refused.
pub const REFUSED: &str = "refused_by_erp";

/// One adapter at work.
#[derive(Debug)]
pub struct Courier {
    pub adapter: AdapterName,
    pub erp: Arc<dyn Erp>,
    pub store: Store,
    pub clock: Arc<dyn Clock>,
    pub environment: Environment,
    pub held: Mutex<Held>,
}

/// An entry in hand, made concrete.
struct Parcel {
    entry: Claimed,
    delivery: Delivery,
}

impl Courier {
    /// Delivers one batch of due entries; returns how many it took in hand.
    ///
    /// # Errors
    /// [`StepError::Erp`] where the ERP did not take the batch; the entries wait for their next attempt.
    pub async fn deliver(&self) -> Result<usize, StepError> {
        let held = self.lease().await?;
        let capabilities = self.erp.capabilities();
        let limit = i64::try_from(capabilities.batch_max).unwrap_or(i64::MAX);
        let claimed = self.store.claim(&held, &self.adapter, limit, self.clock.now()).await?;
        let taken = claimed.len();
        if taken == 0 {
            return Ok(0);
        }
        let mut settled = Settled::default();
        let mut parcels = Vec::with_capacity(taken);
        for mut entry in claimed {
            match concrete(&mut entry, self.environment) {
                Ok(delivery) => parcels.push(Parcel { entry, delivery }),
                Err(reason) => settled.push(self.refused(&entry, reason)),
            }
        }
        let trouble = self.hand_over(parcels, &mut settled).await.err();
        let held = self.lease().await?;
        self.store.settle(&held, &self.adapter, &settled.settlements, &settled.findings, self.clock.now()).await?;
        tracing::debug!(adapter = %self.adapter, entries = taken, "entries settled");
        trouble.map_or(Ok(taken), |error| Err(error.into()))
    }

    async fn lease(&self) -> Result<Held, StoreError> {
        let mut held = self.held.lock().await;
        self.store.renew(&mut held, self.clock.now()).await?;
        Ok(held.clone())
    }

    /// Asks for what is in doubt, writes the rest; every parcel is settled whatever happens.
    async fn hand_over(&self, parcels: Vec<Parcel>, settled: &mut Settled) -> Result<(), ErpError> {
        let (doubtful, mut to_write): (Vec<_>, Vec<_>) = parcels.into_iter().partition(|parcel| parcel.entry.in_doubt);
        if !doubtful.is_empty() {
            let deliveries: Vec<Delivery> = doubtful.iter().map(|parcel| parcel.delivery.clone()).collect();
            match self.erp.find(&deliveries).await {
                Ok(found) => {
                    for (parcel, receipt) in doubtful.into_iter().zip(found) {
                        match receipt {
                            Some(receipt) => settled.push(self.confirmed(&parcel.entry, receipt)),
                            None => to_write.push(parcel),
                        }
                    }
                }
                Err(error) => {
                    // Still in doubt, and nothing may overtake: the whole batch waits.
                    self.all_wait(&doubtful, Event::AnswerLost, settled);
                    self.all_wait(&to_write, Event::NotWritten, settled);
                    return Err(error);
                }
            }
        }
        if to_write.is_empty() {
            return Ok(());
        }
        let deliveries: Vec<Delivery> = to_write.iter().map(|parcel| parcel.delivery.clone()).collect();
        match self.erp.write(&deliveries).await {
            Ok(outcomes) => {
                assert_eq!(outcomes.len(), to_write.len(), "an adapter answers for each delivery");
                for (parcel, outcome) in to_write.iter().zip(outcomes) {
                    settled.push(match outcome {
                        Outcome::Posted(receipt) => self.confirmed(&parcel.entry, receipt),
                        Outcome::Refused { reason } => self.refused(&parcel.entry, reason),
                    });
                }
                Ok(())
            }
            Err(error) => {
                let event = match &error {
                    ErpError::AnswerLost { .. } => Event::AnswerLost,
                    ErpError::Unreachable { .. } | ErpError::Unauthorized { .. } | ErpError::Misfit { .. } => {
                        Event::NotWritten
                    }
                };
                self.all_wait(&to_write, event, settled);
                Err(error)
            }
        }
    }

    fn confirmed(&self, entry: &Claimed, receipt: Receipt) -> (Settlement, Option<(MerchantId, Finding)>) {
        let settlement = Settlement { receipt: Some(receipt.reference), ..self.settlement(entry, Event::Confirmed) };
        (settlement, None)
    }

    fn all_wait(&self, parcels: &[Parcel], event: Event, settled: &mut Settled) {
        for parcel in parcels {
            settled.push((self.waiting(&parcel.entry, event), None));
        }
    }

    fn waiting(&self, entry: &Claimed, event: Event) -> Settlement {
        let delay = retry::delay(u32::try_from(entry.attempts).unwrap_or(u32::MAX));
        let due_at = self.clock.now() + TimeDelta::from_std(delay).expect("the retry table is bounded");
        Settlement { due_at, ..self.settlement(entry, event) }
    }

    fn refused(&self, entry: &Claimed, reason: String) -> (Settlement, Option<(MerchantId, Finding)>) {
        let finding = Finding {
            class: REFUSED,
            subject: format!("{}/{}", self.adapter, entry.key),
            detail: format!("{} did not take {}: {reason}", self.adapter, entry.key),
            evidence: None,
        };
        let settlement = Settlement { reason: Some(reason), ..self.settlement(entry, Event::Refused) };
        (settlement, Some((MerchantId::new(&entry.merchant), finding)))
    }

    fn settlement(&self, entry: &Claimed, event: Event) -> Settlement {
        Settlement {
            merchant: MerchantId::new(&entry.merchant),
            key: entry.key.clone(),
            state: State::InFlight.after(event).expect("every answer to an attempt is in the table"),
            reason: None,
            receipt: None,
            due_at: self.clock.now(),
        }
    }
}

#[derive(Default)]
struct Settled {
    settlements: Vec<Settlement>,
    findings: Vec<(MerchantId, Finding)>,
}

impl Settled {
    fn push(&mut self, (settlement, finding): (Settlement, Option<(MerchantId, Finding)>)) {
        self.settlements.push(settlement);
        self.findings.extend(finding);
    }
}

/// What a claimed entry speaks of.
fn concrete(entry: &mut Claimed, environment: Environment) -> Result<Delivery, String> {
    let payload = match entry.what.as_str() {
        "event" => told(entry, environment)?,
        "entry" => Payload::Entry(Box::new(journal_entry(entry)?)),
        _ => document(entry)?,
    };
    Ok(Delivery { merchant: MerchantId::new(&entry.merchant), key: entry.key.clone(), payload })
}

fn told(entry: &mut Claimed, environment: Environment) -> Result<Payload, String> {
    let text = entry.text.take().ok_or("the event is not there")?;
    let event: crate::model::event::Event = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    let envelope = envelope(environment.name(), &MerchantId::new(&entry.merchant), &event);
    Ok(Payload::Event(Box::new(Told { event, envelope })))
}

/// An entry as the adapter's books need it: of a correction of what they do not hold, the difference.
fn journal_entry(claimed: &mut Claimed) -> Result<Entry, String> {
    let read = |text: Option<String>| {
        let text = text.ok_or("the journal entry is not there")?;
        serde_json::from_str::<Entry>(&text).map_err(|error| error.to_string())
    };
    let mut entry = read(claimed.text.take())?;
    if let Some(reversal) = claimed.nets.take() {
        entry = entry.with(&read(Some(reversal))?);
    }
    if let Some(baseline) = &claimed.baseline {
        entry.memo = format!("{}: corrects {baseline} in the opening balance", entry.memo);
        entry.reverses = None;
    }
    Ok(entry)
}

/// Reads the body of an entry anew: the normalizer is pure, so the document is the one that was judged when it was stored.
fn document(entry: &mut Claimed) -> Result<Payload, String> {
    let body = entry.take_body();
    let shape = entry.shape.as_deref();
    let document = read_again((&entry.resource, &entry.source_id), shape, entry.parent_id.as_deref(), &body)?;
    Ok(Payload::Document(Box::new(Version { number: entry.version, document, body })))
}

/// The document of an archived body, under the id by which the record is stored: that of a line of a report says how many equal ones
/// stand before it, which its body does not.
pub(super) fn read_again(
    (resource, id): (&str, &str),
    shape: Option<&str>,
    parent: Option<&str>,
    body: &Bytes,
) -> Result<Document, String> {
    let resource: Resource = resource.parse().map_err(|error: UnknownResource| error.to_string())?;
    let shape = Shape::ALL.into_iter().find(|known| Some(known.name()) == shape).ok_or("an unknown shape")?;
    let parent = parent.map(SourceId::new);
    let sighting = sight(resource, shape, parent.as_ref(), body.clone()).map_err(|unreadable| unreadable.reason)?;
    let mut document = sighting.document.map_err(|undecodable| undecodable.to_string())?;
    document.id = SourceId::new(id);
    Ok(document)
}
