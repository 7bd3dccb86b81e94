//! `/metrics`: the overview as Prometheus reads it, in the text format of `OpenMetrics`.
//!
//! One prefix, base units, and labels that the configuration bounds: no id of a record is ever one.

use std::collections::BTreeSet;
use std::sync::atomic::AtomicU64;

use chrono::{DateTime, Utc};
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;

use super::view::{Adapter, Health, Merchant, Money, Overview, Resource};

/// What the answer is.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

const PREFIX: &str = "paystand_sync";

type Labels = Vec<(&'static str, String)>;
type Level = Gauge<f64, AtomicU64>;

/// One answer in the making.
struct Sheet {
    registry: Registry,
}

impl Sheet {
    fn levels(&mut self, name: &str, help: &str, levels: impl IntoIterator<Item = (Labels, Option<f64>)>) {
        let family = Family::<Labels, Level>::default();
        for (labels, level) in levels.into_iter().filter_map(|(labels, level)| Some((labels, level?))) {
            family.get_or_create(&labels).set(level);
        }
        self.registry.register(name, help, family);
    }

    fn counts(&mut self, name: &str, help: &str, counts: impl IntoIterator<Item = (Labels, u64)>) {
        let family = Family::<Labels, Counter>::default();
        for (labels, count) in counts {
            family.get_or_create(&labels).inc_by(count);
        }
        self.registry.register(name, help, family);
    }
}

/// All metrics at `now`.
#[must_use]
pub fn text(overview: Option<&Overview>, health: &Health, now: DateTime<Utc>) -> String {
    let mut sheet = Sheet { registry: Registry::with_prefix(PREFIX) };
    let version = vec![("version", env!("CARGO_PKG_VERSION").to_owned())];
    sheet.levels("build_info", "The program at work", [(version, Some(1.0))]);
    sheet.levels("ready", "Whether the daemon can work", [(vec![], Some(flag(health.is_ready())))]);
    if let Some(overview) = overview {
        sheet.levels(
            "overview_age_seconds",
            "Since the daemon last looked at everything",
            [(vec![], seconds(overview.at, now))],
        );
        reading(&mut sheet, overview);
        posting(&mut sheet, overview, now);
        exceptions(&mut sheet, overview, now);
        tie_out(&mut sheet, overview, now);
        work(&mut sheet, overview);
    }
    let mut text = String::new();
    encode(&mut text, &sheet.registry).expect("writing to memory");
    text
}

fn reading(sheet: &mut Sheet, overview: &Overview) {
    let each = |pick: fn(&Resource) -> Option<f64>| {
        let of = move |merchant: &Merchant| {
            let label = merchant.label.clone();
            let labels = move |it: &Resource| vec![("merchant", label.clone()), ("resource", it.name.to_owned())];
            merchant.resources.iter().map(move |it| (labels(it), pick(it))).collect::<Vec<_>>()
        };
        overview.merchants.iter().flat_map(of).collect::<Vec<_>>()
    };
    sheet.levels(
        "freshness_seconds",
        "Age of what is certainly read of a resource",
        each(|it| it.lag_seconds.and_then(|seconds| seconds.to_f64())),
    );
    sheet.levels(
        "late",
        "Whether a resource is read later than it should be",
        each(|it| Some(flag(it.reading == super::view::Reading::Late))),
    );
    sheet.levels("records", "Records stored", each(|it| it.rows.and_then(|rows| rows.to_f64())));
    sheet.levels(
        "sealed_through_timestamp_seconds",
        "End of the last created day that is certified",
        each(|it| it.sealed_through.and_then(|sealed| sealed.end.timestamp().to_f64())),
    );
}

fn posting(sheet: &mut Sheet, overview: &Overview, now: DateTime<Utc>) {
    let adapters = &overview.adapters;
    let of = |it: &Adapter| vec![("adapter", it.name.clone())];
    let in_state = |it: &Adapter, state: &str| vec![("adapter", it.name.clone()), ("state", state.to_owned())];
    let entries = adapters
        .iter()
        .flat_map(|it| [(in_state(it, "open"), it.open.to_f64()), (in_state(it, "parked"), it.parked.to_f64())]);
    sheet.levels("outbox_entries", "Entries that an adapter has not taken yet", entries);
    let oldest = adapters.iter().map(|it| (of(it), it.oldest.map_or(Some(0.0), |oldest| seconds(oldest, now))));
    sheet.levels("outbox_oldest_seconds", "Age of the oldest of them", oldest);
    let paused = adapters.iter().map(|it| (of(it), Some(flag(it.is_paused))));
    sheet.levels("adapter_paused", "Whether a person stopped delivery to an adapter", paused);
    let unposted = adapters.iter().flat_map(|it| {
        let currencies = currencies(overview, it);
        let level = |currency: &str| {
            let sum = it.unposted.iter().flatten().find(|money| money.currency == currency);
            number(sum.map_or(Decimal::ZERO, |money| money.amount))
        };
        let labels = |currency: &str| vec![("adapter", it.name.clone()), ("currency", currency.to_owned())];
        currencies.into_iter().map(|currency| (labels(currency), level(currency))).collect::<Vec<_>>()
    });
    sheet.levels("unposted_amount", "Debits of entries that are booked and not posted", unposted);
}

/// Those in which something waits, and those of the books: in them nothing waits, which is worth a zero.
fn currencies<'a>(overview: &'a Overview, adapter: &'a Adapter) -> BTreeSet<&'a str> {
    let ties = overview.merchants.iter().filter_map(|merchant| merchant.tie_out.as_ref());
    let booked = ties.flat_map(|tie| &tie.clearing);
    booked.chain(adapter.unposted.iter().flatten()).map(|money| money.currency.as_str()).collect()
}

fn exceptions(sheet: &mut Sheet, overview: &Overview, now: DateTime<Utc>) {
    let open = overview.exception_classes.iter().map(|it| (vec![("class", it.class.clone())], it.open.to_f64()));
    sheet.levels("exceptions_open", "What a person must see", open);
    let oldest = overview.exception_classes.iter().map(|it| it.oldest).min();
    let age = oldest.map_or(Some(0.0), |oldest| seconds(oldest, now));
    sheet.levels("exception_oldest_seconds", "Age of the oldest open exception", [(vec![], age)]);
}

fn tie_out(sheet: &mut Sheet, overview: &Overview, now: DateTime<Utc>) {
    let tied = || overview.merchants.iter().filter_map(|it| Some((it.label.clone(), it.tie_out.as_ref()?)));
    let payouts = tied().flat_map(|(label, tie)| {
        [("proven", tie.proven), ("unproven", tie.unproven), ("wrong", tie.wrong), ("returned", tie.returned)].map(
            |(verdict, count)| (vec![("merchant", label.clone()), ("verdict", verdict.to_owned())], count.to_f64()),
        )
    });
    sheet.levels("payouts", "Payouts by what the last tie-out found", payouts);
    let money = |label: &str, money: &Money| {
        (vec![("merchant", label.to_owned()), ("currency", money.currency.clone())], number(money.amount))
    };
    let differences =
        tied().flat_map(|(label, tie)| tie.differences.iter().map(|it| money(&label, it)).collect::<Vec<_>>());
    sheet.levels("reconcile_difference", "What wrong payouts settle beyond what was booked", differences);
    let transit = tied().flat_map(|(label, tie)| tie.in_transit.iter().map(|it| money(&label, it)).collect::<Vec<_>>());
    sheet.levels("in_transit_amount", "Booked in clearing and on no paid payout yet", transit);
    let age = tied().map(|(label, tie)| (vec![("merchant", label)], seconds(tie.at, now)));
    sheet.levels("tie_out_age_seconds", "Since the books were last tied out", age);
}

fn work(sheet: &mut Sheet, overview: &Overview) {
    let of = |it: &Merchant| vec![("merchant", it.label.clone())];
    let merchants = &overview.merchants;
    let used = merchants.iter().map(|it| {
        let allowed = Decimal::from(it.rate.allowed_per_minute.max(1));
        (of(it), number(Decimal::from(it.rate.last_minute) / allowed))
    });
    sheet.levels("rate_budget_used_ratio", "Share of the request rate that the last minute took", used);
    let requests = merchants.iter().map(|it| (of(it), it.rate.requests));
    sheet.counts("requests", "Requests to Paystand", requests);
    let faults = merchants.iter().map(|it| (of(it), it.rate.faults));
    sheet.counts("request_faults", "Requests that came to no usable answer", faults);
    let counted = |what: &str, label: &'static str| {
        let named = move |of: &str| if label.is_empty() { vec![] } else { vec![(label, of.to_owned())] };
        let counts = overview.counts.iter().filter(|it| it.what == what);
        counts.map(|it| (named(&it.of), it.count)).collect::<Vec<_>>()
    };
    sheet.counts("polls", "Polls of resources", counted("polls", "resource"));
    sheet.counts("rows", "Rows that polls were shown", counted("rows", "resource"));
    sheet.counts("versions", "New versions of records", counted("versions", "resource"));
    sheet.counts("booked", "Versions that were booked", counted("booked", ""));
    sheet.counts("delivered", "Entries that were handed to an adapter and settled", counted("delivered", "adapter"));
    sheet.counts("errors", "Steps that failed and go on by themselves", counted("errors", "about"));
}

fn flag(is_so: bool) -> f64 {
    if is_so { 1.0 } else { 0.0 }
}

fn seconds(since: DateTime<Utc>, now: DateTime<Utc>) -> Option<f64> {
    (now - since).num_seconds().max(0).to_f64()
}

fn number(amount: Decimal) -> Option<f64> {
    amount.to_f64()
}
