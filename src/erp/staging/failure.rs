//! What an error of the target's Postgres means for a delivery. Pure.

use sqlx::error::DatabaseError;

use crate::erp::ErpError;

/// Why a statement did not work.
#[derive(Debug)]
pub(super) enum Failure {
    /// One of the rows sent does not fit the target; the others may.
    Data { reason: String },
    /// Nothing of the call was written, or its fate is unknown: as the variant says.
    Call(ErpError),
}

/// Errors before COMMIT was sent: the transaction is gone and nothing was written.
impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(refusal) => refused(refusal.as_ref()),
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed
            | sqlx::Error::BeginFailed => Failure::Call(ErpError::Unreachable { reason: error.to_string() }),
            // What is left is about our statements and the target's columns. The enum is open, and unknown is never retried.
            _ => Failure::Call(ErpError::Misfit { reason: error.to_string() }),
        }
    }
}

/// An error after COMMIT was sent: unless the server itself says that it refused, the write may have taken effect.
pub(super) fn at_commit(error: sqlx::Error) -> Failure {
    match Failure::from(error) {
        Failure::Call(ErpError::Unreachable { reason } | ErpError::AnswerLost { reason }) => {
            Failure::Call(ErpError::AnswerLost { reason })
        }
        other @ (Failure::Data { .. }
        | Failure::Call(
            ErpError::Throttled { .. }
            | ErpError::Unauthorized { .. }
            | ErpError::Misfit { .. }
            | ErpError::Declined { .. }
            | ErpError::Gone { .. },
        )) => other,
    }
}

/// Sorts by SQLSTATE (Postgres manual, appendix A). The reason is the server's message without its detail, which quotes rows.
fn refused(refusal: &dyn DatabaseError) -> Failure {
    let code = refusal.code().unwrap_or_default();
    let reason = format!("{} (SQLSTATE {code})", refusal.message());
    let class = code.get(..2).unwrap_or_default();
    match (class, &*code) {
        // Data exception, integrity constraint violation, a limit such as too long an index row, and what a trigger of the ERP side
        // raises.
        ("22" | "23" | "54" | "P0", _) => Failure::Data { reason },
        // No such role, wrong password, no privilege.
        ("28", _) | (_, "42501") => Failure::Call(ErpError::Unauthorized { reason }),
        // Connection lost, rolled back by a conflict or a deadlock, out of resources, cancelled or shutting down, system error,
        // lock timeout, and a server that is read-only for as long as it is a standby.
        ("08" | "40" | "53" | "57" | "58", _) | (_, "55P03" | "25006") => {
            Failure::Call(ErpError::Unreachable { reason })
        }
        _ => Failure::Call(ErpError::Misfit { reason }),
    }
}

impl From<Failure> for ErpError {
    /// For calls that send no rows, where a data error can only be a misfit.
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Data { reason } => ErpError::Misfit { reason },
            Failure::Call(error) => error,
        }
    }
}
