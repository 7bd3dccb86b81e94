//! How often each variant has come about: a test over many economies must be able to say that each was met.

use std::collections::BTreeMap;

/// Everything that an economy counts.
pub const VARIANTS: [&str; 70] = [
    // How the installation shows things.
    "discount_applied_net",
    "discount_applied_gross",
    "memo_applied_net",
    "memo_applied_gross",
    "refund_rows_shown",
    "refund_rows_hidden",
    "refund_rows_negative",
    "refund_rows_positive",
    "refund_lowers_amount_paid",
    "refund_keeps_amount_paid",
    "failure_lowers_amount_paid",
    "failure_keeps_amount_paid",
    "dispute_fee_entry_by_fee",
    "dispute_fee_entry_by_dispute",
    "dispute_status_active",
    "dispute_status_under_review",
    "report_becomes_reversed",
    "report_stays_completed",
    "entry_kind_lower",
    "entry_kind_title",
    "entry_kind_upper",
    "payment_rows_full",
    "payment_rows_plain",
    // Checkouts.
    "one_invoice",
    "several_invoices",
    "partial",
    "rest_paid",
    "overpaid",
    "unlinked",
    "unlinked_applied_later",
    "convenience_fee",
    "discount",
    "absorbed",
    "without_fee_split",
    "credit_memo_used",
    "second_currency",
    "foreign_currency",
    "card",
    "bank",
    // Payments and their fees.
    "failed_before_posting",
    "failed_after_posting",
    "paid_at_once",
    "fee_delayed",
    "fee_final_after_payout",
    "fee_changed_before_payout",
    "fee_changed_after_payout",
    "fee_changed_back",
    // Money that goes back.
    "refund_full",
    "refund_partial",
    "refund_multiple",
    "refund_fees_returned",
    "refund_failed",
    "refund_reversed",
    "refund_paid_again",
    "chargeback_lost",
    "chargeback_won",
    "chargeback_partly_won",
    "chargeback_won_after_loss",
    "dispute_failed",
    "ach_return",
    "dispute_fee_in_field",
    "dispute_fee_in_dispute_fees",
    "dispute_fee_in_fees_list",
    "dispute_fee_in_report_only",
    // Payouts.
    "split_transfer",
    "adjustment",
    "deficit_carried",
    "transfer_failed_before_payment",
    "transfer_failed_after_payment",
    "transfer_paid_again",
];

#[derive(Debug, Default)]
pub(super) struct Tally {
    counts: BTreeMap<&'static str, u64>,
}

impl Tally {
    pub(super) fn count(&mut self, variant: &'static str) {
        *self.counts.entry(variant).or_default() += 1;
    }

    pub(super) fn all(&self) -> BTreeMap<&'static str, u64> {
        self.counts.clone()
    }
}
