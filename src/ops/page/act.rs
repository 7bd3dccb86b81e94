//! Where a person steps in. Each form carries the token, a name and a reason; nothing that a browser sends by itself lets anybody act,
//! so no other site can act through it.

use maud::{Markup, html};

use super::super::view::{Adapter, Exception, Overview};
use super::super::words::{age, at, money, spaced};
use super::page;
use super::tables::urlencoded;

/// One exception, with what may be done about it.
#[must_use]
pub fn exception(overview: &Overview, it: &Exception, can_act: bool) -> Markup {
    let main = html! {
        section.card aria-labelledby="h-exception" {
            h2 #h-exception { "Exception " (it.id) ": " (spaced(&it.class)) }
            p { (it.detail) }
            dl {
                dt { "About" } dd { (it.subject) }
                dt { "Merchant" } dd { (it.merchant) }
                dt { "Kind" } dd { (it.failure) }
                @if let Some(sum) = &it.at_risk { dt { "At risk" } dd { (money(sum)) } }
                dt { "Since" } dd { (at(it.opened_at, overview.zone)) ", " (age(overview.at - it.opened_at)) " ago" }
                dt { "Owner" } dd { @if let Some(owner) = &it.owner { (owner) } @else { "nobody yet" } }
                dt { "First" } dd { (it.first_action) }
            }
            p { a href={ "/search?q=" (urlencoded(record(&it.subject))) } { "What happened to it" } }
            h3 { "What to do" }
            p { strong { "Retry" } " has the entry that it is about delivered again, after the cause is mended. "
                strong { "Resolve" } " says that nothing more is to be done about it: the entry is never posted by us." }
            (form(can_act, &[(format!("/exception/{}/retry", it.id), "Retry"), (format!("/exception/{}/resolve", it.id), "Resolve")]))
        }
    };
    page(&format!("Exception {}", it.id), Some(overview), &main)
}

/// One adapter, to be paused or resumed.
#[must_use]
pub fn adapter(overview: &Overview, it: &Adapter, can_act: bool) -> Markup {
    let path = format!("/adapter/{}", urlencoded(&it.name));
    let (verb, button) = if it.is_paused { ("resume", "Resume") } else { ("pause", "Pause") };
    let pause = overview.paused.iter().find(|pause| pause.scope == format!("adapter/{}", it.name));
    let main = html! {
        section.card aria-labelledby="h-adapter" {
            h2 #h-adapter { "Adapter " (it.name) }
            @if let Some(pause) = pause {
                p { "Paused since " (at(pause.since, overview.zone)) " by " (pause.actor) ": " (pause.reason) }
            } @else { p { "While it is paused nothing is delivered; reading and booking go on, and nothing is lost." } }
            (form(can_act, &[(format!("{path}/{verb}"), button)]))
        }
    };
    page(&format!("Adapter {}", it.name), Some(overview), &main)
}

fn form(can_act: bool, buttons: &[(String, &str)]) -> Markup {
    html! {
        @if can_act {
            form.act method="post" action=(buttons[0].0) {
                div { label for="actor" { "Your name" } input #actor name="actor" required maxlength="100" autocomplete="name"; }
                div { label for="reason" { "Reason " small { "kept in the audit trail" } } input #reason name="reason" required maxlength="500" autocomplete="off"; }
                div { label for="token" { "Token " small { "ops.token of the configuration" } }
                    input #token type="password" name="token" required maxlength="500" autocomplete="current-password"; }
                div.buttons { @for (path, button) in buttons { button type="submit" formaction=(path) { (button) } } }
            }
        } @else {
            p.soft { "This page is for reading only: set " code { "ops.token" } " to act here, or use "
                code { "paystand-sync exceptions" } ", " code { "pause" } " and " code { "resume" } " on the host." }
        }
    }
}

/// What an action came to.
#[must_use]
pub fn outcome(overview: Option<&Overview>, result: &Result<String, String>) -> Markup {
    let (mood, title, sentence) = match result {
        Ok(sentence) => ("good", "Done", sentence),
        Err(sentence) => ("bad", "Not done", sentence),
    };
    let main = html! {
        section.card aria-labelledby="h-outcome" {
            h2 #h-outcome { (title) }
            p role="status" class={ "outcome " (mood) } { (sentence) }
            p { a href="/" { "Back to the status" } }
        }
    };
    page(title, overview, &main)
}

/// The id in a subject such as `payments:<id>` or `<adapter>/payments:<id>:v1`; the whole where there is none.
fn record(subject: &str) -> &str {
    let key = subject.rsplit('/').next().unwrap_or(subject);
    let key = if key.contains(':') { key } else { subject.split('/').nth(1).unwrap_or(subject) };
    key.split(':').nth(1).unwrap_or(subject)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_record_of_a_subject_is_found_whatever_the_subject() {
        assert_eq!(record("payments:pm1"), "pm1");
        assert_eq!(record("books/payments:pm1:v2"), "pm1");
        assert_eq!(record("books/payment:pm1:posted/main"), "pm1");
        assert_eq!(record("clocks"), "clocks");
    }
}
