//! Notices: what became of our own work at the ERPs, for those who want to hear of it beside the business events.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// A journal entry is in the books of an ERP.
    #[serde(rename = "posting.confirmed")]
    PostingConfirmed,
    /// An ERP does not take a journal entry; a person must look.
    #[serde(rename = "posting.failed")]
    PostingFailed,
    /// Something a person must see was raised.
    #[serde(rename = "reconciliation.exception")]
    ReconciliationException,
}

impl Kind {
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Kind::PostingConfirmed => "posting.confirmed",
            Kind::PostingFailed => "posting.failed",
            Kind::ReconciliationException => "reconciliation.exception",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One notice, never changed once it is recorded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Notice {
    /// `<kind>:<adapter>:<entry key>` or `<kind>:<number>`. Unique per merchant.
    pub key: String,
    pub kind: Kind,
    /// Name of the resource of the record that it is about; empty where it is about none.
    pub resource: String,
    /// The record, or what else it is about, such as `adapter/books`.
    pub id: String,
    pub occurred_at: DateTime<Utc>,
    /// What there is to say.
    pub data: serde_json::Value,
}
