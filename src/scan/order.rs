//! Proof that a list comes in the order asked for.
//!
//! Without it no scan stops early. A page that looks sorted is no proof: a list sorted by `created` looks just so until an old
//! row is updated, and then hides that row on page forty. What counts is an observation that only the requested order explains:
//! a row before another one although it was created earlier, because it was updated later. The proof lives in one process, ends
//! with the first violation, and is asked for anew every day.

use std::time::Duration;

use chrono::{DateTime, Utc};

/// How long an observation counts.
const PROOF_LASTS: Duration = Duration::from_hours(24);

/// The two stamps of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamps {
    pub created_at: Option<DateTime<Utc>>,
    pub updated_at: Option<DateTime<Utc>>,
}

/// Whether one list is known to come newest `lastUpdated` first.
#[derive(Debug, Clone, Default)]
pub struct OrderProof {
    /// Monotonic time of the observation.
    proven_at: Option<Duration>,
    violated: bool,
}

impl OrderProof {
    /// Whether a scan may rely on the order at monotonic time `at`.
    #[must_use]
    pub fn holds(&self, at: Duration) -> bool {
        self.proven_at.is_some_and(|proven_at| at.saturating_sub(proven_at) < PROOF_LASTS)
    }

    /// Whether the server was seen to ignore the order.
    #[must_use]
    pub const fn is_violated(&self) -> bool {
        self.violated
    }

    /// Takes the rows of one page, in the order they came.
    pub fn observe(&mut self, rows: &[Stamps], at: Duration) {
        let (mut against_newest, mut against_oldest) = (false, false);
        for pair in rows.windows(2) {
            let (Some(upper), Some(lower)) = (pair[0].updated_at, pair[1].updated_at) else {
                self.proven_at = None;
                return;
            };
            if upper < lower {
                self.proven_at = None;
                self.violated = true;
                return;
            }
            if upper > lower {
                against_newest |= pair[0].created_at < pair[1].created_at;
                against_oldest |= pair[0].created_at > pair[1].created_at;
            }
        }
        // `created` explains the page in neither direction, so only `lastUpdated` does.
        if against_newest && against_oldest {
            self.proven_at = Some(at);
            self.violated = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Duration = Duration::from_secs(5);

    fn rows(stamps: &[(i64, i64)]) -> Vec<Stamps> {
        let instant = |second| DateTime::from_timestamp(second, 0);
        stamps
            .iter()
            .map(|&(created, updated)| Stamps { created_at: instant(created), updated_at: instant(updated) })
            .collect()
    }

    #[test]
    fn a_sorted_page_is_no_proof() {
        let mut proof = OrderProof::default();
        proof.observe(&rows(&[(9, 9), (8, 8), (7, 7)]), AT);
        assert!(!proof.holds(AT));
    }

    #[test]
    fn rows_in_order_of_creation_are_no_proof() {
        let mut proof = OrderProof::default();
        proof.observe(&rows(&[(1, 9), (2, 8), (3, 7)]), AT);
        assert!(!proof.holds(AT) && !proof.is_violated());
    }

    #[test]
    fn an_older_row_updated_later_is_proof_for_a_day() {
        let mut proof = OrderProof::default();
        proof.observe(&rows(&[(2, 9), (8, 8), (7, 7)]), AT);
        assert!(proof.holds(AT));
        assert!(!proof.holds(AT + PROOF_LASTS));
    }

    #[test]
    fn proof_ends_with_the_first_violation() {
        let mut proof = OrderProof::default();
        proof.observe(&rows(&[(2, 9), (8, 8), (7, 7)]), AT);
        proof.observe(&rows(&[(9, 9), (8, 10)]), AT);
        assert!(!proof.holds(AT) && proof.is_violated());
    }

    #[test]
    fn equal_stamps_prove_nothing() {
        let mut proof = OrderProof::default();
        proof.observe(&rows(&[(2, 9), (8, 9)]), AT);
        assert!(!proof.holds(AT) && !proof.is_violated());
    }
}
