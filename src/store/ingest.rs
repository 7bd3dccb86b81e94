//! One transaction for what one step learned: records, versions, ledger entries, exceptions and the cursor (I1).

use chrono::{DateTime, TimeDelta, Utc};

use super::lease::Held;
use super::open_item::ItemRows;
use super::record::{RecordRows, VersionRows};
use super::sum::Change;
use super::{
    BackfillWindow, CursorMove, Finding, NewSeal, Store, StoreError, books, cursor, exception, ledger, open_item,
    record, seal, sum, window,
};
use crate::crash::{Point, crash_point};
use crate::model::document::Document;
use crate::model::ids::{AdapterName, MerchantId, SourceId};
use crate::model::money::Currency;
use crate::model::record::{Observation, Shape};
use crate::model::resource::Resource;
use crate::scan::news::Known;
use crate::scan::open_items::{OpenItem, Reason, delay};

/// The class of an exception about a record whose body cannot be decoded.
pub const UNDECODABLE: &str = "undecodable_record";

/// Something about one record that is to be stored.
#[derive(Debug, Clone)]
pub struct Novelty {
    pub resource: Resource,
    pub id: SourceId,
    /// As it was when the news were judged; a change since fails the batch.
    pub known: Option<Known>,
    /// The sightings, lowest shape first; one at least.
    pub bodies: Vec<Observation>,
    pub filing: Filing,
    /// What stays open about a new version.
    pub open: Vec<OpenItem>,
}

/// Under which version the bodies are filed.
#[derive(Debug, Clone)]
pub enum Filing {
    /// A new version, in effect from now on: the document of its highest shape, or why there is none.
    Version(Result<Box<Document>, String>),
    /// Another shape of the version in effect.
    OtherShape,
    /// An older version that arrives late; it changes nothing newer.
    Late,
}

/// What one step learned.
#[derive(Debug)]
pub struct Batch<'a> {
    pub merchant: &'a MerchantId,
    /// Whose cursor moves, if any does.
    pub resource: Resource,
    pub novelties: &'a [Novelty],
    pub findings: &'a [Finding],
    /// Adapters that want documents.
    pub adapters: &'a [AdapterName],
    pub cursor: Option<CursorMove>,
    pub window: Option<BackfillWindow>,
    pub seals: &'a [NewSeal],
    pub now: DateTime<Utc>,
}

/// What was stored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ingested {
    pub versions: usize,
}

impl Batch<'_> {
    fn is_empty(&self) -> bool {
        self.novelties.is_empty()
            && self.findings.is_empty()
            && self.cursor.is_none()
            && self.window.is_none()
            && self.seals.is_empty()
    }

    /// One point for the batch, its cursor, its window and its seals, as far as it has them.
    fn crash_points(&self, [batch, cursor, window, seals]: [Point; 4]) {
        crash_point(batch);
        for (has, point) in
            [(self.cursor.is_some(), cursor), (self.window.is_some(), window), (!self.seals.is_empty(), seals)]
        {
            if has {
                crash_point(point);
            }
        }
    }
}

impl Store {
    /// Stores a batch in one transaction under the lease.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where another writer changed a record since it was judged: judge and store again.
    pub async fn ingest(&self, held: &Held, batch: &Batch<'_>) -> Result<Ingested, StoreError> {
        if batch.is_empty() {
            return Ok(Ingested::default());
        }
        let mut transaction = self.begin(held).await?;
        let (mut ingested, mut changes) = (Ingested::default(), Vec::new());
        for resource in Resource::ALL {
            let novelties: Vec<&Novelty> =
                batch.novelties.iter().filter(|novelty| novelty.resource == resource).collect();
            if !novelties.is_empty() {
                let (versions, changed) = store_records(&mut transaction, batch, resource, &novelties).await?;
                ingested.versions += versions;
                changes.extend(changed.into_iter().filter(Change::counts).map(|change| (resource, change)));
            }
        }
        exception::raise(&mut transaction, batch.merchant, batch.findings, batch.now).await?;
        if let Some(step) = &batch.cursor {
            cursor::advance(&mut transaction, batch.merchant, batch.resource, step).await?;
        }
        if let Some(read) = &batch.window {
            window::finish(&mut transaction, batch.merchant, batch.resource, read, batch.now).await?;
        }
        seal::write(&mut transaction, batch.merchant, batch.resource, batch.seals, batch.now).await?;
        sum::add(&mut transaction, batch.merchant, &changes).await?;
        batch.crash_points([Point::Ingesting, Point::Moving, Point::Reading, Point::Sealing]);
        transaction.commit().await?;
        batch.crash_points([Point::Ingested, Point::Moved, Point::Read, Point::Sealed]);
        self.look_again(batch.resource, ingested.versions).await?;
        Ok(ingested)
    }
}

/// Returns how many versions there were, and what became more.
async fn store_records(
    connection: &mut sqlx::PgConnection,
    batch: &Batch<'_>,
    resource: Resource,
    novelties: &[&Novelty],
) -> Result<(usize, Vec<Change>), StoreError> {
    let novelties = without_archived(connection, batch.merchant, resource, novelties).await?;
    let mut rows = RecordRows::default();
    let mut archive = VersionRows::default();
    let mut entries = ledger::NewEntries::default();
    let mut bookable = Vec::new();
    let mut undecodable = Vec::new();
    let mut mended = Vec::new();
    for novelty in &novelties {
        let version = number(novelty);
        rows.push(novelty, version);
        archive.push(novelty, version);
        match &novelty.filing {
            Filing::Version(document) => {
                entries.push_version(batch.adapters, novelty, version, document.as_ref().err());
                if document.is_ok() {
                    bookable.push((novelty.id.as_str(), version));
                }
                match document {
                    Err(reason) => undecodable.push(Finding {
                        class: UNDECODABLE,
                        subject: subject(novelty),
                        detail: reason.clone(),
                        evidence: novelty.bodies.last().map(|body| body.body.to_vec()),
                    }),
                    Ok(_) if novelty.known.as_ref().is_some_and(|known| known.content.is_none()) => {
                        mended.push(subject(novelty));
                    }
                    Ok(_) => {}
                }
            }
            Filing::Late => entries.push_superseded(batch.adapters, novelty, version),
            Filing::OtherShape => {}
        }
    }
    let changes = record::write(connection, batch.merchant, resource, &rows, batch.now).await?;
    seal::reopen(connection, batch.merchant, resource, &arrivals(&novelties), batch.now).await?;
    record::archive(connection, batch.merchant, resource, &archive, batch.now).await?;
    ledger::insert(connection, batch.merchant, resource, &entries, batch.now).await?;
    books::queue(connection, batch.merchant, resource, &bookable).await?;
    exception::raise(connection, batch.merchant, &undecodable, batch.now).await?;
    if !mended.is_empty() {
        let resolution = "a later version can be decoded";
        exception::resolve(connection, batch.merchant, UNDECODABLE, &mended, resolution, batch.now).await?;
    }
    let versions: Vec<&&Novelty> =
        novelties.iter().filter(|novelty| matches!(novelty.filing, Filing::Version(_))).collect();
    follow(connection, batch, resource, &versions).await?;
    Ok((versions.len(), changes))
}

/// The records of which nothing was known.
fn arrivals<'n>(novelties: &[&'n Novelty]) -> Vec<seal::Arrival<'n>> {
    let new = novelties.iter().filter(|novelty| novelty.known.is_none());
    let arrival = |novelty: &&'n Novelty| seal::Arrival {
        created_at: novelty.bodies.iter().filter_map(|body| body.created_at).max(),
        parent: novelty.bodies.iter().rev().find_map(|body| body.parent.as_ref()),
    };
    new.map(arrival).collect()
}

/// Notes what is to be read by id because of new versions.
async fn follow(
    connection: &mut sqlx::PgConnection,
    batch: &Batch<'_>,
    resource: Resource,
    versions: &[&&Novelty],
) -> Result<(), StoreError> {
    let later = batch.now + TimeDelta::from_std(delay(0)).expect("a delay is short");
    let mut items = ItemRows::default();
    let mut named = Vec::new();
    for version in versions {
        for item in &version.open {
            items.push(item, if item.reason == Reason::Children { batch.now } else { later });
        }
        if let Filing::Version(Ok(document)) = &version.filing {
            named.extend(document.parents());
        }
    }
    if resource.may_stay_open() {
        let ids: Vec<&str> = versions.iter().map(|version| version.id.as_str()).collect();
        open_item::reopen(connection, batch.merchant, resource, &ids, &items, batch.now).await?;
    }
    open_item::name(connection, batch.merchant, &named, batch.now, later).await
}

/// Drops late bodies that are in the archive already.
async fn without_archived<'n>(
    connection: &mut sqlx::PgConnection,
    merchant: &MerchantId,
    resource: Resource,
    novelties: &[&'n Novelty],
) -> Result<Vec<&'n Novelty>, StoreError> {
    let late: Vec<&str> = novelties
        .iter()
        .filter(|novelty| matches!(novelty.filing, Filing::Late))
        .map(|novelty| novelty.id.as_str())
        .collect();
    if late.is_empty() {
        return Ok(novelties.to_vec());
    }
    let archived = record::archived(connection, merchant, resource, &late).await?;
    let is_archived = |novelty: &Novelty| {
        novelty.bodies.iter().all(|body| {
            archived.iter().any(|(id, fingerprint)| id == novelty.id.as_str() && fingerprint == &body.fingerprint.0)
        })
    };
    let fresh = |novelty: &&&Novelty| !matches!(novelty.filing, Filing::Late) || !is_archived(novelty);
    Ok(novelties.iter().filter(fresh).copied().collect())
}

/// The version under which the bodies are filed.
fn number(novelty: &Novelty) -> i64 {
    let last = novelty.known.as_ref().map_or(0, |known| known.version_last);
    match &novelty.filing {
        Filing::Version(_) | Filing::Late => last + 1,
        Filing::OtherShape => novelty.known.as_ref().map_or(1, |known| known.version),
    }
}

/// How exceptions name a record.
fn subject(novelty: &Novelty) -> String {
    format!("{}:{}", novelty.resource, novelty.id)
}

impl<'n> RecordRows<'n> {
    fn push(&mut self, novelty: &'n Novelty, version: i64) {
        let known = novelty.known.as_ref();
        let expected = known.map_or(0, |known| known.version_last);
        let is_late = matches!(novelty.filing, Filing::Late);
        let document = match &novelty.filing {
            Filing::Version(Ok(document)) => Some(document),
            Filing::Version(Err(_)) | Filing::OtherShape | Filing::Late => None,
        };
        let body_of = |shape: Shape| {
            let seen = novelty.bodies.iter().rev().find(|body| body.shape == shape);
            // A late body must not become the one that the next sighting is compared with.
            seen.filter(|_| !is_late).map(|body| &body.fingerprint.0[..])
        };
        let latest = |stamp: fn(&Observation) -> Option<DateTime<Utc>>| novelty.bodies.iter().filter_map(stamp).max();
        self.source_id.push(novelty.id.as_str());
        self.expected.push(expected);
        self.version.push(if is_late { known.map_or(version, |known| known.version) } else { version });
        self.version_last.push(expected.max(version));
        self.embedded.push(body_of(Shape::Embedded));
        self.list.push(body_of(Shape::List));
        self.detail.push(body_of(Shape::Detail));
        self.content.push(document.map(|document| document.content().0.to_vec()));
        self.status.push(document.and_then(|document| document.status()));
        self.amount.push(document.and_then(|document| document.amount).map(crate::model::money::Amount::decimal));
        self.currency.push(document.and_then(|document| document.currency.as_ref()).map(Currency::as_str));
        self.created_at.push(latest(|body| body.created_at));
        self.updated_at.push(latest(|body| body.updated_at));
        self.parent_id.push(novelty.bodies.iter().rev().find_map(|body| body.parent.as_ref()).map(SourceId::as_str));
        self.subject_id.push(document.and_then(|it| it.subject()).map(SourceId::as_str));
        self.party.push(document.and_then(|it| it.party()));
        self.in_effect.push(matches!(novelty.filing, Filing::Version(_)));
    }
}

impl<'b> VersionRows<'b> {
    fn push(&mut self, novelty: &'b Novelty, version: i64) {
        for body in &novelty.bodies {
            self.source_id.push(novelty.id.as_str());
            self.version.push(version);
            self.shape.push(body.shape.name());
            self.fingerprint.push(&body.fingerprint.0);
            self.body.push(&body.body);
            self.parent_id.push(body.parent.as_ref().map(SourceId::as_str));
            self.updated_at.push(body.updated_at);
        }
    }
}
