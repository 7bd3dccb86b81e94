//! The one way in which anything changes: at an instant, under the quirks of the moment.
//!
//! A change is visible by id at once and in lists when its lag has passed. Here is decided what `lastUpdated` it gets,
//! whether it lags, whether a second write follows within the second, and whether the parent moves too.

use std::sync::Arc;

use crate::model::resource::Resource;
use crate::sandbox::agenda::{Agenda, Change};
use crate::sandbox::books::Books;
use crate::sandbox::days::SECOND_MS;
use crate::sandbox::dice::Dice;
use crate::sandbox::economy::{self, Economy};
use crate::sandbox::generator::{Player, Step};
use crate::sandbox::mutate::Draft;
use crate::sandbox::quirks::PaymentRows;
use crate::sandbox::record::{Record, RowNo};

/// One merchant at one instant.
#[derive(Debug)]
pub(crate) struct Scene<'a> {
    pub books: &'a mut Books,
    pub player: &'a mut Player,
    pub economy: &'a mut Economy,
    pub agenda: &'a mut Agenda,
    pub dice: &'a mut Dice,
    pub merchant: usize,
    pub at_ms: i64,
    /// What the next new row of a resource is to be like.
    pub draft: Option<(Resource, Draft)>,
    /// Second writes that wait for the next but one request: time may stand still in between.
    pub rewrites: &'a mut Vec<Rewrite>,
}

/// A second write within one second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rewrite {
    pub merchant: usize,
    pub resource: Resource,
    pub row: RowNo,
    pub updated_ms: i64,
    pub requests_left: u32,
}

/// What a change does to `lastUpdated`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bump {
    /// Now, unless a quirk leaves it.
    Now,
    /// Exactly this.
    To(i64),
}

impl Scene<'_> {
    /// `ms` in the resolution of the server's timestamps.
    pub(crate) fn stamp(&self, ms: i64) -> i64 {
        let rows = &self.books.quirks.rows;
        let grain_ms = match rows.grain_seconds {
            0 | 1 if rows.milliseconds => 1,
            0 | 1 => SECOND_MS,
            seconds => i64::from(seconds) * SECOND_MS,
        };
        ms.div_euclid(grain_ms) * grain_ms
    }

    /// Plans a step of the simulated business.
    pub(crate) fn later(&mut self, delay_ms: i64, step: Step) {
        self.agenda.plan(self.at_ms + delay_ms, self.merchant, Change::Play(step));
    }

    /// Plans a step of the simulated economy.
    pub(crate) fn deal_later(&mut self, delay_ms: i64, step: economy::Step) {
        self.agenda.plan(self.at_ms + delay_ms, self.merchant, Change::Deal(step));
    }

    /// A new row. Its `created` and `lastUpdated` may lie in the past.
    pub(crate) fn create(&mut self, resource: Resource, mut record: Record) -> RowNo {
        let draft = self.draft.take_if(|(wanted, _)| *wanted == resource);
        let draft_lag_ms = draft.as_ref().and_then(|(_, draft)| draft.edit.lag_ms());
        if let Some((_, draft)) = draft {
            draft.apply(self.books, &mut record);
        }
        record.created_ms = self.stamp(record.created_ms);
        record.updated_ms = self.stamp(record.updated_ms);
        let per_mille = self.books.quirks.changes.lag_new_per_mille;
        let lag_ms = match draft_lag_ms {
            _ if self.books.seeding => 0,
            Some(lag_ms) => lag_ms,
            None => self.lag_ms(per_mille, "lag_new_per_mille"),
        };
        let row = self.books.add(resource, record);
        let record = Arc::clone(self.books.record(resource, row));
        self.publish(resource, row, record, lag_ms);
        self.after_child(resource, row);
        row
    }

    /// A new version of a row.
    pub(crate) fn change(&mut self, resource: Resource, row: RowNo, bump: Bump, edit: impl FnOnce(&mut Record)) {
        self.change_lagging(resource, row, bump, None, edit);
    }

    /// A new version of a row that lists show after `lag_ms`; absent, the quirks decide.
    pub(crate) fn change_lagging(
        &mut self,
        resource: Resource,
        row: RowNo,
        bump: Bump,
        lag_ms: Option<i64>,
        edit: impl FnOnce(&mut Record),
    ) {
        let slot = self.books.table(resource).row(row);
        if slot.removed {
            return;
        }
        let mut record = Record::clone(&slot.current);
        edit(&mut record);
        record.revision += 1;
        let now_ms = self.stamp(self.at_ms).max(record.created_ms);
        if self.books.seeding {
            record.updated_ms = now_ms;
            let record = self.replace(resource, row, record);
            self.books.publish(resource, row, record, self.at_ms);
            return;
        }
        let changes = &self.books.quirks.changes;
        record.updated_ms = match bump {
            Bump::To(ms) => ms,
            Bump::Now if self.strikes(changes.unbumped_per_mille, "unbumped_per_mille") => record.updated_ms,
            Bump::Now => now_ms,
        };
        let changes = &self.books.quirks.changes;
        let (rewritten, lagging) = (changes.same_second_per_mille, changes.lag_update_per_mille);
        if bump == Bump::Now && self.strikes(rewritten, "same_second_per_mille") {
            let (merchant, updated_ms) = (self.merchant, record.updated_ms);
            self.rewrites.push(Rewrite { merchant, resource, row, updated_ms, requests_left: 2 });
            let due_ms = self.at_ms.div_euclid(SECOND_MS) * SECOND_MS + SECOND_MS - 1;
            self.agenda.plan(due_ms.max(self.at_ms), merchant, Change::Rewrite { resource, row, updated_ms });
        }
        let lag_ms = lag_ms.unwrap_or_else(|| self.lag_ms(lagging, "lag_update_per_mille"));
        let record = self.replace(resource, row, record);
        self.publish(resource, row, record, lag_ms);
        self.after_child(resource, row);
    }

    /// The second write of a [`Rewrite`]. Another change within the second may have moved the row on.
    pub(crate) fn rewrite(&mut self, resource: Resource, row: RowNo, updated_ms: i64) {
        let updated_ms = updated_ms.max(self.books.table(resource).row(row).current.updated_ms);
        self.change(resource, row, Bump::To(updated_ms), |record| {
            let writes = record.revision.to_string();
            record.meta.insert("rewritten".to_owned(), writes);
        });
    }

    /// A change of `meta` alone.
    pub(crate) fn touch(&mut self, resource: Resource, row: RowNo) {
        self.change(resource, row, Bump::Now, |record| {
            let touches = record.revision.to_string();
            record.meta.insert("touched".to_owned(), touches);
        });
    }

    fn replace(&mut self, resource: Resource, row: RowNo, record: Record) -> Arc<Record> {
        let record = Arc::new(record);
        self.books.table_mut(resource).row_mut(row).current = Arc::clone(&record);
        record
    }

    fn publish(&mut self, resource: Resource, row: RowNo, record: Arc<Record>, lag_ms: i64) {
        if lag_ms > 0 {
            self.agenda.plan(self.at_ms + lag_ms, self.merchant, Change::Publish { resource, row, record });
        } else {
            self.books.publish(resource, row, record, self.at_ms);
        }
    }

    /// What a new or changed row does to the row that it belongs to.
    fn after_child(&mut self, resource: Resource, row: RowNo) {
        if self.books.seeding {
            return;
        }
        let embedded = matches!(resource, Resource::Fees | Resource::Refunds | Resource::Disputes);
        let Some((parent_resource, parent)) = self.books.record(resource, row).parent() else { return };
        if embedded && self.books.quirks.rows.payment_rows == PaymentRows::Full {
            self.books.refresh(parent_resource, parent, self.at_ms);
        }
        if self.books.quirks.changes.children_bump_parent && embedded {
            self.books.hits.count("children_bump_parent");
            let plain = |_: &mut Record| {};
            self.change(parent_resource, parent, Bump::Now, plain);
        }
    }

    fn lag_ms(&mut self, per_mille: u16, name: &'static str) -> i64 {
        let longest = i64::from(self.books.quirks.changes.lag_seconds_max);
        if longest > 0 && self.strikes(per_mille, name) { self.dice.between(1, longest) * SECOND_MS } else { 0 }
    }

    fn strikes(&mut self, per_mille: u16, name: &'static str) -> bool {
        let struck = self.dice.chance(per_mille);
        self.books.hits.when(struck, name)
    }
}
