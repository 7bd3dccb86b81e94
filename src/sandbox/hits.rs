//! How often each quirk has struck: a test that draws quirks must be able to say that each was met.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Counters by name. Names are the field names of the quirks.
#[derive(Debug, Default)]
pub(crate) struct Hits {
    counts: Mutex<BTreeMap<&'static str, u64>>,
}

impl Hits {
    pub(crate) fn count(&self, name: &'static str) {
        *self.lock().entry(name).or_default() += 1;
    }

    /// Counts where `condition` holds, and says whether it does.
    pub(crate) fn when(&self, condition: bool, name: &'static str) -> bool {
        if condition {
            self.count(name);
        }
        condition
    }

    pub(crate) fn all(&self) -> BTreeMap<&'static str, u64> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<&'static str, u64>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
