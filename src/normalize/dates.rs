//! Instants and plain dates in every dialect that the API is known to speak.

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, Utc};

/// Beyond these years is no business, and not every database can hold it.
const YEARS: std::ops::RangeInclusive<i32> = 1..=9999;

/// An instant: RFC 3339 with or without a fraction, its offset as `Z`, `+00:00` or `+0000`; without an offset it is UTC, as every
/// documented timestamp is. A date alone names no instant.
pub(super) fn instant(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text)
        .or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z"))
        .map(|instant| instant.to_utc())
        .or_else(|_| NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f").map(|local| local.and_utc()))
        .ok()
        .filter(|instant| YEARS.contains(&instant.year()))
}

/// A plain date: `YYYY-MM-DD`, month first with `-`, `/` or `.`, or a timestamp whose written day counts. Due dates come as
/// midnight UTC and mean that day everywhere, so nothing is shifted through a zone.
pub(super) fn date(text: &str) -> Option<NaiveDate> {
    if let Some(day) = text.get(..10).filter(|_| text.len() > 10) {
        return instant(text).and_then(|_| date(day));
    }
    let separator = text.chars().find(|c| !c.is_ascii_digit())?;
    let parts: Vec<&str> = text.split(separator).collect();
    let [first, second, third] = parts[..] else { return None };
    let number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse().ok()).flatten();
    let date = match (separator, first.len(), second.len(), third.len()) {
        ('-', 4, 2, 2) => NaiveDate::from_ymd_opt(i32::try_from(number(first)?).ok()?, number(second)?, number(third)?),
        ('-' | '/' | '.', 1..=2, 1..=2, 4) => {
            NaiveDate::from_ymd_opt(i32::try_from(number(third)?).ok()?, number(first)?, number(second)?)
        }
        _ => None,
    };
    date.filter(|date| YEARS.contains(&date.year()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_dialect_names_the_same_day() {
        let day = NaiveDate::from_ymd_opt(2026, 5, 31);
        for text in [
            "2026-05-31",
            "05-31-2026",
            "05/31/2026",
            "05.31.2026",
            "5/31/2026",
            "2026-05-31T00:00:00.000Z",
            "2026-05-31T00:00:00Z",
            "2026-05-31T00:00:00-07:00",
        ] {
            assert_eq!(date(text), day, "{text}");
        }
    }

    #[test]
    fn what_is_no_date_is_not_guessed() {
        for text in [
            "",
            "31-05-2026",
            "2026-31-05",
            "2026/05/31",
            "05-31/2026",
            "05-31-26",
            "soon",
            "2026-05-31 noon",
            "é5-31-2026",
            "0000-01-01",
        ] {
            assert_eq!(date(text), None, "{text}");
        }
    }

    #[test]
    fn every_form_of_a_timestamp_names_the_same_instant() {
        let expected = DateTime::from_timestamp(1_752_269_696, 0);
        for text in [
            "2025-07-11T21:34:56.000Z",
            "2025-07-11T21:34:56Z",
            "2025-07-11T14:34:56-07:00",
            "2025-07-11T21:34:56+0000",
            "2025-07-11T21:34:56",
            "2025-07-11T21:34:56.000000",
        ] {
            assert_eq!(instant(text), expected, "{text}");
        }
        for text in [
            "",
            "2025-07-11",
            "21:34:56",
            "1752269696",
            "2025-13-11T21:34:56Z",
            "2025-07-11T25:00:00Z",
            "0000-07-11T21:34:56Z",
        ] {
            assert_eq!(instant(text), None, "{text}");
        }
    }
}
