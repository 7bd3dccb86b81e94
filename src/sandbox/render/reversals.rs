//! Refunds and disputes.

use crate::model::resource::Resource;
use crate::sandbox::books::Books;
use rust_decimal::Decimal;

use crate::sandbox::record::{Dispute, OwnFee, Record, Refund, RowNo};
use crate::sandbox::render::pen::Pen;

pub(super) fn refund(pen: &mut Pen<'_>, books: &Books, record: &Record, refund: &Refund) {
    refund_fields(pen, books, record, refund);
    snapshot(pen, books, refund.payment, &refund.payment_status);
    pen.tail(record);
}

/// The refund inside its payment.
pub(super) fn refund_core(pen: &mut Pen<'_>, books: &Books, record: &Record, refund: &Refund) {
    refund_fields(pen, books, record, refund);
    pen.tail(record);
}

fn refund_fields(pen: &mut Pen<'_>, books: &Books, record: &Record, refund: &Refund) {
    pen.head("refund", &record.id);
    pen.amount(record);
    belongs_to(pen, books, record, refund.payment, refund.settlement);
    pen.raw("feesRefunded", if refund.fees_refunded { "true" } else { "false" });
    // Nobody published what a refund that returns no fee shows here.
    if !refund.fees.is_empty() {
        own_fees(pen, &refund.fees);
    }
    pen.maybe_text("reason", refund.reason);
    pen.status(record);
}

pub(super) fn dispute(pen: &mut Pen<'_>, books: &Books, record: &Record, dispute: &Dispute) {
    dispute_fields(pen, books, record, dispute);
    snapshot(pen, books, dispute.payment, &dispute.payment_status);
    pen.tail(record);
}

/// The dispute inside its payment.
pub(super) fn dispute_core(pen: &mut Pen<'_>, books: &Books, record: &Record, dispute: &Dispute) {
    dispute_fields(pen, books, record, dispute);
    pen.tail(record);
}

fn dispute_fields(pen: &mut Pen<'_>, books: &Books, record: &Record, dispute: &Dispute) {
    pen.head("dispute", &record.id);
    pen.amount(record);
    pen.money("amountWon", dispute.amount_won);
    belongs_to(pen, books, record, dispute.payment, dispute.settlement);
    pen.text("disputeType", if dispute.bank { "Bank" } else { "Card" });
    pen.text("reason", dispute.reason);
    if let Some(fee) = dispute.fee {
        pen.money("disputeFee", fee);
    }
    own_fees(pen, &dispute.fees);
    pen.raw("closed", if dispute.closed { "true" } else { "false" });
    pen.status(record);
}

/// `fees[]` of the object itself, which is not that of its payment.
fn own_fees(pen: &mut Pen<'_>, fees: &[OwnFee]) {
    pen.array("fees", |pen| {
        for fee in fees {
            pen.object("", |pen| {
                pen.head("fee", &fee.id);
                pen.money("amount", fee.amount);
                pen.text("currency", fee.currency);
                pen.fee_type("paystand");
                pen.text("status", "active");
            });
        }
    });
}

fn belongs_to(
    pen: &mut Pen<'_>,
    books: &Books,
    record: &Record,
    payment: RowNo,
    settlement: Option<(Decimal, &'static str)>,
) {
    let payment = books.record(Resource::Payments, payment);
    if let Some(amount) = record.amount {
        let (settled, currency) = settlement.unwrap_or((amount, ""));
        pen.money("settlementAmount", settled);
        pen.text("settlementCurrency", if currency.is_empty() { &record.currency } else { currency });
    }
    pen.text("paymentId", &payment.id);
    pen.text("resourceId", &payment.id);
    pen.text("resourceType", "Payment");
    pen.text("ownerId", &books.profile.customer_id);
}

/// The payment as it was; its amount is a number here, as in the published samples.
fn snapshot(pen: &mut Pen<'_>, books: &Books, payment: RowNo, status: &str) {
    let payment = books.record(Resource::Payments, payment);
    pen.object("resource", |pen| {
        pen.head("payment", &payment.id);
        if let Some(amount) = payment.amount {
            pen.number("amount", amount);
        }
        pen.text("currency", &payment.currency);
        pen.text("status", status);
    });
}
