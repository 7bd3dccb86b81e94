//! Versions of one record, as the decoder reads them, played to a desk.

use std::collections::BTreeMap;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::journal::{Booking, Desk, Policy};
use crate::model::document::Document;
use crate::model::event::Event;
use crate::model::journal::{Entry, Role};
use crate::model::record::Shape;
use crate::model::resource::Resource;
use crate::normalize::sight;

pub(super) const TELLING: [Resource; 8] = [
    Resource::Payments,
    Resource::Fees,
    Resource::Refunds,
    Resource::Disputes,
    Resource::Transfers,
    Resource::ReceivableTransactions,
    Resource::Receivables,
    Resource::CreditMemos,
];

/// Every word that a record of a resource may have, in the order of its life, and one that nobody knows.
pub(super) const fn words(resource: Resource) -> &'static [&'static str] {
    match resource {
        Resource::Payments => &["created", "processing", "posted", "paid", "failed", "teleported"],
        Resource::Fees => &["delayed", "paystand", "teleported"],
        Resource::Refunds => &["created", "processing", "posted", "paid", "reversed", "failed", "teleported"],
        Resource::Disputes => &["created", "processing", "underReview", "won", "lost", "failed", "teleported"],
        Resource::Transfers => &["created", "processing", "posted", "paid", "failed", "reversed", "teleported"],
        _ => &["active", "paid", "cancelled", "teleported"],
    }
}

/// How much a version says beyond id, status, amount and currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Says {
    Little,
    /// Everything; it settles in its own currency.
    All,
    /// Everything, with other fees; it settles in another currency.
    Otherwise,
}

/// One version.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    pub(super) word: &'static str,
    pub(super) amount: Option<&'static str>,
    pub(super) says: Says,
}

pub(super) fn step(words: &'static [&'static str]) -> impl Strategy<Value = Step> {
    let amount = proptest::sample::select(vec![None, Some("10.00"), Some("10.00"), Some("12.50")]);
    let says = proptest::sample::select(vec![Says::Little, Says::All, Says::Otherwise]);
    (proptest::sample::select(words), amount, says).prop_map(|(word, amount, says)| Step { word, amount, says })
}

pub(super) fn steps(resource: Resource) -> impl Strategy<Value = (Resource, Vec<Step>)> {
    proptest::collection::vec(step(words(resource)), 1..8).prop_map(move |steps| (resource, steps))
}

pub(super) fn any_steps() -> impl Strategy<Value = (Resource, Vec<Step>)> {
    proptest::sample::select(TELLING.to_vec()).prop_flat_map(steps)
}

/// When the `n`th version was changed and first seen.
pub(super) fn at(n: usize) -> DateTime<Utc> {
    let start: DateTime<Utc> = "2026-05-12T16:00:00Z".parse().expect("an instant");
    start + TimeDelta::hours(i64::try_from(n).expect("few"))
}

/// The `n`th version of record `X` as the decoder reads it.
pub(super) fn document(resource: Resource, n: usize, step: Step) -> Document {
    let amount = step.amount;
    let mut body = json!({"id": "X", "currency": "USD", "created": at(0), "lastUpdated": at(n), "status": step.word,
        "amount": amount, "amountApplied": amount, "paymentId": "P", "resourceId": "P", "resourceType": "Payment",
        "receivableId": "rc1", "amountPaid": amount.filter(|_| step.word == "paid")});
    if resource == Resource::Fees {
        body["feeType"] = step.word.into();
        body["status"] = "active".into();
    }
    if resource == Resource::ReceivableTransactions && step.word != "teleported" {
        body["status"] = "active".into();
    }
    if step.says != Says::Little {
        say_more(&mut body, resource == Resource::Disputes, step);
    }
    let bytes = Bytes::from(body.to_string());
    sight(resource, Shape::Detail, None, bytes).expect("readable").document.expect("a document")
}

fn say_more(body: &mut Value, is_dispute: bool, step: Step) {
    let is_usual = step.says == Says::All;
    let (fee, discount, returned) = if is_usual { ("1.00", "0", "1.20") } else { ("2.00", "0.50", "1.30") };
    body["feeSplit"] = json!({"payerTotal": step.amount, "payerTotalFees": fee, "payerDiscount": discount});
    body["feesRefunded"] = true.into();
    // The fees inside a dispute are its own, of which the first amount stands.
    let returned = if is_dispute { "35.00" } else { returned };
    body["fees"] = json!([{"object": "fee", "id": "RF", "amount": returned, "currency": "USD", "feeType": "paystand"}]);
    body["settlementCurrency"] = if is_usual { "USD" } else { "EUR" }.into();
    body["settlementAmount"] = if is_usual { step.amount.into() } else { "9.00".into() };
    body["amountWon"] = if is_usual { "4.00".into() } else { step.amount.into() };
}

/// A desk with everything that it told and booked.
#[derive(Debug)]
pub(super) struct Played {
    pub(super) desk: Desk,
    pub(super) events: Vec<Event>,
    pub(super) entries: Vec<Entry>,
    pub(super) bookings: Vec<Booking>,
}

impl Played {
    pub(super) fn new() -> Self {
        let desk = Desk::new(Policy::of(chrono_tz::America::Los_Angeles));
        Self { desk, events: Vec::new(), entries: Vec::new(), bookings: Vec::new() }
    }

    /// Plays the versions with these numbers. What is applied is applied to a payment that has posted.
    pub(super) fn of(resource: Resource, versions: &[(usize, Step)]) -> Self {
        let mut played = Self::new();
        if resource == Resource::ReceivableTransactions {
            let body = json!({"id": "P", "currency": "USD", "amount": "20.00", "status": "posted", "created": at(0)});
            let bytes = Bytes::from(body.to_string());
            let payment = sight(Resource::Payments, Shape::Detail, None, bytes).expect("readable");
            played.take(&payment.document.expect("a document"), 0);
        }
        for (n, step) in versions {
            played.take(&document(resource, *n, *step), *n);
        }
        played
    }

    pub(super) fn take(&mut self, document: &Document, n: usize) -> &Booking {
        let booking = self.desk.take(document, at(n));
        self.events.extend(booking.told.iter().map(|told| told.event.clone()));
        self.entries.extend(booking.entries.iter().cloned());
        self.bookings.push(booking);
        self.bookings.last().expect("just pushed")
    }

    pub(super) fn keys(&self) -> Vec<&str> {
        self.events.iter().map(|event| event.key.as_str()).collect()
    }

    /// What stands on every role, by currency.
    pub(super) fn net(&self) -> BTreeMap<(Role, String), Decimal> {
        let mut net = BTreeMap::new();
        for entry in &self.entries {
            for line in &entry.lines {
                *net.entry((line.role, entry.currency.to_string())).or_default() += line.amount.decimal();
            }
        }
        net.retain(|_, amount: &mut Decimal| !amount.is_zero());
        net
    }
}

pub(super) fn numbered(steps: &[Step]) -> Vec<(usize, Step)> {
    steps.iter().copied().enumerate().map(|(n, step)| (n + 1, step)).collect()
}
