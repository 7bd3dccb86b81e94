//! What will happen and when: changes wait here until the server's clock has reached them.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::sync::Arc;

use crate::model::resource::Resource;
use crate::sandbox::economy;
use crate::sandbox::generator::Step;
use crate::sandbox::record::{Record, RowNo};

#[derive(Debug)]
pub(crate) enum Change {
    /// Lists begin to show this version.
    Publish { resource: Resource, row: RowNo, record: Arc<Record> },
    /// A second write within the second of the first: same `lastUpdated`, different body.
    Rewrite { resource: Resource, row: RowNo, updated_ms: i64 },
    /// The simulated business goes on.
    Play(Step),
    /// The simulated economy goes on.
    Deal(economy::Step),
    /// The churn timer.
    Churn,
}

#[derive(Debug)]
struct Item {
    due_ms: i64,
    sequence: u64,
    merchant: usize,
    change: Change,
}

impl PartialEq for Item {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Item {}

impl PartialOrd for Item {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Item {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.due_ms, self.sequence).cmp(&(other.due_ms, other.sequence))
    }
}

/// Changes by instant; those of one instant in the order in which they were planned.
#[derive(Debug, Default)]
pub(crate) struct Agenda {
    items: BinaryHeap<Reverse<Item>>,
    sequence: u64,
}

impl Agenda {
    pub(crate) fn plan(&mut self, due_ms: i64, merchant: usize, change: Change) {
        self.sequence += 1;
        self.items.push(Reverse(Item { due_ms, sequence: self.sequence, merchant, change }));
    }

    /// The next change that is due, with its instant and merchant.
    pub(crate) fn due(&mut self, now_ms: i64) -> Option<(i64, usize, Change)> {
        if self.items.peek()?.0.due_ms > now_ms {
            return None;
        }
        self.items.pop().map(|Reverse(item)| (item.due_ms, item.merchant, item.change))
    }

    /// When the next change is due.
    pub(crate) fn next_ms(&self) -> Option<i64> {
        self.items.peek().map(|item| item.0.due_ms)
    }

    /// Takes over everything that `other` still holds.
    pub(crate) fn take_from(&mut self, other: &mut Self) {
        for Reverse(item) in std::mem::take(&mut other.items).into_sorted_vec().into_iter().rev() {
            self.plan(item.due_ms, item.merchant, item.change);
        }
    }

    /// Nothing of the simulated business will happen any more; what was written is still published.
    pub(crate) fn freeze(&mut self) {
        self.items.retain(|item| matches!(item.0.change, Change::Publish { .. }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_come_by_instant_and_then_in_the_order_planned() {
        let mut agenda = Agenda::default();
        for (due_ms, merchant) in [(20, 0), (10, 1), (20, 2), (10, 3), (30, 4)] {
            agenda.plan(due_ms, merchant, Change::Churn);
        }
        let merchants: Vec<_> =
            std::iter::from_fn(|| agenda.due(20).map(|(due_ms, merchant, _)| (due_ms, merchant))).collect();
        assert_eq!(merchants, [(10, 1), (10, 3), (20, 0), (20, 2)]);
        assert_eq!(agenda.next_ms(), Some(30));
    }
}
