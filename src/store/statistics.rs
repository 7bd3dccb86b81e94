//! What Postgres knows of tables that grow from nothing. Without statistics it takes any index that begins with merchant and resource
//! for as good as the key and reads all records of a resource for each of them; its own look comes a minute late, or ten thousand
//! rows.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{Store, StoreError};
use crate::model::resource::Resource;

/// Versions of one resource stored by a process before the first look; then each time they have doubled.
const FIRST: usize = 200;

/// How many versions of each resource this process has stored, and how many it has booked.
#[derive(Debug, Clone, Default)]
pub(super) struct Growth {
    versions: Arc<[AtomicUsize; Resource::ALL.len()]>,
    booked: Arc<AtomicUsize>,
}

impl Growth {
    /// Whether these versions bring the sum to the first look, or to twice what it was at the last one.
    fn is_worth_a_look(&self, resource: Resource, versions: usize) -> bool {
        let place = Resource::ALL.iter().position(|it| *it == resource).expect("all resources are among all");
        has_doubled(&self.versions[place], versions)
    }
}

fn has_doubled(sum: &AtomicUsize, more: usize) -> bool {
    let before = sum.fetch_add(more, Ordering::Relaxed);
    looks(before + more) > looks(before)
}

/// Looks after so many versions.
fn looks(versions: usize) -> u32 {
    (versions / FIRST).checked_ilog2().map_or(0, |doublings| doublings + 1)
}

impl Store {
    /// Has Postgres look at the tables that lookups go to, if this process has added much.
    pub(super) async fn look_again(&self, resource: Resource, versions: usize) -> Result<(), StoreError> {
        const LOOK: &str = "analyze record, record_version, ledger_entry, open_item";
        if self.growth.is_worth_a_look(resource, versions) {
            sqlx::query(LOOK).execute(&self.pool).await?;
        }
        Ok(())
    }

    /// The same for the tables of the books.
    pub(super) async fn look_at_books(&self, booked: usize) -> Result<(), StoreError> {
        const LOOK: &str = "analyze booking, event, home, journal_entry, journal_line, ledger_entry";
        if has_doubled(&self.growth.booked, booked) {
            sqlx::query(LOOK).execute(&self.pool).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_looked_at_each_time_they_have_doubled() {
        let growth = Growth::default();
        let looks: Vec<usize> = (1..=40).filter(|_| growth.is_worth_a_look(Resource::Fees, 40)).collect();
        assert_eq!(looks, [5, 10, 20, 40]);
    }
}
