//! Seals days of records that are listed under others: every child list that may show a record of the day is read again, as a whole.

use std::collections::{HashMap, HashSet};

use super::certify::{Tonight, portions, shown_as};
use super::error::StepError;
use super::follow::Read;
use super::job::{Follow, Job};
use super::read::{Closing, Progress, Show};
use crate::model::ids::SourceId;
use crate::model::record::Observation;
use crate::model::resource::Resource;
use crate::normalize::{Unreadable, sight};
use crate::paystand::Disposition;
use crate::scan::days::Slot;
use crate::scan::open_items::{Reason, open_items};
use crate::store::{CursorMove, Member, Parent};

/// Rows of the slots that are read before open items have their turn again.
const ROWS_TOGETHER: u64 = 1_000;

/// What the reading of a child list came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Listing {
    /// Everything that it has was shown, or it is gone for good.
    Whole,
    /// It has rows that cannot be read.
    Doubtful,
    /// It cannot be read now.
    Lacking,
}

impl Job {
    /// Seals by night the days of records that are listed under others, once those above them were sealed: only then is it known
    /// whose lists there are. Lists that are due come first, also in the course of a long night.
    pub async fn seal_children(&mut self, progress: &mut Progress) -> Result<(), StepError> {
        let Some(above) = self.reader.resource.parent() else { return Ok(()) };
        if !self.is_due(self.cursor().sealed_at) || !self.was_sealed_since(above).await? {
            return Ok(());
        }
        let started = self.reader.clock.now();
        let tonight = self.tonight().await?;
        for (turn, slots) in portions(tonight.slots(), ROWS_TOGETHER).into_iter().enumerate() {
            if turn > 0 {
                self.follow(Follow::Due, progress).await?;
            }
            let mut part = tonight.part(slots);
            self.read_lists(above, &mut part, progress).await?;
            self.certify(&part, CursorMove::default(), progress).await?;
        }
        let step = CursorMove { sealed_at: Some(started), ..CursorMove::default() };
        self.reader.store_closing(Closing { cursor: Some(step), ..Closing::default() }, &[]).await?;
        self.note(&step);
        Ok(())
    }

    /// Whether the resource above had its night since this one had.
    async fn was_sealed_since(&self, above: Resource) -> Result<bool, StepError> {
        let cursor = self.reader.store.cursor(&self.reader.merchant.customer_id, above).await?;
        let own = self.cursor().sealed_at;
        Ok(cursor.and_then(|cursor| cursor.sealed_at).is_some_and(|at| own.is_none_or(|own| at > own)))
    }

    /// Reads the lists that belong to the slots, each once.
    async fn read_lists(
        &self,
        above: Resource,
        tonight: &mut Tonight,
        progress: &mut Progress,
    ) -> Result<(), StepError> {
        let mut read = HashMap::new();
        let slots: Vec<Slot> = tonight.slots().iter().map(|(slot, _)| *slot).collect();
        for slot in slots {
            self.read_lists_of(slot, above, &mut read, tonight, progress).await?;
        }
        Ok(())
    }

    async fn read_lists_of(
        &self,
        slot: Slot,
        above: Resource,
        read: &mut HashMap<SourceId, Listing>,
        tonight: &mut Tonight,
        progress: &mut Progress,
    ) -> Result<(), StepError> {
        let (merchant, resource) = (&self.reader.merchant.customer_id, self.reader.resource);
        let mut after = String::new();
        loop {
            let parents = self.reader.store.parents(merchant, resource, above, slot, &after).await?;
            let Some(last) = parents.last() else { return Ok(()) };
            last.id.as_str().clone_into(&mut after);
            for parent in parents.into_iter().filter(|parent| may_have_children(resource, above, parent)) {
                if self.reader.stop.is_cancelled() {
                    return Err(StepError::Stopped);
                }
                let listing = match read.get(&parent.id) {
                    Some(listing) => *listing,
                    None => self.read_list(above, &parent.id, &mut |seen| tonight.show_one(seen), progress).await?,
                };
                match listing {
                    Listing::Whole => {}
                    Listing::Doubtful => tonight.doubt(slot),
                    Listing::Lacking => tonight.lack(slot),
                }
                read.insert(parent.id, listing);
            }
        }
    }

    /// Reads one child list as a whole. One that contradicts itself is not read tonight, and keeps no other from being read.
    async fn read_list(
        &self,
        above: Resource,
        parent: &SourceId,
        shown: &mut (dyn FnMut(&Observation) + Send),
        progress: &mut Progress,
    ) -> Result<Listing, StepError> {
        let mut is_doubtful = false;
        let show: &mut Show<'_> = &mut |seen: Result<&Observation, &Unreadable>| match seen {
            Ok(seen) => shown(seen),
            Err(_) => is_doubtful = true,
        };
        match self.read_children(parent, show, progress).await {
            Ok(Read::Done | Read::Open) if is_doubtful => Ok(Listing::Doubtful),
            Ok(Read::Done | Read::Open) => Ok(Listing::Whole),
            Ok(Read::Missing) if self.is_gone(above, parent).await? => Ok(Listing::Whole),
            Ok(Read::Missing) => Ok(Listing::Lacking),
            Err(error @ (StepError::Unsafe(_) | StepError::Disagreement { .. })) => {
                tracing::warn!(
                    merchant = %self.reader.merchant.label, resource = %self.reader.resource, %parent, %error,
                    "a list cannot be read; its days are not sealed tonight"
                );
                Ok(Listing::Lacking)
            }
            Err(error) => Err(error),
        }
    }

    /// Whether the source does not have the record any more whose list cannot be read, nor then what was listed under it.
    async fn is_gone(&self, above: Resource, parent: &SourceId) -> Result<bool, StepError> {
        let Err(error) = self.reader.client.read(above, parent, self.reader.priority).await else { return Ok(false) };
        match error.disposition() {
            Disposition::Missing => Ok(true),
            Disposition::Unavailable | Disposition::Park => Ok(false),
            Disposition::Retry | Disposition::Later(_) | Disposition::Stop => Err(error.into()),
        }
    }

    /// Whether a stored record that was not shown is in the list of the one above it after all. Where that cannot be read, nobody
    /// can say that it is gone.
    pub(super) async fn is_listed(&self, child: &Member, progress: &mut Progress) -> Result<bool, StepError> {
        let (Some(above), Some(parent)) = (self.reader.resource.parent(), &child.parent) else { return Ok(true) };
        let mut shown = HashSet::new();
        let mut show = |seen: &Observation| {
            shown.insert(seen.id.clone());
        };
        let listing = self.read_list(above, parent, &mut show, progress).await?;
        Ok(listing == Listing::Lacking || shown.contains(&shown_as(self.reader.resource, &child.id)))
    }
}

/// Whether the list of a record must be read: a stored one is listed under it, or its document says that there may be some. One that
/// cannot be decoded says nothing.
fn may_have_children(resource: Resource, above: Resource, parent: &Parent) -> bool {
    let read = |(shape, body): &(_, bytes::Bytes)| sight(above, *shape, None, body.clone()).ok()?.document.ok();
    let document = parent.body.as_ref().filter(|_| !parent.is_named).and_then(read);
    document.is_none_or(|document| {
        let open = open_items(&document, std::iter::empty());
        open.iter().any(|item| item.reason == Reason::Children && item.resource == resource)
    })
}
