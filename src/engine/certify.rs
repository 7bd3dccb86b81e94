//! Seals closed days: reads them again, compares with what is stored, and certifies what agrees. `certify_children` does so where the
//! records are listed under others.

use std::collections::HashSet;

use chrono::{DateTime, Days, TimeDelta, Utc};

use super::error::StepError;
use super::harvest::Detail;
use super::job::Job;
use super::read::{Closing, Finish, Progress};
use crate::model::ids::SourceId;
use crate::model::page::{Stamp, Window};
use crate::model::record::Observation;
use crate::model::resource::Resource;
use crate::normalize::{Unreadable, first_line};
use crate::paystand::has_detail;
use crate::scan::days::{Slot, day_of, day_start};
use crate::scan::order::OrderProof;
use crate::scan::seals::{self, Content, Seal, closed, due, due_children, judge, runs};
use crate::store::{CursorMove, Finding, Member, NewSeal};

/// The class of an exception about a stored record that the source does not have any more.
pub const VANISHED: &str = "record_vanished";
/// How long after its end a day is read for its seal, so that rows visible a little late are in it.
const SETTLING: TimeDelta = TimeDelta::hours(1);
/// Rows of the slots that are read in one pass.
const ROWS_TOGETHER: u64 = 50_000;

/// The slots that are read tonight, and what is known of them.
pub(super) struct Tonight {
    seals: Vec<Seal>,
    slots: Vec<(Slot, Content)>,
    shown: HashSet<SourceId>,
    /// When rows that cannot be read were created, as far as they say.
    unread: Vec<Option<DateTime<Utc>>>,
    /// Slots of which not everything could be asked for.
    unasked: HashSet<Slot>,
}

impl Tonight {
    fn new(seals: Vec<Seal>, slots: Vec<(Slot, Content)>) -> Self {
        Self { seals, slots, shown: HashSet::new(), unread: Vec::new(), unasked: HashSet::new() }
    }

    pub fn slots(&self) -> &[(Slot, Content)] {
        &self.slots
    }

    /// Takes note that a row cannot be read that may belong to the slot.
    pub fn doubt(&mut self, slot: Slot) {
        self.unread.push(Some(slot.from));
    }

    /// Takes note that a list that belongs to the slot cannot be read.
    pub fn lack(&mut self, slot: Slot) {
        self.unasked.insert(slot);
    }

    /// Takes note of a row that the list showed.
    pub fn show(&mut self, seen: Result<&Observation, &Unreadable>) {
        match seen {
            Ok(seen) => self.show_one(seen),
            Err(unreadable) => self.unread.push(created_of(&unreadable.body)),
        }
    }

    pub fn show_one(&mut self, seen: &Observation) {
        let (Some((first, _)), Some((last, _))) = (self.slots.first(), self.slots.last()) else { return };
        if seen.created_at.is_none_or(|created| created >= first.from && created < last.to) {
            self.shown.insert(seen.id.clone());
        }
    }

    /// Whether a row that cannot be read may belong to the slot, so that nobody can say that the slot is complete.
    fn is_doubtful(&self, slot: Slot) -> bool {
        self.unread.iter().any(|created| created.is_none_or(|created| created >= slot.from && created < slot.to))
    }

    pub fn part(&self, slots: &[(Slot, Content)]) -> Self {
        Self::new(self.seals.clone(), slots.to_vec())
    }
}

impl Job {
    /// Which slots are due, with what the store holds of them before they are read.
    pub(super) async fn tonight(&self) -> Result<Tonight, StepError> {
        let (merchant, zone) = (&self.reader.merchant.customer_id, self.reader.merchant.timezone);
        let now = self.reader.client.two_clocks().earlier_now();
        let begin = day_start(self.cursor().backfill_from, zone);
        let seals = self.reader.store.seals(merchant, self.reader.resource).await?;
        let due = match self.reader.resource.parent() {
            None => due(&closed(begin, &seals, zone, now - SETTLING), &seals, now),
            Some(above) => {
                let until = self.sealed_until(above).await?.unwrap_or(begin).min(now - SETTLING);
                due_children(&closed(begin, &seals, zone, until), &seals, now)
            }
        };
        let mut slots = Vec::new();
        for slot in due {
            slots.push((slot, self.reader.store.content(merchant, self.reader.resource, slot).await?));
        }
        Ok(Tonight::new(seals, slots))
    }

    /// Through when a resource is sealed.
    async fn sealed_until(&self, resource: Resource) -> Result<Option<DateTime<Utc>>, StepError> {
        let seals = self.reader.store.seals(&self.reader.merchant.customer_id, resource).await?;
        Ok(seals.last().map(|seal| seal.slot.to))
    }

    /// Seals by night. A list that turns out to have no date filter is read whole instead, which seals as well.
    pub(super) async fn seal(&mut self, progress: &mut Progress) -> Result<(), StepError> {
        match self.seal_days(progress).await {
            Err(StepError::FilterIgnored) => {
                self.ignore_filter();
                self.whole(progress).await
            }
            result => result,
        }
    }

    /// Reads the created days that are due and seals what agrees.
    async fn seal_days(&mut self, progress: &mut Progress) -> Result<(), StepError> {
        let started = self.reader.clock.now();
        let tonight = self.tonight().await?;
        for run in runs(&tonight.slots.iter().map(|(slot, _)| *slot).collect::<Vec<_>>()) {
            let known: Vec<_> = tonight.slots.iter().filter(|(slot, _)| run.contains(slot)).cloned().collect();
            for slots in portions(&known, ROWS_TOGETHER) {
                let mut part = tonight.part(slots);
                self.read_created(&mut part, progress).await?;
                self.certify(&part, CursorMove::default(), progress).await?;
            }
        }
        let step = CursorMove { sealed_at: Some(started), ..CursorMove::default() };
        self.reader.store_closing(Closing { cursor: Some(step), ..Closing::default() }, &[]).await?;
        self.note(&step);
        Ok(())
    }

    /// Reads the days of the slots, a day more on each side in case the server cuts days elsewhere.
    async fn read_created(&self, tonight: &mut Tonight, progress: &mut Progress) -> Result<(), StepError> {
        let (Some((first, _)), Some((last, _))) = (tonight.slots.first(), tonight.slots.last()) else { return Ok(()) };
        let zone = self.reader.merchant.timezone;
        let window = Window {
            stamp: Stamp::Created,
            first_day: day_of(first.from, zone) - Days::new(1),
            last_day: day_of(last.to, zone) + Days::new(1),
            zone,
        };
        let plan = self.reader.plan(Some(window), Stamp::Created);
        let mut show = |seen: Result<&Observation, &Unreadable>| tonight.show(seen);
        let reading = self.reader.read_with(plan, None, Finish::Pages, &mut OrderProof::default(), &mut show).await?;
        progress.rows += reading.rows;
        progress.versions += reading.versions;
        Ok(())
    }

    /// Compares what was shown with what is stored and writes the seals, together with `step`.
    pub(super) async fn certify(
        &self,
        tonight: &Tonight,
        step: CursorMove,
        progress: &mut Progress,
    ) -> Result<(), StepError> {
        let now = self.reader.clock.now();
        let (mut new, mut findings) = (Vec::new(), Vec::new());
        for (slot, before) in &tonight.slots {
            if tonight.unasked.contains(slot) || !self.all_shown(*slot, &tonight.shown, &mut findings, progress).await?
            {
                continue;
            }
            new.push(self.seal_slot(tonight, *slot, before, now).await?);
        }
        self.settle_shown(&tonight.shown, now).await?;
        let cursor = (step != CursorMove::default()).then_some(step);
        self.reader.store_closing(Closing { cursor, seals: new, ..Closing::default() }, &findings).await
    }

    /// What seemed to be gone and is shown again was only late.
    async fn settle_shown(&self, shown: &HashSet<SourceId>, now: DateTime<Utc>) -> Result<(), StepError> {
        let (merchant, resource) = (&self.reader.merchant.customer_id, self.reader.resource);
        let prefix = format!("{resource}:");
        for subject in self.reader.store.open_subjects(merchant, VANISHED, &prefix).await? {
            let id = SourceId::new(subject.strip_prefix(&prefix).unwrap_or_default());
            if shown.contains(&shown_as(resource, &id)) {
                let held = self.reader.lease().await?;
                let resolution = "the source shows it again";
                self.reader.store.settle_exception(&held, merchant, VANISHED, &subject, resolution, now).await?;
            }
        }
        Ok(())
    }

    async fn seal_slot(
        &self,
        tonight: &Tonight,
        slot: Slot,
        before: &Content,
        now: DateTime<Utc>,
    ) -> Result<NewSeal, StepError> {
        let merchant = &self.reader.merchant.customer_id;
        let seal = tonight.seals.iter().find(|seal| seal.slot == slot);
        let content = self.reader.store.content(merchant, self.reader.resource, slot).await?;
        let sums = self.reader.store.sums(merchant, self.reader.resource, slot).await?;
        let (readings, is_new, is_final) = match judge(seal, slot, before, &content, now) {
            seals::Finding::Sealed { readings, is_final } => (readings, true, is_final),
            seals::Finding::Agreed { readings, is_final } => (readings, false, is_final),
        };
        let is_final = is_final && !tonight.is_doubtful(slot);
        Ok(NewSeal { slot, zone: self.reader.merchant.timezone, content, sums, readings, is_new, is_final })
    }

    /// Whether every stored record of the slot was shown, or is gone for good. One that the list hides but that can be read all the
    /// same leaves the day unsealed tonight.
    async fn all_shown(
        &self,
        slot: Slot,
        shown: &HashSet<SourceId>,
        findings: &mut Vec<Finding>,
        progress: &mut Progress,
    ) -> Result<bool, StepError> {
        let (mut all, mut after) = (true, String::new());
        let (merchant, resource) = (&self.reader.merchant.customer_id, self.reader.resource);
        loop {
            let members = self.reader.store.members(merchant, resource, slot, &after).await?;
            let Some(last) = members.last() else { return Ok(all) };
            last.id.as_str().clone_into(&mut after);
            for member in members.iter().filter(|member| !shown.contains(&shown_as(resource, &member.id))) {
                if self.is_there(member, progress).await? {
                    all = false;
                } else {
                    findings.push(vanished(resource, &member.id));
                }
            }
        }
    }

    /// Whether a stored record that its list did not show can be read all the same.
    async fn is_there(&self, member: &Member, progress: &mut Progress) -> Result<bool, StepError> {
        if !has_detail(self.reader.resource) {
            return self.is_listed(member, progress).await;
        }
        match self.reader.ask_for(&member.id).await? {
            Detail::Missing => Ok(false),
            Detail::Closed => Ok(true),
            Detail::Seen(detail) => {
                progress.versions += self.reader.store_sightings(|| vec![Ok((*detail).clone())], None).await?.0;
                Ok(true)
            }
        }
    }
}

/// The id under which a list shows a stored record.
pub(super) fn shown_as(resource: Resource, id: &SourceId) -> SourceId {
    if resource == Resource::TransferEntries { first_line(id) } else { id.clone() }
}

fn vanished(resource: Resource, id: &SourceId) -> Finding {
    Finding {
        class: VANISHED,
        subject: format!("{resource}:{id}"),
        detail: format!("{resource}:{id} is stored, but the source does not have it any more"),
        evidence: None,
    }
}

/// When a row was created, by its bytes alone.
fn created_of(body: &[u8]) -> Option<DateTime<Utc>> {
    let row: serde_json::Value = serde_json::from_slice(body).ok()?;
    row.get("created")?.as_str()?.parse().ok()
}

/// Cuts a run of slots where it would hold more than `rows_max` rows.
pub(super) fn portions(slots: &[(Slot, Content)], rows_max: u64) -> Vec<&[(Slot, Content)]> {
    let mut portions = Vec::new();
    let (mut begin, mut rows) = (0, 0);
    for (at, (_, content)) in slots.iter().enumerate() {
        if at > begin && rows + content.rows > rows_max {
            portions.push(&slots[begin..at]);
            (begin, rows) = (at, 0);
        }
        rows += content.rows;
    }
    if begin < slots.len() {
        portions.push(&slots[begin..]);
    }
    portions
}
