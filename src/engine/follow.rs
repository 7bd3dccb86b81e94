//! Follows open items: records read by id, child lists read under their parent, money looked for on receivables.

use chrono::{DateTime, TimeDelta, Utc};

use super::error::StepError;
use super::job::{Follow, Job};
use super::read::{Finish, Progress, Show};
use crate::model::ids::SourceId;
use crate::model::money::Amount;
use crate::model::page::Stamp;
use crate::model::resource::Resource;
use crate::paystand::{Disposition, SourceError};
use crate::scan::open_items::{OpenItem, Reason, delay};
use crate::scan::order::OrderProof;
use crate::scan::pass::PassPlan;
use crate::store::{CursorMove, DueItem, Finding};

/// The class of an exception about a record that stayed open for too long.
pub const STAYS_OPEN: &str = "stays_open";
/// How long before a payment a receivable may have changed and still hold its money.
const SUSPICION: TimeDelta = TimeDelta::days(7);

/// A report whose lines can be read.
struct Report {
    /// What they add up to.
    amount: Option<Amount>,
}

/// What a reading of an item came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Read {
    /// Nothing more to do about it.
    Done,
    /// Still open, unless what was stored closed it.
    Open,
    /// Cannot be read; not before later.
    Missing,
}

impl Job {
    /// Reads open items; returns how many.
    pub async fn follow(&mut self, follow: Follow, progress: &mut Progress) -> Result<usize, StepError> {
        if self.is_paused().await? {
            return Ok(0);
        }
        let merchant = self.reader.merchant.customer_id.clone();
        if self.followed_to.is_none() {
            self.reader.store.close_explained(&self.reader.lease().await?, &merchant, self.reader.resource).await?;
        }
        let now = self.reader.clock.now();
        let (reasons, by) = match follow {
            Follow::Due | Follow::DueFor(_) => (&Reason::ALL[..], now),
            Follow::All(reasons) => (reasons, DateTime::<Utc>::MAX_UTC),
        };
        let mut after = self.followed_to.take().unwrap_or_else(|| (SourceId::new(""), Reason::ALL[0]));
        let (mut followed, begun) = (0, self.reader.clock.monotonic());
        loop {
            let due = self.reader.store.due_items(&merchant, self.reader.resource, reasons, by, &after).await?;
            if due.is_empty() {
                break;
            }
            for item in &due {
                if self.reader.stop.is_cancelled() {
                    return Err(StepError::Stopped);
                }
                let took = self.reader.clock.monotonic().saturating_sub(begun);
                if followed > 0 && matches!(follow, Follow::DueFor(most) if took >= most) {
                    self.followed_to = Some(after);
                    return Ok(followed);
                }
                followed += 1;
                self.follow_one(item, progress).await?;
                after = (item.item.id.clone(), item.item.reason);
            }
        }
        self.children_read(now).await?;
        Ok(followed)
    }

    async fn follow_one(&mut self, due: &DueItem, progress: &mut Progress) -> Result<(), StepError> {
        let read = match due.item.reason {
            Reason::Status | Reason::Fee | Reason::FeeAbsent | Reason::Named => {
                self.read_again(&due.item, progress).await?
            }
            Reason::Children => self.read_children(&due.item.id, &mut |_| {}, progress).await?,
            Reason::Unapplied => self.suspect(due).await?,
        };
        let merchant = &self.reader.merchant.customer_id;
        match read {
            Read::Done => Ok(self.reader.store.close_item(&self.reader.lease().await?, merchant, due).await?),
            Read::Open | Read::Missing if self.is_overdue(due) => self.give_up(due).await,
            Read::Open | Read::Missing => {
                let next_at =
                    self.reader.clock.now() + TimeDelta::from_std(delay(due.reads + 1)).expect("a delay is short");
                Ok(self.reader.store.put_off(&self.reader.lease().await?, merchant, &due.item, Some(next_at)).await?)
            }
        }
    }

    async fn read_again(&self, item: &OpenItem, progress: &mut Progress) -> Result<Read, StepError> {
        let Some(detail) = self.reader.detail(&item.id).await? else { return Ok(Read::Missing) };
        let (versions, _) = self.reader.store_sightings(|| vec![Ok(detail.clone())], None).await?;
        progress.versions += versions;
        progress.rows += 1;
        Ok(if item.reason == Reason::Named { Read::Done } else { Read::Open })
    }

    /// Reads the whole child list: it is short, and nothing is known of its order.
    pub(super) async fn read_children(
        &self,
        parent: &SourceId,
        shown: &mut Show<'_>,
        progress: &mut Progress,
    ) -> Result<Read, StepError> {
        let mut total = None;
        if self.reader.resource == Resource::TransferEntries {
            let Some(report) = self.report(parent).await? else { return Ok(Read::Missing) };
            total = report.amount;
        }
        let plan = PassPlan { parent: Some(parent.clone()), ..self.reader.plan(None, Stamp::LastUpdated) };
        let reading = self.reader.read_with(plan, None, Finish::Pages, &mut OrderProof::default(), shown).await;
        match reading {
            Ok(reading) => {
                progress.rows += reading.rows;
                progress.versions += reading.versions;
                let more = total.map(|total| reading.more_lines(total)).unwrap_or_default();
                if !more.is_empty() {
                    let sight = || more.iter().cloned().map(Ok).collect();
                    progress.versions += self.reader.store_sightings(sight, None).await?.0;
                }
                Ok(Read::Done)
            }
            Err(StepError::Source(error)) if is_about_the_parent(&error) => Ok(Read::Missing),
            Err(error) => Err(error),
        }
    }

    /// A report is there once its status says that it is completed.
    async fn report(&self, transfer: &SourceId) -> Result<Option<Report>, StepError> {
        let answer = match self.reader.client.report(transfer, self.reader.priority).await {
            Ok(answer) => answer,
            Err(error) if is_about_the_parent(&error) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let report: serde_json::Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let status = report.get("status").and_then(serde_json::Value::as_str);
        let is_done = status
            .is_some_and(|status| status.eq_ignore_ascii_case("completed") || status.eq_ignore_ascii_case("reversed"));
        let amount = report.get("amount").and_then(|amount| Amount::from_json(amount).ok());
        Ok(is_done.then_some(Report { amount }))
    }

    /// Money that no receivable shows yet: the applications of this customer's receivables, or of those that the refunded payment
    /// was applied to, are read again.
    async fn suspect(&self, due: &DueItem) -> Result<Read, StepError> {
        if due.item.resource == Resource::Refunds && self.reader.rules.children {
            let merchant = &self.reader.merchant.customer_id;
            let (held, now) = (self.reader.lease().await?, self.reader.clock.now());
            self.reader.store.suspect_refunded(&held, merchant, &due.item.id, now).await?;
        } else if let Some(party) = due.item.party.as_ref().filter(|_| self.reader.rules.children) {
            let since = due.opened_at - SUSPICION;
            let merchant = &self.reader.merchant.customer_id;
            self.reader
                .store
                .suspect_receivables(&self.reader.lease().await?, merchant, party, since, self.reader.clock.now())
                .await?;
        }
        Ok(Read::Open)
    }

    fn is_overdue(&self, due: &DueItem) -> bool {
        let open_item_max = TimeDelta::from_std(self.reader.sync.open_item_max).unwrap_or(TimeDelta::MAX);
        self.reader.clock.now() - due.opened_at > open_item_max
    }

    /// Its time is up: one exception where a person should see it, and no further reading.
    async fn give_up(&self, due: &DueItem) -> Result<(), StepError> {
        let merchant = &self.reader.merchant.customer_id;
        let OpenItem { resource, id, reason, .. } = &due.item;
        if reason.alarms() {
            let detail = format!("{resource}:{id} is still open ({}) after {} readings", reason.name(), due.reads + 1);
            let finding = Finding {
                class: STAYS_OPEN,
                subject: format!("{resource}:{id}:{}", reason.name()),
                detail,
                evidence: None,
            };
            self.reader.store.raise(&self.reader.lease().await?, merchant, &finding, self.reader.clock.now()).await?;
        }
        Ok(self.reader.store.put_off(&self.reader.lease().await?, merchant, &due.item, None).await?)
    }

    /// A resource that has only child lists is read through `now` once none of them is due.
    async fn children_read(&mut self, now: DateTime<Utc>) -> Result<(), StepError> {
        if self.reader.resource.parent().is_none() {
            return Ok(());
        }
        let step = CursorMove {
            high_water: Some(self.next_high_water()),
            backfilled_at: Some(now),
            polled_at: Some(now),
            ..CursorMove::default()
        };
        self.move_quietly(step).await
    }
}

/// The refusal concerns one parent, or a report that is not there: nothing that should hold up the others.
fn is_about_the_parent(error: &SourceError) -> bool {
    match error.disposition() {
        Disposition::Missing | Disposition::Unavailable | Disposition::Park => true,
        Disposition::Retry | Disposition::Later(_) | Disposition::Stop => false,
    }
}
