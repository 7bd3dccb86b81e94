//! What the answers rest on: exceptions, adapters, payouts, resources.

use maud::{Markup, html};

use super::super::view::{Adapter, Exception, Merchant, Overview, Reading, Resource};
use super::super::words::{age, all_money, amount, at, count, money, spaced};

pub fn exceptions(overview: &Overview) -> Markup {
    html! {
        section.card #exceptions aria-labelledby="h-exceptions" {
            h2 #h-exceptions { "Exceptions" }
            @if overview.open_exceptions == 0 { p { "Nothing is open." } }
            @else {
                p.soft {
                    @for (place, class) in overview.exception_classes.iter().enumerate() {
                        @if place > 0 { " · " }
                        (count(class.open)) " " (spaced(&class.class)) ", up to " (age(overview.at - class.oldest)) " old"
                    }
                }
                table.stack {
                    thead { tr { th scope="col" { "No." } th scope="col" { "Since" } th scope="col" { "Class" } th.num scope="col" { "At risk" } th scope="col" { "What" } } }
                    tbody { @for it in &overview.exceptions { (exception(overview, it)) } }
                }
                @let hidden = overview.open_exceptions - i64::try_from(overview.exceptions.len()).unwrap_or(i64::MAX);
                @if hidden > 0 {
                    p.soft { (count(hidden)) " more: " code { "paystand-sync exceptions list" } " shows all of them." }
                }
            }
        }
    }
}

fn exception(overview: &Overview, it: &Exception) -> Markup {
    html! {
        tr {
            th scope="row" { a href={ "/exception/" (it.id) } { span.soft { "#" } (it.id) } }
            td data-label="Since" { (at(it.opened_at, overview.zone)) }
            td data-label="Class" { (spaced(&it.class)) }
            td.num data-label="At risk" { @if let Some(sum) = &it.at_risk { (money(sum)) } @else { "–" } }
            td.key { (it.detail) br; span.soft { (it.subject) } }
        }
    }
}

pub fn adapters(overview: &Overview) -> Markup {
    html! {
        section.card aria-labelledby="h-adapters" {
            h2 #h-adapters { "Into the ERP" }
            table.stack {
                thead { tr {
                    th scope="col" { "Adapter" } th scope="col" { "Delivery" } th.num scope="col" { "To deliver" }
                    th.num scope="col" { "For a person" } th.num scope="col" { "Oldest" } th.num scope="col" { "Unposted" }
                } }
                tbody { @for it in &overview.adapters { (adapter(overview, it)) } }
            }
        }
    }
}

fn adapter(overview: &Overview, it: &Adapter) -> Markup {
    let (mood, word) = match (it.is_paused, it.parked, it.open) {
        (true, _, _) => ("warn", "paused"),
        (false, 0, 0) => ("good", "all posted"),
        (false, 0, _) => ("good", "delivering"),
        (false, _, _) => ("bad", "refused entries"),
    };
    html! {
        tr {
            th scope="row" { a href={ "/adapter/" (urlencoded(&it.name)) } { (it.name) } }
            td data-label="Delivery" { span class={ "mark " (mood) } { (word) } }
            td.num data-label="To deliver" { (count(it.open)) }
            td.num data-label="For a person" { (count(it.parked)) }
            td.num data-label="Oldest" { @if let Some(oldest) = it.oldest { (age(overview.at - oldest)) } @else { "–" } }
            td.num data-label="Unposted" { @if let Some(unposted) = &it.unposted { (all_money(unposted)) } @else { "…" } }
        }
    }
}

pub fn payouts(overview: &Overview, merchant: &Merchant) -> Markup {
    let id = format!("h-payouts-{}", merchant.id);
    html! {
        section.card aria-labelledby=(id) {
            h2 #(id) { "Payouts of " (merchant.label) }
            @if let Some(tie) = &merchant.tie_out {
                dl {
                    dt { "Proven" } dd { (tie.proven) " · every line of the report agrees with the books" }
                    dt { "Unproven" } dd { (tie.unproven) " · paid, without a report, or with a record that changed before it was first read" }
                    dt { "Not explained" } dd { (tie.wrong) }
                    dt { "Returned" } dd { (tie.returned) }
                    dt { "Clearing" } dd { (all_money(&tie.clearing)) }
                    dt { "In transit" } dd { (all_money(&tie.in_transit)) " · collected and on no paid payout yet" }
                    @for difference in &tie.differences {
                        dt { "Difference" } dd { span.mark.bad { (money(difference)) } }
                    }
                    dt { "Tied out" } dd { (at(tie.at, overview.zone)) }
                }
                @if !tie.sentences.is_empty() {
                    ul { @for sentence in &tie.sentences { li.key { (sentence) } } }
                }
            } @else {
                p { "Not tied out yet." }
            }
        }
    }
}

pub fn resources(overview: &Overview, merchant: &Merchant) -> Markup {
    let id = format!("h-resources-{}", merchant.id);
    html! {
        section.card aria-labelledby=(id) {
            h2 #(id) { "What is read of " (merchant.label) }
            div.scroll role="region" aria-labelledby=(id) tabindex="0" {
                table {
                    thead { tr {
                        th scope="col" { "Resource" } th scope="col" { "Reading" } th.num scope="col" { "Lag" }
                        th.num.wide scope="col" { "Records" } th scope="col" { "Certified through" } th.wide scope="col" { "For good through" }
                    } }
                    tbody { @for it in &merchant.resources { (resource(it)) } }
                }
            }
            p.soft {
                "Requests in the last minute: " (count(i64::from(merchant.rate.last_minute))) " of "
                (count(i64::from(merchant.rate.allowed_per_minute))) " allowed"
            }
            @for awaited in &merchant.fees_awaited {
                p.soft { "Fees awaited on " (money(&awaited.gross)) " of " (count(awaited.payments)) " payments, since "
                    (at(awaited.oldest, overview.zone)) }
            }
        }
    }
}

fn resource(it: &Resource) -> Markup {
    let mood = match it.reading {
        Reading::Current => "good",
        Reading::Late => "bad",
        Reading::Backfilling | Reading::Closed | Reading::Paused | Reading::Waiting => "warn",
    };
    let lag = it.lag_seconds.map(|seconds| age(chrono::TimeDelta::seconds(seconds)));
    html! {
        tr {
            th scope="row" { (spaced(it.name)) }
            td { span class={ "mark " (mood) } { (it.reading.words()) } }
            td.num { (lag.unwrap_or_else(|| "–".to_owned())) }
            td.num.wide { @if let Some(rows) = it.rows { (amount(rows.into())) } @else { "…" } }
            td { @if let Some(sealed) = it.sealed_through { (sealed.day) } @else { "–" } }
            td.wide { @if let Some(sealed) = it.sealed_finally_through { (sealed.day) } @else { "–" } }
        }
    }
}

/// A name as one part of a path.
pub fn urlencoded(name: &str) -> String {
    percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC).to_string()
}
