//! What goes wrong on the way.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::sandbox::quirks::access::RefusalBody;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FaultQuirks {
    /// 429 although no limit was reached.
    pub throttled_per_mille: u16,
    /// `Retry-After` of such a 429, in seconds; absent where `None`.
    pub throttled_retry_after: Option<u32>,
    /// 500.
    pub server_error_per_mille: u16,
    /// 503.
    pub unavailable_per_mille: u16,
    /// The body of a 429, 500 or 503.
    pub error_body: RefusalBody,
    /// The connection is reset before anything was answered.
    pub reset_before_per_mille: u16,
    /// The connection is reset in the middle of the body.
    pub reset_inside_per_mille: u16,
    /// A 200 whose JSON ends early, with a `Content-Length` that fits.
    pub truncated_per_mille: u16,
    /// A 200 with a page of HTML.
    pub html_per_mille: u16,
    /// A 200 with zero bytes.
    pub empty_body_per_mille: u16,
    /// The body comes in pieces with pauses.
    pub slow_body_per_mille: u16,
    /// How long a slow body takes altogether. Default 20.
    pub slow_body_seconds: u32,
    /// The answer begins late.
    pub slow_start_per_mille: u16,
    /// How late. Default 5.
    pub slow_start_seconds: u32,
    /// There is never an answer.
    pub hang_per_mille: u16,
    /// Faults that may follow one another before one request is let through. 0 is no bound. Default 4.
    pub in_a_row_max: u32,
    /// Every request is 503 until this instant.
    pub outage_until: Option<DateTime<Utc>>,
    /// What the `Date` header is off by.
    pub date_offset_seconds: i64,
    /// There is no `Date` header.
    pub date_absent: bool,
}

impl Default for FaultQuirks {
    fn default() -> Self {
        Self {
            throttled_per_mille: 0,
            throttled_retry_after: None,
            server_error_per_mille: 0,
            unavailable_per_mille: 0,
            error_body: RefusalBody::Envelope,
            reset_before_per_mille: 0,
            reset_inside_per_mille: 0,
            truncated_per_mille: 0,
            html_per_mille: 0,
            empty_body_per_mille: 0,
            slow_body_per_mille: 0,
            slow_body_seconds: 20,
            slow_start_per_mille: 0,
            slow_start_seconds: 5,
            hang_per_mille: 0,
            in_a_row_max: 4,
            outage_until: None,
            date_offset_seconds: 0,
            date_absent: false,
        }
    }
}
