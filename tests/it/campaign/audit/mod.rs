//! The independent auditor: compares what the lists showed with what the tables hold. It reads the tables by its own SQL and
//! shares no code with the scan.
//!
//! What it demands, of a world that has been quiet for two complete polls of every resource and one freshness pass:
//!
//! - [`shown`]: every row that lists show now is stored with that body, `lastUpdated`, amount and status in effect, and staged so.
//!   Left out are rows that no rule promises: created before `start_date`, unchanged since and named by nothing stored; and
//!   versions that appeared longer after their `lastUpdated` than the freshness pass looks back.
//! - [`versions`]: every version that was visible from before one complete poll until after the next complete poll of its
//!   resource is in the archive, if it appeared no longer after its `lastUpdated` than the overlap (what comes later is the
//!   freshness pass's, which sees only what is there at night), and no replica answered with older bodies in between. A version
//!   that comes and goes between two polls cannot be seen by anybody.
//! - [`versions`]: nothing is stored as a list row that no list showed, and no version repeats the one before it.
//! - [`children`]: every transaction of a receivable is stored if the receivable was news after the transaction appeared, or if
//!   the payment behind it is unexplained without it; every entry of a completed report; every final fee, also where `/fees` is
//!   closed.
//! - [`sums`]: the sums that are kept of records are theirs.
//! - [`books`]: events, entries and their delivery are what a rebuild from the archive makes, and every entry balances.
//!
//! A row that cannot be decoded must be in the archive or be the evidence of an exception.

mod books;
mod children;
mod seals;
mod shown;
mod sums;
mod tables;
mod versions;

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use paystand_sync::model::resource::Resource;
use paystand_sync::sandbox::Shown;

use self::tables::Tables;
use super::stage::{End, Poll, Stage};

/// What may be demanded of a run, by what its seed drew.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts about one run")]
pub struct Promise {
    /// No replica answered with older bodies while the run lasted.
    pub replicas_agree: bool,
    /// `/fees` is closed at the end.
    pub fees_closed: bool,
    /// Reports are open at the end.
    pub reports_open: bool,
    /// Windows are not applied, so that every list is read whole.
    pub whole_lists: bool,
}

impl Default for Promise {
    fn default() -> Self {
        Self { replicas_agree: true, fees_closed: false, reports_open: true, whole_lists: false }
    }
}

/// How long after its `lastUpdated` a version may appear and still be due: the seven days of the freshness pass, less the days
/// until the next one runs after an outage or a jump of the clock.
const LATENESS_MAX: TimeDelta = TimeDelta::days(4);
/// The high water stays this far behind the clocks, and a `Date` header is cut to the second.
const MARGIN: TimeDelta = TimeDelta::seconds(10);
/// Failures told per run: the first ones say enough.
const TOLD_MAX: usize = 12;
const BODY_CHARS_MAX: usize = 300;

/// One audit at work.
struct Audit<'a> {
    stage: &'a Stage,
    promise: Promise,
    truth: Vec<Shown>,
    tables: Tables,
    /// Start of the last complete poll of each resource.
    last_poll: HashMap<Resource, DateTime<Utc>>,
    first_poll: HashMap<Resource, DateTime<Utc>>,
    failures: Vec<String>,
    /// Facts that were looked at, so that an audit of nothing is noticed.
    looked_at: usize,
}

/// What an audit found.
#[derive(Debug)]
pub struct Report {
    pub failures: Vec<String>,
    pub looked_at: usize,
    pub versions: usize,
    pub changes: usize,
}

impl Report {
    /// Panics with what is wrong, if anything is.
    pub fn assert_clean(&self) {
        assert!(self.failures.is_empty(), "{}", self.failures.join("\n"));
        assert!(self.looked_at > 0, "the audit looked at nothing");
    }
}

pub async fn audit(stage: &Stage, promise: Promise) -> Report {
    let truth = stage.world.truth();
    let tables = Tables::read(&stage.database.pool).await;
    let complete = |polls: &mut dyn Iterator<Item = &Poll>| -> HashMap<Resource, DateTime<Utc>> {
        polls.filter(|poll| poll.end == End::Complete).map(|poll| (poll.resource, poll.from)).collect()
    };
    let mut audit = Audit {
        stage,
        promise,
        last_poll: complete(&mut stage.polls.iter()),
        first_poll: complete(&mut stage.polls.iter().rev()),
        truth,
        tables,
        failures: Vec::new(),
        looked_at: 0,
    };
    audit.shown();
    audit.versions();
    audit.children();
    let (wrong, looked_at) = books::wrong(&stage.database.pool, stage.settings.zone).await;
    audit.failures.extend(wrong);
    audit.failures.extend(seals::wrong(&stage.database.pool).await);
    audit.failures.extend(sums::wrong(&stage.database.pool).await);
    audit.vanished(&seals::told_vanished(&stage.database.pool).await);
    audit.looked_at += looked_at;
    let (versions, changes) = (audit.tables.versions(), audit.truth.len());
    let left = audit.failures.len().saturating_sub(TOLD_MAX);
    audit.failures.truncate(TOLD_MAX);
    if left > 0 {
        audit.failures.push(format!("… and {left} more"));
    }
    Report { failures: audit.failures, looked_at: audit.looked_at, versions, changes }
}

impl Audit<'_> {
    fn fail(&mut self, shown: &Shown, what: &str) {
        let Shown { resource, id, last_updated, visible_from, visible_until, .. } = shown;
        let until = visible_until.map_or_else(|| "now".to_owned(), |until| until.to_rfc3339());
        let from = visible_from.to_rfc3339();
        let body: String = String::from_utf8_lossy(&shown.body).chars().take(BODY_CHARS_MAX).collect();
        self.failures.push(format!("{resource}:{id} of {last_updated}, shown {from} to {until}: {what}; {body}"));
    }

    /// Whether lists showed it before the reading that had to find it: the last complete poll of its resource for what a tail sees, the
    /// last night for the rest.
    fn was_polled_since(&self, shown: &Shown) -> bool {
        let overlap = TimeDelta::from_std(self.stage.settings.overlap).expect("a short time");
        let lateness = shown.visible_from - shown.last_updated;
        let is_in_tail = shown.resource.filters_by_date() && !self.promise.whole_lists && lateness <= overlap - MARGIN;
        let read_at = if is_in_tail { self.last_poll.get(&shown.resource).copied() } else { self.stage.night };
        read_at.is_some_and(|from| shown.visible_from + MARGIN < from)
    }

    /// Whether a rule promises that this version is read, late as it may have appeared.
    fn is_in_reach(&self, shown: &Shown) -> bool {
        self.promise.whole_lists
            || !shown.resource.filters_by_date()
            || shown.visible_from - shown.last_updated <= LATENESS_MAX
            // What was there at the first poll is the backfill's; a replica that lags just then may hide a change for good.
            || self.promise.replicas_agree && self.first_poll.get(&shown.resource).is_some_and(|from| shown.visible_from < *from)
    }
}

/// A text field of a JSON object.
fn text(body: &[u8], name: &str) -> Option<String> {
    let value: serde_json::Value = serde_json::from_slice(body).ok()?;
    value.get(name)?.as_str().map(str::to_owned)
}
