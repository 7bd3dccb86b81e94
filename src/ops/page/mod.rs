//! The pages: HTML made on the server, one style sheet, no script. Everything shown is escaped by the markup itself.

mod act;
mod chart;
mod overview;
mod tables;
mod trail;

use maud::{DOCTYPE, Markup, html};

use super::view::Overview;
use super::words::at;

pub use act::{adapter, exception, outcome};
pub use overview::overview;
pub use trail::found;

/// The style sheet.
pub const STYLE: &str = include_str!("style.css");

/// What a browser shows beside the title; without it every visit asks for one in vain.
pub const ICON: &str = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 16 16\"><rect width=\"16\" height=\"16\" rx=\"3\" \
                        fill=\"#0b57a4\"/><path d=\"M4 9l3 3 5-7\" fill=\"none\" stroke=\"#fff\" stroke-width=\"2\"/></svg>";

/// A whole page around its main part.
fn page(title: &str, overview: Option<&Overview>, main: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " · paystand-sync" }
                link rel="icon" type="image/svg+xml" href="/icon.svg";
                link rel="stylesheet" href={ "/style.css?" (env!("CARGO_PKG_VERSION")) };
            }
            body {
                a.skip href="#main" { "Skip to the content" }
                header {
                    h1 { a href="/" { "paystand-sync" } }
                    @if let Some(overview) = overview {
                        span.badge { (overview.environment) }
                        p { "as of " (at(overview.at, overview.zone)) " · " a href="/" { "look again" } }
                    }
                }
                main #main tabindex="-1" { (main) }
                footer {
                    p { "paystand-sync " (env!("CARGO_PKG_VERSION")) " · " a href="/status" { "status as JSON" } " · "
                        a href="/metrics" { "metrics" } " · " a href="/readyz" { "health" } }
                }
            }
        }
    }
}

/// A page that says one thing.
#[must_use]
pub fn plain(title: &str, sentence: &str) -> Markup {
    page(
        title,
        None,
        &html! { section.card { h2 { (title) } p { (sentence) } p { a href="/" { "Back to the status" } } } },
    )
}

/// The form that asks what happened to something.
fn find(word: &str) -> Markup {
    html! {
        form.find role="search" action="/search" method="get" {
            input type="search" name="q" value=(word) required maxlength="200" autocomplete="off" spellcheck="false"
                aria-label="Invoice number, payment id, transfer id or ERP reference" placeholder="INV-2201";
            button type="submit" { "Find" }
        }
    }
}
