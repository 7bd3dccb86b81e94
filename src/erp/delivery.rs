//! What is delivered: one ledger entry made concrete.

use std::borrow::Cow;

use bytes::Bytes;
use sha2::{Digest, Sha256};

use crate::model::document::Document;
use crate::model::event::Event;
use crate::model::ids::MerchantId;
use crate::model::journal::Entry;
use crate::model::notice::Notice;
use crate::model::record::Fingerprint;

/// One ledger entry made concrete.
#[derive(Debug, Clone)]
pub struct Delivery {
    pub merchant: MerchantId,
    /// The key of the document, event or entry, unique per merchant and adapter.
    pub key: String,
    /// The same for the whole world and for every generation: `psx1:<environment>:<merchant>:<key>`, and from the second generation
    /// on `:g<n>`.
    pub erp_key: String,
    /// Whose money it is about. Deliveries of one root keep their order; without one there is no order to keep.
    pub root: Option<String>,
    /// Grows in the order of delivery to this adapter, and stays as it is over retries.
    pub sequence: i64,
    pub payload: Payload,
}

impl Delivery {
    /// The key for targets that keep one for the whole world.
    #[must_use]
    pub fn world_key(environment: &str, merchant: &MerchantId, key: &str, generation: i32) -> String {
        let first = format!("psx1:{environment}:{merchant}:{key}");
        if generation > 1 { format!("{first}:g{generation}") } else { first }
    }

    /// The key in its first generation that another entry of the same merchant has.
    #[must_use]
    pub fn world_key_of(&self, key: &str) -> String {
        let environment = self.erp_key.split(':').nth(1).unwrap_or_default();
        Self::world_key(environment, &self.merchant, key, 1)
    }

    /// SHA-256 over the payload: the same key with another one is never written.
    #[must_use]
    pub fn payload_sha256(&self) -> Fingerprint {
        Fingerprint(Sha256::digest(self.payload.text().as_bytes()).into())
    }
}

/// What is delivered. An adapter is given only what its capabilities ask for.
#[derive(Debug, Clone)]
pub enum Payload {
    Document(Box<Version>),
    Event(Box<Told>),
    Entry(Box<Entry>),
    Notice(Box<Spoken>),
}

impl Payload {
    /// The payload as text. That of a document is the body that it was read from, which may hold card and bank data.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            Payload::Document(version) => String::from_utf8_lossy(&version.body),
            Payload::Event(told) => Cow::Borrowed(&told.envelope),
            Payload::Notice(spoken) => Cow::Borrowed(&spoken.envelope),
            Payload::Entry(entry) => Cow::Owned(serde_json::to_string(entry).expect("text, and numbers as text")),
        }
    }
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

/// A notice in the form in which it leaves the house.
#[derive(Debug, Clone)]
pub struct Spoken {
    pub notice: Notice,
    /// A `CloudEvents` 1.0 envelope in JSON.
    pub envelope: String,
}
