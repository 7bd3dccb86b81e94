//! The status page: four questions answered first, what they rest on below.

use maud::{Markup, html};

use super::super::view::{Merchant, Overview, Reading, TieOut};
use super::super::words::{age, all_money, at, count};
use super::{chart, find, page, tables};

/// The whole page.
#[must_use]
pub fn overview(overview: &Overview) -> Markup {
    let main = html! {
        div.answers {
            (is_current(overview))
            (ties_out(overview))
            (needs_me(overview))
            section.card aria-labelledby="q-find" {
                h2 #q-find { "What happened to …?" }
                (find(""))
                p.soft { "An invoice number, the id of a payment or transfer, or what the ERP calls a document." }
            }
        }
        @if !overview.troubles.is_empty() {
            ul.notes { @for trouble in &overview.troubles { li { (trouble) } } }
        }
        (tables::exceptions(overview))
        (tables::adapters(overview))
        @for merchant in &overview.merchants { (tables::payouts(overview, merchant)) }
        @for merchant in &overview.merchants { (tables::resources(overview, merchant)) }
        (chart::last_day(overview))
    };
    page("Status", Some(overview), &main)
}

/// A question with its answer.
fn answer(id: &str, question: &str, (mood, verdict): (&str, &str), more: &Markup) -> Markup {
    html! {
        section class={ "card " (mood) } aria-labelledby=(id) {
            h2 #(id) { (question) }
            p.verdict { (verdict) }
            (more)
        }
    }
}

fn is_current(overview: &Overview) -> Markup {
    let resources = || overview.merchants.iter().flat_map(|merchant| &merchant.resources);
    let having = |reading: Reading| resources().filter(move |it| it.reading == reading).map(|it| it.name);
    let late: Vec<&str> = having(Reading::Late).collect();
    let stopped: Vec<&str> = having(Reading::Paused).collect();
    let first = having(Reading::Backfilling).count() + having(Reading::Waiting).count();
    let through = resources().filter(|it| it.reading == Reading::Current).filter_map(|it| it.high_water).min();
    let verdict = if !late.is_empty() {
        ("bad", "✗ No")
    } else if first > 0 {
        ("warn", "… Not yet")
    } else if !stopped.is_empty() {
        ("warn", "! In part")
    } else {
        ("good", "✓ Yes")
    };
    let sealed = resources().filter_map(|it| it.sealed_through).map(|sealed| sealed.day).min();
    answer(
        "q-current",
        "Is it current?",
        verdict,
        &html! {
            @if !late.is_empty() { p { "Late: " (late.join(", ")) } }
            @if first > 0 { p { "The history of " (first) " resources is still being read." } }
            @if !stopped.is_empty() { p { "Paused: " (stopped.join(", ")) } }
            @if let Some(through) = through { p { "Everything up to " (at(through, overview.zone)) " is read." } }
            @if let Some(day) = sealed { p { "Every day through " (day) " is certified complete." } }
        },
    )
}

fn ties_out(overview: &Overview) -> Markup {
    let ties: Vec<&TieOut> = overview.merchants.iter().filter_map(|merchant| merchant.tie_out.as_ref()).collect();
    let sum = |pick: fn(&TieOut) -> usize| ties.iter().map(|tie| pick(tie)).sum::<usize>();
    let (proven, unproven, wrong) = (sum(|it| it.proven), sum(|it| it.unproven), sum(|it| it.wrong));
    let verdict = if wrong > 0 {
        ("bad", "✗ No")
    } else if ties.len() < overview.merchants.len() {
        ("warn", "… Not tied out yet")
    } else {
        ("good", "✓ Yes")
    };
    let payouts =
        |number: usize, what: &str| format!("{number} {} {what}", if number == 1 { "payout" } else { "payouts" });
    answer(
        "q-tie",
        "Does it tie out?",
        verdict,
        &html! {
            @if !ties.is_empty() {
                @if wrong > 0 { p { strong { (payouts(wrong, "not explained")) } } }
                p { (payouts(proven, "proven")) @if unproven > 0 { ", " (unproven) " unproven" } }
            }
            @for tie in &ties {
                p { "In transit: " (all_money(&tie.in_transit)) }
            }
            @if let Some(tie) = ties.first() { p.soft { "Tied out " (age(overview.at - tie.at)) " ago" } }
            @else { p { "The books are tied out soon after the first reading, then every hour." } }
        },
    )
}

fn needs_me(overview: &Overview) -> Markup {
    let open = overview.open_exceptions;
    let oldest = overview.exception_classes.iter().map(|class| class.oldest).min();
    let paused = overview.paused.len();
    let verdict = match (open, paused) {
        (0, 0) => ("good", "✓ Nothing".to_owned()),
        (0, _) => ("warn", "! Something is paused".to_owned()),
        (1, _) => ("bad", "1 exception".to_owned()),
        (open, _) => ("bad", format!("{} exceptions", count(open))),
    };
    answer(
        "q-me",
        "What needs me?",
        (verdict.0, &verdict.1),
        &html! {
            @if let Some(oldest) = oldest {
                p { "The oldest is " (age(overview.at - oldest)) " old." }
                p { a href="#exceptions" { "See what they are about" } }
            }
            @for merchant in &overview.merchants { (fees(overview, merchant)) }
        },
    )
}

fn fees(overview: &Overview, merchant: &Merchant) -> Markup {
    html! {
        @for awaited in &merchant.fees_awaited {
            p.soft { "Fees of " (count(awaited.payments)) " payments are not final yet, for " (age(overview.at - awaited.oldest)) " at most." }
        }
    }
}
