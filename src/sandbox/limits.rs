//! The rate limit per API key, and how close to it clients came.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use crate::sandbox::quirks::{LimitWindow, RateHeaders, RateLimit};

const MINUTE: Duration = Duration::from_mins(1);

#[derive(Debug, Default)]
struct Key {
    /// Instants of the last minute.
    recent: VecDeque<Duration>,
    /// The whole minute that counts now, and its requests.
    minute: (u64, u32),
}

/// What the limit says about one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub granted: bool,
    pub remaining: u32,
    /// Seconds until another request would be granted.
    pub reset_seconds: u64,
}

/// Requests by API key, by a clock that never goes back.
#[derive(Debug, Default)]
pub(crate) struct Limits {
    keys: HashMap<usize, Key>,
    /// The most requests granted to one key within any sixty seconds.
    pub peak_per_minute: usize,
    /// Requests refused because a limit was reached.
    pub refused: u64,
}

impl Limits {
    pub(crate) fn ask(&mut self, key: usize, limit: Option<RateLimit>, now: Duration) -> Verdict {
        let key = self.keys.entry(key).or_default();
        while key.recent.front().is_some_and(|first| *first + MINUTE <= now) {
            key.recent.pop_front();
        }
        let minute = now.as_secs() / 60;
        if key.minute.0 != minute {
            key.minute = (minute, 0);
        }
        let (used, reset) = match limit.map(|limit| limit.window) {
            Some(LimitWindow::Sliding) => {
                let first = key.recent.front().copied().unwrap_or(now);
                (u32::try_from(key.recent.len()).unwrap_or(u32::MAX), (first + MINUTE).saturating_sub(now))
            }
            Some(LimitWindow::Fixed) | None => {
                (key.minute.1, Duration::from_secs((minute + 1) * 60).saturating_sub(now))
            }
        };
        let most = limit.map_or(u32::MAX, |limit| limit.per_minute);
        let granted = used < most;
        if granted {
            key.recent.push_back(now);
            key.minute.1 += 1;
            self.peak_per_minute = self.peak_per_minute.max(key.recent.len());
        } else {
            self.refused += 1;
        }
        let remaining = most.saturating_sub(used).saturating_sub(u32::from(granted));
        Verdict { granted, remaining, reset_seconds: reset.as_millis().div_ceil(1000).try_into().unwrap_or(60) }
    }
}

impl Verdict {
    /// The headers that tell a client where it stands.
    pub(crate) fn headers(self, limit: RateLimit) -> Vec<(&'static str, String)> {
        let names = match limit.headers {
            RateHeaders::Absent => return Vec::new(),
            RateHeaders::Plain => ["ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"],
            RateHeaders::Prefixed => ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"],
        };
        let values = [limit.per_minute.to_string(), self.remaining.to_string(), self.reset_seconds.to_string()];
        names.into_iter().zip(values).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn granted(window: LimitWindow, seconds: &[u64]) -> Vec<bool> {
        let limit = Some(RateLimit { per_minute: 2, window, ..RateLimit::default() });
        let mut limits = Limits::default();
        seconds.iter().map(|second| limits.ask(0, limit, Duration::from_secs(*second)).granted).collect()
    }

    #[test]
    fn a_burst_across_the_minute_passes_a_fixed_window_and_fails_a_sliding_one() {
        let seconds = [58, 59, 60, 61, 62];
        assert_eq!(granted(LimitWindow::Fixed, &seconds), [true, true, true, true, false]);
        assert_eq!(granted(LimitWindow::Sliding, &seconds), [true, true, false, false, false]);
        assert_eq!(granted(LimitWindow::Sliding, &[0, 1, 60, 61]), [true; 4]);
    }

    #[test]
    fn keys_do_not_share_a_limit_and_the_peak_is_remembered() {
        let limit = Some(RateLimit { per_minute: 1, ..RateLimit::default() });
        let mut limits = Limits::default();
        assert!(limits.ask(0, limit, Duration::ZERO).granted);
        assert!(limits.ask(1, limit, Duration::ZERO).granted);
        assert!(!limits.ask(0, limit, Duration::from_secs(1)).granted);
        assert_eq!((limits.peak_per_minute, limits.refused), (1, 1));
    }
}
