//! What a run of the battery came to.

use std::any::Any;
use std::fmt;

use super::Kind;
use crate::engine::error::StepError;
use crate::erp::ErpError;
use crate::store::StoreError;

/// What became of one case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Passed,
    /// With what was seen instead.
    Failed(String),
    /// With the reason, such as a hook that the subject does not have.
    NotApplicable(&'static str),
}

/// One case with one kind of delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    pub case: &'static str,
    pub kind: Kind,
    pub outcome: Outcome,
}

/// Everything that was tried, in order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    pub tried: Vec<Tried>,
}

impl Report {
    /// Whether no case failed. A run of which nothing applied proves nothing and has not passed.
    #[must_use]
    pub fn has_passed(&self) -> bool {
        self.failed().is_empty() && self.tried.iter().any(|tried| tried.outcome == Outcome::Passed)
    }

    /// The names of the cases that failed, each once, in order.
    #[must_use]
    pub fn failed(&self) -> Vec<&'static str> {
        let mut names = Vec::new();
        for tried in &self.tried {
            if matches!(tried.outcome, Outcome::Failed(_)) && !names.contains(&tried.case) {
                names.push(tried.case);
            }
        }
        names
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Tried { case, kind, outcome } in &self.tried {
            let (word, detail) = match outcome {
                Outcome::Passed => ("passed", ""),
                Outcome::Failed(seen) => ("FAILED", seen.as_str()),
                Outcome::NotApplicable(why) => ("does not apply", *why),
            };
            writeln!(f, "{kind:<9} {case:<36} {word}{}{detail}", if detail.is_empty() { "" } else { ": " })?;
        }
        Ok(())
    }
}

/// How a case ended that did not fail.
#[derive(Debug)]
pub(super) enum Verdict {
    Holds,
    DoesNotApply(&'static str),
}

/// Why a case failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// Something is not as it should be.
    #[error("{0}")]
    Claim(String),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Step(#[from] StepError),
    #[error(transparent)]
    Erp(#[from] ErpError),
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// Fails unless it holds.
pub(super) fn ensure(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), Failure> {
    if holds { Ok(()) } else { Err(Failure::Claim(otherwise())) }
}

/// What a panic said.
pub(super) fn said(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without a word")
}
