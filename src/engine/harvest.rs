//! From the rows of a page to what is to be stored of them: judges news, reads details, settles ambiguities.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::stream::{self, StreamExt, TryStreamExt};

use super::error::StepError;
use super::reader::{CLOCKS_APART_MAX, Reader};
use crate::model::ids::SourceId;
use crate::model::record::{Fingerprint, Shape};
use crate::model::resource::Resource;
use crate::normalize::{Sighting, Unreadable, sight};
use crate::paystand::{Disposition, SourceError, has_detail};
use crate::scan::news::{Known, News, Ruling, contradicts, judge, rule, rule_by_meaning};
use crate::scan::open_items::open_items;
use crate::scan::rules::Rules;
use crate::store::{Filing, Finding, Novelty};

/// A lagging replica is given this long before an ambiguous row is read again.
const AMBIGUITY_WAIT: Duration = Duration::from_secs(2);
/// How often a record is read by id while it contradicts its row.
const CONTRADICTIONS_MAX: u32 = 5;
/// The class of an exception about a row that has no usable id.
pub const UNREADABLE: &str = "unreadable_row";

/// The class of an exception about a fee inside a payment that has no usable id.
pub const UNREADABLE_FEE: &str = "unreadable_fee";
/// The class of an exception about a row dated after both clocks.
pub const FROM_THE_FUTURE: &str = "row_from_the_future";

/// What one page yields.
#[derive(Debug, Default)]
pub struct Harvest {
    pub novelties: Vec<Novelty>,
    pub findings: Vec<Finding>,
}

impl Harvest {
    /// New versions of the resource itself that were last updated before `instant`, or do not say when.
    #[must_use]
    pub fn news_from_before(&self, instant: DateTime<Utc>) -> usize {
        let is_old = |novelty: &&Novelty| {
            matches!(novelty.filing, Filing::Version(_))
                && novelty
                    .bodies
                    .iter()
                    .filter_map(|body| body.updated_at)
                    .max()
                    .is_none_or(|updated| updated < instant)
        };
        self.novelties.iter().filter(is_old).count()
    }
}

/// A fee inside a payment, if it can be read.
type Embedded = Result<Sighting, Unreadable>;

/// How one sighting goes on after it was judged.
enum Course {
    File(As),
    ReadDetail(Why),
}

/// What a sighting is filed as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum As {
    Version,
    OtherShape,
    Late,
}

/// Why a record is read by id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Why {
    /// Its row is news and does not say all.
    News,
    /// Its row may be stale.
    Ambiguous,
    /// Its row looks the same and would look so after a change.
    Unchanged,
}

/// What the source says of a record by its id.
#[derive(Debug)]
pub(super) enum Detail {
    Seen(Box<Sighting>),
    /// It is not there.
    Missing,
    /// It may not be read, or not as a record: nothing is known.
    Closed,
}

impl Reader {
    /// Judges sightings of this job's resource against the store and reads what is missing.
    pub async fn harvest(&self, sightings: Vec<Result<Sighting, Unreadable>>) -> Result<Harvest, StepError> {
        let (seen, lost) = apart(sightings);
        let findings = lost.iter().map(|unreadable| unreadable_row(UNREADABLE, self.resource, unreadable)).collect();
        let mut harvest = Harvest { novelties: Vec::new(), findings };
        let seen = latest_of_each(seen);
        let known = self.known(self.resource, &seen).await?;
        let mut details = Vec::new();
        let mut embedded = Vec::new();
        for sighting in seen {
            let known = known.get(&sighting.observation.id).cloned();
            match course(known.as_ref(), &sighting, self.rules, self.thorough) {
                None => {}
                Some(Course::File(filing)) => {
                    harvest.novelties.push(file(known, sighting, filing, &mut embedded));
                }
                Some(Course::ReadDetail(why)) => details.push((known, sighting, why)),
            }
        }
        if details.iter().any(|(_, _, why)| *why == Why::Ambiguous) {
            self.clock.sleep(AMBIGUITY_WAIT).await;
        }
        let read =
            stream::iter(details.into_iter().map(|(known, sighting, why)| self.with_detail(known, sighting, why)))
                .buffered(self.sync.pages_in_flight_max);
        let read: Vec<(Option<Novelty>, Vec<Embedded>)> = read.try_collect().await?;
        for (novelty, children) in read {
            harvest.novelties.extend(novelty);
            embedded.extend(children);
        }
        let (embedded, lost) = apart(embedded);
        harvest.findings.extend(lost.iter().map(|it| unreadable_row(UNREADABLE_FEE, Resource::Fees, it)));
        harvest.novelties.extend(self.harvest_embedded(embedded).await?);
        let future = self.client.two_clocks().later_now() + CLOCKS_APART_MAX;
        harvest.findings.extend(harvest.novelties.iter().filter_map(|novelty| from_the_future(novelty, future)));
        Ok(harvest)
    }

    async fn known(&self, resource: Resource, seen: &[Sighting]) -> Result<HashMap<SourceId, Known>, StepError> {
        let ids: Vec<&str> = seen.iter().map(|sighting| sighting.observation.id.as_str()).collect();
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        Ok(self.store.known(&self.merchant.customer_id, resource, &ids).await?)
    }

    /// Reads the record by id and files what it says together with the row.
    async fn with_detail(
        &self,
        known: Option<Known>,
        row: Sighting,
        why: Why,
    ) -> Result<(Option<Novelty>, Vec<Embedded>), StepError> {
        let mut embedded = Vec::new();
        let Some(detail) = self.detail_of(&row).await? else {
            // Shown by the list, unknown by id: what the list says is all there is.
            let novelty = (why != Why::Unchanged).then(|| file(known, row, As::Version, &mut embedded));
            return Ok((novelty, embedded));
        };
        let is_known = known.as_ref().is_some_and(|known| known.detail == Some(detail.observation.fingerprint));
        let novelty = match why {
            Why::Unchanged if is_known => None,
            Why::Unchanged => Some(file(known, detail, As::Version, &mut embedded)),
            Why::Ambiguous if self.is_stale(known.as_ref(), &row, &detail).await? => None,
            // The list has caught up with a detail that was read before: another shape of the version in effect.
            Why::Ambiguous | Why::News if is_known && row.observation.updated_at <= detail.observation.updated_at => {
                Some(file(known, row, As::OtherShape, &mut embedded))
            }
            Why::Ambiguous | Why::News => Some(combine(known, row, detail, &mut embedded)),
        };
        Ok((novelty, embedded))
    }

    /// The record of a row read by id, again after a while where the two contradict each other; the last answer counts.
    async fn detail_of(&self, row: &Sighting) -> Result<Option<Sighting>, StepError> {
        let mut detail = self.detail(&row.observation.id).await?;
        for _ in 1..CONTRADICTIONS_MAX {
            let (Ok(seen), Some(Ok(read))) = (&row.document, detail.as_ref().map(|detail| &detail.document)) else {
                break;
            };
            if !contradicts(seen, read) {
                break;
            }
            self.clock.sleep(AMBIGUITY_WAIT).await;
            detail = self.detail(&row.observation.id).await?;
        }
        Ok(detail)
    }

    /// The record read by id; `None` where it does not exist, or cannot be read as such.
    pub async fn detail(&self, id: &SourceId) -> Result<Option<Sighting>, StepError> {
        match self.ask_for(id).await? {
            Detail::Seen(sighting) => Ok(Some(*sighting)),
            Detail::Missing | Detail::Closed => Ok(None),
        }
    }

    /// What the source says of a record by its id.
    pub(super) async fn ask_for(&self, id: &SourceId) -> Result<Detail, StepError> {
        let answer = match self.client.read(self.resource, id, self.priority).await {
            Ok(answer) => answer,
            Err(error) => {
                return match error.disposition() {
                    Disposition::Missing => Ok(Detail::Missing),
                    Disposition::Unavailable | Disposition::Park => Ok(Detail::Closed),
                    Disposition::Retry | Disposition::Later(_) | Disposition::Stop => Err(StepError::Source(error)),
                };
            }
        };
        let sighting = sight(self.resource, Shape::Detail, None, answer.body);
        Ok(sighting.map_or(Detail::Closed, |sighting| Detail::Seen(Box::new(sighting))))
    }

    /// Whether the row just seen is an older body of the same second, or the replica that was asked by id has an older one. Nothing is
    /// filed then, so that the row is asked about again when it comes again.
    async fn is_stale(&self, known: Option<&Known>, row: &Sighting, detail: &Sighting) -> Result<bool, StepError> {
        let seen = &row.observation;
        if known.is_none() || detail.observation.updated_at > seen.updated_at {
            return Ok(false);
        }
        let stored = self.store.body(&self.merchant.customer_id, self.resource, &seen.id, seen.shape).await?;
        let Some(stored) = stored else { return Ok(false) };
        let ruling = rule(&detail.observation.body, &stored, &seen.body).unwrap_or_else(|| {
            let stored = sight(self.resource, seen.shape, seen.parent.as_ref(), stored).ok();
            match (&detail.document, stored.and_then(|stored| stored.document.ok()), &row.document) {
                (Ok(detail), Some(stored), Ok(seen)) => rule_by_meaning(detail, &stored, seen),
                _ => Ruling::Seen,
            }
        });
        Ok(ruling == Ruling::Stored)
    }

    /// Children that came inside of news: the fees of a payment.
    async fn harvest_embedded(&self, embedded: Vec<Sighting>) -> Result<Vec<Novelty>, StepError> {
        let embedded = latest_of_each(embedded);
        let known = self.known(Resource::Fees, &embedded).await?;
        let mut novelties = Vec::new();
        for sighting in embedded {
            let known = known.get(&sighting.observation.id).cloned();
            let filing = match judge(known.as_ref(), &sighting.observation, sighting.document.as_ref().ok()) {
                News::None => continue,
                // The parent was read just now, so what it holds is the later answer, unless the list of its own says more.
                News::Ambiguous if known.as_ref().is_some_and(|known| known.list.is_none()) => As::Version,
                News::Version => As::Version,
                News::OtherShape | News::Ambiguous => As::OtherShape,
                News::Late => As::Late,
            };
            novelties.push(file(known, sighting, filing, &mut Vec::new()));
        }
        Ok(novelties)
    }
}

fn apart(sightings: Vec<Result<Sighting, Unreadable>>) -> (Vec<Sighting>, Vec<Unreadable>) {
    let (mut read, mut lost) = (Vec::new(), Vec::new());
    for sighting in sightings {
        match sighting {
            Ok(sighting) => read.push(sighting),
            Err(unreadable) => lost.push(unreadable),
        }
    }
    (read, lost)
}

fn unreadable_row(class: &'static str, resource: Resource, unreadable: &Unreadable) -> Finding {
    Finding {
        class,
        subject: unreadable_subject(resource, unreadable),
        detail: format!("a row of {resource} cannot be read: {}", unreadable.reason),
        evidence: Some(unreadable.body.to_vec()),
    }
}

/// How an exception names a row that cannot be read.
pub(super) fn unreadable_subject(resource: Resource, unreadable: &Unreadable) -> String {
    format!("{resource}:{}", identity(unreadable))
}

/// How an exception names a row: by its id where it has a legible one, else by its bytes.
fn identity(unreadable: &Unreadable) -> String {
    unreadable.id.as_ref().map_or_else(|| Fingerprint::of_bytes(&unreadable.body).short(), ToString::to_string)
}

/// A row that says it was updated after both clocks. It is stored like any other and moves nothing.
fn from_the_future(novelty: &Novelty, future: DateTime<Utc>) -> Option<Finding> {
    let updated = novelty.bodies.iter().filter_map(|body| body.updated_at).max().filter(|updated| *updated > future)?;
    Some(Finding {
        class: FROM_THE_FUTURE,
        subject: format!("{}:{}", novelty.resource, novelty.id),
        detail: format!("{}:{} says that it was updated at {updated}, after both clocks", novelty.resource, novelty.id),
        evidence: None,
    })
}

/// What to do with one sighting; `None` where it is no news.
fn course(known: Option<&Known>, sighting: &Sighting, rules: Rules, thorough: bool) -> Option<Course> {
    let reads_by_id = has_detail(sighting.observation.resource) && sighting.observation.shape == Shape::List;
    match judge(known, &sighting.observation, sighting.document.as_ref().ok()) {
        // A row that does not say when it was updated may look the same although its record has changed.
        News::None if thorough && reads_by_id && !sighting.complete && sighting.observation.updated_at.is_none() => {
            Some(Course::ReadDetail(Why::Unchanged))
        }
        News::None => None,
        News::Late => Some(Course::File(As::Late)),
        News::OtherShape => Some(Course::File(As::OtherShape)),
        News::Ambiguous if reads_by_id && rules.equal_second => Some(Course::ReadDetail(Why::Ambiguous)),
        // A detail is never replaced by a list row: where one is known, the next one is read.
        News::Version if reads_by_id && (!sighting.complete || known.is_some_and(|known| known.detail.is_some())) => {
            Some(Course::ReadDetail(Why::News))
        }
        News::Version | News::Ambiguous => Some(Course::File(As::Version)),
    }
}

fn file(known: Option<Known>, sighting: Sighting, filed: As, embedded: &mut Vec<Embedded>) -> Novelty {
    let Sighting { observation, document, embedded: fees, .. } = sighting;
    let mut open = Vec::new();
    let filing = match filed {
        As::OtherShape => Filing::OtherShape,
        As::Late => Filing::Late,
        As::Version => {
            if let Ok(document) = &document {
                open = open_items(document, fees.iter().flatten().filter_map(|fee| fee.document.as_ref().ok()));
            }
            embedded.extend(fees);
            Filing::Version(document.map(Box::new).map_err(|undecodable| undecodable.to_string()))
        }
    };
    let (resource, id) = (observation.resource, observation.id.clone());
    Novelty { resource, id, known, bodies: vec![observation], filing, open }
}

/// One version of a list row and the detail read after it.
fn combine(known: Option<Known>, row: Sighting, detail: Sighting, embedded: &mut Vec<Embedded>) -> Novelty {
    // A replica behind the list: its body is older than the news, so the news stand as the list has them.
    if detail.observation.updated_at < row.observation.updated_at {
        return file(known, row, As::Version, embedded);
    }
    let mut novelty = file(known, detail, As::Version, embedded);
    novelty.bodies.insert(0, row.observation);
    novelty
}

/// Keeps the latest sighting of each id; of equal ones the last.
fn latest_of_each(mut sightings: Vec<Sighting>) -> Vec<Sighting> {
    sightings.sort_by_key(|sighting| sighting.observation.updated_at);
    let mut ids = HashSet::new();
    sightings.reverse();
    sightings.retain(|sighting| ids.insert(sighting.observation.id.clone()));
    sightings
}

/// Reads every row of a list answer in the shape of a list row.
pub fn sight_rows(resource: Resource, parent: Option<&SourceId>, rows: &[Bytes]) -> Vec<Result<Sighting, Unreadable>> {
    rows.iter().map(|row| sight(resource, Shape::List, parent, row.clone())).collect()
}

/// Whether the list is closed and work can go on without it.
pub fn is_closed(resource: Resource, error: &StepError) -> bool {
    match resource {
        // Integration tokens may be refused here (Paystand X docs); the fees are inside of payments too.
        Resource::Fees => {
            matches!(error, StepError::Source(SourceError::Unauthorized { .. } | SourceError::NotFound { .. }))
        }
        Resource::Refunds | Resource::Disputes | Resource::CreditMemos => {
            matches!(error, StepError::Source(SourceError::NotFound { .. }))
        }
        Resource::Customers
        | Resource::Receivables
        | Resource::Payments
        | Resource::ReceivableTransactions
        | Resource::Withdrawals
        | Resource::Transfers
        | Resource::TransferEntries => false,
    }
}
