//! The rows that a pass has read lately: its known ground.
//!
//! They are kept in two generations. A hash table that forgets row by row takes twice the places, for those of forgotten rows are not
//! free at once; a pass over any number of rows takes two tables of 8,192 places.

use std::collections::HashSet;

/// Rows of a generation: as many as a table of 8,192 places takes. So many are remembered at least, and twice as many at most.
const GENERATION_ROWS: usize = 7_168;

/// The latest rows by their keys.
#[derive(Debug, Default)]
pub(super) struct Ground {
    new: HashSet<u64>,
    old: HashSet<u64>,
}

impl Ground {
    pub fn knows(&self, key: u64) -> bool {
        self.new.contains(&key) || self.old.contains(&key)
    }

    /// Remembers a row; returns whether it was not known.
    pub fn add(&mut self, key: u64) -> bool {
        if self.knows(key) {
            return false;
        }
        if self.new.len() == GENERATION_ROWS {
            std::mem::swap(&mut self.new, &mut self.old);
            self.new.clear();
        }
        self.new.insert(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_rows_are_known_and_no_number_of_rows_takes_more_memory() {
        let mut ground = Ground::default();
        for key in 0..100 * GENERATION_ROWS as u64 {
            assert!(ground.add(key), "row {key} is new");
            assert!(!ground.add(key), "row {key} is known");
            let latest = key.saturating_sub(GENERATION_ROWS as u64 - 1);
            assert!(ground.knows(latest), "row {latest} is known after row {key}");
        }
        assert!(!ground.knows(0), "the first row is forgotten");
        assert_eq!((ground.new.capacity(), ground.old.capacity()), (GENERATION_ROWS, GENERATION_ROWS));
    }
}
