//! The one retry table: how long an entry waits after an attempt that wrote nothing.

use std::time::Duration;

const FIRST: Duration = Duration::from_secs(2);
const LONGEST: Duration = Duration::from_mins(15);

/// Waiting time after attempt number `attempts` (from 1): doubles from 2 s up to 15 min. An outage never parks an entry, for it
/// says nothing about the entry.
#[must_use]
pub fn delay(attempts: u32) -> Duration {
    let doublings = attempts.saturating_sub(1).min(16);
    FIRST.saturating_mul(1 << doublings).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_to_a_bound() {
        assert_eq!(delay(1), FIRST);
        assert_eq!(delay(3), FIRST * 4);
        assert_eq!(delay(u32::MAX), LONGEST);
    }
}
