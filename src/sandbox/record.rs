//! One object of the simulated system: what all resources share, and the facts that only one of them has.
//!
//! A record is a value. Every change makes a new one with a higher revision; lists and details may show different revisions.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::NaiveDate;
use rust_decimal::Decimal;

use crate::model::resource::Resource;

/// Where a row stands in the table of its resource. Never reused.
pub(crate) type RowNo = usize;

/// A word that is usually one of ours, but may be anything a test sets.
pub(crate) type Word = Cow<'static, str>;

/// One version of one object. Instants are milliseconds since 1970, UTC.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub id: Arc<str>,
    pub created_ms: i64,
    pub updated_ms: i64,
    pub status: Word,
    /// Absent is not zero: a delayed fee has none, nor has a customer.
    pub amount: Option<Decimal>,
    pub currency: Word,
    pub meta: BTreeMap<String, String>,
    /// Rises with every change of this object.
    pub revision: u64,
    pub facts: Facts,
}

impl Record {
    /// A first version; the table that takes it in gives it its id.
    pub(crate) fn new(created_ms: i64, status: impl Into<Word>, facts: Facts) -> Self {
        Self {
            id: Arc::from(""),
            created_ms,
            updated_ms: created_ms,
            status: status.into(),
            amount: None,
            currency: Word::Borrowed("USD"),
            meta: BTreeMap::new(),
            revision: 0,
            facts,
        }
    }

    pub(crate) fn money(mut self, minor: i64, currency: impl Into<Word>) -> Self {
        self.amount = Some(Decimal::new(minor, 2));
        self.currency = currency.into();
        self
    }

    /// The row that this one is listed under or embedded in.
    pub(crate) fn parent(&self) -> Option<(Resource, RowNo)> {
        match &self.facts {
            Facts::Application(application) => Some((Resource::Receivables, application.receivable)),
            Facts::Fee(fee) => Some(match fee.dispute {
                Some(dispute) => (Resource::Disputes, dispute),
                None => (Resource::Payments, fee.payment),
            }),
            Facts::Refund(refund) => Some((Resource::Payments, refund.payment)),
            Facts::Dispute(dispute) => Some((Resource::Payments, dispute.payment)),
            Facts::Transfer(transfer) => Some((Resource::Withdrawals, transfer.withdrawal)),
            Facts::Entry(entry) => Some((Resource::Transfers, entry.transfer)),
            Facts::Customer(_)
            | Facts::Receivable(_)
            | Facts::Payment(_)
            | Facts::Withdrawal(_)
            | Facts::CreditMemo(_) => None,
        }
    }
}

/// What only one resource has.
#[derive(Debug, Clone)]
pub(crate) enum Facts {
    Customer(Customer),
    Receivable(Receivable),
    Payment(Payment),
    Application(Application),
    Fee(Fee),
    Refund(Refund),
    Dispute(Dispute),
    Withdrawal(Withdrawal),
    Transfer(Transfer),
    Entry(Entry),
    CreditMemo(CreditMemo),
}

#[derive(Debug, Clone)]
pub(crate) struct Customer {
    /// Names, keys and addresses follow from it, so they never change under the rows that quote them.
    pub number: u64,
    /// The funding-source holder: `payment.payerId`, which is not the id of the payer customer.
    pub payer_id: Arc<str>,
}

#[derive(Debug, Clone)]
pub(crate) struct Receivable {
    pub ext_id: Arc<str>,
    pub customer: RowNo,
    pub amount_paid: Decimal,
    pub date: NaiveDate,
    pub due: NaiveDate,
    pub paid_ms: Option<i64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rail {
    Card,
    Bank,
}

#[derive(Debug, Clone)]
pub(crate) struct Split {
    pub kind: &'static str,
    pub subtotal: Decimal,
    pub payer_fees: Decimal,
    pub merchant_fees: Decimal,
    pub discount: Decimal,
}

#[derive(Debug, Clone)]
pub(crate) struct Payment {
    pub customer: RowNo,
    pub rail: Rail,
    pub split: Option<Split>,
    /// In the merchant's currency, where that is another one.
    pub settlement: Option<(Decimal, &'static str)>,
    pub posted_ms: Option<i64>,
    pub paid_ms: Option<i64>,
    pub failed_ms: Option<i64>,
}

/// A receivable transaction. The embedded snapshots are of the moment it was written.
#[derive(Debug, Clone)]
pub(crate) struct Application {
    pub receivable: RowNo,
    pub payment: RowNo,
    /// `Payment` or `Refund`, and the id of that object.
    pub source: (&'static str, Arc<str>),
    pub receivable_paid: Decimal,
    pub payment_status: Word,
}

#[derive(Debug, Clone)]
pub(crate) struct Fee {
    pub payment: RowNo,
    /// Where the fee is not the payment's own but that of one of its disputes.
    pub dispute: Option<RowNo>,
    /// `feeType`.
    pub kind: Word,
    pub payment_status: Word,
}

/// A fee inside a refund (an amount that came back) or inside a dispute.
#[derive(Debug, Clone)]
pub(crate) struct OwnFee {
    pub id: Arc<str>,
    pub amount: Decimal,
    pub currency: &'static str,
}

#[derive(Debug, Clone)]
pub(crate) struct Refund {
    pub payment: RowNo,
    /// In the merchant's currency, where that is another one.
    pub settlement: Option<(Decimal, &'static str)>,
    pub fees_refunded: bool,
    pub fees: Vec<OwnFee>,
    pub reason: Option<&'static str>,
    pub payment_status: Word,
}

#[derive(Debug, Clone)]
pub(crate) struct Dispute {
    pub payment: RowNo,
    /// In the merchant's currency, where that is another one.
    pub settlement: Option<(Decimal, &'static str)>,
    /// An ACH return, as against a card chargeback.
    pub bank: bool,
    pub amount_won: Decimal,
    /// `disputeFee`, where the dispute names it.
    pub fee: Option<Decimal>,
    pub fees: Vec<OwnFee>,
    pub reason: &'static str,
    pub closed: bool,
    pub payment_status: Word,
}

#[derive(Debug, Clone)]
pub(crate) struct Withdrawal {
    pub to_post_ms: i64,
    /// The embedded transfers with the status each had when this version was written.
    pub transfers: Vec<(RowNo, Word)>,
}

#[derive(Debug, Clone)]
pub(crate) struct Transfer {
    pub withdrawal: RowNo,
    pub to_post_ms: i64,
    pub settled_ms: Option<i64>,
    pub failed_ms: Option<i64>,
}

/// A line of a transfer report; its amount is signed.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub transfer: RowNo,
    pub kind: Word,
    pub source_id: Arc<str>,
    pub source_status: Word,
    pub customer: Option<RowNo>,
}

#[derive(Debug, Clone)]
pub(crate) struct CreditMemo {
    pub ext_id: Arc<str>,
    pub customer: RowNo,
    pub remaining: Decimal,
    pub date: NaiveDate,
}
