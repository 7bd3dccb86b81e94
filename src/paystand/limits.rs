//! How much one question may cost.

use std::time::Duration;

use crate::config::SyncConfig;

/// Bounds on one question.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Connect to last byte of one attempt.
    pub request_timeout: Duration,
    pub answer_bytes_max: usize,
    pub attempts_max: u32,
    /// Whether the server's `Date` is heard; always, outside of tests.
    pub second_clock: bool,
}

impl From<&SyncConfig> for Limits {
    fn from(sync: &SyncConfig) -> Self {
        Self {
            request_timeout: sync.request_timeout,
            answer_bytes_max: sync.answer_bytes_max,
            attempts_max: sync.attempts_max,
            second_clock: true,
        }
    }
}
