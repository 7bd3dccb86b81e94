//! When the next request may go. Pure: elapsed time comes in, an instant comes out.
//!
//! Slots are spaced evenly, a little wider than the rate asks for, so that no 60 s window, wherever it begins, holds more
//! than the limit: a full burst would be right for a server that counts fixed minutes and wrong for one that counts
//! sliding ones. Slots that are taken late, because the machine was busy, are made up for by [`LATENESS_MAX`] at most; no more
//! is saved up while idle.
//!
//! With slots `s` apart and lateness `l`, `k` grants within 60 s need `(k − 1)·s ≤ 60 + l`. [`MARGIN_PER_MILLE`] makes room for
//! `l` and leaves at least 0.3 s for requests that reach the server closer together than they left.
//!
//! A 429 halves the rate and pauses everybody; the rate then grows back steadily to what the configuration, the share and
//! the server's own headers allow.

use std::time::Duration;

use crate::paystand::rate_headers::RateHeaders;

/// How much wider than `60 s / limit` the slots are apart: 99 % of the limit is used.
const MARGIN_PER_MILLE: u32 = 10;
/// Half of what the margin makes room for.
const LATENESS_MAX: Duration = Duration::from_millis(300);
/// The window the API counts in (Paystand X docs: requests per minute).
const WINDOW: Duration = Duration::from_mins(1);
/// How long the rate takes from nothing back to the whole.
const RECOVERY: Duration = Duration::from_mins(2);
/// A 429 never cuts the rate below this part of the whole.
const CUT_PARTS_MAX: u64 = 20;
/// The pause after a 429 that names none; it doubles while 429s keep coming.
const PAUSE_MIN: Duration = Duration::from_secs(1);
const PAUSE_DOUBLINGS_MAX: u32 = 6;
/// Longer pauses are taken for a mistake of the server: after this long one request asks again.
const PAUSE_MAX: Duration = Duration::from_hours(1);

/// The state of pacing for one key. Instants are [`crate::clock::Clock::monotonic`].
#[derive(Debug, Clone)]
pub struct Pace {
    configured_per_minute: u32,
    share_per_minute: Option<u32>,
    /// What the server's headers said last.
    seen_per_minute: Option<u32>,
    /// The scheduled instant of the last slot taken.
    last_slot: Option<Duration>,
    paused_until: Duration,
    cut: Option<Cut>,
}

/// The rate was cut by a 429.
#[derive(Debug, Clone, Copy)]
struct Cut {
    at: Duration,
    /// Thousandths of a request per minute, right after the cut.
    rate_milli: u64,
    /// 429s in a row.
    strikes: u32,
}

impl Pace {
    /// At most `per_minute` requests in any 60 s; zero counts as one.
    pub fn new(per_minute: u32) -> Self {
        Self {
            configured_per_minute: per_minute.max(1),
            share_per_minute: None,
            seen_per_minute: None,
            last_slot: None,
            paused_until: Duration::ZERO,
            cut: None,
        }
    }

    /// The earliest instant at which a slot may be taken, as far as is known at `now`.
    pub fn next_slot(&self, now: Duration) -> Duration {
        let due = self.last_slot.map_or(Duration::ZERO, |last| last.saturating_add(self.spacing(now)));
        due.max(self.paused_until)
    }

    /// Takes a slot at `now`, which must not be before [`Pace::next_slot`].
    pub fn take(&mut self, now: Duration) {
        let due = self.next_slot(now);
        assert!(due <= now, "a slot was taken before it came");
        self.last_slot = Some(match self.last_slot {
            None => now,
            Some(_) => due.max(now.saturating_sub(LATENESS_MAX)),
        });
    }

    /// A 429 came at `now` for a request whose slot was taken at `taken`.
    ///
    /// Requests that were on their way before the rate was cut belong to the same overrun: they can prolong the pause, but
    /// do not cut again.
    pub fn throttled(&mut self, now: Duration, taken: Duration, retry_after: Option<Duration>) {
        let is_same_overrun = self.cut.is_some_and(|cut| taken <= cut.at);
        if !is_same_overrun {
            let strikes = match self.cut {
                Some(cut) if now < self.paused_until.saturating_add(WINDOW) => cut.strikes.saturating_add(1),
                Some(_) | None => 0,
            };
            let rate_milli = (self.rate_milli(now) / 2).max(self.whole_milli() / CUT_PARTS_MAX).max(1);
            self.cut = Some(Cut { at: now, rate_milli, strikes });
        }
        let strikes = self.cut.map_or(0, |cut| cut.strikes);
        let pause = match retry_after {
            Some(asked) => asked.clamp(PAUSE_MIN, PAUSE_MAX),
            None if is_same_overrun => Duration::ZERO,
            None => PAUSE_MIN * (1 << strikes.min(PAUSE_DOUBLINGS_MAX)),
        };
        self.pause(now, pause);
    }

    /// An answer told about the server's limit. `remaining` alone says little (in a sliding window it is always near its
    /// end when the limit is used well), so only an exhausted limit pauses.
    pub fn limit_seen(&mut self, now: Duration, headers: RateHeaders) {
        if headers.limit_per_minute.is_some() {
            self.seen_per_minute = headers.limit_per_minute;
        }
        if let (Some(0), Some(reset)) = (headers.remaining, headers.reset) {
            self.pause(now, reset.min(WINDOW));
        }
    }

    /// Lowers the configured rate to that of another merchant with the same key.
    pub fn limit_configured(&mut self, per_minute: u32) {
        self.configured_per_minute = self.configured_per_minute.min(per_minute.max(1));
    }

    /// The part of the limit that this process may use; never more than is configured.
    pub fn set_share(&mut self, per_minute: u32) {
        self.share_per_minute = Some(per_minute.max(1));
    }

    /// The rate allowed at `now`, in requests per minute.
    pub fn rate_per_minute(&self, now: Duration) -> u32 {
        u32::try_from(self.rate_milli(now).div_ceil(1_000)).unwrap_or(u32::MAX)
    }

    pub fn configured_per_minute(&self) -> u32 {
        self.configured_per_minute
    }

    /// How much longer nothing may go because of a 429 or an exhausted limit.
    pub fn paused_for(&self, now: Duration) -> Option<Duration> {
        self.paused_until.checked_sub(now).filter(|left| !left.is_zero())
    }

    fn pause(&mut self, now: Duration, pause: Duration) {
        self.paused_until = self.paused_until.max(now.saturating_add(pause));
    }

    fn spacing(&self, now: Duration) -> Duration {
        let usable = u64::from(1_000 - MARGIN_PER_MILLE);
        let nanos = nanos(WINDOW) * 1_000 * 1_000;
        Duration::from_nanos(nanos.div_ceil(self.rate_milli(now) * usable))
    }

    /// What is allowed when no 429 came lately.
    fn whole_milli(&self) -> u64 {
        let limits = [Some(self.configured_per_minute), self.share_per_minute, self.seen_per_minute];
        limits.into_iter().flatten().min().map_or(1_000, |per_minute| u64::from(per_minute) * 1_000)
    }

    fn rate_milli(&self, now: Duration) -> u64 {
        let whole = self.whole_milli();
        let Some(cut) = self.cut else { return whole };
        let recovering = now.saturating_sub(cut.at.max(self.paused_until)).min(RECOVERY);
        let gained = u128::from(whole) * recovering.as_millis() / RECOVERY.as_millis();
        cut.rate_milli.saturating_add(u64::try_from(gained).unwrap_or(u64::MAX)).min(whole)
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).expect("a constant of a minute fits")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    /// The largest number of grants within any closed window of 60 s.
    fn fullest_window(grants: &[Duration]) -> usize {
        let mut first = 0;
        let mut fullest = 0;
        for (last, grant) in grants.iter().enumerate() {
            while *grant > grants[first] + WINDOW {
                first += 1;
            }
            fullest = fullest.max(last - first + 1);
        }
        fullest
    }

    /// Takes every slot as soon as it comes, each a little late, for `span`.
    fn saturate(
        pace: &mut Pace,
        from: Duration,
        span: Duration,
        mut lateness: impl FnMut() -> Duration,
    ) -> Vec<Duration> {
        let mut now = from;
        let mut grants = Vec::new();
        loop {
            now = now.max(pace.next_slot(now) + lateness());
            if now >= from + span {
                return grants;
            }
            pace.take(now);
            grants.push(now);
        }
    }

    proptest! {
        #[test]
        fn no_window_holds_more_than_the_limit(
            per_minute in prop_oneof![1_u32..20, 20_u32..400, Just(2400), Just(3000)],
            // Milliseconds between one grant and the next arrival: bursts, trickles and long rests.
            gaps in prop::collection::vec(prop_oneof![8 => Just(0_u64), 4 => 0_u64..50, 2 => 0_u64..2_000, 1 => 0_u64..90_000], 1..1_500),
            lateness in prop::collection::vec(prop_oneof![4 => 0_u64..40, 1 => 0_u64..1_000], 1..50),
        ) {
            let mut pace = Pace::new(per_minute);
            let mut now = Duration::ZERO;
            let mut grants = Vec::new();
            // Every pattern is followed by a saturated minute, where what was saved up would show.
            let pattern = gaps.into_iter().chain(std::iter::repeat_n(0, per_minute as usize + 5));
            for (gap, late) in pattern.zip(lateness.iter().cycle()) {
                now += at(gap);
                let due = pace.next_slot(now);
                if due > now {
                    now = due + at(*late);
                }
                pace.take(now);
                grants.push(now);
            }
            prop_assert!(fullest_window(&grants) <= per_minute as usize);
        }

        #[test]
        fn under_load_nearly_all_of_the_limit_is_used(
            per_minute in 60_u32..3_001,
            lateness in prop::collection::vec(prop_oneof![9 => 0_u64..3, 1 => 0_u64..250], 1..20),
        ) {
            let mut pace = Pace::new(per_minute);
            let mut late = lateness.iter().cycle();
            let grants = saturate(&mut pace, Duration::ZERO, WINDOW * 10, || at(*late.next().unwrap()));
            prop_assert!(grants.len() * 1_000 >= per_minute as usize * 10 * 985, "{} of {}", grants.len(), per_minute * 10);
        }

        #[test]
        fn after_429s_and_limits_the_rate_stays_within_bounds_and_comes_back(
            steps in prop::collection::vec((0_u64..40_000, 0_u8..4, prop::option::of(0_u64..60)), 1..60),
        ) {
            let mut pace = Pace::new(2400);
            let mut now = Duration::ZERO;
            for (gap, kind, number) in steps {
                now += at(gap);
                let after = number.map(Duration::from_secs);
                match kind {
                    0 => pace.throttled(now, now, after),
                    1 => pace.limit_seen(now, RateHeaders { remaining: Some(0), reset: after, ..RateHeaders::default() }),
                    _ => {
                        now = now.max(pace.next_slot(now));
                        pace.take(now);
                    }
                }
                let rate = pace.rate_per_minute(now);
                prop_assert!((120..=2400).contains(&rate), "{rate}");
            }
            let rested = now.max(pace.next_slot(now)) + RECOVERY;
            prop_assert_eq!(pace.rate_per_minute(rested), 2400);
        }
    }

    #[test]
    fn the_first_slot_is_free_and_no_burst_follows() {
        let mut pace = Pace::new(2400);
        assert_eq!(pace.next_slot(at(700)), Duration::ZERO);
        pace.take(at(700));
        let grants = saturate(&mut pace, at(700), at(1_000), || Duration::ZERO);
        assert_eq!(grants.len(), 39, "they are 25.25 ms apart");
    }

    #[test]
    fn a_429_halves_the_rate_once_for_all_requests_of_one_overrun() {
        let mut pace = Pace::new(2400);
        pace.throttled(at(10_000), at(9_900), None);
        pace.throttled(at(10_050), at(9_950), None);
        assert_eq!(pace.rate_per_minute(at(10_050)), 1200);
        assert_eq!(pace.next_slot(at(10_050)), at(11_000));
        pace.throttled(at(11_200), at(11_100), None);
        assert_eq!(pace.next_slot(at(11_200)), at(13_200), "the second pause in a row is twice as long");
        assert!(pace.rate_per_minute(at(13_200)) < 610);
    }

    #[test]
    fn retry_after_is_honoured_and_bounded() {
        let mut pace = Pace::new(2400);
        pace.throttled(at(0), at(0), Some(Duration::from_secs(30)));
        assert_eq!(pace.paused_for(at(10_000)), Some(Duration::from_secs(20)));
        pace.throttled(at(100), at(0), Some(Duration::from_secs(5)));
        assert_eq!(pace.next_slot(at(100)), at(30_000), "a shorter pause does not end a longer one");
        pace.throttled(at(200), at(0), Some(Duration::MAX));
        assert_eq!(pace.paused_for(at(200)), Some(PAUSE_MAX));
    }

    #[test]
    fn the_rate_recovers_steadily() {
        let mut pace = Pace::new(2400);
        pace.throttled(at(0), at(0), None);
        let rates = [1_000, 31_000, 61_000, 91_000].map(|now| pace.rate_per_minute(at(now)));
        assert_eq!(rates, [1200, 1800, 2400, 2400]);
    }

    #[test]
    fn the_tightest_of_configuration_share_and_header_counts() {
        let mut pace = Pace::new(2400);
        let header = |limit| RateHeaders { limit_per_minute: Some(limit), ..RateHeaders::default() };
        pace.limit_seen(at(0), header(3000));
        assert_eq!(pace.rate_per_minute(at(0)), 2400);
        pace.set_share(1200);
        pace.limit_seen(at(0), header(600));
        assert_eq!(pace.rate_per_minute(at(0)), 600);
        pace.limit_seen(at(0), header(3000));
        assert_eq!(pace.rate_per_minute(at(0)), 1200);
        pace.limit_configured(900);
        pace.set_share(9000);
        assert_eq!(pace.rate_per_minute(at(0)), 900);
    }

    #[test]
    fn an_exhausted_limit_pauses_until_its_reset() {
        let mut pace = Pace::new(2400);
        let header = |remaining| RateHeaders {
            remaining: Some(remaining),
            reset: Some(Duration::from_secs(12)),
            ..RateHeaders::default()
        };
        pace.limit_seen(at(0), header(1));
        assert_eq!(pace.paused_for(at(0)), None);
        pace.limit_seen(at(0), header(0));
        assert_eq!(pace.paused_for(at(0)), Some(Duration::from_secs(12)));
    }
}
