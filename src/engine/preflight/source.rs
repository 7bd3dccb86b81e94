//! What Paystand does for these credentials, found by asking: which lists are open, which zone and clock it has, how long a page is,
//! what `count` means, and whether order and dates are heeded. None of it is documented well enough to be believed.

use std::cmp::Ordering;

use chrono::{DateTime, Days};
use chrono_tz::Tz;

use super::Finding;
use crate::config::MerchantConfig;
use crate::engine::Engine;
use crate::engine::error::{Exit, StepError};
use crate::engine::harvest::{is_closed, sight_rows};
use crate::engine::reader::CLOCKS_APART_MAX;
use crate::model::ids::SourceId;
use crate::model::page::{Direction, Order, PageRequest, Stamp, Window};
use crate::model::record::Observation;
use crate::model::resource::Resource;
use crate::normalize::rows;
use crate::paystand::{Client, Priority, SourceError};
use crate::scan::order::{OrderProof, Stamps};

/// Pages that are looked at for a proof of the order.
const ORDER_PAGES_MAX: u64 = 3;
/// Lists that are long where any is, the most telling first.
const LONG: [Resource; 3] = [Resource::Receivables, Resource::Payments, Resource::Customers];

/// One page as it was shown.
struct Shown {
    rows: Vec<Observation>,
    /// All that came, also what could not be read.
    length: u64,
    count: Option<u64>,
}

struct Prober<'a> {
    engine: &'a Engine,
    merchant: &'a MerchantConfig,
    client: &'a Client,
}

pub(super) async fn probe(engine: &Engine, merchant: &MerchantConfig, client: &Client) -> Vec<Finding> {
    let prober = Prober { engine, merchant, client };
    let mut findings = vec![prober.zone().await, prober.clocks()];
    findings.extend(prober.lists().await);
    match prober.long_list().await {
        Some((resource, first)) => findings.extend(prober.behaviour(resource, &first).await),
        None => findings.push(Finding::note(
            prober.what("paging"),
            "no list has two rows yet, so page length, `count` and order cannot be told",
        )),
    }
    findings
}

impl Prober<'_> {
    fn what(&self, what: &str) -> String {
        format!("{what} of {}", self.merchant.label)
    }

    /// Days are cut by the configured zone, and totals per day agree with Paystand's only where it is the merchant's.
    async fn zone(&self) -> Finding {
        let (label, ours, what) = (&self.merchant.label, self.merchant.timezone, self.what("timezone"));
        let told = self.client.timezone(Priority::Tail).await.ok().and_then(|answer| zone_in(&answer.body));
        match told {
            None => {
                Finding::note(what, format!("{ours} is configured, and Paystand does not tell its own to this token"))
            }
            Some(zone) if zone == ours => Finding::good(what, zone.name()),
            Some(zone) => Finding::failed(
                what,
                Exit::Usage,
                format!(
                    "{ours} is configured and Paystand has {zone}; set merchants.{label}.timezone = \"{zone}\" unless you mean it"
                ),
            ),
        }
    }

    fn clocks(&self) -> Finding {
        let (ahead, what) = (self.client.two_clocks().local_ahead(), self.what("clock"));
        if ahead.abs() <= CLOCKS_APART_MAX {
            return Finding::good(what, format!("within {} s of Paystand's", ahead.num_seconds().abs() + 1));
        }
        let (seconds, side) = (ahead.num_seconds().abs(), if ahead.num_seconds() > 0 { "ahead of" } else { "behind" });
        Finding::failed(
            what,
            Exit::Usage,
            format!("this machine is {seconds} s {side} Paystand's clock; correct it and start its time service"),
        )
    }

    /// Which lists these credentials may read.
    async fn lists(&self) -> Vec<Finding> {
        let (mut open, mut findings) = (0, Vec::new());
        for resource in Resource::ALL {
            if !self.engine.resource_config(resource).enabled {
                continue;
            }
            match self.is_readable(resource).await {
                Ok(()) => open += 1,
                Err(error) => findings.push(self.closed(resource, &error)),
            }
        }
        findings.insert(0, Finding::good(self.what("lists"), format!("{open} readable")));
        findings
    }

    async fn is_readable(&self, resource: Resource) -> Result<(), StepError> {
        let Some(parent) = resource.parent() else { return self.page(resource, None, (0, 1)).await.map(drop) };
        // A list that is inside of another object can only be asked for where there is one.
        match self.page(parent, None, (0, 1)).await?.rows.first() {
            Some(row) => self.page(resource, Some(row.id.clone()), (0, 1)).await.map(drop),
            None => Ok(()),
        }
    }

    fn closed(&self, resource: Resource, error: &StepError) -> Finding {
        let (what, name) = (self.what(&format!("list {resource}")), resource.name());
        if resource == Resource::TransferEntries && is_refused(error) {
            return Finding::note(
                what,
                format!("{error}; payouts stay unproven until Paystand turns transfer reports on for this merchant"),
            );
        }
        if is_closed(resource, error) {
            let meanwhile = match resource {
                Resource::Fees => "fees are read inside of their payments instead",
                _ => "it is tried again every hour",
            };
            return Finding::note(what, format!("{error}; {meanwhile}, or ask Paystand to open it for this client"));
        }
        Finding::failed(
            what,
            error.exit(),
            format!(
                "{error}; ask Paystand to let this client read it, or set sync.resources.{name}.enabled = false and do without"
            ),
        )
    }

    /// A list with two rows at least, and its first page.
    async fn long_list(&self) -> Option<(Resource, Shown)> {
        let limit = self.engine.config.sync.page_rows;
        for resource in LONG {
            if let Ok(shown) = self.page(resource, None, (0, limit)).await
                && shown.length > 1
            {
                return Some((resource, shown));
            }
        }
        None
    }

    async fn behaviour(&self, resource: Resource, first: &Shown) -> Vec<Finding> {
        let mut findings = Vec::new();
        for finding in [
            self.page_length(resource, first).await,
            self.meaning_of_count(resource, first).await,
            self.order(resource, first).await,
            self.dates(resource).await,
        ] {
            findings.push(finding.unwrap_or_else(|error| Finding::of_error(self.what("paging"), &error)));
        }
        findings
    }

    async fn page_length(&self, resource: Resource, first: &Shown) -> Result<Finding, StepError> {
        let (asked, what) = (u64::from(self.engine.config.sync.page_rows), self.what("page length"));
        if first.length >= asked || self.page(resource, None, (first.length, 1)).await?.length == 0 {
            return Ok(Finding::good(what, format!("{asked} rows are asked for and given")));
        }
        let given = first.length;
        Ok(Finding::note(
            what,
            format!(
                "{asked} rows are asked for and {given} given, so a page is {given} long; set sync.page_rows = {given} to save a request now \
                 and then"
            ),
        ))
    }

    async fn meaning_of_count(&self, resource: Resource, first: &Shown) -> Result<Finding, StepError> {
        let what = self.what("count");
        let meaning = match (first.count, self.page(resource, None, (0, 1)).await?.count) {
            (None, _) | (_, None) => "lists carry none",
            (Some(_), Some(1)) => "it tells the rows of the page",
            (Some(_), Some(_)) => "it tells all rows that match",
        };
        Ok(Finding::good(what, format!("{meaning}; the end of a list is told by its rows alone")))
    }

    async fn order(&self, resource: Resource, first: &Shown) -> Result<Finding, StepError> {
        let what = self.what("order");
        let mut proof = OrderProof::default();
        let mut offset = first.length;
        proof.observe(&stamps(&first.rows), std::time::Duration::ZERO);
        for _ in 1..ORDER_PAGES_MAX {
            if proof.is_violated() || proof.holds(std::time::Duration::ZERO) {
                break;
            }
            let next = self.page(resource, None, (offset, self.engine.config.sync.page_rows)).await?;
            if next.length == 0 {
                break;
            }
            offset += next.length;
            proof.observe(&stamps(&next.rows), std::time::Duration::ZERO);
        }
        if proof.is_violated() || self.is_deaf(resource, first).await? {
            return Ok(Finding::note(
                what,
                "the order asked for is not heeded, so each poll reads its days whole; ask Paystand about `sort`, or raise sync.interval",
            ));
        }
        if proof.holds(std::time::Duration::ZERO) {
            return Ok(Finding::good(what, "newest change first, as asked for"));
        }
        Ok(Finding::note(
            what,
            "heeded as far as can be told; until a change of an older row proves it, each poll reads its days whole",
        ))
    }

    /// Whether both directions begin with the same row although the list has different stamps.
    async fn is_deaf(&self, resource: Resource, first: &Shown) -> Result<bool, StepError> {
        let request = PageRequest {
            order: Order { stamp: Stamp::LastUpdated, direction: Direction::OldestFirst },
            ..self.request(resource, None, (0, 1))
        };
        let oldest = self.ask(&request).await?;
        let (Some(newest), Some(oldest)) = (first.rows.first(), oldest.rows.first()) else { return Ok(false) };
        Ok(newest.updated_at.cmp(&oldest.updated_at) != Ordering::Greater
            && first.rows.iter().any(|row| row.updated_at != newest.updated_at))
    }

    /// Before anybody used Paystand nothing was changed.
    async fn dates(&self, resource: Resource) -> Result<Finding, StepError> {
        let what = self.what("date filter");
        let epoch = DateTime::UNIX_EPOCH.date_naive();
        let window = Window {
            stamp: Stamp::LastUpdated,
            first_day: epoch,
            last_day: epoch + Days::new(1),
            zone: self.merchant.timezone,
        };
        let request = PageRequest { window: Some(window), ..self.request(resource, None, (0, 1)) };
        if self.ask(&request).await?.length == 0 {
            return Ok(Finding::good(what, "heeded"));
        }
        Ok(Finding::note(
            what,
            "not heeded, so each poll reads whole lists; ask Paystand about it, or raise sync.interval",
        ))
    }

    async fn page(&self, resource: Resource, parent: Option<SourceId>, part: (u64, u32)) -> Result<Shown, StepError> {
        self.ask(&self.request(resource, parent, part)).await
    }

    /// Everything from the start date on, newest change first.
    fn request(&self, resource: Resource, parent: Option<SourceId>, (offset, limit): (u64, u32)) -> PageRequest {
        let now = self.client.two_clocks().later_now().with_timezone(&self.merchant.timezone).date_naive();
        let window = Window {
            stamp: Stamp::LastUpdated,
            first_day: self.merchant.start_date,
            last_day: now + Days::new(1),
            zone: self.merchant.timezone,
        };
        PageRequest {
            resource,
            parent,
            window: resource.filters_by_date().then_some(window),
            order: Order { stamp: Stamp::LastUpdated, direction: Direction::NewestFirst },
            offset,
            limit,
        }
    }

    async fn ask(&self, request: &PageRequest) -> Result<Shown, StepError> {
        let answer = self.client.list(request, Priority::Tail).await?;
        let envelope = rows(answer.body).map_err(|error| StepError::NotAList(error.to_string()))?;
        let sightings = sight_rows(request.resource, request.parent.as_ref(), &envelope.rows);
        let length = u64::try_from(envelope.rows.len()).unwrap_or(u64::MAX);
        let rows = sightings.into_iter().flatten().map(|sighting| sighting.observation).collect();
        Ok(Shown { rows, length, count: envelope.count })
    }
}

fn stamps(rows: &[Observation]) -> Vec<Stamps> {
    rows.iter().map(|row| Stamps { created_at: row.created_at, updated_at: row.updated_at }).collect()
}

/// A report that the merchant does not have is refused as a request that makes no sense.
const fn is_refused(error: &StepError) -> bool {
    matches!(error, StepError::Source(SourceError::Refused { .. } | SourceError::NotFound { .. }))
}

/// The only IANA name among the strings of an answer, whose shape is not documented.
fn zone_in(body: &[u8]) -> Option<Tz> {
    fn names(value: &serde_json::Value) -> Vec<Tz> {
        match value {
            serde_json::Value::String(text) => text.parse().ok().into_iter().collect(),
            serde_json::Value::Array(values) => values.iter().flat_map(names).collect(),
            serde_json::Value::Object(map) => map.values().flat_map(names).collect(),
            _ => Vec::new(),
        }
    }
    match names(&serde_json::from_slice(body).ok()?)[..] {
        [zone] => Some(zone),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_is_read_in_whatever_shape_it_comes() {
        let berlin = Some(Tz::Europe__Berlin);
        assert_eq!(zone_in(br#""Europe/Berlin""#), berlin);
        assert_eq!(zone_in(br#"{"timezone":"Europe/Berlin"}"#), berlin);
        assert_eq!(zone_in(br#"{"customer":{"id":"x","settings":["Europe/Berlin"]}}"#), berlin);
        assert_eq!(zone_in(br#"{"a":"Europe/Berlin","b":"Asia/Tokyo"}"#), None);
        assert_eq!(zone_in(b"not json"), None);
    }
}
