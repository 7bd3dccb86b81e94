//! What the store knows of a thing, as the page shows it: less than `explain` tells, for a person who looks once.

use rust_decimal::Decimal;

use crate::normalize::mask_text;
use crate::ops::view;
use crate::store::trail::{Delivery, Entry, Explanation, Line, Raised, Told};

/// Rows of each kind on the page; `explain` shows all.
const ROWS_MAX: usize = 200;

pub(super) fn shown(it: Explanation, label: impl Fn(&str) -> String) -> view::Trail {
    let last = it.versions.last();
    let currency = it.currency.unwrap_or_default();
    view::Trail {
        merchant: label(&it.subject.merchant),
        resource: it.subject.resource,
        id: it.subject.id,
        status: it.status,
        money: it.amount.map(|amount| view::Money { amount: decimal(&amount), currency }),
        created_at: it.created_at,
        updated_at: last.and_then(|version| version.updated_at),
        recorded_at: last.map(|version| version.recorded_at),
        version: last.map(|version| version.version),
        events: it.events.into_iter().take(ROWS_MAX).map(event).collect(),
        entries: it.entries.into_iter().take(ROWS_MAX).map(entry).collect(),
        deliveries: it.deliveries.into_iter().take(ROWS_MAX).map(delivery).collect(),
        exceptions: it.exceptions.into_iter().take(ROWS_MAX).map(exception).collect(),
    }
}

/// Amounts come as the database writes them.
fn decimal(text: &str) -> Decimal {
    text.parse().expect("an amount of the database")
}

fn event(it: Told) -> view::TrailEvent {
    view::TrailEvent { key: it.key, kind: it.kind, occurred_at: it.occurred_at }
}

fn entry(it: Entry) -> view::TrailEntry {
    let line =
        |line: Line| view::TrailLine { role: line.role, amount: decimal(&line.amount), invoice: line.invoice_ref };
    view::TrailEntry {
        key: it.key,
        date: it.date,
        memo: mask_text(&it.memo),
        currency: it.currency,
        lines: it.lines.into_iter().map(line).collect(),
    }
}

fn delivery(it: Delivery) -> view::TrailDelivery {
    let waits = it.waits_for.map(|before| format!("waits: {before}"));
    view::TrailDelivery {
        adapter: it.adapter,
        key: it.key,
        state: it.state,
        receipt: it.receipt,
        reason: it.reason.or(waits),
        settled_at: it.settled_at,
    }
}

fn exception(it: Raised) -> view::TrailException {
    view::TrailException {
        id: it.id,
        class: it.class,
        detail: it.detail,
        opened_at: it.opened_at,
        resolution: it.resolution.as_deref().map(mask_text),
    }
}
