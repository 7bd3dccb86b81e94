//! Receivables in both published shapes, their transactions, and credit memos.

use chrono::NaiveDate;

use crate::model::resource::Resource;
use crate::sandbox::books::Books;
use crate::sandbox::record::{Application, CreditMemo, Facts, Receivable, Record};
use crate::sandbox::render::parties::{customer_at, customer_ext_id, email};
use crate::sandbox::render::pen::Pen;

/// Calendar dates of receivables are sent as midnight UTC.
fn date(pen: &mut Pen<'_>, key: &str, day: NaiveDate) {
    pen.text(key, &format!("{day}T00:00:00.000Z"));
}

fn month_first(day: NaiveDate) -> String {
    day.format("%m-%d-%Y").to_string()
}

/// The create shape: `GET /receivables/{id}/read`, and list rows by default.
pub(super) fn new_shape(pen: &mut Pen<'_>, books: &Books, record: &Record, receivable: &Receivable) {
    pen.head("receivable", &record.id);
    pen.text("extId", &receivable.ext_id);
    if let Some((customer_record, customer)) = customer_at(books, receivable.customer) {
        pen.text("extCustomerId", &customer_ext_id(customer.number));
        pen.text("payerCustomerId", &customer_record.id);
        pen.maybe_text("payerEmail", Some(&email(customer.number)));
    }
    pen.amount(record);
    pen.money("amountPaid", receivable.amount_paid);
    date(pen, "date", receivable.date);
    date(pen, "dateDue", receivable.due);
    pen.maybe_instant("datePaid", receivable.paid_ms);
    pen.status(record);
    pen.array("attachments", |_| {});
    pen.tail(record);
}

/// The older shape: `GET /receivables/{id}`. Open is `current`, dates are month-first, there is no `date`.
pub(super) fn older(pen: &mut Pen<'_>, record: &Record, receivable: &Receivable) {
    pen.head("receivable", &record.id);
    pen.text("extId", &receivable.ext_id);
    pen.amount(record);
    pen.money("amountPaid", receivable.amount_paid);
    pen.text("dateDue", &month_first(receivable.due));
    match record.status.as_ref() {
        "active" => pen.text("status", "current"),
        _ => pen.status(record),
    }
    pen.tail(record);
}

pub(super) fn application(pen: &mut Pen<'_>, books: &Books, record: &Record, application: &Application) {
    let receivable = books.record(Resource::Receivables, application.receivable);
    let payment = books.record(Resource::Payments, application.payment);
    pen.head("receivableTransaction", &record.id);
    pen.text("receivableId", &receivable.id);
    pen.text("paymentId", &payment.id);
    pen.text("resourceId", &application.source.1);
    pen.text("resourceType", application.source.0);
    pen.maybe_text("paymentOrigin", Some("reminder"));
    if let Some(applied) = record.amount {
        pen.money("amountApplied", applied);
    }
    pen.status(record);
    if let Facts::Receivable(facts) = &receivable.facts {
        pen.object("receivable", |pen| {
            pen.head("receivable", &receivable.id);
            pen.text("extId", &facts.ext_id);
            if let Some((_, customer)) = customer_at(books, facts.customer) {
                pen.text("extCustomerId", &customer_ext_id(customer.number));
            }
            if let Some(amount) = receivable.amount {
                pen.money("amount", amount);
            }
            pen.money("amountPaid", application.receivable_paid);
            pen.text("currency", &receivable.currency);
            date(pen, "dateDue", facts.due);
        });
    }
    pen.object("payment", |pen| {
        pen.head("payment", &payment.id);
        if let Some(amount) = payment.amount {
            pen.money("amount", amount);
        }
        pen.text("currency", &payment.currency);
        pen.text("status", &application.payment_status);
    });
    pen.tail(record);
}

pub(super) fn credit_memo(pen: &mut Pen<'_>, books: &Books, record: &Record, memo: &CreditMemo) {
    pen.head("creditMemo", &record.id);
    pen.text("extId", &memo.ext_id);
    pen.text("extKey", &memo.ext_id);
    pen.amount(record);
    pen.money("amountRemaining", memo.remaining);
    if let Some((_, customer)) = customer_at(books, memo.customer) {
        pen.text("extCustomerId", &customer_ext_id(customer.number));
    }
    pen.text("extCreationDate", &month_first(memo.date));
    pen.text("extPostedDate", &month_first(memo.date));
    pen.status(record);
    pen.tail(record);
}
