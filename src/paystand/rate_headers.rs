//! What a server says about its limit, in whatever headers it says it. Pure.
//!
//! The Paystand X docs promise rate-limit headers without naming them, so the usual families are read and none is
//! required: `Retry-After`, `RateLimit-*`, `X-RateLimit-*` and `X-Rate-Limit-*` with `Limit`, `Remaining` and `Reset`, a unit such as
//! `-Minute` behind them, and the combined `RateLimit` and `RateLimit-Policy` of the IETF drafts.

use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

/// The window of a limit that names none: the API's documented limit is per minute.
const WINDOW_SECONDS: u64 = 60;
/// A `Reset` from this number on is a point in time (seconds since 1970) and not a span.
const EPOCH_SECONDS_MIN: u64 = 1_000_000_000;
/// From this number on it is in milliseconds.
const EPOCH_MILLISECONDS_MIN: u64 = 1_000_000_000_000;

/// Whatever was said; nothing of it need be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RateHeaders {
    pub retry_after: Option<Duration>,
    /// The smallest limit named, as requests per minute.
    pub limit_per_minute: Option<u32>,
    /// The smallest remainder named.
    pub remaining: Option<u64>,
    /// The longest time to a reset named.
    pub reset: Option<Duration>,
}

impl RateHeaders {
    /// `now` is what a point in time in a header is measured from: the server's own `Date` where it sent one.
    pub fn read(headers: &HeaderMap, now: DateTime<Utc>) -> Self {
        let mut read = Self {
            retry_after: headers.get(RETRY_AFTER).and_then(|value| retry_after(value.to_str().ok()?, now)),
            ..Self::default()
        };
        for (name, value) in headers {
            let name = name.as_str().strip_prefix("x-").unwrap_or(name.as_str());
            let family = name.strip_prefix("ratelimit").or_else(|| name.strip_prefix("rate-limit"));
            if let (Some(member), Ok(value)) = (family, value.to_str()) {
                read.member(member, value, now);
            }
        }
        read
    }

    fn member(&mut self, member: &str, value: &str, now: DateTime<Utc>) {
        let (kind, unit) = match member.trim_start_matches('-').split_once('-') {
            Some((kind, unit)) => (kind, Some(unit)),
            None => (member.trim_start_matches('-'), None),
        };
        let bare = || number_of(value, None);
        let named = |names: &[&str]| names.iter().find_map(|name| number_of(value, Some(name)));
        match kind {
            "limit" | "policy" => {
                let window = named(&["w", "window"]).or(unit.and_then(unit_seconds)).unwrap_or(WINDOW_SECONDS);
                self.limit(named(&["q"]).or_else(bare), window);
            }
            "remaining" => self.remaining(bare()),
            "reset" => self.reset(bare(), now),
            "" => {
                self.limit(named(&["limit"]), named(&["w", "window"]).unwrap_or(WINDOW_SECONDS));
                self.remaining(named(&["remaining", "r"]));
                self.reset(named(&["reset", "t"]), now);
            }
            _ => {}
        }
    }

    fn limit(&mut self, limit: Option<u64>, window_seconds: u64) {
        let Some(limit) = limit.filter(|limit| *limit > 0) else { return };
        let per_minute = limit.saturating_mul(60) / window_seconds.max(1);
        let per_minute = u32::try_from(per_minute.max(1)).unwrap_or(u32::MAX);
        self.limit_per_minute = Some(self.limit_per_minute.map_or(per_minute, |least| least.min(per_minute)));
    }

    fn remaining(&mut self, remaining: Option<u64>) {
        self.remaining = [self.remaining, remaining].into_iter().flatten().min();
    }

    fn reset(&mut self, reset: Option<u64>, now: DateTime<Utc>) {
        let reset = reset.map(|number| match number {
            EPOCH_MILLISECONDS_MIN.. => since(number / 1_000, now),
            EPOCH_SECONDS_MIN.. => since(number, now),
            _ => Duration::from_secs(number),
        });
        self.reset = [self.reset, reset].into_iter().flatten().max();
    }
}

/// The `Date` header.
pub fn server_date(headers: &HeaderMap) -> Option<DateTime<Utc>> {
    http_date(headers.get(DATE)?.to_str().ok()?)
}

fn retry_after(text: &str, now: DateTime<Utc>) -> Option<Duration> {
    if let Some(seconds) = whole(text) {
        return Some(Duration::from_secs(seconds));
    }
    Some((http_date(text)? - now).to_std().unwrap_or(Duration::ZERO))
}

fn http_date(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc2822(text.trim()).ok().map(|date| date.to_utc())
}

fn since(epoch_seconds: u64, now: DateTime<Utc>) -> Duration {
    let now = u64::try_from(now.timestamp()).unwrap_or(0);
    Duration::from_secs(epoch_seconds.saturating_sub(now))
}

fn unit_seconds(unit: &str) -> Option<u64> {
    match unit {
        "second" => Some(1),
        "minute" => Some(60),
        "hour" => Some(3_600),
        "day" => Some(86_400),
        _ => None,
    }
}

/// The number behind `name=`, or the first that stands alone; lists and parameters are taken apart alike.
fn number_of(value: &str, name: Option<&str>) -> Option<u64> {
    value.split([',', ';']).find_map(|item| match (name, item.split_once('=')) {
        (None, None) => whole(item),
        (Some(name), Some((key, number))) if key.trim().eq_ignore_ascii_case(name) => whole(number),
        _ => None,
    })
}

/// A number of seconds or requests; a fraction rounds up, so that a wait is never too short.
fn whole(text: &str) -> Option<u64> {
    let (whole, fraction) = match text.trim().split_once('.') {
        Some((whole, fraction)) => (whole, u64::from(fraction.bytes().any(|digit| digit != b'0'))),
        None => (text.trim(), 0),
    };
    whole.parse::<u64>().ok().map(|number| number.saturating_add(fraction))
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderName, HeaderValue};

    use super::*;

    fn read(headers: &[(&str, &str)]) -> RateHeaders {
        let now = http_date("Tue, 12 May 2026 10:00:00 GMT").unwrap();
        let headers = headers
            .iter()
            .map(|(name, value)| {
                (HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_str(value).unwrap())
            })
            .collect();
        RateHeaders::read(&headers, now)
    }

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        assert_eq!(read(&[("Retry-After", "17")]).retry_after, Some(seconds(17)));
        assert_eq!(read(&[("retry-after", "1.5")]).retry_after, Some(seconds(2)));
        assert_eq!(read(&[("RETRY-AFTER", "Tue, 12 May 2026 10:00:30 GMT")]).retry_after, Some(seconds(30)));
        assert_eq!(read(&[("Retry-After", "Tue, 12 May 2026 09:00:00 GMT")]).retry_after, Some(seconds(0)));
        assert_eq!(read(&[("Retry-After", "soon")]).retry_after, None);
        assert_eq!(read(&[("Retry-After", "-5")]).retry_after, None);
    }

    #[test]
    fn every_usual_family_is_read() {
        let expected = RateHeaders {
            retry_after: None,
            limit_per_minute: Some(3000),
            remaining: Some(12),
            reset: Some(seconds(40)),
        };
        for headers in [
            &[("RateLimit-Limit", "3000"), ("RateLimit-Remaining", "12"), ("RateLimit-Reset", "40")][..],
            &[("X-RateLimit-Limit", "3000, 3000;w=60"), ("X-RateLimit-Remaining", "12"), ("x-ratelimit-reset", "40")],
            &[("X-Rate-Limit-Limit", "3000"), ("X-Rate-Limit-Remaining", "12"), ("X-Rate-Limit-Reset", "1778580040")],
            &[
                ("X-RateLimit-Limit-Second", "50"),
                ("X-RateLimit-Remaining", "12"),
                ("X-RateLimit-Reset", "1778580040000"),
            ],
            &[("RateLimit", "limit=3000, remaining=12, reset=40")],
            &[("RateLimit-Policy", "\"key\";q=3000;w=60"), ("RateLimit", "\"key\";r=12;t=40")],
        ] {
            assert_eq!(read(headers), expected, "{headers:?}");
        }
    }

    #[test]
    fn the_tightest_of_several_limits_counts() {
        let read = read(&[("X-RateLimit-Limit-Hour", "60000"), ("X-RateLimit-Limit-Minute", "3000")]);
        assert_eq!(read.limit_per_minute, Some(1000));
    }

    #[test]
    fn nonsense_is_ignored() {
        let headers =
            [("RateLimit-Limit", "0"), ("RateLimit-Remaining", "many"), ("RateLimit", "?"), ("RateLimit-Scope", "9")];
        assert_eq!(read(&headers), RateHeaders::default());
    }
}
