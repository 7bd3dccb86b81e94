//! Withdrawals, transfers and the entries of transfer reports.

use crate::model::resource::Resource;
use crate::sandbox::books::Books;
use crate::sandbox::record::{Entry, Facts, Record, Transfer, Withdrawal};
use crate::sandbox::render::parties::customer_name;
use crate::sandbox::render::pen::Pen;

pub(super) fn withdrawal(pen: &mut Pen<'_>, books: &Books, record: &Record, withdrawal: &Withdrawal) {
    pen.head("withdrawal", &record.id);
    pen.amount(record);
    pen.text("bankId", &books.bank_id(&record.currency));
    pen.text("accountKey", "default");
    pen.instant("dateToPost", withdrawal.to_post_ms);
    pen.raw("hasTransactions", "false");
    pen.array("transfers", |pen| {
        for (row, status) in &withdrawal.transfers {
            let transfer = books.record(Resource::Transfers, *row);
            pen.object("", |pen| {
                pen.head("transfer", &transfer.id);
                if let Some(amount) = transfer.amount {
                    pen.money("amount", amount);
                }
                pen.text("currency", &transfer.currency);
                pen.text("resourceId", &record.id);
                pen.text("resourceType", "Withdrawal");
                pen.text("status", status);
            });
        }
    });
    pen.status(record);
    pen.text("ownerId", &books.profile.customer_id);
    pen.tail(record);
}

pub(super) fn transfer(pen: &mut Pen<'_>, books: &Books, record: &Record, transfer: &Transfer) {
    pen.head("transfer", &record.id);
    pen.amount(record);
    pen.instant("dateToPost", transfer.to_post_ms);
    pen.maybe_instant("dateSettled", transfer.settled_ms);
    pen.maybe_instant("dateFailed", transfer.failed_ms);
    pen.array("holds", |_| {});
    pen.text("bankId", &books.bank_id(&record.currency));
    pen.text("accountKey", "default");
    pen.text("resourceId", &books.record(Resource::Withdrawals, transfer.withdrawal).id);
    pen.text("resourceType", "Withdrawal");
    pen.maybe_text("provider", Some("vantiv"));
    pen.status(record);
    pen.text("ownerId", &books.profile.customer_id);
    pen.tail(record);
}

/// A line of a report. The published sample has neither an id nor timestamps.
pub(super) fn entry(pen: &mut Pen<'_>, books: &Books, record: &Record, entry: &Entry) {
    pen.text("object", "transferReportEntry");
    if pen.quirks().entry_ids {
        pen.text("id", &record.id);
    }
    pen.text("transferId", &books.record(Resource::Transfers, entry.transfer).id);
    pen.text("resourceType", &entry.kind);
    pen.text("resourceId", &entry.source_id);
    pen.text("resourceStatus", &entry.source_status);
    if let Some(amount) = record.amount {
        pen.money("transferAmount", amount);
    }
    if let Some(customer) = entry.customer
        && let Facts::Customer(facts) = &books.record(Resource::Customers, customer).facts
    {
        pen.text("payerName", &customer_name(facts.number));
    }
}
