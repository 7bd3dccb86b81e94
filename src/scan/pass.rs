//! One pass over one list: which page to ask for next, and when the list is read to its end.
//!
//! The list is read by offset while it moves, so nothing is believed without evidence:
//!
//! - Pages overlap. A page is *continuous* if its first row was read before; otherwise rows may have slipped past the edge, and
//!   the pass steps back until it finds known ground.
//! - Rows that tie across the edge of a page may change places between two requests, so the next page starts before their group. A
//!   group longer than a page is believed only if its order is the same at both sides of every edge.
//! - The end is where two pages in a row stop, both shorter than a full one, the last on known ground and without a new row. One
//!   short page alone may be a short answer. An empty page where known rows should be is asked for again, and in the end is a
//!   failure, never an end.
//! - A pass that met something it could not resolve ends as [`Evidence::Doubtful`] or [`Evidence::Shuffled`]: the caller reads again
//!   until passes bring no news.
//! - It may stop early only while the order is proven, at the first row older than everything that is wanted.

mod ground;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use chrono::{DateTime, Utc};

use self::ground::Ground;
use crate::model::ids::SourceId;
use crate::model::page::{Direction, Order, PageRequest, Stamp, Window};
use crate::model::resource::Resource;
use crate::scan::order::{OrderProof, Stamps};
use crate::scan::rules::Rules;

/// Rows by which two pages overlap at least.
const OVERLAP_ROWS: usize = 5;
/// Times an answer that contradicts the ones before is asked for again.
const CONTRADICTIONS_MAX: u32 = 4;
/// Pages in a row without a new row before the list counts as moving too fast.
const STALLED_PAGES_MAX: u32 = 40;
/// Pages in a row that must stop at the same place before the list ends there; the lines of a report are read only once.
const ENDS_MIN: u32 = 2;
const ENDS_OF_REPORT_MIN: u32 = 3;
/// The smallest cap on a page that is expected of a server.
const PAGE_CAP_MIN: usize = 25;
/// How often a list must call itself empty; a report that is completed has lines.
const EMPTY_MIN: u32 = 2;
const EMPTY_REPORT_MIN: u32 = 4;

/// What one pass reads.
#[derive(Debug, Clone)]
pub struct PassPlan {
    pub resource: Resource,
    pub parent: Option<SourceId>,
    pub window: Option<Window>,
    pub stamp: Stamp,
    pub page_rows: u32,
    /// Rows of the longest page after which this list went on, as far as is known; 0 where it is not.
    pub granted: usize,
    /// Rows last updated before this instant are not wanted; the pass stops there if the order is proven.
    pub stop_before: Option<DateTime<Utc>>,
    pub rules: Rules,
}

/// What a pass needs to know of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowSeen {
    key: u64,
    pub stamps: Stamps,
}

impl RowSeen {
    /// `identity`: the id of the row, or its bytes where it has none.
    #[must_use]
    pub fn new(identity: &[u8], stamps: Stamps) -> Self {
        let mut hasher = DefaultHasher::new();
        identity.hash(&mut hasher);
        Self { key: hasher.finish(), stamps }
    }
}

/// What to do after a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Ask for [`Pass::request`].
    Continue,
    Ended(Ending, Evidence),
    /// The answers contradict each other: nothing may be concluded from this pass.
    Unsafe(Contradiction),
}

/// How a pass ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Everything wanted was seen; the order is proven and the rest is older.
    Early,
    /// The list was read to its end.
    Whole,
}

/// How sure it is that nothing slipped through on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Evidence {
    /// All pages were continuous and no tie was left open.
    Continuous,
    /// Rows may have changed places unseen: read again until a pass brings no news.
    Doubtful,
    /// Rows of one long tie come in another order at every request, so that each pass misses some of them by chance: read again until
    /// many passes bring no news.
    Shuffled,
}

impl Evidence {
    /// Passes in a row without news that count as agreement. A pass over a shuffled tie misses a given row about one time in three.
    #[must_use]
    pub const fn agreeing(self) -> u32 {
        match self {
            Evidence::Continuous => 1,
            Evidence::Doubtful => 2,
            Evidence::Shuffled => 8,
        }
    }
}

/// Why a pass cannot be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Contradiction {
    #[error("the list answers with empty pages where it showed rows before")]
    EmptyInside,
    #[error("the list moves faster than it can be read")]
    Stalled,
}

/// The state of one pass.
#[derive(Debug)]
pub struct Pass {
    plan: PassPlan,
    offset: u64,
    ground: Ground,
    /// The longest page so far: what the server grants.
    granted: usize,
    /// Pages that showed new rows.
    productive: u32,
    evidence: Evidence,
    /// The rows of a page whose end is one long tie; they matter only if another page follows.
    open_tie: Option<Vec<RowSeen>>,
    last: Option<LastPage>,
    /// Pages in a row that stopped at the same place.
    ends: u32,
    contradictions: u32,
    stalled: u32,
    step_back: u64,
    rows_new: u64,
    count_max: u64,
}

/// What the page before is compared by.
#[derive(Debug)]
struct LastPage {
    offset: u64,
    keys: Vec<u64>,
}

impl LastPage {
    fn reach(&self) -> u64 {
        self.offset + self.keys.len() as u64
    }
}

impl Pass {
    #[must_use]
    pub fn new(plan: PassPlan) -> Self {
        Self {
            plan,
            offset: 0,
            ground: Ground::default(),
            granted: 0,
            productive: 0,
            evidence: Evidence::Continuous,
            open_tie: None,
            last: None,
            ends: 0,
            contradictions: 0,
            stalled: 0,
            step_back: 0,
            rows_new: 0,
            count_max: 0,
        }
    }

    /// The next page to ask for.
    #[must_use]
    pub fn request(&self) -> PageRequest {
        PageRequest {
            resource: self.plan.resource,
            parent: self.plan.parent.clone(),
            window: self.plan.window.clone(),
            order: Order { stamp: self.plan.stamp, direction: Direction::NewestFirst },
            offset: self.offset,
            limit: self.plan.page_rows,
        }
    }

    /// Rows seen for the first time in this pass.
    #[must_use]
    pub const fn rows_new(&self) -> u64 {
        self.rows_new
    }

    /// Rows of the longest page after which the list went on, for the plans of later passes.
    #[must_use]
    pub fn granted(&self) -> usize {
        if self.productive > 1 { self.granted.max(self.plan.granted) } else { self.plan.granted }
    }

    /// Takes the answer to [`Pass::request`], rows in the order they came, received at monotonic time `at`.
    pub fn accept(&mut self, rows: &[RowSeen], count: Option<u64>, proof: &mut OrderProof, at: Duration) -> Verdict {
        let stamps: Vec<Stamps> = rows.iter().map(|row| row.stamps).collect();
        if self.plan.stamp == Stamp::LastUpdated {
            proof.observe(&stamps, at);
        }
        self.granted = self.granted.max(rows.len());
        // A count above the rows of its page can only mean all matching rows.
        if count.is_some_and(|count| count > rows.len() as u64) {
            self.count_max = self.count_max.max(count.unwrap_or(0));
        }
        let Some(first) = rows.first() else { return self.accept_empty() };
        // Within an open tie an unknown row need not mean a gap: what else is read of it is compared below.
        let in_open_tie = self.open_tie.as_ref().and_then(|above| above.last()).is_some_and(|above| tie(above, first));
        let continuous =
            !self.plan.rules.page_overlap || self.offset == 0 || self.ground.knows(first.key) || in_open_tie;
        if !continuous {
            // Its rows stay off the known ground: the gap above them is still open.
            return self.step_back();
        }
        self.step_back = 0;
        let rows_new = self.remember(rows);
        self.look_for_the_end(rows, rows_new);
        if self.open_tie.as_ref().is_some_and(|above| is_shuffled(above, rows)) {
            self.evidence = Evidence::Shuffled;
        }
        if self.may_stop_early(rows, proof, at) {
            return Verdict::Ended(Ending::Early, self.evidence);
        }
        if rows_new == 0 {
            return self.accept_nothing_new(rows);
        }
        self.contradictions = 0;
        self.stalled = 0;
        self.productive += 1;
        self.move_on(rows);
        Verdict::Continue
    }

    /// Adds the rows to the known ground; returns how many were not on it.
    fn remember(&mut self, rows: &[RowSeen]) -> usize {
        let rows_new = rows.iter().filter(|row| self.ground.add(row.key)).count();
        self.rows_new += rows_new as u64;
        rows_new
    }

    fn accept_empty(&mut self) -> Verdict {
        if !self.plan.rules.page_overlap {
            return self.end();
        }
        self.contradictions += 1;
        if self.rows_new == 0 {
            // An empty list is believed when it says so again.
            return if self.contradictions >= self.empty_min() { self.end() } else { Verdict::Continue };
        }
        if self.contradictions > CONTRADICTIONS_MAX {
            return Verdict::Unsafe(Contradiction::EmptyInside);
        }
        // The first time the same page again; then from further up, for the list may have shrunk.
        if self.contradictions > 1 {
            self.evidence = self.evidence.max(Evidence::Doubtful);
            self.offset = self.offset.saturating_sub(self.granted as u64);
        }
        Verdict::Continue
    }

    /// The first row of the page is not known: rows may have slipped past its edge.
    fn step_back(&mut self) -> Verdict {
        self.stalled += 1;
        if self.stalled > STALLED_PAGES_MAX {
            return Verdict::Unsafe(Contradiction::Stalled);
        }
        self.step_back = (self.step_back * 2).max(self.granted as u64 / 2).max(1);
        self.offset = self.offset.saturating_sub(self.step_back);
        Verdict::Continue
    }

    fn may_stop_early(&self, rows: &[RowSeen], proof: &OrderProof, at: Duration) -> bool {
        let Some(stop_before) = self.plan.stop_before else { return false };
        let last = rows.last().and_then(|row| row.stamps.updated_at);
        (proof.holds(at) || !self.plan.rules.order_proof) && last.is_some_and(|last| last < stop_before)
    }

    /// A page on known ground that shows nothing new: the end, or a list that moves, or a page served twice or in part.
    fn accept_nothing_new(&mut self, rows: &[RowSeen]) -> Verdict {
        if self.ends >= self.ends_min() || !self.plan.rules.page_overlap {
            return self.end();
        }
        self.stalled += 1;
        if self.stalled > STALLED_PAGES_MAX {
            return Verdict::Unsafe(Contradiction::Stalled);
        }
        // First the same page again, in case the one before was served twice; then onward, in case the list moved down by a page.
        if rows.len() >= self.granted && self.stalled.is_multiple_of(2) {
            self.move_on(rows);
        }
        Verdict::Continue
    }

    /// Counts the pages in a row that stop at one place: the same row, or no less far down.
    fn look_for_the_end(&mut self, rows: &[RowSeen], rows_new: usize) {
        let page = LastPage { offset: self.offset, keys: rows.iter().map(|row| row.key).collect() };
        let is_short = rows.len() < self.granted || (self.offset == 0 && rows.len() < self.granted_min());
        let last = self.last.as_ref();
        let stops_there = last.is_some_and(|last| page.keys.last() == last.keys.last() || page.reach() >= last.reach());
        let is_repeated = last.is_some_and(|last| page.offset != last.offset && page.keys == last.keys);
        self.ends = match (is_short && !is_repeated, rows_new == 0 && stops_there) {
            (false, _) => 0,
            (true, false) => 1,
            (true, true) => self.ends + 1,
        };
        self.last = Some(page);
    }

    /// Rows that a first page holds unless the list ends with it. While nothing is known of a cap on pages, a child list may have
    /// one; any other list is trusted, for it is read again by day or by night.
    fn granted_min(&self) -> usize {
        let asked = self.plan.page_rows as usize;
        let is_known = self.plan.granted > 0 || self.plan.parent.is_some();
        if is_known { asked.min(self.plan.granted.max(PAGE_CAP_MIN)) } else { asked }
    }

    const fn ends_min(&self) -> u32 {
        if matches!(self.plan.resource, Resource::TransferEntries) { ENDS_OF_REPORT_MIN } else { ENDS_MIN }
    }

    const fn empty_min(&self) -> u32 {
        if matches!(self.plan.resource, Resource::TransferEntries) { EMPTY_REPORT_MIN } else { EMPTY_MIN }
    }

    fn end(&mut self) -> Verdict {
        if self.count_max > self.rows_new {
            self.evidence = self.evidence.max(Evidence::Doubtful);
        }
        Verdict::Ended(Ending::Whole, self.evidence)
    }

    fn move_on(&mut self, rows: &[RowSeen]) {
        if !self.plan.rules.page_overlap {
            self.offset += rows.len() as u64;
            return;
        }
        let tied = tied_at_the_end(rows);
        let is_open = rows.len() > OVERLAP_ROWS && tied + OVERLAP_ROWS >= rows.len();
        self.open_tie = is_open.then(|| rows.to_vec());
        let reread = if is_open { OVERLAP_ROWS } else { tied + OVERLAP_ROWS };
        // A list of a few rows is asked for twice as a whole.
        self.offset += rows.len().saturating_sub(reread) as u64;
    }
}

/// Rows at the end of a page that tie with the last one: they may come in another order next time.
fn tied_at_the_end(rows: &[RowSeen]) -> usize {
    let Some(last) = rows.last() else { return 0 };
    rows.iter().rev().take_while(|row| tie(row, last)).count()
}

/// Whether a page that follows a long tie does not begin with the rows by which the two overlap. The same page served twice is none.
fn is_shuffled(above: &[RowSeen], rows: &[RowSeen]) -> bool {
    let keys = |rows: &[RowSeen]| rows.iter().map(|row| row.key).collect::<Vec<_>>();
    let (above, rows) = (keys(above), keys(rows));
    let overlap = &above[above.len() - OVERLAP_ROWS..];
    above != rows && rows[..rows.len().min(OVERLAP_ROWS)] != overlap[..rows.len().min(OVERLAP_ROWS)]
}

/// Whether two rows share a stamp. Of rows without any nobody knows what their order rests on.
fn tie(one: &RowSeen, other: &RowSeen) -> bool {
    const NONE: Stamps = Stamps { created_at: None, updated_at: None };
    let same = |one: Option<DateTime<Utc>>, other: Option<DateTime<Utc>>| one.is_some() && one == other;
    same(one.stamps.updated_at, other.stamps.updated_at)
        || same(one.stamps.created_at, other.stamps.created_at)
        || (one.stamps == NONE && other.stamps == NONE)
}

#[cfg(test)]
mod tests;
