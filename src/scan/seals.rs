//! Seals: certificates that a closed day is complete. Pure: which slots are read tonight, and what a reading proves.
//!
//! Days are those of `created`, which never moves; by `lastUpdated` a day would lose rows whenever one is touched. A day is sealed
//! provisionally by the first reading after its end and finally once a reading at least seven days later shows the same records. A
//! record that turns up later takes the finality away where it is stored.

use chrono::{DateTime, TimeDelta, Utc};

use crate::model::record::Fingerprint;
use crate::scan::days::Slot;

/// How long after its end a slot may become final.
pub const FINAL_AFTER: TimeDelta = TimeDelta::days(7);
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

/// The slots to read tonight: the recent ones and some of the older ones that are not final, oldest first.
#[must_use]
pub fn due(closed: &[Slot], seals: &[Seal], now: DateTime<Utc>) -> Vec<Slot> {
    let is_final = |slot: &Slot| seals.iter().any(|seal| seal.slot == *slot && seal.final_at.is_some());
    let (recent, older): (Vec<Slot>, Vec<Slot>) =
        closed.iter().filter(|slot| !is_final(slot)).copied().partition(|slot| slot.to > now - RECENT);
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
}
