//! One look at everything: what the store knows, what the budgets say and what was counted, as the pages show it.

use std::sync::PoisonError;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use super::slow::Slow;
use crate::config::MerchantConfig;
use crate::engine::Engine;
use crate::engine::error::StepError;
use crate::engine::tally::Count;
use crate::engine::trouble::{paused, stale, troubles};
use crate::model::resource::Resource;
use crate::normalize::mask_text;
use crate::ops::view;
use crate::paystand::Client;
use crate::reconcile::{Advice, advice};
use crate::store::{Backlog, Cursor, OpenException, Pause, SealedThrough};

/// Exceptions that are shown.
const EXCEPTIONS_MAX: i64 = 50;

/// What one look found.
struct Found {
    now: DateTime<Utc>,
    cursors: Vec<(String, String, Cursor)>,
    pauses: Vec<Pause>,
    slow: Slow,
}

impl Engine {
    pub(super) async fn gather(&self) -> Result<view::Overview, StepError> {
        let slow = self.outlook.slow.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let now = self.circumstances.clock.now();
        let (cursors, pauses) = (self.store.cursors().await?, self.store.pauses().await?);
        let found = Found { now, cursors, pauses, slow };
        let classes = self.store.open_classes().await?;
        let exceptions = self.store.open_exceptions(EXCEPTIONS_MAX).await?;
        let backlogs = self.store.backlogs().await?;
        let mut sentences = troubles(&found.cursors, &exceptions, &self.config.sync, now);
        sentences.extend(found.pauses.iter().map(paused));
        sentences.extend(self.untied());
        Ok(view::Overview {
            at: now,
            version: env!("CARGO_PKG_VERSION"),
            environment: self.config.environment().ok_or(StepError::NoMerchant)?.name(),
            zone: self.zone(),
            merchants: self
                .merchants
                .iter()
                .map(|(merchant, client)| self.merchant(&found, merchant, client))
                .collect(),
            adapters: self.adapters.keys().map(|name| adapter(&found, name.as_str(), &backlogs)).collect(),
            open_exceptions: classes.iter().map(|class| class.open).sum(),
            exception_classes: classes
                .into_iter()
                .map(|it| view::ExceptionClass { class: it.class, open: it.open, oldest: it.oldest })
                .collect(),
            exceptions: exceptions.into_iter().map(|it| self.exception_shown(it)).collect(),
            paused: found.pauses.iter().map(pause).collect(),
            troubles: sentences.iter().map(|sentence| mask_text(sentence)).collect(),
            counts: self.tally.all().into_iter().map(counted).collect(),
            chart: found.slow.chart,
        })
    }

    /// That of the merchants, if it is one.
    fn zone(&self) -> Tz {
        let mut zones = self.merchants.iter().map(|(merchant, _)| merchant.timezone);
        let first = zones.next().unwrap_or(Tz::UTC);
        if zones.all(|zone| zone == first) { first } else { Tz::UTC }
    }

    fn merchant(&self, found: &Found, merchant: &MerchantConfig, client: &Client) -> view::Merchant {
        let usage = client.usage();
        let (requests, faults) = client.traffic();
        let id = merchant.customer_id.as_str();
        let fees = found.slow.fees.iter().filter(|it| it.merchant == id);
        view::Merchant {
            label: merchant.label.clone(),
            id: id.to_owned(),
            resources: Resource::ALL
                .into_iter()
                .filter(|resource| self.resource_config(*resource).enabled)
                .map(|resource| self.resource(found, merchant, resource))
                .collect(),
            tie_out: self.tied(&merchant.customer_id),
            rate: view::Rate {
                last_minute: usage.last_minute,
                allowed_per_minute: usage.rate_per_minute,
                requests,
                faults,
            },
            fees_awaited: fees
                .map(|it| view::FeesAwaited {
                    payments: it.payments,
                    gross: view::Money { amount: it.gross, currency: it.currency.clone() },
                    oldest: it.oldest,
                })
                .collect(),
        }
    }

    fn resource(&self, found: &Found, merchant: &MerchantConfig, resource: Resource) -> view::Resource {
        let (id, name) = (merchant.customer_id.as_str(), resource.name());
        let named = found.cursors.iter().find(|(of, what, _)| of == id && what == name);
        let cursor = named.map(|(_, _, cursor)| cursor);
        let is_paused = found.pauses.iter().any(|pause| pause.scope == format!("resource/{name}"));
        let late = named.map(std::slice::from_ref).map(|named| stale(named, &self.config.sync, found.now));
        let is_late = late.is_some_and(|late| !late.is_empty());
        let rows = found
            .slow
            .rows
            .as_ref()
            .map(|rows| rows.iter().find(|it| it.merchant == id && it.resource == name).map_or(0, |it| it.rows));
        let sealed = found.slow.sealed.iter().find(|it| it.merchant == id && it.resource == name);
        let day = |end: DateTime<Utc>| sealed_day(end, merchant.timezone);
        view::Resource {
            name,
            reading: reading(cursor, is_paused, is_late),
            rows,
            high_water: cursor.map(|it| it.high_water),
            lag_seconds: cursor.map(|it| (found.now - it.high_water).num_seconds().max(0)),
            sealed_through: sealed.and_then(|it: &SealedThrough| it.provisional).map(day),
            sealed_finally_through: sealed.and_then(|it| it.final_through).map(day),
        }
    }

    /// An exception by the label of its merchant, its text masked.
    pub(super) fn exception_shown(&self, it: OpenException) -> view::Exception {
        let label = self.merchants().find(|merchant| merchant.customer_id.as_str() == it.merchant);
        let Advice { failure, first_action } = advice(&it.class);
        view::Exception {
            id: it.id,
            merchant: label.map_or(it.merchant, |merchant| merchant.label.clone()),
            class: it.class,
            subject: it.subject,
            detail: mask_text(&it.detail),
            opened_at: it.opened_at,
            at_risk: it.amount_at_risk.map(|amount| view::Money { amount, currency: it.currency.unwrap_or_default() }),
            owner: it.owner.as_deref().map(mask_text),
            failure: failure.name(),
            first_action,
        }
    }
}

/// The last day that ends by then.
fn sealed_day(end: DateTime<Utc>, zone: Tz) -> view::Sealed {
    view::Sealed { day: (end - TimeDelta::seconds(1)).with_timezone(&zone).date_naive(), end }
}

fn reading(cursor: Option<&Cursor>, is_paused: bool, is_late: bool) -> view::Reading {
    match cursor {
        _ if is_paused => view::Reading::Paused,
        None => view::Reading::Waiting,
        Some(cursor) if cursor.unavailable_since.is_some() => view::Reading::Closed,
        Some(cursor) if cursor.backfilled_at.is_none() => view::Reading::Backfilling,
        Some(_) if is_late => view::Reading::Late,
        Some(_) => view::Reading::Current,
    }
}

fn adapter(found: &Found, name: &str, backlogs: &[Backlog]) -> view::Adapter {
    let backlog = backlogs.iter().find(|it| it.adapter == name);
    let unposted = found.slow.unposted.as_ref().map(|all| {
        let own = all.iter().filter(|it| it.adapter == name);
        own.map(|it| view::Money { amount: it.amount, currency: it.currency.clone() }).collect()
    });
    view::Adapter {
        name: name.to_owned(),
        open: backlog.map_or(0, |it| it.open),
        parked: backlog.map_or(0, |it| it.parked),
        oldest: backlog.and_then(|it| it.oldest),
        unposted,
        is_paused: found.pauses.iter().any(|pause| pause.scope == format!("adapter/{name}")),
    }
}

fn pause(it: &Pause) -> view::Pause {
    let Pause { scope, since, actor, reason } = it;
    view::Pause { scope: scope.clone(), since: *since, actor: mask_text(actor), reason: mask_text(reason) }
}

fn counted((what, count): (Count, u64)) -> view::Counted {
    let (what, of) = match what {
        Count::Polls(resource) => ("polls", resource.to_string()),
        Count::Rows(resource) => ("rows", resource.to_string()),
        Count::Versions(resource) => ("versions", resource.to_string()),
        Count::Booked => ("booked", String::new()),
        Count::Delivered(adapter) => ("delivered", adapter.to_string()),
        Count::Failures(about) => ("errors", about.to_owned()),
    };
    view::Counted { what, of, count }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_sealed_that_ends_by_then_in_the_zone() {
        let day = |end: &str| sealed_day(end.parse().expect("an instant"), Tz::America__Los_Angeles).day.to_string();
        assert_eq!(day("2026-05-13T07:00:00Z"), "2026-05-12");
        assert_eq!(day("2026-01-02T08:00:00Z"), "2026-01-01");
    }
}
