//! One checkout with everything that came of it.

use std::sync::Arc;

use crate::sandbox::economy::notes::{Cash, Entry, Notes};
use crate::sandbox::economy::plan::Plan;
use crate::sandbox::economy::purse::Item;
use crate::sandbox::record::{RowNo, Word};

/// One invoice in a checkout.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub receivable: RowNo,
    pub id: Arc<str>,
    /// What the invoice is paid by, memo and discount included.
    pub part: i64,
    /// `amountApplied`.
    pub shown: i64,
    /// What refunds have taken back.
    pub reopened: i64,
}

/// A refund of the payment.
#[derive(Debug, Clone)]
pub(super) struct RefundState {
    pub row: RowNo,
    pub id: Arc<str>,
    pub cash: Cash,
    /// The fee that comes back with it: its own id and amount, in the merchant's currency.
    pub fee: Option<(Arc<str>, i64)>,
    /// What it takes from each line.
    pub reopens: Vec<(usize, i64)>,
    pub entries: Vec<Entry>,
    pub shown: bool,
}

#[derive(Debug, Clone)]
pub(super) struct DisputeState {
    pub row: RowNo,
    pub id: Arc<str>,
    pub cash: Cash,
    pub lost: bool,
}

#[derive(Debug)]
pub(super) struct Deal {
    /// Its place among the deals.
    pub number: usize,
    pub plan: Plan,
    pub customer: RowNo,
    pub lines: Vec<Line>,
    /// The memo that the payer uses, and how much of it.
    pub memo: Option<(RowNo, i64)>,
    /// Principal that is paid in money.
    pub subtotal: i64,
    pub payer_fees: i64,
    pub discount: i64,
    pub cash: Cash,
    /// From the checkout on.
    pub payment: RowNo,
    pub id: Arc<str>,
    /// What the notes say about the payment and its applications, from its posting on.
    pub entries: Vec<Entry>,
    /// The fee, and its amount once it is final.
    pub fee: Option<(RowNo, Option<i64>)>,
    pub first_fee: Option<i64>,
    /// A payout has carried the payment.
    pub carried: bool,
    pub refunds: Vec<RefundState>,
    pub dispute: Option<DisputeState>,
}

impl Deal {
    /// A line of a report about this deal.
    pub(super) fn item(&self, kind: &'static str, source_id: &Arc<str>, status: &Word, minor: i64) -> Item {
        Item {
            kind,
            source_id: Arc::clone(source_id),
            source_status: status.clone(),
            customer: Some(self.customer),
            deal: Some(self.number),
            minor,
            currency: self.cash.home,
            noted: true,
        }
    }

    /// `per_mille` of the payment.
    pub(super) fn part(&self, per_mille: i64) -> Cash {
        Cash {
            minor: (self.cash.minor * per_mille / 1000).max(1),
            settled_minor: (self.cash.settled_minor * per_mille / 1000).max(1),
            ..self.cash
        }
    }

    /// Adds to what the notes say about this payment.
    pub(super) fn note(&mut self, notes: &mut Notes, entries: Vec<Entry>) {
        notes.post(&entries);
        self.entries.extend(entries);
    }
}
