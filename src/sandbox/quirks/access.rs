//! Tokens, refused routes, the rate limit.

use serde::{Deserialize, Serialize};

/// The answer to `GET /transfers/{id}/report` and its entries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReportAnswer {
    #[default]
    Normal,
    /// The merchant has no reports: 400.
    Disabled,
    /// The report exists, is not completed and has no entries.
    Pending,
}

/// The body of `GET /customers/timezone`, which nobody published.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimezoneBody {
    /// `{"timezone": "…"}`.
    #[default]
    Object,
    /// `{"settings": {"timezone": "…"}}`.
    Nested,
    /// `"…"`.
    Text,
}

/// The body of an answer that refuses.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusalBody {
    #[default]
    Envelope,
    /// `{"error": "…"}`.
    Text,
    /// Zero bytes.
    Empty,
    /// The page of some proxy.
    Html,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitWindow {
    /// Whole minutes.
    #[default]
    Fixed,
    /// The sixty seconds before a request.
    Sliding,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RateHeaders {
    #[default]
    Absent,
    /// `RateLimit-Limit`, `RateLimit-Remaining`, `RateLimit-Reset`.
    Plain,
    /// The same with `X-`.
    Prefixed,
}

/// The limit per API key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RateLimit {
    pub per_minute: u32,
    pub window: LimitWindow,
    /// Whether a 429 names the seconds to wait.
    pub retry_after: bool,
    pub headers: RateHeaders,
}

impl Default for RateLimit {
    fn default() -> Self {
        Self { per_minute: 3000, window: LimitWindow::Fixed, retry_after: true, headers: RateHeaders::Absent }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "independent switches")]
pub struct AccessQuirks {
    /// `GET /fees` and `GET /fees/{id}` are 401.
    pub fees_unauthorized: bool,
    /// `GET /customers/timezone` is 400.
    pub timezone_refused: bool,
    pub timezone_body: TimezoneBody,
    pub report: ReportAnswer,
    /// Default two weeks.
    pub token_lifetime_seconds: u32,
    /// A token stops working after this many requests.
    pub token_requests_max: Option<u32>,
    /// `expires_in` as text.
    pub expires_in_text: bool,
    /// The body of a refused token or request.
    pub refusal_body: RefusalBody,
    /// Every error carries the same `ref`.
    pub constant_ref: bool,
    /// Enforced per API key. Default: none.
    pub rate_limit: Option<RateLimit>,
}

impl Default for AccessQuirks {
    fn default() -> Self {
        Self {
            fees_unauthorized: false,
            timezone_refused: false,
            timezone_body: TimezoneBody::Object,
            report: ReportAnswer::Normal,
            token_lifetime_seconds: 1_209_600,
            token_requests_max: None,
            expires_in_text: false,
            refusal_body: RefusalBody::Envelope,
            constant_ref: false,
            rate_limit: None,
        }
    }
}
