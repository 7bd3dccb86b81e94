//! The daemon ties the books out by itself: soon after the start, every hour, and after each midnight of a merchant.
//!
//! While a payout and its report are being read, books that are right may look wrong for a moment: a payout is raised that two
//! tie-outs found wrong.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Days, Utc};
use chrono_tz::Tz;

use super::SHARE;
use crate::config::MerchantConfig;
use crate::engine::Engine;
use crate::engine::error::StepError;
use crate::engine::reconcile::what_is_wrong;
use crate::model::ids::MerchantId;
use crate::ops::view;
use crate::reconcile::{Reconciliation, Verdict};

/// The first one comes after this part of the interval, and one that had to wait for the reading is tried again after it.
const SOON: u32 = 60;
/// What looks wrong is looked at again after this part.
const AGAIN: u32 = 12;
const AFTER_MIDNIGHT: Duration = Duration::from_mins(10);
const SENTENCES_MAX: usize = 20;

/// How the books of a merchant stand.
#[derive(Debug, Clone, Default)]
pub(super) struct Standing {
    tied: Option<view::TieOut>,
    /// Payouts that the last tie-out found wrong.
    wrong: BTreeSet<String>,
    /// Why there is none.
    trouble: Option<String>,
}

/// What one attempt came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Attempt {
    Done,
    /// Something looks wrong that did not before.
    Suspect,
    /// Not everything is read and booked yet.
    TooEarly,
}

impl Engine {
    /// Ties out again and again, for as long as it is polled.
    pub(in crate::engine) async fn tie_out_for_ever(&self) -> std::convert::Infallible {
        let interval = self.config.ops.tie_out_interval;
        let mut pause = interval / SOON;
        loop {
            self.circumstances.clock.sleep(pause.min(self.until_midnight())).await;
            pause = interval;
            for (merchant, _) in &self.merchants {
                let started = self.circumstances.clock.monotonic();
                let wanted = match self.tie_out_by_itself(merchant).await {
                    Ok(Attempt::Done) => interval,
                    Ok(Attempt::Suspect) => interval / AGAIN,
                    Ok(Attempt::TooEarly) | Err(StepError::Leased { .. }) => interval / SOON,
                    Err(error) => {
                        tracing::warn!(merchant = %merchant.label, %error, "the books were not tied out");
                        interval / AGAIN
                    }
                };
                let took = self.circumstances.clock.monotonic().saturating_sub(started);
                pause = pause.min(wanted).max(took * SHARE);
            }
        }
    }

    async fn tie_out_by_itself(&self, merchant: &Arc<MerchantConfig>) -> Result<Attempt, StepError> {
        let id = &merchant.customer_id;
        if !self.is_read(id).await? || self.store.is_booking(id).await? {
            return Ok(Attempt::TooEarly);
        }
        let (before, most) = (self.standing(id).wrong, self.config.ops.tie_out_entries_max);
        let Some(books) = self.tie_out_by_accounts(merchant, &before, most).await? else {
            let why = format!(
                "{}: more than {most} entries are of payments that do not agree with their payouts, too many to judge beside the work; \
                 run `paystand-sync reconcile`, or raise ops.tie_out_entries_max",
                merchant.label
            );
            self.note(id, |standing| standing.trouble = Some(why));
            return Ok(Attempt::Done);
        };
        let wrong: BTreeSet<String> = books.wrong().map(|it| it.transfer_id.to_string()).collect();
        let is_suspect = !wrong.is_subset(&before);
        let tied = shown(&books, self.circumstances.clock.now());
        self.note(id, |standing| *standing = Standing { tied: Some(tied), wrong, trouble: None });
        Ok(if is_suspect { Attempt::Suspect } else { Attempt::Done })
    }

    /// Whether the history of every resource has been read.
    async fn is_read(&self, merchant: &MerchantId) -> Result<bool, StepError> {
        let cursors = self.store.cursors().await?;
        let mut own = cursors.iter().filter(|(of, _, _)| of == merchant.as_str()).peekable();
        Ok(own.peek().is_some()
            && own.all(|(_, _, cursor)| cursor.backfilled_at.is_some() || cursor.unavailable_since.is_some()))
    }

    fn standing(&self, merchant: &MerchantId) -> Standing {
        let ties = self.outlook.ties.lock().unwrap_or_else(PoisonError::into_inner);
        ties.get(merchant).cloned().unwrap_or_default()
    }

    fn note(&self, merchant: &MerchantId, change: impl FnOnce(&mut Standing)) {
        let mut ties = self.outlook.ties.lock().unwrap_or_else(PoisonError::into_inner);
        change(ties.entry(merchant.clone()).or_default());
    }

    /// The last tie-out of a merchant.
    pub(super) fn tied(&self, merchant: &MerchantId) -> Option<view::TieOut> {
        self.standing(merchant).tied
    }

    /// Why there is none of some merchants.
    pub(super) fn untied(&self) -> Vec<String> {
        self.merchants().filter_map(|merchant| self.standing(&merchant.customer_id).trouble).collect()
    }

    /// Until the next midnight of a merchant is over for a while.
    fn until_midnight(&self) -> Duration {
        let now = self.circumstances.clock.now();
        let waits = self.merchants().map(|merchant| until_midnight(now, merchant.timezone));
        waits.min().unwrap_or(Duration::MAX).saturating_add(AFTER_MIDNIGHT)
    }
}

fn until_midnight(now: DateTime<Utc>, zone: Tz) -> Duration {
    let tomorrow = now.with_timezone(&zone).date_naive() + Days::new(1);
    let midnight = tomorrow.and_hms_opt(0, 0, 0).and_then(|midnight| midnight.and_local_timezone(zone).earliest());
    // Where a zone skips midnight, the hour after it will do.
    let midnight = midnight.map_or(now + chrono::TimeDelta::hours(24), |midnight| midnight.with_timezone(&Utc));
    (midnight - now).to_std().unwrap_or_default()
}

fn shown(books: &Reconciliation, at: DateTime<Utc>) -> view::TieOut {
    let count = |wanted: fn(&Verdict) -> bool| books.payouts.iter().filter(|it| wanted(&it.verdict)).count();
    let money = |amount: rust_decimal::Decimal, currency: &crate::model::money::Currency| view::Money {
        amount,
        currency: currency.as_str().to_owned(),
    };
    let wrong = books.totals.iter().filter(|total| !total.wrong.is_zero());
    view::TieOut {
        at,
        proven: count(|verdict| matches!(verdict, Verdict::Proven)),
        unproven: count(|verdict| matches!(verdict, Verdict::Unproven { .. })),
        wrong: count(|verdict| matches!(verdict, Verdict::Wrong { .. })),
        returned: count(|verdict| matches!(verdict, Verdict::Returned)),
        sentences: books.wrong().take(SENTENCES_MAX).map(what_is_wrong).collect(),
        clearing: books.totals.iter().map(|it| money(it.clearing.decimal(), &it.currency)).collect(),
        in_transit: books.in_transit.iter().map(|it| money(it.amount.decimal(), &it.currency)).collect(),
        differences: wrong.map(|it| money(it.wrong.decimal(), &it.currency)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn midnight_is_that_of_the_merchant() {
        let now = "2026-05-12T05:00:00Z".parse().expect("an instant");
        assert_eq!(until_midnight(now, Tz::America__Los_Angeles), Duration::from_hours(2));
        assert_eq!(until_midnight(now, Tz::UTC), Duration::from_hours(19));
    }
}
