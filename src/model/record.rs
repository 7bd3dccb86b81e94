//! A record as the source shows it: exact bytes, source shape, fingerprint.

use std::fmt;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};

use crate::model::ids::SourceId;
use crate::model::resource::Resource;

/// Where a body came from. The order is precedence: a body of a higher shape says more and is not replaced by a lower one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Shape {
    /// Inside another object, such as `fees[]` of a payment.
    Embedded,
    /// A row of a list.
    List,
    /// The object read by its id.
    Detail,
}

impl Shape {
    pub const ALL: [Shape; 3] = [Shape::Embedded, Shape::List, Shape::Detail];

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Shape::Embedded => "embedded",
            Shape::List => "list",
            Shape::Detail => "detail",
        }
    }
}

/// SHA-256 over the canonical JSON of a body (keys sorted, no blanks, number tokens as sent): equal exactly where the content is.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint(pub [u8; 32]);

impl Fingerprint {
    /// Over bytes as they are.
    #[must_use]
    pub fn of_bytes(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The first 12 hex digits, for people.
    #[must_use]
    pub fn short(&self) -> String {
        format!("{self:?}")[..12].to_owned()
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// One sighting of one record in one shape.
#[derive(Debug, Clone)]
pub struct Observation {
    pub resource: Resource,
    pub id: SourceId,
    pub shape: Shape,
    /// The lossless bytes of this object, exactly as they came.
    pub body: Bytes,
    pub fingerprint: Fingerprint,
    /// `created`, an instant.
    pub created_at: Option<DateTime<Utc>>,
    /// `lastUpdated`, an instant.
    pub updated_at: Option<DateTime<Utc>>,
    /// The object that this one was read under: the payment of an embedded fee, the receivable of a transaction.
    pub parent: Option<SourceId>,
}
