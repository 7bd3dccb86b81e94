//! What stands in the way, a sentence each: lists that are closed, sources that do not answer, clocks that differ, which end by
//! themselves, and their sentences with them; and what persons have stopped.

use std::collections::BTreeMap;
use std::str::FromStr as _;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

use super::job::CLOCKS_APART;
use crate::config::SyncConfig;
use crate::model::resource::Resource;
use crate::store::{Cursor, OpenException, Pause};

/// Polls that may fail before it is worth a sentence, and what is added for their retries.
const POLLS_MISSED_MAX: u32 = 3;
const PATIENCE: TimeDelta = TimeDelta::minutes(15);
/// A list without dates whose order is not proven is read whole by night.
const NIGHTLY_PATIENCE: TimeDelta = TimeDelta::hours(26);

/// Sentences about what is not as it should be, of cursors with their merchant and resource.
#[must_use]
pub fn troubles(
    cursors: &[(String, String, Cursor)],
    exceptions: &[OpenException],
    sync: &SyncConfig,
    now: DateTime<Utc>,
) -> Vec<String> {
    let clocks = exceptions.iter().filter(|it| it.class == CLOCKS_APART);
    let clocks = clocks.map(|it| format!("{}: {}; until then the earlier one counts", it.merchant, it.detail));
    let closed = cursors
        .iter()
        .filter_map(|(merchant, resource, cursor)| Some(closed(merchant, resource, cursor.unavailable_since?)));
    clocks.chain(closed).chain(behind(cursors, sync, now)).collect()
}

/// What a person has stopped, and how it goes on.
#[must_use]
pub fn paused(pause: &Pause) -> String {
    let Pause { scope, since, actor, reason } = pause;
    let resume = scope.replacen('/', " ", 1);
    format!(
        "{scope} is paused since {} by {actor}: {reason}; `paystand-sync resume {resume} --reason TEXT` lets it go on",
        text(*since)
    )
}

fn closed(merchant: &str, resource: &str, since: DateTime<Utc>) -> String {
    let instead = if resource == Resource::Fees.name() { "; fees come inside of their payments meanwhile" } else { "" };
    format!(
        "{merchant}: the list of {resource} was closed to these credentials when last asked for, {}{instead}; it is tried every hour",
        text(since)
    )
}

/// Merchants and resources that have not been read for longer than they should.
#[must_use]
pub fn stale<'a>(
    cursors: &'a [(String, String, Cursor)],
    sync: &SyncConfig,
    now: DateTime<Utc>,
) -> Vec<(&'a str, &'a str, DateTime<Utc>)> {
    let is_late = |resource: &str, cursor: &Cursor| {
        cursor.unavailable_since.is_none()
            && cursor.backfilled_at.is_some()
            && now - cursor.high_water > patience(resource, sync)
    };
    let late = cursors.iter().filter(|(_, resource, cursor)| is_late(resource, cursor));
    late.map(|(merchant, resource, cursor)| (merchant.as_str(), resource.as_str(), cursor.high_water)).collect()
}

/// One sentence for each merchant of which something has not been read for long.
fn behind(cursors: &[(String, String, Cursor)], sync: &SyncConfig, now: DateTime<Utc>) -> Vec<String> {
    let mut late: BTreeMap<&str, (DateTime<Utc>, Vec<&str>)> = BTreeMap::new();
    for (merchant, resource, high_water) in stale(cursors, sync, now) {
        let (oldest, resources) = late.entry(merchant).or_insert((high_water, Vec::new()));
        *oldest = high_water.min(*oldest);
        resources.push(resource);
    }
    let sentence = |(merchant, (oldest, resources)): (&str, (DateTime<Utc>, Vec<&str>))| {
        format!(
            "{merchant}: nothing has been read since {} of {}; Paystand does not answer or no process is at work, `paystand-sync check` \
             tells which",
            text(oldest),
            resources.join(", ")
        )
    };
    late.into_iter().map(sentence).collect()
}

fn patience(resource: &str, sync: &SyncConfig) -> TimeDelta {
    let resource = Resource::from_str(resource).ok();
    let own = resource.and_then(|resource| sync.resources.get(&resource)).map(|own| own.interval);
    let polls = own.unwrap_or(sync.interval).saturating_mul(POLLS_MISSED_MAX);
    let by_night = resource.is_some_and(|resource| !resource.filters_by_date() && resource.parent().is_none());
    let least = if by_night { NIGHTLY_PATIENCE } else { PATIENCE };
    TimeDelta::from_std(polls).unwrap_or(TimeDelta::MAX).checked_add(&least).unwrap_or(TimeDelta::MAX)
}

fn text(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_780_000_000, 0).expect("an instant")
    }

    fn cursor(read_minutes_ago: i64) -> Cursor {
        Cursor {
            high_water: now() - TimeDelta::minutes(read_minutes_ago),
            backfill_from: now().date_naive(),
            backfilled_at: Some(now()),
            freshened_at: None,
            whole_at: None,
            sealed_at: None,
            polled_at: None,
            unavailable_since: None,
        }
    }

    fn sync() -> SyncConfig {
        SyncConfig {
            interval: Duration::from_secs(30),
            overlap: Duration::from_mins(10),
            page_rows: 200,
            pages_in_flight_max: 8,
            request_timeout: Duration::from_mins(1),
            answer_bytes_max: 1 << 20,
            attempts_max: 6,
            open_item_max: Duration::from_hours(720),
            lease: Duration::from_secs(150),
            resources: BTreeMap::new(),
        }
    }

    fn told(cursors: &[(&str, Cursor)], exceptions: &[OpenException]) -> Vec<String> {
        let cursors: Vec<_> =
            cursors.iter().map(|(resource, it)| ("m1".to_owned(), (*resource).to_owned(), it.clone())).collect();
        troubles(&cursors, exceptions, &sync(), now())
    }

    #[test]
    fn nothing_is_told_of_what_is_read() {
        let backfilling = Cursor { backfilled_at: None, ..cursor(5_000) };
        let cursors = [("payments", cursor(2)), ("customers", cursor(600)), ("refunds", backfilling)];
        assert_eq!(told(&cursors, &[]), Vec::<String>::new());
    }

    #[test]
    fn an_outage_is_one_sentence_with_what_it_holds_up() {
        let told = told(&[("payments", cursor(300)), ("refunds", cursor(290)), ("customers", cursor(300))], &[]);
        assert_eq!(told.len(), 1);
        assert!(
            told[0].starts_with("m1: nothing has been read since 2026-05-28T15:26:40Z of payments, refunds;"),
            "{told:?}"
        );
    }

    #[test]
    fn a_closed_list_is_told_and_not_called_late() {
        let closed = Cursor { unavailable_since: Some(now()), ..cursor(5_000) };
        let told = told(&[("fees", closed)], &[]);
        assert_eq!(told.len(), 1);
        assert!(told[0].contains("the list of fees was closed") && told[0].contains("inside of their payments"));
    }

    #[test]
    fn clocks_that_differ_are_told() {
        let exception = OpenException {
            id: 1,
            merchant: "m1".to_owned(),
            class: CLOCKS_APART.to_owned(),
            subject: "clocks".to_owned(),
            detail: "our clock is 86400 s ahead of Paystand's; correct the wrong one".to_owned(),
            opened_at: now(),
            seen_at: now(),
            owner: None,
            amount_at_risk: None,
            currency: None,
        };
        let told = told(&[], &[exception]);
        assert!(told[0].starts_with("m1: our clock is 86400 s ahead"), "{told:?}");
    }
}
