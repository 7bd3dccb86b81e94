//! A failed call, by what may be done next.

use std::time::Duration;

/// A call that did not come to its end. What it means for the entries is in [`crate::ledger::retry`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ErpError {
    /// Nothing was written; the same call may work later.
    #[error("the ERP cannot be reached: {reason}")]
    Unreachable { reason: String },
    /// Nothing was written; the target asks for patience.
    #[error("the ERP takes no more for now: {reason}")]
    Throttled {
        reason: String,
        /// How long, where the target says so.
        retry_after: Option<Duration>,
    },
    /// The answer was lost after the write was sent: it may or may not have taken effect.
    #[error("the ERP's answer was lost: {reason}")]
    AnswerLost { reason: String },
    /// The target refuses these credentials or lacks a permission. Nothing was written.
    #[error("the ERP refuses access: {reason}")]
    Unauthorized { reason: String },
    /// The target is not as the adapter needs it. Nothing was written.
    #[error("the ERP's target does not fit: {reason}")]
    Misfit { reason: String },
    /// The target answered and did not take it. Nothing was written as far as the answer tells; it may take it later.
    #[error("the ERP did not take it: {reason}")]
    Declined { reason: String },
    /// The target says that it is gone for good: nothing more is sent until a person has it go on.
    #[error("the ERP's target is gone: {reason}")]
    Gone { reason: String },
}
