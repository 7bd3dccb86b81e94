//! Open items: records that their list may not show again when they change, so they are read by id with growing delay.
//!
//! A fee that becomes final, a refund or an application need not touch `lastUpdated` of what they belong to, and applications come in
//! no list of their own. Which records stay open is decided here, from their documents alone.

use std::time::Duration;

use crate::model::document::{
    DisputeStatus, Document, Facts, FeeType, PaymentStatus, ReceivableStatus, RefundStatus, TransferStatus,
};
use crate::model::ids::SourceId;
use crate::model::money::Amount;
use crate::model::resource::Resource;

/// First delay; it doubles with every reading.
const DELAY_FIRST: Duration = Duration::from_mins(10);
const DELAY_MAX: Duration = Duration::from_hours(24);

/// Why a record is read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// Its status is not terminal.
    Status,
    /// A fee of the payment is still a placeholder.
    Fee,
    /// The payment shows no fee yet; some never do.
    FeeAbsent,
    /// Part of the payment's principal, or of the refund, has not been found on a receivable.
    Unapplied,
    /// Another record names it and the store lacks it.
    Named,
    /// Its child list is to be read.
    Children,
}

impl Reason {
    pub const ALL: [Reason; 6] =
        [Reason::Status, Reason::Fee, Reason::FeeAbsent, Reason::Unapplied, Reason::Named, Reason::Children];

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Reason::Status => "status",
            Reason::Fee => "fee",
            Reason::FeeAbsent => "fee_absent",
            Reason::Unapplied => "unapplied",
            Reason::Named => "named",
            Reason::Children => "children",
        }
    }

    /// Whether a person must see it once its time is up. A payment without any fee, or one that no receivable explains, is
    /// nothing unusual.
    #[must_use]
    pub const fn alarms(self) -> bool {
        match self {
            Reason::Status | Reason::Fee | Reason::Named => true,
            Reason::FeeAbsent | Reason::Unapplied | Reason::Children => false,
        }
    }
}

/// Something to be read again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenItem {
    /// What is read: the record's resource, or that of its children.
    pub resource: Resource,
    pub id: SourceId,
    pub reason: Reason,
    /// The principal of an unapplied payment, or the amount of a refund.
    pub amount: Option<Amount>,
    /// The customer key of an unapplied payment.
    pub party: Option<String>,
}

/// Delay before the next reading after `reads` of them.
#[must_use]
pub fn delay(reads: u32) -> Duration {
    DELAY_FIRST.saturating_mul(1 << reads.min(12)).min(DELAY_MAX)
}

/// What stays open about a new version; `fees` are the documents of the fees inside a payment.
#[must_use]
pub fn open_items<'d>(document: &'d Document, fees: impl Iterator<Item = &'d Document>) -> Vec<OpenItem> {
    let item = |reason: Reason| OpenItem {
        resource: document.resource(),
        id: document.id.clone(),
        reason,
        amount: None,
        party: None,
    };
    let entries = || OpenItem { resource: Resource::TransferEntries, ..item(Reason::Children) };
    match &document.facts {
        Facts::Payment(payment) => {
            let fee = fee_reason(payment.status.as_ref(), fees).map(item);
            let is_captured = matches!(payment.status, Some(PaymentStatus::Posted | PaymentStatus::Paid));
            let unapplied = is_captured.then(|| OpenItem {
                amount: document.principal(),
                party: payment.customer_ref.clone(),
                ..item(Reason::Unapplied)
            });
            fee.into_iter().chain(unapplied).collect()
        }
        Facts::Receivable(receivable) => {
            let untouched =
                receivable.amount_paid == Some(Amount::ZERO) && receivable.status != Some(ReceivableStatus::Paid);
            let children = OpenItem { resource: Resource::ReceivableTransactions, ..item(Reason::Children) };
            if untouched { Vec::new() } else { vec![children] }
        }
        Facts::Refund(refund) => match &refund.status {
            // Whether and when the invoice shows it is not documented, nor that the invoice is touched by it.
            Some(RefundStatus::Paid) => vec![OpenItem { amount: document.amount, ..item(Reason::Unapplied) }],
            Some(RefundStatus::Failed | RefundStatus::Reversed) => Vec::new(),
            Some(
                RefundStatus::Created | RefundStatus::Processing | RefundStatus::Posted | RefundStatus::Unknown(_),
            )
            | None => vec![item(Reason::Status)],
        },
        Facts::Dispute(dispute) => match &dispute.status {
            Some(DisputeStatus::Won | DisputeStatus::Lost | DisputeStatus::Failed) => Vec::new(),
            Some(
                DisputeStatus::Created
                | DisputeStatus::Processing
                | DisputeStatus::Active
                | DisputeStatus::AcceptingEvidence
                | DisputeStatus::UnderReview
                | DisputeStatus::Unknown(_),
            )
            | None => vec![item(Reason::Status)],
        },
        Facts::Transfer(transfer) => match &transfer.status {
            Some(TransferStatus::Paid) => vec![entries()],
            Some(TransferStatus::Failed | TransferStatus::Reversed) => Vec::new(),
            Some(
                TransferStatus::Created
                | TransferStatus::Processing
                | TransferStatus::Sending
                | TransferStatus::Posted
                | TransferStatus::Unknown(_),
            )
            | None => vec![item(Reason::Status), entries()],
        },
        Facts::Customer(_)
        | Facts::ReceivableTransaction(_)
        | Facts::Fee(_)
        | Facts::TransferEntry(_)
        | Facts::Withdrawal(_)
        | Facts::CreditMemo(_) => Vec::new(),
    }
}

fn fee_reason<'d>(status: Option<&PaymentStatus>, fees: impl Iterator<Item = &'d Document>) -> Option<Reason> {
    if status == Some(&PaymentStatus::Failed) {
        return None;
    }
    let is_final = |fee: &Document| matches!(&fee.facts, Facts::Fee(fee) if fee.fee_type != Some(FeeType::Delayed));
    let mut fees = fees.peekable();
    if fees.peek().is_none() {
        return Some(Reason::FeeAbsent);
    }
    fees.any(|fee| !is_final(fee)).then_some(Reason::Fee)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_a_day() {
        assert_eq!(delay(0), DELAY_FIRST);
        assert_eq!(delay(2), DELAY_FIRST * 4);
        assert_eq!(delay(u32::MAX), DELAY_MAX);
    }

    #[test]
    fn names_are_distinct() {
        let names: std::collections::HashSet<_> = Reason::ALL.iter().map(|reason| reason.name()).collect();
        assert_eq!(names.len(), Reason::ALL.len());
    }
}
