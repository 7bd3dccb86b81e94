//! Rows that could not be read when they were last seen: once the source has mended them, nothing links the old bytes with the
//! new row, so the whole list tells whether they are still there.

use std::collections::HashSet;

use super::error::StepError;
use super::harvest::{UNREADABLE, unreadable_subject};
use super::job::Job;
use super::read::{Finish, Progress};
use crate::model::page::Stamp;
use crate::model::record::Observation;
use crate::normalize::Unreadable;
use crate::scan::order::OrderProof;

impl Job {
    /// Settles the exceptions about unreadable rows that the list does not show any more.
    pub(super) async fn recheck_unreadable(&self, progress: &mut Progress) -> Result<(), StepError> {
        let (merchant, resource) = (&self.reader.merchant.customer_id, self.reader.resource);
        let open = self.reader.store.open_subjects(merchant, UNREADABLE, &format!("{resource}:")).await?;
        if open.is_empty() {
            return Ok(());
        }
        let mut still = HashSet::new();
        let mut note = |seen: Result<&Observation, &Unreadable>| {
            still.extend(seen.err().map(|unreadable| unreadable_subject(resource, unreadable)));
        };
        let plan = self.reader.plan(None, Stamp::LastUpdated);
        let reading = self.reader.read_with(plan, None, Finish::Pages, &mut OrderProof::default(), &mut note).await?;
        progress.rows += reading.rows;
        progress.versions += reading.versions;
        for subject in open.iter().filter(|subject| !still.contains(*subject)) {
            let (lease, now) = (self.reader.lease().await?, self.reader.clock.now());
            let resolution = "the source does not show this row any more";
            self.reader.store.settle_exception(&lease, merchant, UNREADABLE, subject, resolution, now).await?;
        }
        Ok(())
    }
}
