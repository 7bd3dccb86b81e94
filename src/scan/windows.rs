//! Which created days a backfill reads next, and in how large pieces: sparse times in long windows, busy ones day by day.

use chrono::{Days, NaiveDate};

/// Rows that a window should show: enough to fill pages, few enough to read again after a crash.
const ROWS_WANTED: i64 = 2_000;
/// Days of one window at most.
const DAYS_MAX: i64 = 64;
/// A window grows by this factor at most from one to the next.
const GROWTH_MAX: i64 = 4;
/// Windows that the days that are left are good for, for each of those that are read at once: busy days take longer than others, and towards the
/// end nobody should be without one.
const SHARES: i64 = 2;

/// A range of days, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct DayRange {
    pub first: NaiveDate,
    pub last: NaiveDate,
}

impl DayRange {
    #[must_use]
    pub fn days(&self) -> i64 {
        (self.last - self.first).num_days() + 1
    }
}

/// The parts of `wanted` that no range of `done` covers, in order. `done` is sorted.
#[must_use]
pub fn gaps(wanted: DayRange, done: &[DayRange]) -> Vec<DayRange> {
    let mut gaps = Vec::new();
    let mut next = wanted.first;
    for range in done.iter().filter(|range| range.last >= wanted.first && range.first <= wanted.last) {
        if range.first > next {
            gaps.push(DayRange {
                first: next,
                last: range.first.pred_opt().expect("a day after another has one before"),
            });
        }
        next = next.max(range.last.succ_opt().unwrap_or(NaiveDate::MAX));
    }
    if next <= wanted.last {
        gaps.push(DayRange { first: next, last: wanted.last });
    }
    gaps
}

/// How many days the next window should have after one of `days` days showed `rows` rows.
#[must_use]
pub fn next_length(days: i64, rows: i64) -> i64 {
    let by_density = days.saturating_mul(ROWS_WANTED) / rows.max(1);
    by_density.clamp(1, days.saturating_mul(GROWTH_MAX)).min(DAYS_MAX)
}

/// The longest window that leaves enough of the gaps for the others of those that are read at once.
#[must_use]
pub fn share<'g>(gaps: impl IntoIterator<Item = &'g DayRange>, at_once: usize) -> i64 {
    let days: i64 = gaps.into_iter().map(DayRange::days).sum();
    (days / i64::try_from(at_once).unwrap_or(i64::MAX).saturating_mul(SHARES).max(1)).max(1)
}

/// Cuts up to `days` days off the front of a gap; returns the window and what is left.
#[must_use]
pub fn cut(gap: DayRange, days: i64) -> (DayRange, Option<DayRange>) {
    let length = Days::new(days.max(1).unsigned_abs() - 1);
    let last = gap.first.checked_add_days(length).map_or(gap.last, |last| last.min(gap.last));
    let rest = last.succ_opt().filter(|first| *first <= gap.last).map(|first| DayRange { first, last: gap.last });
    (DayRange { first: gap.first, last }, rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn day(number: u64) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 1, 1).expect("a date") + Days::new(number)
    }

    fn range(first: u64, last: u64) -> DayRange {
        DayRange { first: day(first), last: day(last) }
    }

    #[test]
    fn gaps_are_what_is_not_done() {
        assert_eq!(gaps(range(0, 9), &[]), [range(0, 9)]);
        assert_eq!(gaps(range(0, 9), &[range(0, 2), range(5, 6)]), [range(3, 4), range(7, 9)]);
        assert_eq!(gaps(range(0, 9), &[range(0, 20)]), []);
    }

    #[test]
    fn a_short_history_is_shared_among_those_who_read_it_at_once() {
        let (short, long) = ([range(0, 4), range(10, 69)], [range(0, 1_825)]);
        assert_eq!(share(&short, 14), 2);
        assert_eq!(share(&long, 14), 65);
        assert_eq!([share(&short, 64), share(&[], 14)], [1, 1]);
    }

    #[test]
    fn sparse_windows_grow_and_busy_ones_shrink() {
        assert_eq!(next_length(1, 0), 4);
        assert_eq!(next_length(60, 0), 64);
        assert_eq!(next_length(8, 16_000), 1);
        assert_eq!(next_length(8, 4_000), 4);
    }

    proptest! {
        /// Whatever lengths are chosen, the windows of a gap tile it.
        #[test]
        fn windows_tile_the_gap(days in 1..400_u64, lengths in prop::collection::vec(0..90_i64, 1..50)) {
            let (mut left, mut next, mut at) = (Some(range(0, days - 1)), day(0), 0);
            while let Some(gap) = left {
                let (window, rest) = cut(gap, lengths[at % lengths.len()]);
                prop_assert_eq!(window.first, next);
                next = window.last + Days::new(1);
                left = rest;
                at += 1;
            }
            prop_assert_eq!(next, day(days));
        }
    }
}
