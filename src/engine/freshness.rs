//! The freshness pass: the last days by `lastUpdated`, read without early stop, for what became visible late.

use std::collections::HashSet;

use chrono::{DateTime, Days, NaiveDate, Utc};

use super::error::StepError;
use super::job::Job;
use super::read::{Finish, Progress};
use crate::model::ids::SourceId;
use crate::model::page::Stamp;
use crate::model::record::Observation;
use crate::normalize::Unreadable;
use crate::scan::days::day_start;
use crate::store::CursorMove;

/// Days that a freshness pass reads.
const FRESHNESS_DAYS: u64 = 7;

impl Job {
    /// Reads the last days without early stop: every row shown must be stored so, every stored row no longer shown is read by id.
    pub(super) async fn freshen(&mut self, progress: &mut Progress) -> Result<(), StepError> {
        if !self.reader.rules.freshness {
            return Ok(());
        }
        let started = self.reader.clock.now();
        let first_day = self.day(self.reader.client.two_clocks().earlier_now()) - Days::new(FRESHNESS_DAYS);
        let mut shown = HashSet::new();
        let mut window = self.open_window(Stamp::LastUpdated, started);
        window.first_day = first_day;
        let high_water = self.next_high_water();
        let plan = self.reader.plan(Some(window), Stamp::LastUpdated);
        let mut note = |seen: Result<&Observation, &Unreadable>| {
            shown.extend(seen.ok().map(|seen| seen.id.clone()));
        };
        let reading = self.read(plan, None, Finish::Pages, &mut note).await?;
        progress.add(&reading);
        self.read_what_is_not_shown(&shown, first_day, high_water, progress).await?;
        let step = CursorMove {
            high_water: Some(high_water),
            freshened_at: Some(started),
            polled_at: Some(started),
            ..CursorMove::default()
        };
        self.reader.store_move(step).await?;
        self.note(&step);
        Ok(())
    }

    /// Stored rows of the window that the list did not show must have moved on; their present state is read by id.
    async fn read_what_is_not_shown(
        &self,
        shown: &HashSet<SourceId>,
        first_day: NaiveDate,
        to: DateTime<Utc>,
        progress: &mut Progress,
    ) -> Result<(), StepError> {
        // The server may cut days in another zone, so the first day does not count in full.
        let from = day_start(first_day + Days::new(2), self.reader.merchant.timezone);
        let mut after = String::new();
        loop {
            let ids = self
                .reader
                .store
                .ids_updated(&self.reader.merchant.customer_id, self.reader.resource, from, to, &after)
                .await?;
            let Some(last) = ids.last() else { return Ok(()) };
            last.as_str().clone_into(&mut after);
            for id in ids.iter().filter(|id| !shown.contains(id)) {
                if let Some(detail) = self.reader.detail(id).await? {
                    let (versions, _) = self.reader.store_sightings(|| vec![Ok(detail.clone())], None).await?;
                    progress.versions += versions;
                }
            }
        }
    }
}
