//! Lines of a report that say the same: which of them a row is.
//!
//! A line has no id, so what it says is its id. Two that say the same are told apart by how many of them stand before it in the list,
//! whose pages overlap: a row that is shown twice at one place is one line.

use std::collections::BTreeMap;

use crate::model::ids::SourceId;

/// The places of one list that were seen, with what stands there.
#[derive(Debug, Clone, Default)]
pub struct Lines(BTreeMap<u64, SourceId>);

impl Lines {
    /// The number of the line at `place` among those that say the same, from 0.
    pub fn ordinal(&mut self, place: u64, id: &SourceId) -> u32 {
        self.0.insert(place, id.clone());
        let before = self.0.range(..place).filter(|(_, other)| *other == id).count();
        u32::try_from(before).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_lines_are_counted_and_a_row_shown_twice_is_one() {
        let (fee, refund) = (SourceId::new("fee"), SourceId::new("refund"));
        let mut lines = Lines::default();
        assert_eq!(lines.ordinal(0, &fee), 0);
        assert_eq!(lines.ordinal(1, &refund), 0);
        assert_eq!(lines.ordinal(2, &fee), 1);
        // The next page begins on known ground.
        assert_eq!(lines.ordinal(2, &fee), 1);
        assert_eq!(lines.ordinal(3, &fee), 2);
    }
}
