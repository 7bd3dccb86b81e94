//! Refunds and disputes.

use crate::model::resource::Resource;
use crate::sandbox::books::Books;
use crate::sandbox::record::{Dispute, Record, Refund, RowNo};
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
    belongs_to(pen, books, record, refund.payment);
    pen.raw("feesRefunded", if refund.fees_refunded { "true" } else { "false" });
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
    belongs_to(pen, books, record, dispute.payment);
    pen.text("disputeType", if dispute.bank { "Bank" } else { "Card" });
    pen.text("reason", dispute.reason);
    pen.money("disputeFee", dispute.fee);
    pen.array("fees", |_| {});
    pen.raw("closed", if dispute.closed { "true" } else { "false" });
    pen.status(record);
}

fn belongs_to(pen: &mut Pen<'_>, books: &Books, record: &Record, payment: RowNo) {
    let payment = books.record(Resource::Payments, payment);
    if let Some(amount) = record.amount {
        pen.money("settlementAmount", amount);
        pen.text("settlementCurrency", &record.currency);
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
