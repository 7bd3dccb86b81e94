//! The economy's own double-entry notes, written as each thing happens and never read back from what clients see.
//!
//! Every entry balances in its currency. An amount is a net debit: positive is debit, negative is credit. Whole cents.

use std::collections::BTreeMap;
use std::sync::Arc;

/// What a line of an entry is booked on.
pub(super) mod role {
    pub(crate) const RECEIVABLE: &str = "receivable";
    pub(crate) const CLEARING: &str = "clearing";
    pub(crate) const UNAPPLIED_CASH: &str = "unapplied_cash";
    pub(crate) const CONVENIENCE_FEE_INCOME: &str = "convenience_fee_income";
    pub(crate) const PROCESSING_FEE_EXPENSE: &str = "processing_fee_expense";
    pub(crate) const DISCOUNTS: &str = "discounts";
    pub(crate) const REFUNDS: &str = "refunds";
    pub(crate) const DISPUTES: &str = "disputes";
    pub(crate) const DISPUTE_LOSSES: &str = "dispute_losses";
    pub(crate) const DISPUTE_FEES: &str = "dispute_fees";
    pub(crate) const ADJUSTMENTS: &str = "adjustments";
    pub(crate) const BANK: &str = "bank";
    pub(crate) const FX_DIFFERENCE: &str = "fx_difference";
}

/// Money in the currency of a payment, and in the merchant's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cash {
    pub minor: i64,
    pub currency: &'static str,
    pub settled_minor: i64,
    pub home: &'static str,
}

impl Cash {
    pub(super) fn home(minor: i64, currency: &'static str) -> Self {
        Self { minor, currency, settled_minor: minor, home: currency }
    }

    pub(super) fn is_foreign(&self) -> bool {
        self.currency != self.home
    }

    pub(super) fn negated(self) -> Self {
        Self { minor: -self.minor, settled_minor: -self.settled_minor, ..self }
    }
}

/// A balanced entry in one currency.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    currency: &'static str,
    lines: Vec<(&'static str, i64)>,
}

impl Entry {
    pub(super) fn new(currency: &'static str, lines: &[(&'static str, i64)]) -> Self {
        debug_assert_eq!(lines.iter().map(|(_, minor)| minor).sum::<i64>(), 0, "an entry balances: {lines:?}");
        Self { currency, lines: lines.to_vec() }
    }

    /// `minor` from `credit` to `debit`.
    pub(super) fn pair(currency: &'static str, debit: &'static str, credit: &'static str, minor: i64) -> Self {
        Self::new(currency, &[(debit, minor), (credit, -minor)])
    }

    /// Clearing takes `cash` and `others` say where it comes from, in the currency of the payment. Two currencies meet at
    /// `fx_difference`.
    pub(super) fn clearing(cash: Cash, others: &[(&'static str, i64)]) -> Vec<Self> {
        let lines = |debit: &'static str| [&[(debit, cash.minor)], others].concat();
        if cash.is_foreign() {
            let settled = Self::pair(cash.home, role::CLEARING, role::FX_DIFFERENCE, cash.settled_minor);
            vec![Self::new(cash.currency, &lines(role::FX_DIFFERENCE)), settled]
        } else {
            vec![Self::new(cash.currency, &lines(role::CLEARING))]
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Notes {
    /// By role and currency.
    pub roles: BTreeMap<(&'static str, &'static str), i64>,
    /// By receivable.
    pub applied: BTreeMap<Arc<str>, i64>,
    /// By payment.
    pub unapplied: BTreeMap<Arc<str>, i64>,
}

impl Notes {
    pub(super) fn post(&mut self, entries: &[Entry]) {
        self.add(entries, 1);
    }

    pub(super) fn reverse(&mut self, entries: &[Entry]) {
        self.add(entries, -1);
    }

    fn add(&mut self, entries: &[Entry], sign: i64) {
        for entry in entries {
            for (role, minor) in &entry.lines {
                *self.roles.entry((role, entry.currency)).or_default() += sign * minor;
            }
        }
    }

    /// Money from a payment to a receivable; negative takes it off again.
    pub(super) fn credit(&mut self, receivable: &Arc<str>, minor: i64) {
        *self.applied.entry(Arc::clone(receivable)).or_default() += minor;
    }

    /// Money of a payment that no receivable has; negative where one takes it.
    pub(super) fn leave(&mut self, payment: &Arc<str>, minor: i64) {
        *self.unapplied.entry(Arc::clone(payment)).or_default() += minor;
    }
}
