//! The one retry table: what a failure means for the entries of the call, and how long they and their target wait.
//!
//! An outage says nothing about the entries, so they stay due and the target is left alone for a while. Only where a call held one
//! single entry may the entry be the cause: it waits by itself and lets the others pass. A refusal is about its entry alone.
//!
//! A target that is sent one message per call, such as a webhook, has a schedule of its own ([`scheduled`]): there each failure is
//! about its entry, and about the target only where nothing at all was taken.

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
    /// It was answered and not taken, for a reason that may pass.
    Declined,
    /// The target says that it is gone for good.
    Gone,
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
/// No target is left alone for longer, whatever it asks for.
const ASKED_LONGEST: Duration = Duration::from_hours(24);

/// A target that takes nothing for longer than this is shown to a person.
pub const FAILING_MAX: Duration = Duration::from_hours(1);

/// What a failure means for an entry that was tried `attempts` times (from 1), `alone` in its call or with others.
#[must_use]
pub fn verdict(class: Class, attempts: u32, alone: bool) -> Verdict {
    let own = if alone { doubled(FIRST, attempts, LONGEST) } else { Duration::ZERO };
    let (event, wait) = match class {
        Class::Unreachable | Class::Declined => (Event::NotWritten, own),
        Class::AnswerLost => (Event::AnswerLost, own),
        Class::Throttled(_) | Class::Unauthorized | Class::Misfit | Class::Gone | Class::NotTried => {
            (Event::NotWritten, Duration::ZERO)
        }
        Class::NotNow => (Event::Hindered, doubled(HELD_FIRST, attempts, HELD_LONGEST)),
        Class::Never => (Event::Refused, Duration::ZERO),
    };
    Verdict { event, wait }
}

/// Whether a failure brings an entry one step further on the schedule of its target: the target had it in hand and did not take it.
#[must_use]
pub fn is_counted(class: Class) -> bool {
    match class {
        Class::AnswerLost | Class::Declined => true,
        Class::Unreachable
        | Class::Throttled(_)
        | Class::Unauthorized
        | Class::Misfit
        | Class::Gone
        | Class::NotNow
        | Class::Never
        | Class::NotTried => false,
    }
}

/// What a failure means for an entry that was a call of its own, at a target with a schedule. `failures` are those that count
/// ([`is_counted`]), with this one. At the end of the schedule the entry goes on at its last step and is shown to a person, unless
/// the target itself is what fails.
#[must_use]
pub fn scheduled(
    class: Class,
    (attempts, failures): (u32, u32),
    schedule: &[Duration],
    does_target_fail: bool,
) -> Verdict {
    let own = verdict(class, attempts, true);
    let Some(last) = schedule.last().filter(|_| is_counted(class)) else { return own };
    let step = usize::try_from(failures.saturating_sub(1)).unwrap_or(usize::MAX);
    let is_at_its_end = step >= schedule.len() && !does_target_fail;
    let event = if is_at_its_end { Event::Hindered } else { own.event };
    Verdict { event, wait: *schedule.get(step).unwrap_or(last) }
}

/// How long a target is left alone after `failures` calls in a row (from 1) that failed as a whole.
#[must_use]
pub fn pause(class: Class, failures: u32) -> Duration {
    match class {
        Class::Unreachable | Class::AnswerLost | Class::Declined => doubled(FIRST, failures, LONGEST),
        Class::Throttled(asked) => {
            // Whoever asks for no time at all asks for patience nevertheless.
            asked.map_or_else(|| doubled(FIRST, failures, LONGEST), |asked| asked.clamp(FIRST, ASKED_LONGEST))
        }
        // Nothing of it is due until a person has it go on.
        Class::Gone => FIRST,
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

    const CLASSES: [Class; 10] = [
        Class::Unreachable,
        Class::Throttled(None),
        Class::AnswerLost,
        Class::Unauthorized,
        Class::Misfit,
        Class::Declined,
        Class::Gone,
        Class::NotNow,
        Class::Never,
        Class::NotTried,
    ];
    const SCHEDULE: [Duration; 3] = [Duration::from_secs(5), Duration::from_mins(5), Duration::from_mins(30)];

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
    fn a_target_is_left_alone_for_as_long_as_it_asks_and_no_longer_than_a_day() {
        let asked = Duration::from_mins(40);
        assert_eq!(pause(Class::Throttled(Some(asked)), 1), asked);
        assert_eq!(pause(Class::Throttled(Some(Duration::MAX)), 1), ASKED_LONGEST);
        assert_eq!(pause(Class::Throttled(Some(Duration::ZERO)), 9), FIRST, "and never for no time at all");
    }

    #[test]
    fn a_schedule_is_gone_through_by_what_the_target_had_in_hand() {
        for class in CLASSES {
            for failures in [1, 2, 3] {
                let step = usize::try_from(failures).expect("small") - 1;
                let planned = scheduled(class, (9, failures), &SCHEDULE, false);
                let own = verdict(class, 9, true);
                let expected = if is_counted(class) { SCHEDULE[step] } else { own.wait };
                assert_eq!(planned, Verdict { event: own.event, wait: expected }, "{class:?} {failures}");
                assert_eq!(scheduled(class, (9, failures), &[], false), own, "{class:?} has no schedule");
            }
        }
    }

    #[test]
    fn at_the_end_of_its_schedule_an_entry_is_shown_unless_the_target_is_what_fails() {
        for class in [Class::AnswerLost, Class::Declined] {
            let shown = scheduled(class, (9, 4), &SCHEDULE, false);
            assert_eq!(shown, Verdict { event: Event::Hindered, wait: SCHEDULE[2] });
            let waits = scheduled(class, (9, u32::MAX), &SCHEDULE, true);
            assert_eq!(waits, Verdict { event: verdict(class, 9, true).event, wait: SCHEDULE[2] });
        }
    }
}
