//! The work on one resource of one merchant: what a poll does, driven alike by the daemon, by `--once` and by tests.
//!
//! A job works under its lease (I9), stores page by page, and moves its cursor in the transaction of the last page (I1).

use std::time::Duration;

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};

use super::error::StepError;
use super::harvest::is_closed;
use super::read::{Finish, Progress, Reading, Show, is_worth_writing};
use super::reader::{CLOCKS_APART_MAX, Reader};
use super::windows::Windows;
use crate::model::ids::SourceId;
use crate::model::page::{Stamp, Window};
use crate::model::record::Observation;
use crate::normalize::Unreadable;
use crate::scan::days::day_of;
use crate::scan::open_items::Reason;
use crate::scan::order::OrderProof;
use crate::scan::pass::PassPlan;
use crate::store::lease::Held;
use crate::store::{Cursor, CursorMove, Finding, NewCursor, Scope};

/// The class of an exception about clocks that differ.
pub const CLOCKS_APART: &str = "clocks_apart";
/// How far the high water stays behind the clocks.
const SKEW: TimeDelta = TimeDelta::seconds(5);
/// A list that cannot be read by order or date is read whole about nightly, and so is the freshness window.
const NIGHTLY: TimeDelta = TimeDelta::hours(20);
/// A closed endpoint is tried again after this.
const CLOSED_RETRY: TimeDelta = TimeDelta::hours(1);
/// Pages of an unfiltered list that a poll reads while its order is not proven.
const PEEK_PAGES: u32 = 2;

/// One resource of one merchant at work.
#[derive(Debug)]
pub struct Job {
    pub(super) reader: Reader,
    /// Backfill windows not yet read begin no earlier.
    pub(super) since: Option<NaiveDate>,
    proof: OrderProof,
    filter_ignored: bool,
    /// Whether an exception about the clocks is open; `None` until it is known.
    clock_alarm: Option<bool>,
    /// Where the last poll had to stop among the items that are due: the next one goes on behind it.
    pub(super) followed_to: Option<(SourceId, Reason)>,
    goes_on: bool,
    /// What is under way of a backfill that goes on with the next poll.
    pub(super) windows: Option<Windows>,
    cursor: Cursor,
}

/// A poll follows open items for this part of the interval: one in so many.
const FOLLOWS: u32 = 2;

/// Which open items are followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Follow {
    /// Those whose delay has run out.
    Due,
    /// The same, one at least, and as many more as can be read in this time.
    DueFor(Duration),
    /// All of these reasons, due or not.
    All(&'static [Reason]),
}

impl Job {
    /// Begins work: reads the cursor, or starts one.
    pub async fn begin(reader: Reader, since: Option<NaiveDate>) -> Result<Self, StepError> {
        // Also tells the server's clock, without which a new cursor could start in the future.
        reader.client.authenticate().await?;
        let start = NewCursor {
            high_water: reader.client.two_clocks().earlier_now() - SKEW,
            backfill_from: reader.merchant.start_date,
        };
        let lease = reader.lease().await?;
        let cursor = reader.store.cursor_or_start(&lease, &reader.merchant.customer_id, reader.resource, start).await?;
        Ok(Self {
            reader,
            since,
            proof: OrderProof::default(),
            filter_ignored: false,
            clock_alarm: None,
            followed_to: None,
            goes_on: false,
            windows: None,
            cursor,
        })
    }

    /// Ends the work; the lease is for the caller to give back.
    pub async fn end(self) -> Held {
        let Self { reader, windows, .. } = self;
        drop(windows);
        reader.held.lock().await.clone()
    }

    /// One poll of the daemon: the tail, and what is due beside it.
    pub async fn poll(&mut self) -> Result<Progress, StepError> {
        self.guarded(false).await
    }

    /// Everything that lists of their own show: backfill, tail or whole list, the freshness pass, seals.
    pub async fn catch_up(&mut self) -> Result<Progress, StepError> {
        self.reader.thorough = true;
        let result = self.guarded(true).await;
        self.reader.thorough = false;
        result
    }

    /// A list that is closed to these credentials is noted and left to its fallback: fees come inside of payments. One that this
    /// address does not have is noted as well, unless nothing would be left without it.
    async fn guarded(&mut self, thorough: bool) -> Result<Progress, StepError> {
        self.goes_on = false;
        if self.is_paused().await? {
            self.windows = None;
            return Ok(Progress::default());
        }
        let now = self.reader.clock.now();
        if !thorough && self.cursor.unavailable_since.is_some_and(|since| now - since < CLOSED_RETRY) {
            return Ok(Progress::default());
        }
        let result = if thorough { self.everything().await } else { self.what_is_due().await };
        let since = match &result {
            Ok(_) => None,
            Err(error) if is_closed(self.reader.resource, error) => Some(now),
            Err(_) => return result,
        };
        if since.is_some() || self.cursor.unavailable_since.is_some() {
            self.reader
                .store
                .note_unavailable(
                    &self.reader.lease().await?,
                    &self.reader.merchant.customer_id,
                    self.reader.resource,
                    since,
                )
                .await?;
            if self.cursor.unavailable_since.is_none() {
                tracing::warn!(merchant = %self.reader.merchant.label, resource = %self.reader.resource, "the list may not be read here; going on without it");
            }
            self.cursor.unavailable_since = since;
        }
        result.or(Ok(Progress::default()))
    }

    /// Whether a person has stopped the reading of this resource.
    pub(super) async fn is_paused(&self) -> Result<bool, StepError> {
        Ok(self.reader.store.is_paused(&Scope::Resource(self.reader.resource)).await?)
    }

    async fn everything(&mut self) -> Result<Progress, StepError> {
        let mut progress = Progress::default();
        if self.reader.resource.parent().is_some() {
            return Ok(progress);
        }
        let is_new = self.cursor.backfilled_at.is_none();
        if is_new {
            self.backfill(None, &mut progress).await?;
        }
        if self.filters() {
            self.tail(&mut progress).await?;
            self.freshen(&mut progress).await?;
            if self.is_due(self.cursor.sealed_at) {
                self.seal(&mut progress).await?;
            }
        } else if !is_new {
            self.whole(&mut progress).await?;
        }
        self.recheck_unreadable(&mut progress).await?;
        Ok(progress)
    }

    async fn what_is_due(&mut self) -> Result<Progress, StepError> {
        let mut progress = Progress::default();
        if self.reader.resource.parent().is_some() {
            self.follow(Follow::Due, &mut progress).await?;
            self.seal_children(&mut progress).await?;
            return Ok(progress);
        }
        self.tail(&mut progress).await?;
        if self.cursor.backfilled_at.is_none() {
            // In slices, so that the tail stays fresh meanwhile; what is under way goes on beside the tail.
            let until = self.reader.clock.monotonic() + self.reader.sync.interval;
            self.backfill(Some(until), &mut progress).await?;
            if self.is_backfilling() {
                self.goes_on = true;
                return Ok(progress);
            }
        }
        if self.filters() {
            if self.is_due(self.cursor.freshened_at) {
                self.reader.thorough = true;
                let freshened = self.freshen(&mut progress).await;
                self.reader.thorough = false;
                freshened?;
                self.recheck_unreadable(&mut progress).await?;
            }
            if self.is_due(self.cursor.sealed_at) {
                self.seal(&mut progress).await?;
            }
        } else if self.is_due(self.cursor.whole_at) {
            self.whole(&mut progress).await?;
        }
        // No longer than that: what changes meanwhile waits for the next tail.
        self.follow(Follow::DueFor(self.reader.sync.interval / FOLLOWS), &mut progress).await?;
        self.goes_on = self.followed_to.is_some();
        Ok(progress)
    }

    /// Whether the last poll had to leave off in the middle of its work, with which the next one goes on at once.
    #[must_use]
    pub fn goes_on(&self) -> bool {
        self.goes_on
    }

    /// Whether the next poll has more of the backfill to read.
    fn is_backfilling(&self) -> bool {
        self.cursor.backfilled_at.is_none()
            && self.since.is_none()
            && self.filters()
            && self.reader.resource.parent().is_none()
    }

    pub(super) fn is_due(&self, last: Option<DateTime<Utc>>) -> bool {
        last.is_none_or(|last| self.reader.clock.now() - last >= NIGHTLY)
    }

    pub(super) fn filters(&self) -> bool {
        self.reader.resource.filters_by_date() && !self.filter_ignored
    }

    /// Reports clocks that differ, and takes the report back when they agree again.
    async fn compare_clocks(&mut self) -> Result<(), StepError> {
        let ahead = self.reader.client.two_clocks().local_ahead();
        let apart = ahead.abs() > CLOCKS_APART_MAX;
        let (merchant, now) = (&self.reader.merchant.customer_id, self.reader.clock.now());
        if apart {
            let detail = format!("our clock is {} s ahead of Paystand's; correct the wrong one", ahead.num_seconds());
            let finding = Finding { class: CLOCKS_APART, subject: "clocks".to_owned(), detail, evidence: None };
            if self.clock_alarm != Some(true) {
                self.reader.store.raise(&self.reader.lease().await?, merchant, &finding, now).await?;
            }
        } else if self.clock_alarm != Some(false) {
            let lease = self.reader.lease().await?;
            self.reader
                .store
                .settle_exception(&lease, merchant, CLOCKS_APART, "clocks", "the clocks agree again", now)
                .await?;
        }
        self.clock_alarm = Some(apart);
        Ok(())
    }

    /// Reads what was updated since the high water.
    async fn tail(&mut self, progress: &mut Progress) -> Result<(), StepError> {
        self.compare_clocks().await?;
        let overlap = TimeDelta::from_std(self.reader.sync.overlap).unwrap_or(TimeDelta::MAX);
        let stop_before = self.cursor.high_water - overlap;
        let window = self.filters().then(|| self.open_window(Stamp::LastUpdated, stop_before));
        let pages_max = if window.is_some() { None } else { Some(PEEK_PAGES) };
        let plan = PassPlan { stop_before: Some(stop_before), ..self.reader.plan(window, Stamp::LastUpdated) };
        let finish = Finish::Tail { high_water: self.next_high_water(), quiet_since: self.cursor.high_water };
        let reading = self.read(plan, pages_max, finish, &mut |_| {}).await?;
        progress.add(&reading);
        Ok(())
    }

    /// Reads a whole list, which leaves nothing for a tail or a freshness pass to find.
    pub(super) async fn whole(&mut self, progress: &mut Progress) -> Result<(), StepError> {
        let now = self.reader.clock.now();
        let step = CursorMove {
            high_water: Some(self.next_high_water()),
            backfilled_at: Some(now),
            freshened_at: Some(now),
            whole_at: Some(now),
            sealed_at: Some(now),
            polled_at: Some(now),
        };
        let mut tonight = self.tonight().await?;
        let plan = self.reader.plan(None, Stamp::LastUpdated);
        let mut show = |seen: Result<&Observation, &Unreadable>| tonight.show(seen);
        let reading = self.read(plan, None, Finish::Pages, &mut show).await?;
        progress.add(&reading);
        self.certify(&tonight, step, progress).await?;
        self.note(&step);
        Ok(())
    }

    /// Moves the cursor on its own, about once a minute.
    pub(super) async fn move_quietly(&mut self, step: CursorMove) -> Result<(), StepError> {
        let high_water = step.high_water.unwrap_or(self.cursor.high_water);
        if self.cursor.backfilled_at.is_some() && !is_worth_writing(self.cursor.high_water, high_water) {
            return Ok(());
        }
        self.reader.store_move(step).await?;
        self.note(&step);
        Ok(())
    }

    /// From the day of `from` until tomorrow, a day more on each side in case the server cuts days elsewhere: zones lie up to 25 hours
    /// apart. The right edge is open because rows move while they are read, and a row that leaves a closed window pulls another one
    /// past the edge.
    pub(super) fn open_window(&self, stamp: Stamp, from: DateTime<Utc>) -> Window {
        Window {
            stamp,
            first_day: self.day(from) - Days::new(1),
            last_day: self.day_after(self.reader.client.two_clocks().later_now().max(self.cursor.high_water))
                + Days::new(1),
            zone: self.reader.merchant.timezone,
        }
    }

    pub(super) fn day(&self, instant: DateTime<Utc>) -> NaiveDate {
        day_of(instant, self.reader.merchant.timezone)
    }

    pub(super) fn day_after(&self, instant: DateTime<Utc>) -> NaiveDate {
        self.day(instant) + Days::new(1)
    }

    /// By the earlier of the two clocks: never the largest stamp seen, never the future.
    pub(super) fn next_high_water(&self) -> DateTime<Utc> {
        self.reader.client.two_clocks().earlier_now() - SKEW
    }

    /// Takes over into memory what was stored.
    pub(super) fn note(&mut self, moved: &CursorMove) {
        let cursor = &mut self.cursor;
        cursor.high_water = moved.high_water.map_or(cursor.high_water, |it| it.max(cursor.high_water));
        cursor.backfilled_at = moved.backfilled_at.or(cursor.backfilled_at);
        cursor.freshened_at = moved.freshened_at.or(cursor.freshened_at);
        cursor.whole_at = moved.whole_at.or(cursor.whole_at);
        cursor.sealed_at = moved.sealed_at.or(cursor.sealed_at);
    }

    /// From now on the list counts as one without date filter.
    pub(super) fn ignore_filter(&mut self) {
        self.filter_ignored = self.reader.resource.filters_by_date();
    }

    pub(super) fn cursor(&self) -> &Cursor {
        &self.cursor
    }

    /// Reads with the order proof of this job and takes over what the finish moved.
    pub(super) async fn read(
        &mut self,
        plan: PassPlan,
        pages_max: Option<u32>,
        finish: Finish,
        shown: &mut Show<'_>,
    ) -> Result<Reading, StepError> {
        let mut proof = std::mem::take(&mut self.proof);
        let result = self.reader.read_with(plan, pages_max, finish, &mut proof, shown).await;
        self.proof = proof;
        let reading = result?;
        self.filter_ignored |= reading.filter_ignored;
        if let Some(moved) = reading.moved {
            self.note(&moved);
        }
        Ok(reading)
    }
}
