//! Preflight: what a run needs, asked before it runs, each finding with its fix.
//!
//! - Everything is asked, whatever failed before it, as long as the answer can mean something.
//! - Of Paystand only reads, few of them: they count against the request rate.
//! - What is found is told and not relied on: a run looks for itself.

mod source;

use serde::Serialize;

use super::Engine;
use super::error::{Exit, StepError};
use crate::erp::{Erp, Shortcoming};

/// What one question came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What was asked, such as `credentials of main`.
    pub what: String,
    pub standing: Standing,
    /// What was found, and what to do about it where that is anything.
    pub detail: String,
}

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    Good,
    /// A run does without, and a person should know.
    Note,
    /// A run would end with this exit code, or not do what is wanted.
    Failed(Exit),
}

impl Standing {
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Standing::Good => "ok",
            Standing::Note => "note",
            Standing::Failed(_) => "failed",
        }
    }
}

impl Serialize for Finding {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct as _;
        let mut object = serializer.serialize_struct("Finding", 4)?;
        object.serialize_field("what", &self.what)?;
        object.serialize_field("state", self.standing.name())?;
        object.serialize_field("detail", &self.detail)?;
        let exit_code = match self.standing {
            Standing::Good | Standing::Note => None,
            Standing::Failed(exit) => Some(exit.code()),
        };
        object.serialize_field("exit_code", &exit_code)?;
        object.end()
    }
}

impl Finding {
    pub fn good(what: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { what: what.into(), standing: Standing::Good, detail: detail.into() }
    }

    fn note(what: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { what: what.into(), standing: Standing::Note, detail: detail.into() }
    }

    fn failed(what: impl Into<String>, exit: Exit, detail: impl Into<String>) -> Self {
        Self { what: what.into(), standing: Standing::Failed(exit), detail: detail.into() }
    }

    fn of_error(what: impl Into<String>, error: &StepError) -> Self {
        Self::failed(what, error.exit(), error.with_next_step())
    }
}

impl Engine {
    /// Asks everything that a run needs beyond configuration and database, which are there when an engine is.
    pub async fn preflight(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (name, erp) in &self.adapters {
            findings.extend(self.examine(&format!("adapter {name}"), &**erp).await);
        }
        for (merchant, client) in &self.merchants {
            let what = format!("credentials of {}", merchant.label);
            if let Err(error) = client.authenticate().await {
                findings.push(Finding::of_error(what, &error.into()));
                continue;
            }
            findings.push(Finding::good(what, ""));
            findings.extend(source::probe(self, merchant, client).await);
        }
        findings
    }

    /// Whether the target is there, fits, and takes money today.
    async fn examine(&self, what: &str, erp: &dyn Erp) -> Vec<Finding> {
        let today = self.circumstances.clock.now().date_naive();
        let shortcomings = match erp.prepare().await {
            Ok(()) => erp.examine(today).await,
            Err(error) => Err(error),
        };
        match shortcomings {
            Err(error) => vec![Finding::of_error(what, &error.into())],
            Ok(shortcomings) if shortcomings.is_empty() => vec![Finding::good(what, "")],
            Ok(shortcomings) => shortcomings
                .into_iter()
                .map(|it| match it {
                    Shortcoming::Stops(sentence) => Finding::failed(what, Exit::Erp, sentence),
                    Shortcoming::Hinders(sentence) => Finding::note(what, sentence),
                })
                .collect(),
        }
    }
}
