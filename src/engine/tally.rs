//! What this process has done since it started, counted for whoever watches.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use super::error::{Exit, StepError};
use crate::model::ids::AdapterName;
use crate::model::resource::Resource;

/// Something that is counted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Count {
    Polls(Resource),
    /// Rows that polls were shown.
    Rows(Resource),
    /// New versions of records.
    Versions(Resource),
    /// Versions that were booked.
    Booked,
    /// Entries that were handed to an adapter and settled.
    Delivered(AdapterName),
    /// Steps that failed, by whom it is about.
    Failures(&'static str),
}

/// Counts that only grow.
#[derive(Debug, Default)]
pub struct Tally(Mutex<BTreeMap<Count, u64>>);

impl Tally {
    pub fn add(&self, count: Count, more: u64) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let sum = counts.entry(count).or_default();
        *sum = sum.saturating_add(more);
    }

    /// A step that failed; being told to stop, and standing by, are none.
    pub fn failed(&self, error: &StepError) {
        let about = match error.exit() {
            _ if matches!(error, StepError::Leased { .. }) => return,
            Exit::Clean => return,
            Exit::Source => "source",
            Exit::Erp => "erp",
            Exit::Database => "database",
            Exit::Usage => "configuration",
            Exit::Internal | Exit::OpenExceptions | Exit::Mismatch => "internal",
        };
        self.add(Count::Failures(about), 1);
    }

    #[must_use]
    pub fn all(&self) -> Vec<(Count, u64)> {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.iter().map(|(count, sum)| (count.clone(), *sum)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn standing_by_and_stopping_count_as_no_failure() {
        let tally = Tally::default();
        tally.failed(&StepError::Leased { name: "deliver/books".to_owned() });
        tally.failed(&StepError::Stopped);
        assert_eq!(tally.all(), []);
        tally.failed(&StepError::FilterIgnored);
        tally.failed(&StepError::FilterIgnored);
        assert_eq!(tally.all(), [(Count::Failures("source"), 2)]);
    }
}
