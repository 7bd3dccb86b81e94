//! Instants, calendar days and their text, in whole milliseconds.

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

pub(crate) const SECOND_MS: i64 = 1_000;
pub(crate) const MINUTE_MS: i64 = 60 * SECOND_MS;
pub(crate) const HOUR_MS: i64 = 60 * MINUTE_MS;
pub(crate) const DAY_MS: i64 = 24 * HOUR_MS;

/// When `day` begins in `zone`: its first instant, also where a change of the clocks skips or repeats midnight, or where the
/// zone skips the whole day.
pub(crate) fn day_start_ms(day: NaiveDate, zone: Tz) -> Option<i64> {
    let midnight = day.and_time(NaiveTime::MIN);
    (0..=27 * 60)
        .find_map(|minute| zone.from_local_datetime(&(midnight + TimeDelta::minutes(minute))).earliest())
        .map(|start| start.timestamp_millis())
}

/// The days from `first` to `last`, both included, as `[from, until)`.
pub(crate) fn days_ms(first: NaiveDate, last: NaiveDate, zone: Tz) -> Option<(i64, i64)> {
    Some((day_start_ms(first, zone)?, day_start_ms(last.succ_opt()?, zone)?))
}

pub(crate) fn instant(ms: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(ms).unwrap_or_default()
}

pub(crate) fn day_of(ms: i64) -> NaiveDate {
    instant(ms).date_naive()
}

/// `2025-07-11T21:34:56.000Z`, written without a formatting engine because every row has several.
pub(crate) fn push_instant(out: &mut Vec<u8>, ms: i64) {
    let (year, month, day) = civil(ms.div_euclid(DAY_MS));
    let of_day_ms = ms.rem_euclid(DAY_MS);
    digits(out, year, 4);
    for (separator, part) in [(b'-', month), (b'-', day), (b'T', of_day_ms / HOUR_MS)] {
        out.push(separator);
        digits(out, part, 2);
    }
    for part in [of_day_ms / MINUTE_MS % 60, of_day_ms / SECOND_MS % 60] {
        out.push(b':');
        digits(out, part, 2);
    }
    out.push(b'.');
    digits(out, of_day_ms % SECOND_MS, 3);
    out.push(b'Z');
}

fn digits(out: &mut Vec<u8>, value: i64, width: u32) {
    for place in (0..width).rev() {
        let digit = value / 10_i64.pow(place) % 10;
        out.push(b'0' + u8::try_from(digit).unwrap_or(0));
    }
}

/// Year, month and day of a day number since 1970-01-01, by counting in eras of 400 years that begin in March.
fn civil(day_number: i64) -> (i64, i64, i64) {
    let shifted = day_number + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use chrono::SecondsFormat;

    use super::*;

    fn hours(day: &str, zone: Tz) -> i64 {
        let day = day.parse().expect("day");
        let (from_ms, until_ms) = days_ms(day, day, zone).expect("window");
        (until_ms - from_ms) / HOUR_MS
    }

    #[test]
    fn days_have_23_24_or_25_hours() {
        assert_eq!(hours("2026-03-08", Tz::America__Los_Angeles), 23);
        assert_eq!(hours("2026-03-09", Tz::America__Los_Angeles), 24);
        assert_eq!(hours("2026-11-01", Tz::America__Los_Angeles), 25);
        assert_eq!(hours("2026-03-29", Tz::Europe__Berlin), 23);
    }

    #[test]
    fn a_day_without_midnight_begins_after_the_gap() {
        let day = "2023-04-28".parse().expect("day");
        assert_eq!(
            instant(day_start_ms(day, Tz::Africa__Cairo).expect("start")).to_rfc3339(),
            "2023-04-27T22:00:00+00:00"
        );
        assert_eq!(hours("2023-04-28", Tz::Africa__Cairo), 23);
    }

    #[test]
    fn a_day_that_the_zone_skips_is_empty() {
        assert_eq!(hours("2011-12-30", Tz::Pacific__Apia), 0);
        assert_eq!(hours("2011-12-31", Tz::Pacific__Apia), 24);
    }

    #[test]
    fn days_of_every_zone_follow_each_other_without_gap() {
        for zone in chrono_tz::TZ_VARIANTS {
            let mut day: NaiveDate = "2026-03-20".parse().expect("day");
            for _ in 0..15 {
                let next = day.succ_opt().expect("day");
                let (_, until_ms) = days_ms(day, day, zone).expect("window");
                assert_eq!(until_ms, day_start_ms(next, zone).expect("start"), "{zone} {day}");
                day = next;
            }
        }
    }

    #[test]
    fn instants_are_written_as_the_calendar_library_writes_them() {
        for ms in [0, -1, 951_782_399_999, 951_782_400_000, 1_709_164_800_123, 1_767_225_599_000, 4_102_444_800_000] {
            let mut out = Vec::new();
            push_instant(&mut out, ms);
            assert_eq!(String::from_utf8(out).expect("text"), instant(ms).to_rfc3339_opts(SecondsFormat::Millis, true));
        }
    }
}
