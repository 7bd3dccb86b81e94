//! Payments as rows and in full, and their fees.

use crate::model::resource::Resource;
use crate::sandbox::books::Books;
use crate::sandbox::record::{Facts, Fee, Payment, Rail, Record, RowNo};
use crate::sandbox::render::parties::{customer_name, payer};
use crate::sandbox::render::pen::Pen;
use crate::sandbox::render::reversals;

/// The row of `GET /payments/all`.
pub(super) fn plain(pen: &mut Pen<'_>, books: &Books, record: &Record, payment: &Payment) {
    core(pen, books, record, payment);
    pen.tail(record);
}

/// `GET /payments/{id}`: with fees, fee split, refunds and disputes as they are now.
pub(super) fn full(pen: &mut Pen<'_>, books: &Books, row: RowNo, record: &Record, payment: &Payment) {
    core(pen, books, record, payment);
    if let Some(split) = &payment.split {
        pen.object("feeSplit", |pen| {
            pen.text("object", "feeSplit");
            pen.text("feeType", if payment.rail == Rail::Card { "cardPayment.posted" } else { "bankPayment.posted" });
            pen.text("feeSplitType", split.kind);
            pen.text("customRate", "0.03");
            pen.text("currency", &record.currency);
            pen.money("subtotal", split.subtotal);
            pen.money("payerTotalFees", split.payer_fees);
            pen.money("merchantTotalFees", split.merchant_fees);
            if let Some(amount) = record.amount {
                pen.money("payerTotal", amount);
            }
            pen.money("payerDiscount", split.discount);
        });
    }
    pen.array("fees", |pen| {
        for child in books.children(Resource::Fees, row) {
            let fee_record = books.record(Resource::Fees, *child);
            if let Facts::Fee(facts) = &fee_record.facts {
                pen.object("", |pen| fee_core(pen, books, fee_record, facts));
            }
        }
    });
    pen.array("refunds", |pen| {
        for child in books.children(Resource::Refunds, row) {
            let refund_record = books.record(Resource::Refunds, *child);
            if let Facts::Refund(facts) = &refund_record.facts {
                pen.object("", |pen| reversals::refund_core(pen, books, refund_record, facts));
            }
        }
    });
    pen.array("disputes", |pen| {
        for child in books.children(Resource::Disputes, row) {
            let dispute_record = books.record(Resource::Disputes, *child);
            if let Facts::Dispute(facts) = &dispute_record.facts {
                pen.object("", |pen| reversals::dispute_core(pen, books, dispute_record, facts));
            }
        }
    });
    pen.array("holds", |_| {});
    pen.array("customValues", |_| {});
    pen.tail(record);
}

fn core(pen: &mut Pen<'_>, books: &Books, record: &Record, payment: &Payment) {
    pen.head("payment", &record.id);
    pen.amount(record);
    if let Some(amount) = record.amount {
        let (settled, currency) = payment.settlement.unwrap_or((amount, ""));
        pen.money("settlementAmount", settled);
        pen.text("settlementCurrency", if currency.is_empty() { &record.currency } else { currency });
    }
    pen.status(record);
    source(pen, books, record, payment);
    payer(pen, books, payment.customer);
    pen.text("ownerId", &books.profile.customer_id);
    pen.text("accountKey", "default");
    pen.maybe_instant("datePosted", payment.posted_ms);
    pen.maybe_instant("datePaid", payment.paid_ms);
    pen.maybe_instant("dateFailed", payment.failed_ms);
}

fn source(pen: &mut Pen<'_>, books: &Books, record: &Record, payment: &Payment) {
    let holder = match &books.record(Resource::Customers, payment.customer).facts {
        Facts::Customer(customer) => customer_name(customer.number),
        _ => String::new(),
    };
    let id = format!("sr{}", record.id.get(2..).unwrap_or_default());
    match payment.rail {
        Rail::Card => {
            pen.text("sourceType", "Card");
            pen.text("sourceId", &id);
            pen.object("source", |pen| {
                pen.head("card", &id);
                pen.text("brand", "visa");
                pen.text("last4", "4242");
                pen.text("nameOnCard", &holder);
                pen.text("expirationMonth", "12");
                pen.text("expirationYear", "2028");
                pen.maybe_text("funding", Some("credit"));
            });
        }
        Rail::Bank => {
            pen.text("sourceType", "Bank");
            pen.text("sourceId", &id);
            pen.object("source", |pen| {
                pen.head("bank", &id);
                pen.text("bankName", "First Example Bank");
                pen.text("accountType", "checking");
                pen.text("last4", "6789");
                pen.text("routingNumber", "110000000");
                pen.text("nameOnAccount", &holder);
            });
        }
    }
}

/// The row of `GET /fees`, with the snapshot of its payment.
pub(super) fn fee(pen: &mut Pen<'_>, books: &Books, record: &Record, fee: &Fee) {
    let (owner, object, kind) = owner(books, fee);
    fee_fields(pen, books, record, fee);
    pen.text("resourceId", &owner.id);
    pen.text("resourceType", kind);
    pen.object("resource", |pen| {
        pen.head(object, &owner.id);
        if let Some(amount) = owner.amount {
            pen.money("amount", amount);
        }
        pen.text("currency", &owner.currency);
        pen.text("status", &fee.payment_status);
        pen.text("ownerId", &books.profile.customer_id);
    });
    pen.tail(record);
}

/// What the fee was charged for, its `object`, and its name as a `resourceType`.
fn owner<'a>(books: &'a Books, fee: &Fee) -> (&'a Record, &'static str, &'static str) {
    match fee.dispute {
        Some(dispute) => (books.record(Resource::Disputes, dispute), "dispute", "Dispute"),
        None => (books.record(Resource::Payments, fee.payment), "payment", "Payment"),
    }
}

/// The fee inside its payment.
fn fee_core(pen: &mut Pen<'_>, books: &Books, record: &Record, fee: &Fee) {
    fee_fields(pen, books, record, fee);
    pen.tail(record);
}

fn fee_fields(pen: &mut Pen<'_>, books: &Books, record: &Record, fee: &Fee) {
    pen.head("fee", &record.id);
    if record.amount.is_some() {
        pen.amount(record);
    } else {
        pen.text("currency", &record.currency);
    }
    if let Some(gross) = owner(books, fee).0.amount {
        pen.money("resourceAmount", gross);
    }
    pen.fee_type(&fee.kind);
    pen.status(record);
}
