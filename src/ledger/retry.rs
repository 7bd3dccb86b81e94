//! The one retry table: what a failure means for the entries of the call, and how long they and their target wait.
//!
//! An outage says nothing about the entries, so they stay due and the target is left alone for a while. Only where a call held one
//! single entry may the entry be the cause: it waits by itself and lets the others pass. A refusal is about its entry alone.

use std::time::Duration;

use crate::ledger::state::Event;

/// What went wrong, as far as it decides what comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Connection refused, DNS, 503, deadlock, a question without an answer: nothing was written.
    Unreachable,
    /// 429, licence or seat limit: nothing was written. With the time that the target asked for.
    Throttled(Option<Duration>),
    /// Timeout or reset after the write was sent, 500, 502, 504: it may have taken effect.
    AnswerLost,
    /// Wrong secret, locked account, missing permission. Trying often may lock the account.
    Unauthorized,
    /// The target is not as the adapter needs it.
    Misfit,
    /// About one entry: closed period, missing invoice, locked record.
    NotNow,
    /// About one entry: it will never be taken as it is, or the target holds something else.
    Never,
    /// About one entry: it was not tried because of another one.
    NotTried,
}

/// What becomes of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    pub event: Event,
    /// How long the entry waits.
    pub wait: Duration,
}

const FIRST: Duration = Duration::from_secs(2);
const LONGEST: Duration = Duration::from_mins(15);
const HELD_FIRST: Duration = Duration::from_mins(5);
const HELD_LONGEST: Duration = Duration::from_hours(6);

/// What a failure means for an entry that was tried `attempts` times (from 1), `alone` in its call or with others.
#[must_use]
pub fn verdict(class: Class, attempts: u32, alone: bool) -> Verdict {
    let own = if alone { doubled(FIRST, attempts, LONGEST) } else { Duration::ZERO };
    let (event, wait) = match class {
        Class::Unreachable => (Event::NotWritten, own),
        Class::AnswerLost => (Event::AnswerLost, own),
        Class::Throttled(_) | Class::Unauthorized | Class::Misfit | Class::NotTried => {
            (Event::NotWritten, Duration::ZERO)
        }
        Class::NotNow => (Event::Hindered, doubled(HELD_FIRST, attempts, HELD_LONGEST)),
        Class::Never => (Event::Refused, Duration::ZERO),
    };
    Verdict { event, wait }
}

/// How long a target is left alone after `failures` calls in a row (from 1) that failed as a whole.
#[must_use]
pub fn pause(class: Class, failures: u32) -> Duration {
    match class {
        Class::Unreachable | Class::AnswerLost => doubled(FIRST, failures, LONGEST),
        Class::Throttled(asked) => asked.unwrap_or_else(|| doubled(FIRST, failures, LONGEST)),
        Class::Unauthorized | Class::Misfit => doubled(HELD_FIRST, failures, LONGEST),
        Class::NotNow | Class::Never | Class::NotTried => Duration::ZERO,
    }
}

fn doubled(first: Duration, times: u32, longest: Duration) -> Duration {
    first.saturating_mul(1 << times.saturating_sub(1).min(16)).min(longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLASSES: [Class; 8] = [
        Class::Unreachable,
        Class::Throttled(None),
        Class::AnswerLost,
        Class::Unauthorized,
        Class::Misfit,
        Class::NotNow,
        Class::Never,
        Class::NotTried,
    ];

    #[test]
    fn only_a_lost_answer_leaves_doubt() {
        for class in CLASSES {
            let doubt = verdict(class, 1, false).event == Event::AnswerLost;
            assert_eq!(doubt, class == Class::AnswerLost, "{class:?}");
        }
    }

    #[test]
    fn an_outage_parks_nothing_and_holds_no_entry_back_for_longer_than_the_target() {
        for class in [Class::Unreachable, Class::AnswerLost] {
            assert_eq!(verdict(class, 9, false).wait, Duration::ZERO);
            assert_eq!(verdict(class, u32::MAX, true).wait, LONGEST);
            assert_eq!(pause(class, u32::MAX), LONGEST);
        }
    }

    #[test]
    fn waits_grow_to_a_bound() {
        assert_eq!(pause(Class::Unreachable, 1), FIRST);
        assert_eq!(pause(Class::Unreachable, 3), FIRST * 4);
        assert_eq!(verdict(Class::NotNow, 1, true).wait, HELD_FIRST);
        assert_eq!(verdict(Class::NotNow, u32::MAX, true).wait, HELD_LONGEST);
    }

    #[test]
    fn a_target_is_left_alone_for_as_long_as_it_asks() {
        let asked = Duration::from_mins(40);
        assert_eq!(pause(Class::Throttled(Some(asked)), 1), asked);
    }
}
