//! Pure: from the versions of one record to the events that they tell.
//!
//! A document says what is true now; the events already told of its record say what was true before. What is told is the
//! difference, so that skipped steps, repeated deliveries and values that go there and back are all told once each:
//!
//! - the same document told again tells nothing;
//! - a state that implies an earlier one tells both, in their order: a payment seen only as paid has posted;
//! - a field that the document lacks was not said, and takes nothing back (I7);
//! - a status that nobody documented, or an amount that is missing where money moves, is a [`Trouble`] and tells nothing (I6).
//!
//! `occurred_at` is the fact's own date field, else `created` for what opens something, else `lastUpdated` of the version that
//! first shows it.

mod disputes;
mod envelope;
mod fees;
mod parties;
mod payments;
mod payouts;
mod refunds;
mod told;

#[cfg(test)]
mod tests;

pub use envelope::{envelope, notice_envelope};
pub use told::{Telling, Trouble};

use chrono::{DateTime, Utc};

use self::told::Told;
use crate::model::document::{Document, Facts};
use crate::model::event::Event;

/// What `document`, first stored at `seen_at`, tells beyond the events `told` of its record, in their order.
#[must_use]
pub fn tell(told: &[Event], document: &Document, seen_at: DateTime<Utc>) -> Telling {
    let told = Told::new(told, document, seen_at);
    match &document.facts {
        Facts::Customer(customer) => parties::customer(told, customer),
        Facts::Receivable(receivable) => parties::receivable(told, receivable),
        Facts::CreditMemo(memo) => parties::credit_memo(told, memo),
        Facts::ReceivableTransaction(transaction) => payments::application(told, transaction),
        Facts::Payment(payment) => payments::payment(told, payment),
        Facts::Fee(fee) => fees::fee(told, fee),
        Facts::Refund(refund) => refunds::refund(told, refund),
        Facts::Dispute(dispute) => disputes::dispute(told, dispute),
        Facts::Transfer(transfer) => payouts::transfer(told, transfer),
        Facts::TransferEntry(entry) => payouts::entry(told, entry),
        Facts::Withdrawal(withdrawal) => payouts::withdrawal(told, withdrawal),
    }
}
