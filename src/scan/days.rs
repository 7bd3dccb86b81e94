//! Calendar days of a zone as instants, and the slots that seals certify.

use chrono::{DateTime, Days, NaiveDate, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

/// A transition skips at most this much local time, a whole day where a zone crossed the date line.
const SKIPPED_MINUTES_MAX: i64 = 26 * 60;

/// A stretch of time that one seal certifies: a day, or what a change of zone leaves of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Slot {
    pub from: DateTime<Utc>,
    /// Not included.
    pub to: DateTime<Utc>,
}

/// The first instant of a day in a zone. A day that begins inside a skipped hour begins after it.
#[must_use]
pub fn day_start(day: NaiveDate, zone: Tz) -> DateTime<Utc> {
    let midnight = day.and_hms_opt(0, 0, 0).expect("midnight is a time");
    let at = |minutes: i64| zone.from_local_datetime(&(midnight + TimeDelta::minutes(minutes))).earliest();
    let start = (0..=SKIPPED_MINUTES_MAX).find_map(at);
    start.map_or_else(|| midnight.and_utc(), |start| start.to_utc())
}

/// The day of an instant in a zone.
#[must_use]
pub fn day_of(instant: DateTime<Utc>, zone: Tz) -> NaiveDate {
    instant.with_timezone(&zone).date_naive()
}

/// The slots from `from` on that were over by `now`, `max` at most. They are contiguous whatever zone cut the ones before.
#[must_use]
pub fn closed_slots(from: DateTime<Utc>, zone: Tz, now: DateTime<Utc>, max: usize) -> Vec<Slot> {
    let mut slots = Vec::new();
    let mut next = from;
    let mut day = day_of(from, zone);
    while slots.len() < max {
        day = day + Days::new(1);
        let to = day_start(day, zone);
        if to > now {
            break;
        }
        // A day that the zone skipped has no instants.
        if to > next {
            slots.push(Slot { from: next, to });
            next = to;
        }
    }
    slots
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn instant(text: &str) -> DateTime<Utc> {
        text.parse().expect("an instant")
    }

    fn date(text: &str) -> NaiveDate {
        text.parse().expect("a date")
    }

    #[test]
    fn days_across_a_transition_have_23_and_25_hours() {
        let zone = chrono_tz::America::New_York;
        let hours = |day: &str| (day_start(date(day) + Days::new(1), zone) - day_start(date(day), zone)).num_hours();
        assert_eq!((hours("2026-03-08"), hours("2026-11-01"), hours("2026-07-01")), (23, 25, 24));
    }

    #[test]
    fn a_skipped_midnight_begins_after_it() {
        let start = day_start(date("2018-11-04"), chrono_tz::America::Sao_Paulo);
        assert_eq!(start, instant("2018-11-04T03:00:00Z"));
    }

    #[test]
    fn a_changed_zone_leaves_no_hour_to_nobody() {
        let new_york = closed_slots(
            instant("2026-05-01T04:00:00Z"),
            chrono_tz::America::New_York,
            instant("2026-05-02T05:00:00Z"),
            9,
        );
        assert_eq!(new_york.last().map(|slot| slot.to), Some(instant("2026-05-02T04:00:00Z")));
        let los_angeles = closed_slots(
            instant("2026-05-02T04:00:00Z"),
            chrono_tz::America::Los_Angeles,
            instant("2026-05-03T08:00:00Z"),
            9,
        );
        let ends: Vec<_> = los_angeles.iter().map(|slot| (slot.from, slot.to)).collect();
        assert_eq!(
            ends,
            [
                (instant("2026-05-02T04:00:00Z"), instant("2026-05-02T07:00:00Z")),
                (instant("2026-05-02T07:00:00Z"), instant("2026-05-03T07:00:00Z"))
            ]
        );
    }

    #[test]
    fn a_day_that_a_zone_skipped_has_no_slot() {
        let zone = chrono_tz::Pacific::Apia;
        let slots = closed_slots(day_start(date("2011-12-28"), zone), zone, instant("2012-01-02T00:00:00Z"), 99);
        assert!(slots.windows(2).all(|pair| pair[0].to == pair[1].from && pair[0].from < pair[0].to));
        assert_eq!(slots.len(), 4, "28, 29, 31 December and 1 January");
    }

    /// Every zone, both transitions of a year, leap day and year end.
    #[test]
    fn slots_of_every_zone_are_contiguous_and_cut_at_its_midnights() {
        for zone in chrono_tz::TZ_VARIANTS {
            let (first, last) = (date("2023-12-30"), date("2025-01-03"));
            let slots = closed_slots(day_start(first, zone), zone, day_start(last, zone), 1_000);
            assert_eq!(slots.first().map(|slot| slot.from), Some(day_start(first, zone)), "{zone}");
            assert_eq!(slots.last().map(|slot| slot.to), Some(day_start(last, zone)), "{zone}");
            assert!(slots.windows(2).all(|pair| pair[0].to == pair[1].from), "{zone}");
            for slot in slots {
                assert_eq!(day_of(slot.from, zone), day_of(slot.to - TimeDelta::milliseconds(1), zone), "{zone}");
            }
        }
    }

    proptest! {
        /// However often the zone changes, no instant is sealed twice or by nobody.
        #[test]
        fn slots_stay_contiguous_under_any_changes_of_zone(zones in prop::collection::vec(0..chrono_tz::TZ_VARIANTS.len(), 1..8)) {
            let begin = instant("2026-02-20T00:00:00Z");
            let (mut from, mut now) = (begin, begin);
            for zone in zones {
                now += TimeDelta::days(20);
                for slot in closed_slots(from, chrono_tz::TZ_VARIANTS[zone], now, 1_000) {
                    prop_assert_eq!(slot.from, from);
                    prop_assert!(slot.to > slot.from && slot.to <= now);
                    from = slot.to;
                }
                prop_assert!(now - from <= TimeDelta::hours(50));
            }
        }
    }
}
