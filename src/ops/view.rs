//! What the pages, `/status` and `/metrics` show, as plain data. Whoever fills it has masked what is not for everybody's eyes (I10).

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use rust_decimal::Decimal;
use serde::Serialize;

/// Everything at one time.
#[derive(Debug, Clone, Serialize)]
pub struct Overview {
    pub at: DateTime<Utc>,
    pub version: &'static str,
    pub environment: &'static str,
    /// The zone in which times are shown to people.
    #[serde(serialize_with = "zone_name")]
    pub zone: Tz,
    pub merchants: Vec<Merchant>,
    pub adapters: Vec<Adapter>,
    pub open_exceptions: i64,
    pub exception_classes: Vec<ExceptionClass>,
    /// The oldest ones, a bounded number.
    pub exceptions: Vec<Exception>,
    pub paused: Vec<Pause>,
    /// What stands in the way, a sentence each.
    pub troubles: Vec<String>,
    pub counts: Vec<Counted>,
    /// The last day, oldest first.
    pub chart: Vec<Point>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "this is how serde calls it")]
fn zone_name<S: serde::Serializer>(zone: &Tz, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(zone.name())
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Money {
    pub amount: Decimal,
    pub currency: String,
}

/// One merchant, by the label that people gave it.
#[derive(Debug, Clone, Serialize)]
pub struct Merchant {
    pub label: String,
    pub id: String,
    pub resources: Vec<Resource>,
    pub tie_out: Option<TieOut>,
    pub rate: Rate,
    pub fees_awaited: Vec<FeesAwaited>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Resource {
    pub name: &'static str,
    pub reading: Reading,
    /// `None` until they were counted.
    pub rows: Option<i64>,
    /// Everything last updated before this instant is stored.
    pub high_water: Option<DateTime<Utc>>,
    pub lag_seconds: Option<i64>,
    /// The last day that is certified, and the last one that is so for good, with the instants at which they end.
    pub sealed_through: Option<Sealed>,
    pub sealed_finally_through: Option<Sealed>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Sealed {
    pub day: NaiveDate,
    pub end: DateTime<Utc>,
}

/// How the reading of a resource goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reading {
    Current,
    /// Later than it should be.
    Late,
    /// The history is being read for the first time.
    Backfilling,
    /// These credentials may not read the list.
    Closed,
    /// A person stopped it.
    Paused,
    /// Nothing has been read yet.
    Waiting,
}

impl Reading {
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Reading::Current => "current",
            Reading::Late => "late",
            Reading::Backfilling => "first reading",
            Reading::Closed => "not readable",
            Reading::Paused => "paused",
            Reading::Waiting => "not yet read",
        }
    }
}

/// The last tie-out of a merchant's books.
#[derive(Debug, Clone, Serialize)]
pub struct TieOut {
    pub at: DateTime<Utc>,
    pub proven: usize,
    pub unproven: usize,
    pub wrong: usize,
    pub returned: usize,
    /// A sentence for each payout that is wrong, a bounded number.
    pub sentences: Vec<String>,
    pub clearing: Vec<Money>,
    pub in_transit: Vec<Money>,
    /// What wrong payouts settle beyond what was booked for them.
    pub differences: Vec<Money>,
}

/// Use of the request rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Rate {
    pub last_minute: u32,
    pub allowed_per_minute: u32,
    pub requests: u64,
    pub faults: u64,
}

/// Fees that are not final yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FeesAwaited {
    pub payments: i64,
    pub gross: Money,
    pub oldest: DateTime<Utc>,
}

/// One ERP adapter and what it has still to take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Adapter {
    pub name: String,
    pub open: i64,
    pub parked: i64,
    pub oldest: Option<DateTime<Utc>>,
    /// What the entries debit that are booked and not posted; `None` until they were summed.
    pub unposted: Option<Vec<Money>>,
    pub is_paused: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExceptionClass {
    pub class: String,
    pub open: i64,
    pub oldest: DateTime<Utc>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Exception {
    pub id: i64,
    pub merchant: String,
    pub class: String,
    pub subject: String,
    pub detail: String,
    pub opened_at: DateTime<Utc>,
    /// What is at stake, where that is known.
    pub at_risk: Option<Money>,
    pub owner: Option<String>,
    /// The kind of failure, and what a person does first about it.
    pub failure: &'static str,
    pub first_action: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Pause {
    pub scope: String,
    pub since: DateTime<Utc>,
    pub actor: String,
    pub reason: String,
}

/// A count since the process started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Counted {
    pub what: &'static str,
    /// Of which one, where there are several.
    pub of: String,
    pub count: u64,
}

/// All records, and the lag of what is read by date, at one time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Point {
    pub at: DateTime<Utc>,
    pub rows: i64,
    pub lag_seconds: i64,
}

/// Whether the daemon can work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Health {
    pub checks: Vec<Check>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    pub name: String,
    pub state: CheckState,
    pub detail: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckState {
    Ok,
    /// Work goes on, but not all of it: a restart would mend nothing.
    Degraded,
    Failed,
}

impl Health {
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.checks.iter().all(|check| check.state != CheckState::Failed)
    }
}

/// What happened to one record and to the money it is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Trail {
    pub merchant: String,
    pub resource: String,
    pub id: String,
    pub status: Option<String>,
    pub money: Option<Money>,
    pub created_at: Option<DateTime<Utc>>,
    pub updated_at: Option<DateTime<Utc>>,
    pub recorded_at: Option<DateTime<Utc>>,
    pub version: Option<i64>,
    pub events: Vec<TrailEvent>,
    pub entries: Vec<TrailEntry>,
    pub deliveries: Vec<TrailDelivery>,
    pub exceptions: Vec<TrailException>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TrailEvent {
    pub key: String,
    pub kind: String,
    pub occurred_at: DateTime<Utc>,
}

/// A journal entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TrailEntry {
    pub key: String,
    pub date: NaiveDate,
    pub memo: String,
    pub currency: String,
    pub lines: Vec<TrailLine>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TrailLine {
    pub role: String,
    /// Debit where positive, credit where negative.
    pub amount: Decimal,
    pub invoice: Option<String>,
}

/// What became of something at an adapter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TrailDelivery {
    pub adapter: String,
    pub key: String,
    pub state: String,
    pub receipt: Option<String>,
    pub reason: Option<String>,
    pub settled_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TrailException {
    pub id: i64,
    pub class: String,
    pub detail: String,
    pub opened_at: DateTime<Utc>,
    pub resolution: Option<String>,
}
