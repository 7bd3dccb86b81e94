//! The answer as plain data. All instants are UTC, amounts exact decimals as text, hashes SHA-256 in hex.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use serde_json::Value;
use sqlx::FromRow;

/// What is asked about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, FromRow)]
pub struct Subject {
    pub merchant: String,
    pub resource: String,
    pub id: String,
}

/// Everything about one thing.
#[derive(Debug, Clone, Serialize)]
pub struct Explanation {
    pub subject: Subject,
    pub status: Option<String>,
    pub amount: Option<String>,
    pub currency: Option<String>,
    pub created_at: Option<DateTime<Utc>>,
    /// The payments and transfers whose money it is.
    pub accounts: Vec<String>,
    pub versions: Vec<Version>,
    pub events: Vec<Told>,
    pub entries: Vec<Entry>,
    pub deliveries: Vec<Delivery>,
    pub exceptions: Vec<Raised>,
    /// The certificate of the day on which it was created.
    pub seal: Option<Seal>,
    /// What persons did about it.
    pub persons: Vec<Said>,
}

/// One body as it came from Paystand.
#[derive(Debug, Clone, Serialize, FromRow)]
pub struct Version {
    pub version: i64,
    /// `list`, `detail` or `embedded`.
    pub shape: String,
    pub updated_at: Option<DateTime<Utc>>,
    pub recorded_at: DateTime<Utc>,
    /// Of the bytes as they came.
    pub body_sha256: String,
    /// The body, masked.
    pub body: String,
}

#[derive(Debug, Clone, Serialize, FromRow)]
pub struct Told {
    pub key: String,
    pub kind: String,
    pub occurred_at: DateTime<Utc>,
    pub told_at: DateTime<Utc>,
    /// What it knows by itself.
    pub fact: Value,
}

#[derive(Debug, Clone, Serialize)]
pub struct Entry {
    pub key: String,
    pub event_key: String,
    pub date: NaiveDate,
    pub currency: String,
    pub memo: String,
    pub reverses: Option<String>,
    pub booked_at: DateTime<Utc>,
    pub lines: Vec<Line>,
}

/// Debit where positive, credit where negative.
#[derive(Debug, Clone, Serialize, FromRow)]
pub struct Line {
    pub role: String,
    pub amount: String,
    pub customer_ref: Option<String>,
    pub invoice_ref: Option<String>,
}

/// One ledger entry: what was to be delivered to one adapter, and how far that came.
#[derive(Debug, Clone, Serialize, FromRow)]
pub struct Delivery {
    pub adapter: String,
    pub key: String,
    pub state: String,
    pub reason: Option<String>,
    pub recorded_at: DateTime<Utc>,
    pub due_at: DateTime<Utc>,
    pub settled_at: Option<DateTime<Utc>>,
    pub attempts_made: i32,
    pub generation: i32,
    /// Of what was last sent.
    pub request_sha256: Option<String>,
    /// The document of the ERP that was elected.
    pub elected: Option<String>,
    pub receipt: Option<String>,
    /// What it waits for: the entry before it about the same money, with its state.
    pub waits_for: Option<String>,
    #[sqlx(skip)]
    pub attempts: Vec<Attempt>,
}

/// An attempt that did not end with a receipt.
#[derive(Debug, Clone, Serialize, FromRow)]
pub struct Attempt {
    #[serde(skip)]
    pub adapter: String,
    #[serde(skip)]
    pub key: String,
    pub number: i32,
    pub ended_at: DateTime<Utc>,
    pub state: String,
    /// What the ERP answered, or why there was no answer.
    pub answer: String,
    pub answer_sha256: String,
    /// Of what was sent, where nobody knows whether it took effect.
    pub request_sha256: Option<String>,
}

#[derive(Debug, Clone, Serialize, FromRow)]
pub struct Raised {
    pub id: i64,
    pub class: String,
    pub subject: String,
    pub detail: String,
    pub opened_at: DateTime<Utc>,
    pub resolved_at: Option<DateTime<Utc>>,
    pub resolution: Option<String>,
}

#[derive(Debug, Clone, Serialize, FromRow)]
pub struct Seal {
    pub from_at: DateTime<Utc>,
    pub to_at: DateTime<Utc>,
    pub rows: i64,
    pub ids_sha256: String,
    pub sealed_at: DateTime<Utc>,
    pub final_at: Option<DateTime<Utc>>,
}

/// One row of the audit trail.
#[derive(Debug, Clone, Serialize, FromRow)]
pub struct Said {
    pub number: i64,
    pub at: DateTime<Utc>,
    pub actor: String,
    pub action: String,
    pub object: String,
    pub reason: String,
    pub detail: String,
    pub sha256: String,
}
