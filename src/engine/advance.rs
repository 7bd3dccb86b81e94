//! How far each backfill of this process has come, for whoever wants to draw it.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::model::resource::Resource;

/// One backfill under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Advance {
    pub rows: u64,
    pub rows_per_s: u64,
    /// Share of the configured request rate that the last minute took.
    pub budget_percent: u64,
    pub days_read: i64,
    pub days_wanted: i64,
    /// At the pace so far.
    pub left_s: u64,
}

/// The last word on each, by the label of the merchant and the resource.
#[derive(Debug, Default)]
pub struct Advances(Mutex<BTreeMap<(String, Resource), Advance>>);

impl Advances {
    pub(super) fn note(&self, merchant: &str, resource: Resource, advance: Advance) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert((merchant.to_owned(), resource), advance);
    }

    #[must_use]
    pub fn all(&self) -> Vec<((String, Resource), Advance)> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().map(|(of, advance)| (of.clone(), *advance)).collect()
    }
}
