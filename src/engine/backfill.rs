//! The backfill: created days that no earlier run has read, in adaptive windows, several at a time.
//!
//! A window is stored as read in the transaction of its last rows (I1), so that after a crash only open windows are read again.

use std::collections::VecDeque;
use std::time::Duration;

use futures::stream::{FuturesUnordered, StreamExt};

use super::advance::Advance;
use super::error::StepError;
use super::job::Job;
use super::read::{Finish, Progress, Reading};
use crate::model::page::{Stamp, Window};
use crate::scan::order::OrderProof;
use crate::scan::windows::{DayRange, cut, gaps, next_length};
use crate::store::CursorMove;

/// Days of the first windows of a backfill; how many rows they show decides the length of the next ones.
const FIRST_WINDOW_DAYS: i64 = 8;
/// Time between two lines.
const INTERVAL: Duration = Duration::from_secs(10);

/// How a stretch of backfilling ended.
enum CameTo {
    /// All windows are read.
    End,
    /// Its time was up.
    Pause,
    /// The list has no date filter, or ignores it.
    Unfiltered,
}

impl Job {
    /// Reads what was there before the cursor began; takes on no further windows from monotonic time `until` on.
    pub(super) async fn backfill(&mut self, until: Option<Duration>, progress: &mut Progress) -> Result<(), StepError> {
        let came_to = if self.filters() { self.backfill_windows(until, progress).await? } else { CameTo::Unfiltered };
        match came_to {
            CameTo::Pause => Ok(()),
            // A bounded run leaves the days before its bound to a later one.
            CameTo::End if self.since.is_some_and(|since| since > self.cursor().backfill_from) => Ok(()),
            CameTo::End => {
                let step = CursorMove { backfilled_at: Some(self.reader.clock.now()), ..CursorMove::default() };
                self.reader.store_move(step).await?;
                self.note(&step);
                Ok(())
            }
            CameTo::Unfiltered => {
                self.ignore_filter();
                self.whole(progress).await
            }
        }
    }

    /// Reads the created days that no earlier run has read, several windows at a time.
    async fn backfill_windows(&self, until: Option<Duration>, progress: &mut Progress) -> Result<CameTo, StepError> {
        let done = self.reader.store.backfill_windows(&self.reader.merchant.customer_id, self.reader.resource).await?;
        let done: Vec<DayRange> =
            done.iter().map(|window| DayRange { first: window.first_day, last: window.last_day }).collect();
        let first = self.since.map_or(self.cursor().backfill_from, |since| since.max(self.cursor().backfill_from));
        let wanted = DayRange { first, last: self.day_after(self.reader.client.two_clocks().later_now()) };
        let mut left: VecDeque<DayRange> = gaps(wanted, &done).into();
        let mut length = FIRST_WINDOW_DAYS;
        let mut days_read: i64 = done.iter().map(DayRange::days).sum();
        let mut report = BackfillReport::begin(self, days_read);
        let mut reading = FuturesUnordered::new();
        loop {
            while reading.len() < self.reader.sync.pages_in_flight_max
                && until.is_none_or(|until| self.reader.clock.monotonic() < until)
            {
                let Some(gap) = left.pop_front() else { break };
                let (window, rest) = cut(gap, length);
                if let Some(rest) = rest {
                    left.push_front(rest);
                }
                reading.push(self.backfill_window(window));
            }
            let (window, window_reading) = match reading.next().await {
                None => break,
                Some(Err(StepError::FilterIgnored)) => return Ok(CameTo::Unfiltered),
                Some(result) => result?,
            };
            days_read += window.days();
            length = next_length(window.days(), i64::try_from(window_reading.rows).unwrap_or(i64::MAX));
            progress.add(&window_reading);
            report.tell(self, progress.rows, days_read, wanted.days());
        }
        Ok(if left.is_empty() { CameTo::End } else { CameTo::Pause })
    }

    async fn backfill_window(&self, range: DayRange) -> Result<(DayRange, Reading), StepError> {
        let window = Window {
            stamp: Stamp::Created,
            first_day: range.first,
            last_day: range.last,
            zone: self.reader.merchant.timezone,
        };
        let finish = Finish::Window(range);
        let reading = self
            .reader
            .read_with(self.plan(Some(window), Stamp::Created), None, finish, &mut OrderProof::default(), &mut |_| {})
            .await?;
        Ok((range, reading))
    }
}

/// When a backfill began and what was last told of it.
struct BackfillReport {
    began_at: Duration,
    told_at: Duration,
    days_before: i64,
}

impl BackfillReport {
    /// `days_read`: what earlier runs have read of it.
    fn begin(job: &Job, days_read: i64) -> Self {
        let now = job.reader.clock.monotonic();
        Self { began_at: now, told_at: now, days_before: days_read }
    }

    /// Notes how far it is, and logs a line if the last one is some time ago.
    fn tell(&mut self, job: &Job, rows: u64, days_read: i64, days_wanted: i64) {
        let now = job.reader.clock.monotonic();
        let elapsed_s = now.saturating_sub(self.began_at).as_secs().max(1);
        let days_left = (days_wanted - days_read).max(0).unsigned_abs();
        let days_here = (days_read - self.days_before).max(1).unsigned_abs();
        let budget = job.reader.client.usage();
        let advance = Advance {
            rows,
            rows_per_s: rows / elapsed_s,
            budget_percent: u64::from(budget.last_minute) * 100 / u64::from(budget.configured_per_minute.max(1)),
            days_read,
            days_wanted,
            left_s: elapsed_s.saturating_mul(days_left) / days_here,
        };
        job.reader.advances.note(&job.reader.merchant.label, job.reader.resource, advance);
        if now.saturating_sub(self.told_at) >= INTERVAL {
            self.told_at = now;
            let Advance { rows_per_s, budget_percent, left_s, .. } = advance;
            let (merchant, resource) = (&job.reader.merchant.label, job.reader.resource);
            tracing::info!(
                %merchant, %resource, rows, rows_per_s, budget_percent, days_read, days_wanted, left_s, "backfilling"
            );
        }
    }
}
