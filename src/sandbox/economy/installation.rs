//! How one installation shows what nobody published: drawn once per merchant, then the same for all its life.

use crate::sandbox::dice::Dice;
use crate::sandbox::economy::tally::Tally;
use crate::sandbox::record::Word;

/// The letter case of `resourceType` in report entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Case {
    Lower,
    Title,
    Upper,
}

#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "independent choices")]
pub(super) struct Installation {
    /// `amountApplied` lacks the discount.
    pub discount_net: bool,
    /// `amountApplied` lacks the credit memo.
    pub memo_net: bool,
    /// A refund has a receivable transaction.
    pub refund_rows: bool,
    /// Its amount is negative.
    pub refund_rows_negative: bool,
    /// A refund lowers `amountPaid`, and its reversal raises it again.
    pub refund_lowers_paid: bool,
    /// A payment that fails after it was posted lowers `amountPaid`.
    pub failure_lowers_paid: bool,
    /// A dispute's fee stands in reports under its own id, where it has one; otherwise under the dispute's.
    pub entry_by_fee: bool,
    pub entry_case: Case,
    /// Contested disputes are `active`, not `acceptingEvidence` and `underReview`.
    pub active_disputes: bool,
    /// The report of a transfer that failed after it was paid becomes `reversed`.
    pub report_reversed: bool,
}

impl Installation {
    pub(super) fn draw(dice: &mut Dice) -> Self {
        let mut even = || dice.chance(500);
        Self {
            discount_net: even(),
            memo_net: even(),
            refund_rows: even(),
            refund_rows_negative: even(),
            refund_lowers_paid: even(),
            failure_lowers_paid: even(),
            entry_by_fee: even(),
            active_disputes: even(),
            report_reversed: even(),
            entry_case: *dice.pick(&[Case::Lower, Case::Title, Case::Upper]),
        }
    }

    /// A kind of report entry as this installation writes it.
    pub(super) fn entry_kind(&self, kind: &'static str) -> Word {
        match self.entry_case {
            Case::Lower => kind.into(),
            Case::Upper => kind.to_ascii_uppercase().into(),
            Case::Title => {
                let mut title = kind.to_owned();
                if let Some(first) = title.get_mut(..1) {
                    first.make_ascii_uppercase();
                }
                title.into()
            }
        }
    }

    pub(super) fn count(&self, tally: &mut Tally) {
        for (chosen, yes, no) in [
            (self.discount_net, "discount_applied_net", "discount_applied_gross"),
            (self.memo_net, "memo_applied_net", "memo_applied_gross"),
            (self.refund_rows, "refund_rows_shown", "refund_rows_hidden"),
            (self.refund_rows_negative, "refund_rows_negative", "refund_rows_positive"),
            (self.refund_lowers_paid, "refund_lowers_amount_paid", "refund_keeps_amount_paid"),
            (self.failure_lowers_paid, "failure_lowers_amount_paid", "failure_keeps_amount_paid"),
            (self.entry_by_fee, "dispute_fee_entry_by_fee", "dispute_fee_entry_by_dispute"),
            (self.active_disputes, "dispute_status_active", "dispute_status_under_review"),
            (self.report_reversed, "report_becomes_reversed", "report_stays_completed"),
        ] {
            tally.count(if chosen { yes } else { no });
        }
        tally.count(match self.entry_case {
            Case::Lower => "entry_kind_lower",
            Case::Title => "entry_kind_title",
            Case::Upper => "entry_kind_upper",
        });
    }
}
