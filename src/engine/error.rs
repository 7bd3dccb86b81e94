//! Why a step of the engine did not come to its end.

use crate::erp::ErpError;
use crate::paystand::SourceError;
use crate::scan::pass::Contradiction;
use crate::store::StoreError;

/// A step that failed. What it stored before stays stored; the next step starts from there.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Erp(#[from] ErpError),
    /// The list answers in a way from which nothing can be concluded.
    #[error("the scan is not complete: {0}")]
    Unsafe(#[from] Contradiction),
    /// An answer that is JSON but no list.
    #[error("the answer is not a list: {0}")]
    NotAList(String),
    /// Passes over a list went on disagreeing.
    #[error("the scan is not complete: {passes} passes over the list did not agree")]
    Disagreement { passes: u32 },
    /// Rows far outside the window asked for: the list is not filtered by date.
    #[error("the list ignores its date filter")]
    FilterIgnored,
    #[error("no merchant is configured; add a [merchants.NAME] section")]
    NoMerchant,
    /// The process is shutting down.
    #[error("stopped")]
    Stopped,
    /// Another process holds the lease.
    #[error("another process of this database is at work on {name}")]
    Leased { name: String },
}

/// The exit codes that users and tests rely on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    Clean,
    Internal,
    Usage,
    Source,
    Erp,
    OpenExceptions,
    Mismatch,
    Database,
}

impl Exit {
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Exit::Clean => 0,
            Exit::Internal => 1,
            Exit::Usage => 2,
            Exit::Source => 3,
            Exit::Erp => 4,
            Exit::OpenExceptions => 5,
            Exit::Mismatch => 6,
            Exit::Database => 7,
        }
    }

    /// Which of several speaks for the whole run: 2, 7, 3, 4, 1, 6, 5, 0.
    #[must_use]
    pub fn worst(exits: impl IntoIterator<Item = Exit>) -> Exit {
        const RANKING: [Exit; 7] = [
            Exit::Usage,
            Exit::Database,
            Exit::Source,
            Exit::Erp,
            Exit::Internal,
            Exit::Mismatch,
            Exit::OpenExceptions,
        ];
        let exits: Vec<Exit> = exits.into_iter().collect();
        RANKING.into_iter().find(|exit| exits.contains(exit)).unwrap_or(Exit::Clean)
    }
}

impl StepError {
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            StepError::Source(_)
            | StepError::Unsafe(_)
            | StepError::NotAList(_)
            | StepError::Disagreement { .. }
            | StepError::FilterIgnored => Exit::Source,
            StepError::Store(StoreError::Unreachable(_) | StoreError::Migration(_)) => Exit::Database,
            StepError::NoMerchant
            | StepError::Store(
                StoreError::BadUrl
                | StoreError::OtherEnvironment { .. }
                | StoreError::OtherTarget { .. }
                | StoreError::OtherName { .. }
                | StoreError::NoException(_)
                | StoreError::NotPossible(_),
            ) => Exit::Usage,
            StepError::Store(
                StoreError::LeaseLost { .. } | StoreError::Conflict | StoreError::Statement(_) | StoreError::Corrupt(_),
            )
            | StepError::Leased { .. } => Exit::Internal,
            StepError::Erp(_) => Exit::Erp,
            StepError::Stopped => Exit::Clean,
        }
    }

    /// A failure and what to do about it.
    #[must_use]
    pub fn with_next_step(&self) -> String {
        let next = match self {
            StepError::Source(error) => error.next_step(),
            StepError::Store(StoreError::Unreachable(_)) => {
                "check database.url (or DATABASE_URL) and that Postgres is running there, then start again"
            }
            StepError::Store(StoreError::Migration(_)) => {
                "check that this user may create tables, then run `paystand-sync migrate`"
            }
            StepError::Store(StoreError::LeaseLost { .. }) | StepError::Leased { .. } => {
                "stop the other process or wait until its lease runs out, at most 150 s"
            }
            StepError::Store(StoreError::Statement(_) | StoreError::Corrupt(_)) => {
                "nothing is lost; report it with the log of this run"
            }
            StepError::Store(StoreError::Conflict) | StepError::Stopped => "start again; it goes on where it was",
            StepError::Store(StoreError::BadUrl | StoreError::OtherEnvironment { .. }) | StepError::NoMerchant => {
                "correct the configuration"
            }
            StepError::Store(StoreError::OtherTarget { .. } | StoreError::OtherName { .. }) => {
                return self.to_string();
            }
            StepError::Store(StoreError::NoException(_)) => "`paystand-sync exceptions list` shows the open ones",
            StepError::Store(StoreError::NotPossible(_)) => {
                "`paystand-sync status` and `exceptions list` show how it stands"
            }
            StepError::Erp(ErpError::Throttled { .. }) => "nothing is lost; what waits is delivered later",
            StepError::Erp(ErpError::Unreachable { .. } | ErpError::AnswerLost { .. }) => {
                "check the adapter's url and that the ERP is running; what waits is delivered then"
            }
            StepError::Erp(ErpError::Unauthorized { .. }) => "check the adapter's credentials and permissions",
            StepError::Erp(ErpError::Declined { .. }) => {
                "correct it there or correct the adapter's settings; what waits is tried again"
            }
            StepError::Erp(ErpError::Gone { .. }) => {
                "nothing more is sent there; `paystand-sync resume adapter NAME --reason TEXT` lets it go on"
            }
            StepError::Erp(ErpError::Misfit { .. }) => "correct the target as said, then start again",
            StepError::Unsafe(_)
            | StepError::NotAList(_)
            | StepError::Disagreement { .. }
            | StepError::FilterIgnored => {
                "what was read is stored and the cursor stands; run again, and ask Paystand if it stays so"
            }
        };
        format!("{self}; {next}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_exit_speaks() {
        assert_eq!(Exit::worst([Exit::OpenExceptions, Exit::Erp, Exit::Source]), Exit::Source);
        assert_eq!(Exit::worst([Exit::OpenExceptions, Exit::Internal]), Exit::Internal);
        assert_eq!(Exit::worst([Exit::Clean, Exit::OpenExceptions]), Exit::OpenExceptions);
        assert_eq!(Exit::worst([]), Exit::Clean);
    }
}
