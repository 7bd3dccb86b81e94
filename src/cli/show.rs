//! What is stored, for people and machines: `status`, `migrate`.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::json;

use super::exceptions::EXCEPTIONS_MAX;
use super::host::{Database, circumstances};
use super::table::table;
use super::tell::{self, Complaint};
use crate::clock::{Clock, SystemClock};
use crate::config::Config;
use crate::engine::error::{Exit, StepError};
use crate::engine::trouble::{paused, troubles};
use crate::store::{Bounds, Cursor, FeesAwaited, ResourceSummary, SealedThrough, Store};

/// Opens the store without talking to anybody else.
pub async fn open(config: &Config) -> Result<(Store, Database), Complaint> {
    let database = Database::open(&config.database).await?;
    let environment = config.environment().ok_or(StepError::NoMerchant)?;
    let now = circumstances()?.clock.now();
    let store = Store::open(&database.url, Bounds::of(config), environment, now).await?;
    Ok((store, database))
}

pub async fn status(config: Config, json: bool) -> Result<Exit, Complaint> {
    let (store, database) = open(&config).await?;
    let open_exceptions = store.open_exception_count().await?;
    let exceptions = store.open_exceptions(EXCEPTIONS_MAX).await?;
    let mut troubles = troubles(&store.cursors().await?, &exceptions, &config.sync, SystemClock::new().now());
    troubles.extend(store.pauses().await?.iter().map(paused));
    if json {
        tell::print_json(&status_json(&store, open_exceptions, &troubles).await?);
    } else {
        tell::print(&resource_table(&store).await?);
        for trouble in &troubles {
            tell::print(trouble);
        }
        let backlogs = store.backlogs().await?;
        if backlogs.is_empty() {
            tell::print("Everything is delivered.");
        }
        for backlog in backlogs {
            tell::print(&format!("{}: {} to deliver, {} parked", backlog.adapter, backlog.open, backlog.parked));
        }
        for awaited in store.fees_awaited().await? {
            tell::print(&fees_sentence(&awaited));
        }
        tell::print(&format!("{open_exceptions} open exception(s)"));
    }
    store.close().await;
    database.close().await?;
    Ok(if open_exceptions > 0 { Exit::OpenExceptions } else { Exit::Clean })
}

/// The principal is booked at once; the fee waits until it is final.
fn fees_sentence(awaited: &FeesAwaited) -> String {
    let FeesAwaited { merchant, currency, payments, gross, oldest } = awaited;
    let since = oldest.to_rfc3339_opts(SecondsFormat::Secs, true);
    format!(
        "{merchant}: fees of {payments} payment(s) over {gross} {currency} are not final yet, the oldest since {since}"
    )
}

async fn status_json(store: &Store, open_exceptions: i64, troubles: &[String]) -> Result<serde_json::Value, Complaint> {
    let progress = Progress::of(store).await?;
    let resources: Vec<_> = summaries(store, &progress)
        .await?
        .into_iter()
        .map(|line| {
            let cursor = progress.cursor(&line.merchant, &line.resource);
            json!({
                "merchant": line.merchant, "resource": line.resource, "currency": line.currency, "rows": line.rows,
                "amount": line.amount.map(|amount| amount.to_string()),
                "high_water": cursor.map(|it| it.high_water), "backfilled_at": cursor.and_then(|it| it.backfilled_at),
                "freshened_at": cursor.and_then(|it| it.freshened_at), "whole_at": cursor.and_then(|it| it.whole_at),
                "sealed_through": progress.sealed_at(&line.merchant, &line.resource).and_then(|it| it.provisional),
                "sealed_finally_through":
                    progress.sealed_at(&line.merchant, &line.resource).and_then(|it| it.final_through),
                "unavailable_since": cursor.and_then(|it| it.unavailable_since),
                "lag_seconds": progress.lag_seconds(&line.merchant, &line.resource),
            })
        })
        .collect();
    let backlogs: Vec<_> = store
        .backlogs()
        .await?
        .into_iter()
        .map(|it| json!({ "adapter": it.adapter, "open": it.open, "parked": it.parked, "oldest": it.oldest }))
        .collect();
    let fees = store.fees_awaited().await?.into_iter().map(|it| {
        json!({ "merchant": it.merchant, "currency": it.currency, "payments": it.payments, "gross": it.gross.to_string(),
                "oldest": it.oldest })
    });
    Ok(json!({
        "resources": resources, "adapters": backlogs, "fees_awaited": fees.collect::<Vec<_>>(), "open_exceptions": open_exceptions, "troubles": troubles
    }))
}

/// How far each resource is read, at one instant.
pub struct Progress {
    now: DateTime<Utc>,
    cursors: Vec<(String, String, Cursor)>,
    sealed: Vec<SealedThrough>,
}

impl Progress {
    pub async fn of(store: &Store) -> Result<Self, Complaint> {
        Ok(Self {
            now: SystemClock::new().now(),
            cursors: store.cursors().await?,
            sealed: store.sealed_through().await?,
        })
    }

    fn cursor(&self, merchant: &str, resource: &str) -> Option<&Cursor> {
        let named = self.cursors.iter().find(|(of, what, _)| of == merchant && what == resource);
        named.map(|(_, _, cursor)| cursor)
    }

    /// Everything last updated before this instant and visible by then is stored.
    pub fn read_through(&self, merchant: &str, resource: &str) -> String {
        let cursor = self.cursor(merchant, resource);
        cursor.map_or_else(String::new, |it| it.high_water.to_rfc3339_opts(SecondsFormat::Secs, true))
    }

    fn sealed_at(&self, merchant: &str, resource: &str) -> Option<&SealedThrough> {
        self.sealed.iter().find(|it| it.merchant == merchant && it.resource == resource)
    }

    /// Through when the days are certified, and whether for good.
    pub fn sealed(&self, merchant: &str, resource: &str) -> String {
        let sealed = self.sealed_at(merchant, resource);
        let Some((through, final_through)) = sealed.and_then(|it| Some((it.provisional?, it.final_through?))) else {
            return String::new();
        };
        let text = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Secs, true);
        if final_through >= through {
            format!("{} (final)", text(through))
        } else {
            format!("{} (final to {})", text(through), text(final_through))
        }
    }

    fn lag_seconds(&self, merchant: &str, resource: &str) -> Option<i64> {
        self.cursor(merchant, resource).map(|it| (self.now - it.high_water).num_seconds().max(0))
    }

    pub fn lag(&self, merchant: &str, resource: &str) -> String {
        let is_backfilled = self.cursor(merchant, resource).is_some_and(|it| it.backfilled_at.is_some());
        let is_closed = self.cursor(merchant, resource).is_some_and(|it| it.unavailable_since.is_some());
        match self.lag_seconds(merchant, resource) {
            None => String::new(),
            Some(_) if is_closed => "not readable".to_owned(),
            Some(_) if !is_backfilled => "backfilling".to_owned(),
            Some(seconds @ ..120) => format!("{seconds} s"),
            Some(seconds @ 120..7_200) => format!("{} min", seconds / 60),
            Some(seconds) => format!("{} h", seconds / 3_600),
        }
    }
}

/// What is stored, and a line for each resource that is read but has shown nothing.
async fn summaries(store: &Store, progress: &Progress) -> Result<Vec<ResourceSummary>, Complaint> {
    let mut summaries = store.resource_summaries().await?;
    for (merchant, resource, _) in &progress.cursors {
        if !summaries.iter().any(|it| it.merchant == *merchant && it.resource == *resource) {
            let (merchant, resource) = (merchant.clone(), resource.clone());
            summaries.push(ResourceSummary { merchant, resource, currency: None, rows: 0, amount: None });
        }
    }
    Ok(summaries)
}

/// Per resource and currency: rows, exact sum, cursor, lag.
pub async fn resource_table(store: &Store) -> Result<String, Complaint> {
    let progress = Progress::of(store).await?;
    let rows = summaries(store, &progress).await?.into_iter().map(|line| {
        let read_through = progress.read_through(&line.merchant, &line.resource);
        let lag = progress.lag(&line.merchant, &line.resource);
        let sealed = progress.sealed(&line.merchant, &line.resource);
        let amount = line.amount.map_or_else(String::new, |amount| amount.to_string());
        let (rows, currency) = (line.rows.to_string(), line.currency.unwrap_or_default());
        vec![line.merchant, line.resource, rows, amount, currency, read_through, lag, sealed]
    });
    Ok(table(
        &["merchant", "resource", "rows", "sum", "currency", "read through", "lag", "sealed through"],
        &[2, 3, 6],
        rows,
    ))
}

pub async fn migrate(config: Config) -> Result<Exit, Complaint> {
    let (store, database) = open(&config).await?;
    tell::print("The database's schema is up to date.");
    store.close().await;
    database.close().await?;
    Ok(Exit::Clean)
}
