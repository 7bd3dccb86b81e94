//! The JSON of a record: pure functions of the record, what it refers to, and the row quirks.
//!
//! What a list row quotes of another object is fixed by nature (ids, keys, gross amounts) or a snapshot kept in the record, so
//! that a rendered row stays right until the record itself changes. A test that edits a gross amount by hand changes no row
//! that was rendered before.

mod parties;
mod payments;
mod payouts;
pub(crate) mod pen;
mod receivables;
mod reversals;

use bytes::Bytes;

use crate::sandbox::books::Books;
use crate::sandbox::quirks::{PaymentRows, ReceivableRows};
use crate::sandbox::record::{Facts, Record, RowNo};
use crate::sandbox::render::pen::Pen;

/// A row of a list.
pub(crate) fn list_row(books: &Books, row: RowNo, record: &Record) -> Bytes {
    match &record.facts {
        Facts::Receivable(receivable) if books.quirks.rows.receivable_rows == ReceivableRows::Older => {
            write(books, record, |pen| receivables::older(pen, record, receivable))
        }
        Facts::Payment(payment) if books.quirks.rows.payment_rows == PaymentRows::Plain => {
            write(books, record, |pen| payments::plain(pen, books, record, payment))
        }
        _ => detail(books, row, record),
    }
}

/// The object read by its id.
pub(crate) fn detail(books: &Books, row: RowNo, record: &Record) -> Bytes {
    write(books, record, |pen| match &record.facts {
        Facts::Customer(customer) => parties::customer(pen, books, record, customer),
        Facts::Receivable(receivable) => receivables::new_shape(pen, books, record, receivable),
        Facts::Payment(payment) => payments::full(pen, books, row, record, payment),
        Facts::Application(application) => receivables::application(pen, books, record, application),
        Facts::Fee(fee) => payments::fee(pen, books, record, fee),
        Facts::Refund(refund) => reversals::refund(pen, books, record, refund),
        Facts::Dispute(dispute) => reversals::dispute(pen, books, record, dispute),
        Facts::Withdrawal(withdrawal) => payouts::withdrawal(pen, books, record, withdrawal),
        Facts::Transfer(transfer) => payouts::transfer(pen, books, record, transfer),
        Facts::Entry(entry) => payouts::entry(pen, books, record, entry),
        Facts::CreditMemo(memo) => receivables::credit_memo(pen, books, record, memo),
    })
}

/// `GET /receivables/{id}`: the older shape whatever the lists do.
pub(crate) fn older_receivable(books: &Books, row: RowNo, record: &Record) -> Bytes {
    match &record.facts {
        Facts::Receivable(receivable) => write(books, record, |pen| receivables::older(pen, record, receivable)),
        _ => detail(books, row, record),
    }
}

fn write(books: &Books, record: &Record, write: impl FnOnce(&mut Pen<'_>)) -> Bytes {
    let mut pen = Pen::new(&books.quirks.rows, &books.hits, &record.id);
    pen.object("", write);
    Bytes::from(pen.finish())
}
