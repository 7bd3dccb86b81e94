//! The backfill: created days that no earlier run has read, in adaptive windows, several at a time.
//!
//! A window is stored as read in the transaction of its last rows (I1), so that after a crash only open windows are read again.

use std::time::Duration;

use super::error::StepError;
use super::job::Job;
use super::read::Progress;
use super::windows::Windows;
use crate::scan::windows::DayRange;
use crate::store::CursorMove;

/// How a stretch of backfilling ended.
enum CameTo {
    /// All windows are read.
    End,
    /// Its time was up; what is under way goes on.
    Pause,
    /// The list has no date filter, or ignores it.
    Unfiltered,
}

impl Job {
    /// Reads what was there before the cursor began, until monotonic time `until` at most.
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
                self.windows = None;
                self.ignore_filter();
                self.whole(progress).await
            }
        }
    }

    /// Reads the created days that no earlier run has read, several windows at a time.
    async fn backfill_windows(
        &mut self,
        until: Option<Duration>,
        progress: &mut Progress,
    ) -> Result<CameTo, StepError> {
        let mut windows = match self.windows.take() {
            Some(under_way) => under_way,
            None => self.begin_windows().await?,
        };
        while !windows.are_read() {
            if until.is_some_and(|until| self.reader.clock.monotonic() >= until) {
                self.windows = Some(windows);
                return Ok(CameTo::Pause);
            }
            windows.fill();
            tokio::select! {
                biased;
                read = windows.next() => match read {
                    Some(Err(StepError::FilterIgnored)) => return Ok(CameTo::Unfiltered),
                    Some(read) => progress.add(&read?),
                    None => {}
                },
                () = self.reach(until) => {}
            }
        }
        Ok(CameTo::End)
    }

    async fn begin_windows(&self) -> Result<Windows, StepError> {
        let done = self.reader.store.backfill_windows(&self.reader.merchant.customer_id, self.reader.resource).await?;
        let done: Vec<DayRange> =
            done.iter().map(|window| DayRange { first: window.first_day, last: window.last_day }).collect();
        let first = self.since.map_or(self.cursor().backfill_from, |since| since.max(self.cursor().backfill_from));
        let last = self.day_after(self.reader.client.two_clocks().later_now());
        Ok(Windows::new(&self.reader, DayRange { first, last }, &done))
    }

    async fn reach(&self, until: Option<Duration>) {
        let Some(until) = until else { return std::future::pending().await };
        self.reader.clock.deadline(until.saturating_sub(self.reader.clock.monotonic())).await;
    }
}
