//! Seals: certificates that a closed day is complete. Pure: which slots are read tonight, and what a reading proves.
//!
//! Days are those of `created`, which never moves; by `lastUpdated` a day would lose rows whenever one is touched. A day is sealed
//! provisionally by the first reading after its end and finally once a reading at least seven days later shows the same records. A
//! record that turns up later takes the finality away where it is stored.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use crate::model::record::Fingerprint;
use crate::scan::days::{Slot, closed_slots};

/// How long after its end a slot may become final.
pub const FINAL_AFTER: TimeDelta = TimeDelta::days(7);
/// How long after its end a slot of child lists is read for the second time.
const SECOND_AFTER: TimeDelta = TimeDelta::days(2);
/// Slots that one look into the calendar yields at most: about fifty years.
const SLOTS_MAX: usize = 20_000;
/// Slots of the recent past that are read every night, so that the days one, two and seven nights ago are among them.
const RECENT: TimeDelta = TimeDelta::days(9);
/// Slots of the farther past that are read in one night.
const OLDER_MAX: usize = 192;

/// A seal as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seal {
    pub slot: Slot,
    pub ids: Fingerprint,
    pub readings: u32,
    pub final_at: Option<DateTime<Utc>>,
}

/// What the store holds of a slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    pub rows: u64,
    /// Over the ids in order.
    pub ids: Fingerprint,
}

/// What a reading says about a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding {
    /// Sealed for the first time, or anew after records turned up.
    Sealed { readings: u32, is_final: bool },
    /// The same records as before.
    Agreed { readings: u32, is_final: bool },
}

/// The slots from `begin` on that were over by `now`: the sealed ones, and what lies between and after them.
#[must_use]
pub fn closed(begin: DateTime<Utc>, seals: &[Seal], zone: Tz, now: DateTime<Utc>) -> Vec<Slot> {
    let mut closed = Vec::new();
    let mut next = seals.first().map_or(begin, |seal| seal.slot.from);
    for Seal { slot, .. } in seals {
        closed.extend(gap(next, slot.from, zone));
        closed.push(*slot);
        next = slot.to;
    }
    closed.extend(closed_slots(next, zone, now, SLOTS_MAX));
    closed
}

/// The slots between two seals: days, and what a change of zone leaves of one.
fn gap(from: DateTime<Utc>, to: DateTime<Utc>, zone: Tz) -> Vec<Slot> {
    let mut slots = closed_slots(from, zone, to, SLOTS_MAX);
    let end = slots.last().map_or(from, |slot| slot.to);
    if end < to {
        slots.push(Slot { from: end, to });
    }
    slots
}

/// The slots to read tonight: the recent ones and some of the older ones that are not final, oldest first.
#[must_use]
pub fn due(closed: &[Slot], seals: &[Seal], now: DateTime<Utc>) -> Vec<Slot> {
    nightly(closed, seals, now, |_| true)
}

/// The same for child lists, each of which takes a request of its own: a slot is read in the first night after its end, then two and
/// seven days after it, and from then on until it is final.
#[must_use]
pub fn due_children(closed: &[Slot], seals: &[Seal], now: DateTime<Utc>) -> Vec<Slot> {
    nightly(closed, seals, now, |seal| {
        let age = now - seal.slot.to;
        age >= FINAL_AFTER || (seal.readings == 1 && age >= SECOND_AFTER)
    })
}

/// Slots that are not sealed, and those sealed but not finally that are to be read again: all recent ones, a portion of the others.
fn nightly(closed: &[Slot], seals: &[Seal], now: DateTime<Utc>, again: impl Fn(&Seal) -> bool) -> Vec<Slot> {
    let seals: HashMap<Slot, &Seal> = seals.iter().map(|seal| (seal.slot, seal)).collect();
    let is_due = |slot: &&Slot| seals.get(slot).is_none_or(|seal| seal.final_at.is_none() && again(seal));
    let (recent, older): (Vec<Slot>, Vec<Slot>) =
        closed.iter().filter(is_due).copied().partition(|slot| slot.to > now - RECENT);
    older.into_iter().take(OLDER_MAX).chain(recent).collect()
}

/// Groups slots that touch, so that one pass reads them together.
#[must_use]
pub fn runs(slots: &[Slot]) -> Vec<Vec<Slot>> {
    let mut runs: Vec<Vec<Slot>> = Vec::new();
    for slot in slots {
        match runs.last_mut() {
            Some(run) if run.last().is_some_and(|last| last.to == slot.from) => run.push(*slot),
            Some(_) | None => runs.push(vec![*slot]),
        }
    }
    runs
}

/// Judges a reading of a slot. `before` is what the store held when the reading began, `after` what it holds now that everything
/// shown is stored.
#[must_use]
pub fn judge(seal: Option<&Seal>, slot: Slot, before: &Content, after: &Content, now: DateTime<Utc>) -> Finding {
    let is_ripe = now >= slot.to + FINAL_AFTER;
    match seal {
        Some(seal) if seal.ids == after.ids => {
            let readings = seal.readings.saturating_add(1);
            Finding::Agreed { readings, is_final: is_ripe }
        }
        // The backfill was the first reading of a day long past.
        None if is_ripe && before.ids == after.ids => Finding::Sealed { readings: 2, is_final: true },
        Some(_) | None => Finding::Sealed { readings: 1, is_final: false },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(number: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_770_000_000, 0).expect("an instant") + TimeDelta::days(number)
    }

    fn slot(number: i64) -> Slot {
        Slot { from: day(number), to: day(number + 1) }
    }

    fn content(byte: u8) -> Content {
        Content { rows: 1, ids: Fingerprint([byte; 32]) }
    }

    fn seal(byte: u8, readings: u32, is_final: bool) -> Seal {
        Seal { slot: slot(0), ids: Fingerprint([byte; 32]), readings, final_at: is_final.then(|| day(8)) }
    }

    #[test]
    fn a_new_day_is_provisional_until_a_reading_a_week_later_agrees() {
        let first = judge(None, slot(0), &content(1), &content(1), day(2));
        assert_eq!(first, Finding::Sealed { readings: 1, is_final: false });
        let second = judge(Some(&seal(1, 1, false)), slot(0), &content(1), &content(1), day(3));
        assert_eq!(second, Finding::Agreed { readings: 2, is_final: false });
        let last = judge(Some(&seal(1, 2, false)), slot(0), &content(1), &content(1), day(8));
        assert_eq!(last, Finding::Agreed { readings: 3, is_final: true });
    }

    #[test]
    fn a_record_that_turns_up_seals_a_day_anew() {
        let anew = judge(Some(&seal(1, 2, false)), slot(0), &content(1), &content(2), day(8));
        assert_eq!(anew, Finding::Sealed { readings: 1, is_final: false });
    }

    #[test]
    fn a_backfilled_day_is_final_after_one_reading_that_agrees() {
        assert_eq!(
            judge(None, slot(0), &content(1), &content(1), day(30)),
            Finding::Sealed { readings: 2, is_final: true }
        );
        assert_eq!(
            judge(None, slot(0), &content(1), &content(2), day(30)),
            Finding::Sealed { readings: 1, is_final: false }
        );
    }

    #[test]
    fn final_slots_are_left_alone_and_older_ones_come_in_portions() {
        let closed: Vec<Slot> = (0..400).map(slot).collect();
        let tonight = due(&closed, &[seal(1, 3, true)], day(400));
        assert_eq!(tonight.len(), OLDER_MAX + 9);
        assert_eq!(tonight.first(), Some(&slot(1)));
        assert_eq!(runs(&tonight).len(), 2);
    }

    fn read(number: i64, readings: u32) -> Seal {
        Seal { slot: slot(number), ..seal(1, readings, false) }
    }

    #[test]
    fn child_lists_are_read_in_the_first_night_and_after_two_and_seven_days() {
        let nights_read = |readings: &[u32]| -> Vec<i64> {
            let is_due = |readings: u32, night: i64| {
                let seals: Vec<Seal> = (readings > 0).then(|| read(0, readings)).into_iter().collect();
                !due_children(&[slot(0)], &seals, day(1 + night)).is_empty()
            };
            (0..9).filter(|night| is_due(readings[usize::try_from(*night).expect("small")], *night)).collect()
        };
        assert_eq!(nights_read(&[0, 1, 1, 2, 2, 2, 2, 2, 3]), [0, 2, 7, 8], "until it is final");
        assert_eq!(nights_read(&[0, 0, 0, 0, 1, 2, 2, 2, 3]), [0, 1, 2, 3, 4, 7, 8], "until there is a first reading");
    }

    #[test]
    fn a_final_slot_of_child_lists_is_never_read_again() {
        assert_eq!(due_children(&[slot(0)], &[seal(1, 1, true)], day(3)), []);
        assert_eq!(due_children(&[slot(0)], &[seal(1, 3, true)], day(400)), []);
    }

    #[test]
    fn older_child_lists_come_in_portions() {
        let closed: Vec<Slot> = (0..400).map(slot).collect();
        let tonight = due_children(&closed, &[seal(1, 2, true), read(1, 2)], day(400));
        assert_eq!(tonight.len(), OLDER_MAX + 9);
        assert_eq!(tonight.first(), Some(&slot(1)));
    }

    #[test]
    fn what_was_left_between_seals_is_read_with_the_rest() {
        let begin = day_start("2026-03-01");
        let number = |number: i64| begin + TimeDelta::days(number);
        let sealed = |from: i64| Seal { slot: Slot { from: number(from), to: number(from + 1) }, ..seal(1, 1, true) };
        let hour = TimeDelta::hours(1);
        let cut = Seal { slot: Slot { from: number(5) + hour, to: number(6) }, ..seal(1, 1, true) };
        let closed = closed(begin, &[sealed(0), sealed(3), cut], Tz::UTC, number(8));
        assert!(closed.windows(2).all(|pair| pair[0].to == pair[1].from), "{closed:?}");
        assert_eq!((closed.len(), closed[0].from, closed[8].to), (9, begin, number(8)));
    }

    fn day_start(day: &str) -> DateTime<Utc> {
        day.parse::<chrono::NaiveDate>().expect("a date").and_time(chrono::NaiveTime::MIN).and_utc()
    }
}
