//! The rules by which nothing is missed, each of which a test may take away to see its campaign fail.
//!
//! No configuration reaches them: a rule that is not needed would be removed, and one that is needed stands.

/// Which rules are in force. All of them, outside of tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "independent switches, each for one rule")]
pub struct Rules {
    /// Pages overlap, and a page must begin on known ground.
    pub page_overlap: bool,
    /// No early stop without proof of the order.
    pub order_proof: bool,
    /// High water and right edge are taken from two clocks.
    pub second_clock: bool,
    /// The same `lastUpdated` with another body is read again by id.
    pub equal_second: bool,
    /// The last days are read nightly without early stop.
    pub freshness: bool,
    /// Unexplained money makes the receivables of its payer suspects.
    pub children: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            page_overlap: true,
            order_proof: true,
            second_clock: true,
            equal_second: true,
            freshness: true,
            children: true,
        }
    }
}
