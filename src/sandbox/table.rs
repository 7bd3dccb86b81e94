//! The rows of one resource and the two orders in which lists show them.
//!
//! A row has a current version (what its detail shows) and a listed one (what lists show), which may lag behind. The two
//! index vectors hold listed rows only, sorted by instant and then by row number, and are kept sorted by binary search: a
//! window is two searches, an offset is an index.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::sandbox::record::{Record, RowNo};

/// Which timestamp of a row a window or an order means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stamp {
    Created,
    LastUpdated,
}

impl Stamp {
    pub(crate) fn of(self, record: &Record) -> i64 {
        match self {
            Stamp::Created => record.created_ms,
            Stamp::LastUpdated => record.updated_ms,
        }
    }
}

#[derive(Debug)]
pub(crate) struct Row {
    /// What the detail shows.
    pub current: Arc<Record>,
    /// What lists show; `None` until the row has become visible there, and after its removal.
    pub listed: Option<Arc<Record>>,
    /// The version listed before: what a lagging replica still has.
    pub previous: Option<Arc<Record>>,
    pub removed: bool,
    /// The listed version as rendered for lists.
    pub body: Option<Bytes>,
    /// The open entry of this row in the history of what was shown.
    pub shown: Option<usize>,
}

/// Rows sorted by one instant.
#[derive(Debug, Default)]
pub(crate) struct Index {
    keys: Vec<(i64, RowNo)>,
}

impl Index {
    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }

    pub(crate) fn at(&self, position: usize) -> (i64, RowNo) {
        self.keys[position]
    }

    /// The position of the first key at or after `instant_ms`.
    pub(crate) fn lower_bound(&self, instant_ms: i64) -> usize {
        self.keys.partition_point(|(key_ms, _)| *key_ms < instant_ms)
    }

    fn insert(&mut self, key: (i64, RowNo)) {
        if self.keys.last().is_none_or(|last| *last < key) {
            self.keys.push(key);
        } else if let Err(position) = self.keys.binary_search(&key) {
            self.keys.insert(position, key);
        }
    }

    fn remove(&mut self, key: (i64, RowNo)) {
        if let Ok(position) = self.keys.binary_search(&key) {
            self.keys.remove(position);
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Table {
    rows: Vec<Row>,
    by_id: HashMap<Arc<str>, RowNo>,
    by_created: Index,
    by_updated: Index,
    /// While a world is seeded its indexes are not kept; [`Table::index_all`] builds them at once.
    unindexed: bool,
}

impl Table {
    pub(crate) fn unindexed() -> Self {
        Self { unindexed: true, ..Self::default() }
    }

    /// Takes a row in; lists do not show it yet.
    pub(crate) fn add(&mut self, record: Arc<Record>) -> RowNo {
        let row = self.rows.len();
        self.by_id.insert(Arc::clone(&record.id), row);
        self.rows.push(Row { current: record, listed: None, previous: None, removed: false, body: None, shown: None });
        row
    }

    /// Makes lists show `record`. False where they already show a newer version, or the row is gone.
    pub(crate) fn list(&mut self, row: RowNo, record: Arc<Record>) -> bool {
        let Some(slot) = self.rows.get_mut(row) else { return false };
        if slot.removed || slot.listed.as_ref().is_some_and(|listed| listed.revision >= record.revision) {
            return false;
        }
        let (created_ms, updated_ms) = (record.created_ms, record.updated_ms);
        let before = slot.listed.replace(record);
        slot.body = None;
        if !self.unindexed {
            if let Some(before) = &before {
                self.by_created.remove((before.created_ms, row));
                self.by_updated.remove((before.updated_ms, row));
            }
            self.by_created.insert((created_ms, row));
            self.by_updated.insert((updated_ms, row));
        }
        if before.is_some() {
            slot.previous = before;
        }
        true
    }

    /// The row is gone, from lists and by id.
    pub(crate) fn remove(&mut self, row: RowNo) {
        let Some(slot) = self.rows.get_mut(row) else { return };
        slot.removed = true;
        slot.body = None;
        self.by_id.remove(&slot.current.id);
        if let Some(listed) = slot.listed.take() {
            self.by_created.remove((listed.created_ms, row));
            self.by_updated.remove((listed.updated_ms, row));
        }
    }

    /// Ends seeding: sorts both indexes once.
    pub(crate) fn index_all(&mut self) {
        self.unindexed = false;
        let listed = || self.rows.iter().enumerate().filter_map(|(row, slot)| Some((slot.listed.as_ref()?, row)));
        let mut created: Vec<_> = listed().map(|(record, row)| (record.created_ms, row)).collect();
        let mut updated: Vec<_> = listed().map(|(record, row)| (record.updated_ms, row)).collect();
        created.sort_unstable();
        updated.sort_unstable();
        self.by_created.keys = created;
        self.by_updated.keys = updated;
    }

    pub(crate) fn index(&self, stamp: Stamp) -> &Index {
        match stamp {
            Stamp::Created => &self.by_created,
            Stamp::LastUpdated => &self.by_updated,
        }
    }

    pub(crate) fn find(&self, id: &str) -> Option<RowNo> {
        self.by_id.get(id).copied()
    }

    pub(crate) fn row(&self, row: RowNo) -> &Row {
        &self.rows[row]
    }

    pub(crate) fn row_mut(&mut self, row: RowNo) -> &mut Row {
        &mut self.rows[row]
    }

    /// How many rows there ever were.
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::sandbox::dice::Dice;
    use crate::sandbox::record::{Customer, Facts};

    fn record(id: usize, created_ms: i64, updated_ms: i64, revision: u64) -> Arc<Record> {
        let facts = Facts::Customer(Customer { number: 0, payer_id: Arc::from("") });
        let mut record = Record::new(created_ms, "active", facts);
        record.id = Arc::from(id.to_string());
        record.updated_ms = updated_ms;
        record.revision = revision;
        Arc::new(record)
    }

    #[test]
    fn both_indexes_stay_sorted_and_complete_under_churn() {
        let mut dice = Dice::of(&[5]);
        let mut table = Table::default();
        let mut expected: BTreeSet<(i64, RowNo)> = BTreeSet::new();
        for step in 0_u64..4_000 {
            let stamp = dice.between(0, 500);
            match dice.below(4) {
                0 | 1 => {
                    let fresh = record(table.len(), stamp, stamp, 0);
                    let row = table.add(Arc::clone(&fresh));
                    assert!(table.list(row, fresh));
                    expected.insert((stamp, row));
                }
                2 if table.len() > 0 => {
                    let row = dice.below(table.len());
                    if let Some(listed) = table.row(row).listed.clone() {
                        expected.remove(&(listed.updated_ms, row));
                        assert!(table.list(row, record(row, listed.created_ms, stamp, step + 1)));
                        expected.insert((stamp, row));
                    }
                }
                _ if table.len() > 0 => {
                    let row = dice.below(table.len());
                    if let Some(listed) = table.row(row).listed.clone() {
                        expected.remove(&(listed.updated_ms, row));
                    }
                    table.remove(row);
                }
                _ => {}
            }
        }
        let updated = table.index(Stamp::LastUpdated);
        assert_eq!((0..updated.len()).map(|position| updated.at(position)).collect::<BTreeSet<_>>(), expected);
        for stamp in [Stamp::Created, Stamp::LastUpdated] {
            let index = table.index(stamp);
            assert_eq!(index.len(), expected.len());
            assert!((1..index.len()).all(|position| index.at(position - 1) < index.at(position)));
        }
    }

    #[test]
    fn an_older_version_published_late_changes_nothing() {
        let mut table = Table::default();
        let row = table.add(record(1, 10, 10, 0));
        assert!(table.list(row, record(1, 10, 30, 2)));
        assert!(!table.list(row, record(1, 10, 20, 1)));
        assert_eq!(table.index(Stamp::LastUpdated).at(0), (30, row));
    }
}
