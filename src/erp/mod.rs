//! Edge: what an ERP adapter is. One folder per adapter; an adapter imports `model` and nothing of the other edges.
//!
//! An adapter is dumb on purpose: it never decides *whether* to write. The engine claims ledger entries, records the attempt,
//! calls the adapter, and settles by the answer (I4). Before any write it asks what the target holds already (I5).
//!
//! Targets take documents in one of two ways ([`Posting`]). A [`Keyed`] one refuses a second effect of one key by itself. Of a
//! [`Drafted`] one that does not, drafts are written, one is elected in our database, and only that one is ever released: whoever
//! asks, how often and how late, at most one document per key gets into the books. `docs/adapters.md` tells how to write one, and
//! [`crate::conformance`] judges it.

mod delivery;
mod error;
pub mod files;
mod read_back;
pub mod staging;
pub mod tryton;
pub mod webhook;

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};

use crate::model::ids::MerchantId;

pub use crate::model::posting::{Found, Stage};
pub use delivery::{Delivery, Payload, Spoken, Told, Version};
pub use error::ErpError;
pub use read_back::{BookedDocument, BookedLine, OtherLine, ReadBack};

/// What an adapter can do and what it wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    pub wants: Wants,
    /// A call takes effect for the whole batch or not at all, except for deliveries that it answers otherwise. Only then, and only
    /// of a [`Keyed`] target, may one batch hold several deliveries about the same money.
    pub atomic_batch: bool,
    /// It can be asked what it holds. One that cannot answers every [`Keyed::find`] with nothing: what is in doubt is sent again
    /// under its key, and nothing is ever posted anew under another one.
    pub searches: bool,
    /// Deliveries in one call at most.
    pub batch_max: usize,
    /// How long after it was sent a request may still take effect, and what took effect may still be missing from a search.
    pub settles_within: Duration,
}

/// What is delivered to an adapter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "four kinds of things, each wanted or not")]
pub struct Wants {
    /// Every stored version of a record, as a document.
    pub documents: bool,
    /// Every event, in its envelope.
    pub events: bool,
    /// Every journal entry.
    pub entries: bool,
    /// What became of the work of the other adapters.
    pub notices: bool,
}

/// The ERP's proof that an entry is posted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// How the target names what it holds, such as `erp.payment/pm6y…`.
    pub reference: String,
}

/// Why a target did not take one delivery of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// It will never take it as it is: a person must look.
    Never { reason: String },
    /// Not now, because of something at the target that may change: a closed period, an invoice that is not there yet.
    NotNow { reason: String },
    /// It holds something else under this key.
    Differs { held: String },
    /// Not tried, because one before it about the same money was not taken, or the target took no more.
    NotTried,
    /// It was a call of its own, which failed as a whole. The others of the batch may not have.
    Failed(ErpError),
}

/// What became of one delivery of a call to a [`Keyed`] target.
pub type Outcome = Result<Receipt, Refusal>;

/// What an alarm is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AlarmKind {
    /// A file that its consumer did not acknowledge in time.
    UnacknowledgedFile,
    /// A file that its consumer did not take.
    RejectedFile,
}

impl AlarmKind {
    pub const ALL: [AlarmKind; 2] = [AlarmKind::UnacknowledgedFile, AlarmKind::RejectedFile];

    /// The class of its exceptions.
    #[must_use]
    pub const fn class(self) -> &'static str {
        match self {
            AlarmKind::UnacknowledgedFile => "unacknowledged_file",
            AlarmKind::RejectedFile => "rejected_file",
        }
    }

    /// Why an exception is settled that is not raised any more.
    #[must_use]
    pub const fn resolution(self) -> &'static str {
        match self {
            AlarmKind::UnacknowledgedFile => "acknowledged, or rejected",
            AlarmKind::RejectedFile => "it does not lie among the rejected files any more",
        }
    }
}

/// Something at a target that a person must see, until a later call does not tell it any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alarm {
    /// Whose business it is about.
    pub merchant: MerchantId,
    pub kind: AlarmKind,
    /// What it is about; unique within the adapter and kind.
    pub subject: String,
    /// One sentence.
    pub detail: String,
}

/// What a target lacks for work that is still ahead, one sentence with its fix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shortcoming {
    /// Nothing would be posted.
    Stops(String),
    /// Some of it would be refused.
    Hinders(String),
}

/// How a target takes documents.
#[derive(Debug, Clone, Copy)]
pub enum Posting<'a> {
    Keyed(&'a dyn Keyed),
    Drafted(&'a dyn Drafted),
}

/// One ERP target. All calls are safe to repeat.
#[async_trait]
pub trait Erp: std::fmt::Debug + Send + Sync {
    fn capabilities(&self) -> Capabilities;

    /// Where it writes, in one line without secrets. Two adapters of one database never have the same.
    fn target(&self) -> String;

    /// How it takes documents: itself, as the trait that it implements.
    fn posting(&self) -> Posting<'_>;

    /// Its books, where they can be read. What has none is believed by its receipts.
    fn read_back(&self) -> Option<&dyn ReadBack> {
        None
    }

    /// Creates or checks what the adapter needs in its target.
    async fn prepare(&self) -> Result<(), ErpError>;

    /// What a person should mend before money is posted, beyond what [`Erp::prepare`] refuses. Reads only.
    async fn examine(&self, _today: NaiveDate) -> Result<Vec<Shortcoming>, ErpError> {
        Ok(Vec::new())
    }

    /// Does what is due by the clock and by no delivery, and tells all that a person must see of the target now. Called whenever
    /// nothing is left to deliver, about once a minute.
    async fn tend(&self, _now: DateTime<Utc>) -> Result<Vec<Alarm>, ErpError> {
        Ok(Vec::new())
    }

    /// How long a delivery that failed by itself ([`Refusal::Failed`]) waits, failure by failure. Without one the retry table has its
    /// own.
    fn schedule(&self) -> &[Duration] {
        &[]
    }
}

/// A target that itself refuses a second effect of one key.
#[async_trait]
pub trait Keyed: Erp {
    /// For each delivery what the target already holds of it, in the order given: nothing, the thing itself, or something else
    /// ([`Refusal::Differs`]).
    async fn find(&self, deliveries: &[Delivery]) -> Result<Vec<Option<Outcome>>, ErpError>;

    /// Writes the deliveries, in the order given, and answers for each.
    async fn write(&self, deliveries: &[Delivery]) -> Result<Vec<Outcome>, ErpError>;
}

/// A delivery that is looked for.
#[derive(Debug, Clone)]
pub struct Asked<'a> {
    pub delivery: &'a Delivery,
    /// A document that should be there. It is read by its reference, for a search may lag.
    pub reference: Option<&'a str>,
}

/// What became of writing one draft, or releasing one: done, with the reference if the target said one, or refused.
pub type Step = Result<Option<String>, Refusal>;

/// A document that was elected, and the delivery that it stands for.
#[derive(Debug, Clone)]
pub struct Elected<'a> {
    pub delivery: &'a Delivery,
    pub reference: &'a str,
}

/// A draft of ours that the target holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// As [`Drafted::key`] of its delivery.
    pub key: String,
    pub reference: String,
}

/// A target that takes drafts, and keeps them out of the books until they are released.
#[async_trait]
pub trait Drafted: Erp {
    /// The key of a delivery as this target writes it, shortened to what fits. Different deliveries have different ones.
    fn key(&self, delivery: &Delivery) -> String;

    /// For each delivery every document that the target holds under its key, oldest first, compared with what is to be delivered.
    async fn find(&self, asked: &[Asked<'_>]) -> Result<Vec<Vec<Found>>, ErpError>;

    /// Writes a draft for each delivery.
    async fn draft(&self, deliveries: &[&Delivery]) -> Result<Vec<Step>, ErpError>;

    /// Releases documents by reference. Releasing one again changes nothing and is done.
    async fn release(&self, elected: &[Elected<'_>]) -> Result<Vec<Step>, ErpError>;

    /// Drafts of ours written before that instant.
    async fn drafts(&self, before: DateTime<Utc>) -> Result<Vec<Draft>, ErpError>;

    /// Deletes drafts by reference. One that is gone is done; one that is released is left alone.
    async fn discard(&self, references: &[&str]) -> Result<(), ErpError>;
}
