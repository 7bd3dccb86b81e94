//! Drives passes over a list: asks for pages, stores what they show, and finishes once the pass can be believed.

use std::collections::HashMap;

use std::sync::atomic::Ordering;

use chrono::{DateTime, Days, TimeDelta, Utc};

use super::error::StepError;
use super::harvest::{Harvest, sight_rows};
use super::reader::Reader;
use crate::crash::{Point, crash_point};
use crate::model::ids::SourceId;
use crate::model::money::Amount;
use crate::model::page::{Stamp, Window};
use crate::model::record::Observation;
use crate::model::resource::Resource;
use crate::normalize::{Sighting, Unreadable, rows};
use crate::scan::lines::Lines;
use crate::scan::order::{OrderProof, Stamps};
use crate::scan::pass::{Evidence, Pass, PassPlan, RowSeen, Verdict};
use crate::scan::windows::DayRange;
use crate::store::{BackfillWindow, Batch, CursorMove, Finding, NewSeal};

/// Passes over one list until enough of them agree.
const PASSES_MAX: u32 = 32;
/// Times a batch is judged again because another writer came first.
const CONFLICTS_MAX: u32 = 5;

/// Without news the cursor is written about this often.
const QUIET_WRITE: TimeDelta = TimeDelta::seconds(60);

/// What a completed pass moves.
#[derive(Debug, Clone, Copy)]
pub enum Finish {
    /// Nothing.
    Pages,
    /// The high water; written at once with news, else about once a minute.
    Tail { high_water: DateTime<Utc>, quiet_since: DateTime<Utc> },
    /// A backfill window is read.
    Window(DayRange),
}

/// What reading a list came to.
#[derive(Debug, Clone, Default)]
pub struct Reading {
    pub rows: u64,
    pub versions: usize,
    /// The list showed rows far outside the window asked for.
    pub filter_ignored: bool,
    /// `None` where the reading was cut short on purpose, or had nothing to move.
    pub moved: Option<CursorMove>,
    /// Of a report: its lines, and each as it was last seen.
    lines: Lines,
    by_id: HashMap<SourceId, Sighting>,
}

/// What a step did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    pub rows: u64,
    pub versions: usize,
}

impl Progress {
    pub(super) fn add(&mut self, reading: &Reading) {
        self.rows += reading.rows;
        self.versions += reading.versions;
    }
}

impl Reading {
    fn note_lines(&mut self, sightings: &[Result<Sighting, Unreadable>]) {
        let readable = || sightings.iter().filter_map(|sighting| sighting.as_ref().ok());
        let amount = |sighting: &Sighting| sighting.document.as_ref().ok().and_then(|document| document.amount);
        self.lines.page(readable().map(|sighting| (&sighting.observation.id, amount(sighting))));
        for sighting in readable() {
            self.by_id.insert(sighting.observation.id.clone(), sighting.clone());
        }
    }

    /// Lines of a report of this sum that are more than one, beyond the first of each.
    pub(super) fn more_lines(&self, total: Amount) -> Vec<Sighting> {
        let doubled = self.lines.doubled(total).into_iter();
        let sightings = doubled.filter_map(|(id, more)| Some((self.by_id.get(&id)?, more)));
        sightings.flat_map(|(line, more)| (1..=more).map(|ordinal| line.clone().with_ordinal(ordinal))).collect()
    }
}

/// What goes into the transaction of the last page.
#[derive(Debug, Clone, Default)]
pub struct Closing {
    pub cursor: Option<CursorMove>,
    pub window: Option<BackfillWindow>,
    pub seals: Vec<NewSeal>,
}

/// Takes note of every row that a pass shows.
pub(super) type Show<'s> = dyn FnMut(Result<&Observation, &Unreadable>) + Send + 's;

/// Decides by what the last page brought whether the pass is believed, and if so what it closes.
type Close<'c> = dyn Fn(&Harvest) -> Option<Closing> + Sync + 'c;

/// State of one reading across its passes.
struct Passes {
    agreed: u32,
    news: usize,
    started: DateTime<Utc>,
}

impl Reader {
    /// Reads a list until a pass over it can be believed.
    ///
    /// # Errors
    /// [`StepError::Unsafe`] and [`StepError::Disagreement`] where it cannot; what was read is stored, nothing is moved.
    pub(super) async fn read_with(
        &self,
        plan: PassPlan,
        pages_max: Option<u32>,
        finish: Finish,
        proof: &mut OrderProof,
        shown: &mut Show<'_>,
    ) -> Result<Reading, StepError> {
        let mut reading = Reading::default();
        let mut passes = Passes { agreed: 0, news: 0, started: self.client.two_clocks().earlier_now() };
        for _ in 0..PASSES_MAX {
            passes.news = 0;
            passes.started = self.client.two_clocks().earlier_now();
            if self.read_pass(&plan, pages_max, finish, proof, shown, &mut reading, &mut passes).await? {
                return Ok(reading);
            }
        }
        Err(StepError::Disagreement { passes: PASSES_MAX })
    }

    /// One pass; true when the reading is over.
    #[expect(clippy::too_many_arguments, reason = "the state of a reading, spelled out")]
    async fn read_pass(
        &self,
        plan: &PassPlan,
        pages_max: Option<u32>,
        finish: Finish,
        proof: &mut OrderProof,
        shown: &mut Show<'_>,
        reading: &mut Reading,
        passes: &mut Passes,
    ) -> Result<bool, StepError> {
        let mut pass = Pass::new(plan.clone());
        let mut pages = 0;
        // A proven order leads to the end of what is new, however far that is.
        let is_cut = |pages: u32, proof: &OrderProof| {
            pages_max.is_some_and(|max| pages >= max) && !proof.holds(self.clock.monotonic())
        };
        reading.rows = 0;
        loop {
            if self.stop.is_cancelled() {
                return Err(StepError::Stopped);
            }
            let answer = self.client.list(&pass.request(), self.priority).await?;
            crash_point(Point::PageRead);
            let _in_hand = self.take_in_hand(answer.body.len()).await;
            let page = rows(answer.body).map_err(|not| StepError::NotAList(not.to_string()))?;
            let read_rows = || sight_rows(self.resource, plan.parent.as_ref(), &page.rows);
            let sightings = read_rows();
            if self.resource == Resource::TransferEntries {
                reading.note_lines(&sightings);
            }
            let seen = rows_seen(&sightings);
            for sighting in &sightings {
                shown(sighting.as_ref().map(|sighting| &sighting.observation));
            }
            let outside = plan.window.as_ref().is_some_and(|window| is_outside(window, &seen));
            if outside && plan.stamp == Stamp::Created {
                return Err(StepError::FilterIgnored);
            }
            reading.filter_ignored |= outside;
            let verdict = pass.accept(&seen, page.count, proof, self.clock.monotonic());
            pages += 1;
            reading.rows = pass.rows_new();
            self.granted.fetch_max(pass.granted(), Ordering::Relaxed);
            let mut sightings = Some(sightings);
            let sight = || sightings.take().unwrap_or_else(read_rows);
            match verdict {
                Verdict::Continue if is_cut(pages, proof) => {
                    reading.versions += self.store_sightings(sight, None).await?.0;
                    return Ok(true);
                }
                Verdict::Continue => {
                    let (versions, news) = self.store_page(sight, passes.started).await?;
                    reading.versions += versions;
                    passes.news += news;
                }
                Verdict::Unsafe(contradiction) => {
                    self.store_sightings(sight, None).await?;
                    return Err(contradiction.into());
                }
                Verdict::Ended(_, evidence) => {
                    return self.store_last(sight, evidence, finish, reading, passes).await;
                }
            }
        }
    }

    async fn store_page(
        &self,
        sight: impl FnMut() -> Vec<Result<Sighting, Unreadable>>,
        started: DateTime<Utc>,
    ) -> Result<(usize, usize), StepError> {
        let (versions, harvest) = self.store_sightings(sight, None).await?;
        Ok((versions, harvest.news_from_before(started)))
    }

    /// Stores the last page of a pass, together with what it closes if the pass can be believed.
    async fn store_last(
        &self,
        sight: impl FnMut() -> Vec<Result<Sighting, Unreadable>>,
        evidence: Evidence,
        finish: Finish,
        reading: &mut Reading,
        passes: &mut Passes,
    ) -> Result<bool, StepError> {
        let (rows, versions, news_before, agreed) = (reading.rows, reading.versions, passes.news, passes.agreed);
        let started = passes.started;
        let close = |harvest: &Harvest| {
            let quiet = news_before + harvest.news_from_before(started) == 0;
            let believed = evidence == Evidence::Continuous || (quiet && agreed + 1 >= evidence.agreeing());
            believed.then(|| closing(finish, rows, versions > 0 || !harvest.novelties.is_empty(), self.clock.now()))
        };
        let (versions, harvest) = self.store_sightings(sight, Some(&close)).await?;
        reading.versions += versions;
        if let Some(closed) = close(&harvest) {
            reading.moved = closed.cursor;
            return Ok(true);
        }
        let quiet = passes.news + harvest.news_from_before(passes.started) == 0;
        passes.agreed = if quiet { passes.agreed + 1 } else { 0 };
        Ok(false)
    }

    /// Judges what `sight` shows and stores the result, again if another writer came first.
    pub(super) async fn store_sightings(
        &self,
        mut sight: impl FnMut() -> Vec<Result<Sighting, Unreadable>>,
        close: Option<&Close<'_>>,
    ) -> Result<(usize, Harvest), StepError> {
        let mut conflicts = 0;
        loop {
            let harvest = self.harvest(sight()).await?;
            let closing = close.and_then(|close| close(&harvest)).unwrap_or_default();
            match self.ingest(&harvest, closing).await {
                Ok(versions) => {
                    if versions > 0 {
                        self.news.ring();
                    }
                    return Ok((versions, harvest));
                }
                Err(StepError::Store(error)) if error.is_worth_repeating() && conflicts < CONFLICTS_MAX => {
                    conflicts += 1;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Moves the cursor on its own, after everything that it covers was stored.
    pub(super) async fn store_move(&self, step: CursorMove) -> Result<(), StepError> {
        self.store_closing(Closing { cursor: Some(step), ..Closing::default() }, &[]).await
    }

    /// Stores what closes a piece of work.
    pub(super) async fn store_closing(&self, closing: Closing, findings: &[Finding]) -> Result<(), StepError> {
        let harvest = Harvest { novelties: Vec::new(), findings: findings.to_vec() };
        self.ingest(&harvest, closing).await.map(|_| ())
    }

    async fn ingest(&self, harvest: &Harvest, closing: Closing) -> Result<usize, StepError> {
        let now = self.clock.now();
        let held = self.lease().await?;
        let batch = Batch {
            merchant: &self.merchant.customer_id,
            resource: self.resource,
            novelties: &harvest.novelties,
            findings: &harvest.findings,
            adapters: &self.adapters,
            cursor: closing.cursor,
            window: closing.window,
            seals: &closing.seals,
            now,
        };
        Ok(self.store.ingest(&held, &batch).await?.versions)
    }
}

/// Whether enough time has passed to write a cursor that only moved with the clock.
pub(super) fn is_worth_writing(from: DateTime<Utc>, to: DateTime<Utc>) -> bool {
    to - from >= QUIET_WRITE
}

fn closing(finish: Finish, rows: u64, has_news: bool, now: DateTime<Utc>) -> Closing {
    match finish {
        Finish::Pages => Closing::default(),
        Finish::Tail { high_water, quiet_since } => {
            let step = CursorMove { high_water: Some(high_water), polled_at: Some(now), ..CursorMove::default() };
            let is_due = has_news || is_worth_writing(quiet_since, high_water);
            Closing { cursor: is_due.then_some(step), ..Closing::default() }
        }
        Finish::Window(range) => {
            let rows = i64::try_from(rows).unwrap_or(i64::MAX);
            let window = BackfillWindow { first_day: range.first, last_day: range.last, rows };
            Closing { window: Some(window), ..Closing::default() }
        }
    }
}

fn rows_seen(sightings: &[Result<Sighting, Unreadable>]) -> Vec<RowSeen> {
    let seen = |sighting: &Result<Sighting, Unreadable>| match sighting {
        Ok(Sighting { observation: it, .. }) => {
            RowSeen::new(it.id.as_str().as_bytes(), Stamps { created_at: it.created_at, updated_at: it.updated_at })
        }
        Err(unreadable) => RowSeen::new(&unreadable.body, Stamps { created_at: None, updated_at: None }),
    };
    sightings.iter().map(seen).collect()
}

/// Whether most rows lie so far outside the window that no zone explains it: the server ignores the filter.
fn is_outside(window: &Window, rows: &[RowSeen]) -> bool {
    let instant = |day: chrono::NaiveDate| day.and_hms_opt(0, 0, 0).expect("midnight exists in UTC").and_utc();
    let (from, to) = (instant(window.first_day - Days::new(2)), instant(window.last_day + Days::new(3)));
    let stamp = |row: &&RowSeen| match window.stamp {
        Stamp::Created => row.stamps.created_at,
        Stamp::LastUpdated => row.stamps.updated_at,
    };
    let outside = rows.iter().filter(|row| stamp(row).is_some_and(|at| at < from || at >= to)).count();
    outside * 2 > rows.len()
}
