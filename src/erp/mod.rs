//! Edge: what an ERP adapter is. One folder per adapter; an adapter imports `model` and nothing of the other edges.
//!
//! An adapter is dumb on purpose: it never decides *whether* to write. The engine claims ledger entries, records the
//! attempt, calls the adapter, and settles by the answer (I4). After a lost answer the engine asks [`Erp::find`] before
//! any further write (I5).

pub mod staging;

use async_trait::async_trait;
use bytes::Bytes;

use crate::model::document::Document;
use crate::model::event::Event;
use crate::model::ids::MerchantId;
use crate::model::journal::Entry;

/// What an adapter can do and what it wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    pub wants: Wants,
    /// The target itself refuses a second effect of one key.
    pub native_key: bool,
    /// [`Erp::write`] takes effect for the whole batch or not at all.
    pub atomic_batch: bool,
    /// Deliveries in one call at most.
    pub batch_max: usize,
}

/// What is delivered to an adapter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wants {
    /// Every stored version of a record, as a document.
    pub documents: bool,
    /// Every event, in its envelope.
    pub events: bool,
    /// Every journal entry.
    pub entries: bool,
}

/// One ledger entry made concrete.
#[derive(Debug, Clone)]
pub struct Delivery {
    pub merchant: MerchantId,
    /// The key of the document, event or entry, unique per merchant and adapter.
    pub key: String,
    pub payload: Payload,
}

/// What is delivered. An adapter is given only what its capabilities ask for.
#[derive(Debug, Clone)]
pub enum Payload {
    Document(Box<Version>),
    Event(Box<Told>),
    Entry(Box<Entry>),
}

/// One version of one record.
#[derive(Debug, Clone)]
pub struct Version {
    /// Grows by one with every version of the record.
    pub number: i64,
    pub document: Document,
    /// The lossless bytes of the body that the document was read from. They may hold card and bank data: an adapter that
    /// passes them on masks them first (I10).
    pub body: Bytes,
}

/// An event in the form in which it leaves the house.
#[derive(Debug, Clone)]
pub struct Told {
    pub event: Event,
    /// A `CloudEvents` 1.0 envelope in JSON.
    pub envelope: String,
}

/// The ERP's proof that an entry is posted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// How the target names what it holds, such as `erp.payment/pm6y…`.
    pub reference: String,
}

/// What became of one delivery of a batch that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Posted(Receipt),
    /// The target will never take it as it is: a person must look.
    Refused {
        reason: String,
    },
}

/// A failed call, by what may be done next.
#[derive(Debug, thiserror::Error)]
pub enum ErpError {
    /// Nothing was written; the same call may work later.
    #[error("the ERP cannot be reached: {reason}")]
    Unreachable { reason: String },
    /// The answer was lost after the write was sent: it may or may not have taken effect.
    #[error("the ERP's answer was lost: {reason}")]
    AnswerLost { reason: String },
    /// The target refuses these credentials or lacks a permission.
    #[error("the ERP refuses access: {reason}")]
    Unauthorized { reason: String },
    /// The target is not as the adapter needs it.
    #[error("the ERP's target does not fit: {reason}")]
    Misfit { reason: String },
}

/// One ERP target. All calls are safe to repeat.
#[async_trait]
pub trait Erp: std::fmt::Debug + Send + Sync {
    fn capabilities(&self) -> Capabilities;

    /// Creates or checks what the adapter needs in its target.
    async fn prepare(&self) -> Result<(), ErpError>;

    /// For each delivery the receipt of what the target already holds of it, in the order given.
    async fn find(&self, deliveries: &[Delivery]) -> Result<Vec<Option<Receipt>>, ErpError>;

    /// Writes the deliveries, in the order given, and answers for each.
    async fn write(&self, deliveries: &[Delivery]) -> Result<Vec<Outcome>, ErpError>;
}
