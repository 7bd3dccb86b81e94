//! What the battery delivers: small payments of a made-up merchant, as documents, as events, or as journal entries.

use std::fmt;

use bytes::Bytes;
use chrono::{DateTime, SecondsFormat, Utc};
use rust_decimal::Decimal;

use super::report::Failure;
use crate::journal::Told;
use crate::model::event::{Application, Charge, Event, Fact, Kind as EventKind};
use crate::model::ids::SourceId;
use crate::model::journal::{Entry, Line, Links, Role};
use crate::model::money::{Amount, Currency, Money};
use crate::model::record::Shape;
use crate::model::resource::Resource;
use crate::normalize::sight;
use crate::store::{Filing, Novelty};

/// What kind of thing is delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Document,
    Event,
    Entry,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Kind::Document => "documents",
            Kind::Event => "events",
            Kind::Entry => "entries",
        })
    }
}

/// One thing to be delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Good {
    /// Its ledger key.
    pub key: String,
    /// The payment whose money it is about.
    pub payment: SourceId,
    /// The payment itself, or its application to an invoice, which comes after it.
    pub applies: bool,
    pub cents: i64,
    pub at: DateTime<Utc>,
}

impl Good {
    pub fn new(kind: Kind, payment: String, applies: bool, cents: i64, at: DateTime<Utc>) -> Self {
        let mut good = Self { key: String::new(), payment: SourceId::new(payment), applies, cents, at };
        good.key = match kind {
            Kind::Document => format!("{}:{}:v1", Resource::Payments, good.record()),
            Kind::Event => good.event().key,
            Kind::Entry => format!("{}/1", good.event().key),
        };
        good
    }

    /// The record that says so.
    pub fn record(&self) -> SourceId {
        if self.applies { SourceId::new(format!("{}-applied", self.payment)) } else { self.payment.clone() }
    }

    pub fn resource(&self, kind: Kind) -> Resource {
        if self.applies && kind != Kind::Document { Resource::ReceivableTransactions } else { Resource::Payments }
    }

    pub fn told(&self) -> Told {
        Told { event: self.event(), root: Some(self.payment.clone()) }
    }

    pub fn fact(&self) -> Fact {
        let money = Money { amount: Amount::from(self.amount()), currency: dollar() };
        let customer_ref = Some(self.customer());
        if self.applies {
            return Fact::Application(Application {
                applied: money,
                payment_id: Some(self.payment.clone()),
                refund_id: None,
                receivable_id: Some(self.receivable()),
                invoice_ref: Some(self.invoice()),
                customer_ref,
            });
        }
        let (settlement, convenience_fee, discount, account_key) = (None, None, None, None);
        Fact::Charge(Box::new(Charge {
            gross: money,
            settlement,
            convenience_fee,
            discount,
            customer_ref,
            account_key,
        }))
    }

    fn event(&self) -> Event {
        let kind = if self.applies { EventKind::PaymentApplied } else { EventKind::PaymentPosted };
        Event::nth(1, kind, (self.resource(Kind::Event), &self.record()), self.at, self.fact())
    }

    pub fn entry(&self) -> Entry {
        let event = self.event();
        let links =
            Links { customer_ref: Some(self.customer()), payment_id: Some(self.payment.clone()), ..Links::default() };
        let invoice =
            Links { invoice_ref: Some(self.invoice()), receivable_id: Some(self.receivable()), ..links.clone() };
        let amount = self.amount();
        let lines = if self.applies {
            vec![Line::new(Role::UnappliedCash, amount, &links), Line::new(Role::Receivable, -amount, &invoice)]
        } else {
            vec![Line::new(Role::Clearing, amount, &links), Line::new(Role::UnappliedCash, -amount, &links)]
        };
        Entry {
            key: self.key.clone(),
            date: self.at.date_naive(),
            currency: dollar(),
            memo: format!("{} {}", event.kind, event.id),
            event_key: event.key,
            reverses: None,
            lines,
        }
    }

    /// The payment as Paystand would show it.
    pub fn body(&self) -> String {
        let at = self.at.to_rfc3339_opts(SecondsFormat::Millis, true);
        serde_json::json!({
            "id": self.record().as_str(), "amount": self.amount().to_string(), "currency": "USD", "status": "posted",
            "payerId": self.customer(), "created": at, "lastUpdated": at,
        })
        .to_string()
    }

    pub fn novelty(&self) -> Result<Novelty, Failure> {
        let body = Bytes::from(self.body());
        let seen = sight(Resource::Payments, Shape::Detail, None, body);
        let seen = seen.map_err(|unreadable| Failure::Claim(unreadable.to_string()))?;
        let document = seen.document.map_err(|undecodable| Failure::Claim(undecodable.to_string()))?;
        Ok(Novelty {
            resource: Resource::Payments,
            id: self.record(),
            known: None,
            bodies: vec![seen.observation],
            filing: Filing::Version(Ok(Box::new(document))),
            open: Vec::new(),
        })
    }

    /// The same thing with twice the amount.
    pub fn doubled(&self) -> Self {
        Self { cents: self.cents * 2, ..self.clone() }
    }

    fn amount(&self) -> Decimal {
        Decimal::new(self.cents, 2)
    }

    fn customer(&self) -> String {
        format!("C-{}", self.payment)
    }

    fn invoice(&self) -> String {
        format!("I-{}", self.payment)
    }

    fn receivable(&self) -> SourceId {
        SourceId::new(format!("rv-{}", self.payment))
    }
}

fn dollar() -> Currency {
    Currency::parse("USD").expect("three letters")
}
