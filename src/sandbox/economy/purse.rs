//! Money that clearing holds and no payout has carried yet.
//!
//! Every movement of clearing except a payout itself is an [`Item`] that is in exactly one place: with a payment that is not
//! payable yet, among what the next payout carries, or in a payout.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::sandbox::record::{RowNo, Word};

/// Money that moved, signed: what one line of a report says.
#[derive(Debug, Clone)]
pub(super) struct Item {
    /// `payment`, `fee`, `refund`, `dispute` or `adjustment`.
    pub kind: &'static str,
    pub source_id: Arc<str>,
    pub source_status: Word,
    pub customer: Option<RowNo>,
    /// The deal that it came of.
    pub deal: Option<usize>,
    pub minor: i64,
    pub currency: &'static str,
    /// Whether the notes have it. What only a report tells is noted when the report does.
    pub noted: bool,
}

#[derive(Debug, Default)]
pub(super) struct Purse {
    /// By payment, until it is paid.
    waiting: BTreeMap<RowNo, Vec<Item>>,
    unsettled: Vec<Item>,
}

impl Purse {
    /// Holds `item` back until its payment is paid, if it is not yet.
    pub(super) fn put(&mut self, payment: RowNo, item: Item) {
        match self.waiting.get_mut(&payment) {
            Some(items) => items.push(item),
            None => self.unsettled.push(item),
        }
    }

    /// What belongs to this payment waits for it from now on.
    pub(super) fn hold(&mut self, payment: RowNo) {
        self.waiting.entry(payment).or_default();
    }

    /// The payment is payable.
    pub(super) fn release(&mut self, payment: RowNo) {
        self.unsettled.extend(self.waiting.remove(&payment).unwrap_or_default());
    }

    /// The payment itself will never be payable; what else belongs to it is.
    pub(super) fn drop_payment(&mut self, payment: RowNo) {
        let items = self.waiting.remove(&payment).unwrap_or_default();
        self.unsettled.extend(items.into_iter().filter(|item| item.kind != "payment"));
    }

    /// What the next payout of a currency may carry.
    pub(super) fn take(&mut self, currency: &str) -> Vec<Item> {
        let unsettled = std::mem::take(&mut self.unsettled);
        let (items, others) = unsettled.into_iter().partition(|item| item.currency == currency);
        self.unsettled = others;
        items
    }

    pub(super) fn put_back(&mut self, items: Vec<Item>) {
        self.unsettled.extend(items);
    }

    /// The fee as it will be paid out, where it has not been.
    pub(super) fn fee_mut(&mut self, payment: RowNo, fee: &str) -> Option<&mut Item> {
        let waiting = self.waiting.get_mut(&payment).into_iter().flatten();
        waiting.chain(&mut self.unsettled).find(|item| item.kind == "fee" && *item.source_id == *fee)
    }

    pub(super) fn items(&self) -> impl Iterator<Item = &Item> {
        self.waiting.values().flatten().chain(&self.unsettled)
    }
}

pub(super) fn sum(items: &[Item]) -> i64 {
    items.iter().map(|item| item.minor).sum()
}
