//! The windows of a backfill that are read now, several at a time, and the days that are left for later ones.
//!
//! Each is a task of its own and goes on while its job reads the tail: nobody waits in vain for what it holds, be it a place in the queue
//! of requests, a connection or the lease. Dropped, they end where they are; what they have stored stays, and a window that was not
//! read to its end is read again (I1).

use std::collections::VecDeque;
use std::panic::resume_unwind;
use std::time::Duration;

use tokio::task::JoinSet;

use super::advance::Advance;
use super::error::StepError;
use super::read::{Finish, Reading};
use super::reader::Reader;
use crate::model::page::{Stamp, Window};
use crate::scan::order::OrderProof;
use crate::scan::windows::{DayRange, cut, gaps, next_length, share};

/// Days of the first windows of a backfill; how many rows they show decides the length of the next ones.
const FIRST_WINDOW_DAYS: i64 = 8;
/// Time between two lines.
const INTERVAL: Duration = Duration::from_secs(10);

/// The windows of one backfill.
#[derive(Debug)]
pub(super) struct Windows {
    reader: Reader,
    left: VecDeque<DayRange>,
    length: i64,
    reading: JoinSet<Result<(DayRange, Reading), StepError>>,
    report: Report,
}

impl Windows {
    /// Over the days of `wanted` that are not `done`.
    pub fn new(reader: &Reader, wanted: DayRange, done: &[DayRange]) -> Self {
        let days_read = done.iter().map(DayRange::days).sum();
        Self {
            reader: reader.clone(),
            left: gaps(wanted, done).into(),
            length: FIRST_WINDOW_DAYS,
            reading: JoinSet::new(),
            report: Report::begin(reader, days_read, wanted.days()),
        }
    }

    pub fn are_read(&self) -> bool {
        self.left.is_empty() && self.reading.is_empty()
    }

    /// Begins as many as may be read at once.
    pub fn fill(&mut self) {
        while self.reading.len() < self.reader.sync.pages_in_flight_max {
            let longest = share(&self.left, self.reader.sync.pages_in_flight_max);
            let Some(gap) = self.left.pop_front() else { break };
            let (window, rest) = cut(gap, self.length.min(longest));
            if let Some(rest) = rest {
                self.left.push_front(rest);
            }
            self.reading.spawn(read(self.reader.clone(), window));
        }
    }

    /// Waits until one is read; `None` where none is under way. Nothing is lost where it is dropped.
    pub async fn next(&mut self) -> Option<Result<Reading, StepError>> {
        let ended = self.reading.join_next().await?;
        let read = ended.unwrap_or_else(|ended| match ended.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            Err(_) => Err(StepError::Stopped),
        });
        Some(read.map(|(window, reading)| {
            self.length = next_length(window.days(), i64::try_from(reading.rows).unwrap_or(i64::MAX));
            self.report.add(&self.reader, window, reading.rows);
            reading
        }))
    }
}

async fn read(reader: Reader, range: DayRange) -> Result<(DayRange, Reading), StepError> {
    let (first_day, last_day) = (range.first, range.last);
    let window = Window { stamp: Stamp::Created, first_day, last_day, zone: reader.merchant.timezone };
    let (plan, finish) = (reader.plan(Some(window), Stamp::Created), Finish::Window(range));
    let reading = reader.read_with(plan, None, finish, &mut OrderProof::default(), &mut |_| {}).await?;
    Ok((range, reading))
}

/// How far it is, and when that was last told.
#[derive(Debug)]
struct Report {
    began_at: Duration,
    told_at: Duration,
    rows: u64,
    /// By earlier runs.
    days_before: i64,
    days_read: i64,
    days_wanted: i64,
}

impl Report {
    fn begin(reader: &Reader, days_before: i64, days_wanted: i64) -> Self {
        let now = reader.clock.monotonic();
        Self { began_at: now, told_at: now, rows: 0, days_before, days_read: days_before, days_wanted }
    }

    /// Notes what was read, and logs a line if the last one is some time ago.
    fn add(&mut self, reader: &Reader, window: DayRange, rows: u64) {
        self.rows += rows;
        self.days_read += window.days();
        let now = reader.clock.monotonic();
        let (merchant, resource, advance) = (&reader.merchant.label, reader.resource, self.advance(reader, now));
        reader.advances.note(merchant, resource, advance);
        if now.saturating_sub(self.told_at) >= INTERVAL {
            self.told_at = now;
            let Advance { rows, rows_per_s, budget_percent, days_read, days_wanted, left_s } = advance;
            tracing::info!(
                %merchant, %resource, rows, rows_per_s, budget_percent, days_read, days_wanted, left_s, "backfilling"
            );
        }
    }

    fn advance(&self, reader: &Reader, now: Duration) -> Advance {
        let elapsed_s = now.saturating_sub(self.began_at).as_secs().max(1);
        let days_left = (self.days_wanted - self.days_read).max(0).unsigned_abs();
        let days_here = (self.days_read - self.days_before).max(1).unsigned_abs();
        let budget = reader.client.usage();
        Advance {
            rows: self.rows,
            rows_per_s: self.rows / elapsed_s,
            budget_percent: u64::from(budget.last_minute) * 100 / u64::from(budget.configured_per_minute.max(1)),
            days_read: self.days_read,
            days_wanted: self.days_wanted,
            left_s: elapsed_s.saturating_mul(days_left) / days_here,
        }
    }
}
