//! What happened to one thing, from its record to the receipts of the ERP.

use chrono_tz::Tz;
use maud::{Markup, html};

use super::super::view::{Overview, Trail, TrailDelivery, TrailEntry, TrailException};
use super::super::words::{amount, at, money, spaced};
use super::{find, page};

/// The answer to a search.
#[must_use]
pub fn found(overview: Option<&Overview>, word: &str, trails: &[Trail]) -> Markup {
    let zone = overview.map_or(Tz::UTC, |overview| overview.zone);
    let main = html! {
        section.card aria-labelledby="h-found" {
            h2 #h-found { "What happened to " span.key { (word) } "?" }
            (find(word))
            @if trails.is_empty() {
                p { "No record, invoice or ERP document has this name. Ids are searched as a whole, with upper and lower case as they are." }
            } @else if trails.len() > 1 {
                p { (trails.len()) " records are meant:" }
                ul { @for it in trails { li { a href={ "#" (anchor(it)) } { (spaced(&it.resource)) " " (it.id) } } } }
            }
        }
        @for it in trails { (trail(it, zone)) }
    };
    page(word, overview, &main)
}

fn anchor(trail: &Trail) -> String {
    format!("{}-{}", trail.resource, trail.id)
}

fn trail(it: &Trail, zone: Tz) -> Markup {
    let id = format!("h-{}", anchor(it));
    html! {
        section.card id=(anchor(it)) aria-labelledby=(id) {
            h2 id=(id) { (spaced(&it.resource)) " " span.key { (it.id) } }
            dl {
                @if let Some(status) = &it.status { dt { "Status" } dd { (status) } }
                @if let Some(sum) = &it.money { dt { "Amount" } dd { (money(sum)) } }
                @if let Some(created) = it.created_at { dt { "Created" } dd { (at(created, zone)) } }
                @if let Some(updated) = it.updated_at { dt { "Last changed" } dd { (at(updated, zone)) } }
                @if let (Some(recorded), Some(version)) = (it.recorded_at, it.version) {
                    dt { "Stored" } dd { (at(recorded, zone)) ", version " (version) }
                }
            }
            (exceptions(&it.exceptions, zone))
            h3 { "What happened" }
            @if it.events.is_empty() { p.soft { "Nothing has been told of it yet." } }
            @else { ol.told { @for event in &it.events { li { (at(event.occurred_at, zone)) " · " strong { (event.kind) } " " span.soft.key { (event.key) } } } } }
            h3 { "What it means in the books" }
            @if it.entries.is_empty() { p.soft { "Nothing is booked." } }
            @else { (journal(&it.entries)) }
            h3 { "What the ERP holds" }
            @if it.deliveries.is_empty() { p.soft { "Nothing was handed to an ERP." } }
            @else { (deliveries(&it.deliveries, zone)) }
        }
    }
}

fn exceptions(exceptions: &[TrailException], zone: Tz) -> Markup {
    html! {
        @for it in exceptions {
            @match &it.resolution {
                None => p.outcome.bad { a href={ "/exception/" (it.id) } { "Exception " (it.id) } ", " (spaced(&it.class)) ": " (it.detail) },
                Some(resolution) => p.soft { "Exception " (it.id) " of " (at(it.opened_at, zone)) ", " (spaced(&it.class)) ", is settled: " (resolution) },
            }
        }
    }
}

fn journal(entries: &[TrailEntry]) -> Markup {
    html! {
        div.scroll role="region" aria-label="Journal entries" tabindex="0" {
            table {
                thead { tr { th scope="col" { "Date" } th scope="col" { "Account" } th.num scope="col" { "Debit" } th.num scope="col" { "Credit" } } }
                @for entry in entries {
                    tbody {
                        tr { th scope="rowgroup" { (entry.date) } td colspan="3" { (entry.memo) br; span.soft.key { (entry.key) } } }
                        @for line in &entry.lines {
                            tr {
                                td {}
                                td { (spaced(&line.role)) @if let Some(invoice) = &line.invoice { " " span.soft { (invoice) } } }
                                td.num { @if !line.amount.is_sign_negative() { (amount(line.amount)) " " (entry.currency) } }
                                td.num { @if line.amount.is_sign_negative() { (amount(-line.amount)) " " (entry.currency) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn deliveries(deliveries: &[TrailDelivery], zone: Tz) -> Markup {
    html! {
        table.stack {
            thead { tr { th scope="col" { "Adapter" } th scope="col" { "State" } th scope="col" { "Receipt" } th scope="col" { "What" } } }
            tbody {
                @for it in deliveries {
                    tr {
                        th scope="row" { (it.adapter) }
                        td data-label="State" { span class={ "mark " (mood(&it.state)) } { (spaced(&it.state)) }
                            @if let Some(settled) = it.settled_at { " " (at(settled, zone)) } }
                        td.key data-label="Receipt" { @if let Some(receipt) = &it.receipt { strong { (receipt) } } @else { "–" } }
                        td.key { (it.key) @if let Some(reason) = &it.reason { br; span.soft { (reason) } } }
                    }
                }
            }
        }
    }
}

fn mood(state: &str) -> &'static str {
    match state {
        "posted" | "baseline" | "superseded" | "not_applicable" | "resolved" => "good",
        "parked" => "bad",
        _ => "warn",
    }
}
