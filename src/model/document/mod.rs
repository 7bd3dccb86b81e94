//! The neutral, normalized form of one record version: exact decimals, plain dates apart from instants, our names.
//!
//! `Option` everywhere means that the source does not say: absent is not zero and not empty (I7). Calendar dates are
//! `date_…: NaiveDate` and are never shifted through a zone; instants are `…_at: DateTime<Utc>`.

mod facts;
mod links;
mod words;

pub use facts::{
    CreditMemo, Customer, Dispute, Fee, FeeSplit, OwnFee, Payment, Receivable, ReceivableTransaction, Refund,
    Settlement, Transfer, TransferEntry, Withdrawal,
};
pub use words::{
    CreditMemoStatus, CustomerStatus, DisputeStatus, DisputeType, FeeSplitType, FeeStatus, FeeType, PaymentStatus,
    ReceivableStatus, RefundStatus, SourceType, SubjectType, TransactionStatus, TransferStatus,
};

use chrono::{DateTime, Utc};

use crate::model::ids::SourceId;
use crate::model::money::{Amount, Currency};
use crate::model::record::Fingerprint;
use crate::model::resource::Resource;

/// One version of one record in our words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    pub id: SourceId,
    /// The amount that the resource is about: what was invoiced, charged gross, refunded, disputed or paid out; `amountApplied` of a
    /// receivable transaction and the signed `transferAmount` of a transfer entry.
    pub amount: Option<Amount>,
    /// The currency of `amount`.
    pub currency: Option<Currency>,
    /// `created`.
    pub created_at: Option<DateTime<Utc>>,
    /// `lastUpdated`.
    pub updated_at: Option<DateTime<Utc>>,
    pub facts: Facts,
}

/// What only one resource says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Facts {
    Customer(Customer),
    Receivable(Receivable),
    ReceivableTransaction(ReceivableTransaction),
    Payment(Box<Payment>),
    Fee(Fee),
    Refund(Refund),
    Dispute(Dispute),
    Transfer(Transfer),
    TransferEntry(TransferEntry),
    Withdrawal(Withdrawal),
    CreditMemo(CreditMemo),
}

impl Document {
    #[must_use]
    pub const fn resource(&self) -> Resource {
        match &self.facts {
            Facts::Customer(_) => Resource::Customers,
            Facts::Receivable(_) => Resource::Receivables,
            Facts::ReceivableTransaction(_) => Resource::ReceivableTransactions,
            Facts::Payment(_) => Resource::Payments,
            Facts::Fee(_) => Resource::Fees,
            Facts::Refund(_) => Resource::Refunds,
            Facts::Dispute(_) => Resource::Disputes,
            Facts::Transfer(_) => Resource::Transfers,
            Facts::TransferEntry(_) => Resource::TransferEntries,
            Facts::Withdrawal(_) => Resource::Withdrawals,
            Facts::CreditMemo(_) => Resource::CreditMemos,
        }
    }

    /// Equal where two bodies mean the same, whatever their source shape.
    #[must_use]
    pub fn content(&self) -> Fingerprint {
        Fingerprint::of_bytes(format!("{self:?}").as_bytes())
    }

    /// Whether this status comes before `earlier` in the life of the object, which no object lives through backwards.
    #[must_use]
    pub fn moves_back_from(&self, earlier: &str) -> bool {
        const LIFE: [&str; 5] = ["created", "processing", "sending", "posted", "paid"];
        let stage = |status: &str| LIFE.iter().position(|known| *known == status);
        match self.status().and_then(stage).zip(stage(earlier)) {
            Some((now, before)) => now < before,
            None => false,
        }
    }

    /// The word of the status, in the spelling of the documentation where it is a documented one.
    #[must_use]
    pub fn status(&self) -> Option<&str> {
        match &self.facts {
            Facts::Customer(customer) => customer.status.as_ref().map(CustomerStatus::as_str),
            Facts::Receivable(receivable) => receivable.status.as_ref().map(ReceivableStatus::as_str),
            Facts::ReceivableTransaction(transaction) => transaction.status.as_ref().map(TransactionStatus::as_str),
            Facts::Payment(payment) => payment.status.as_ref().map(PaymentStatus::as_str),
            Facts::Fee(fee) => fee.status.as_ref().map(FeeStatus::as_str),
            Facts::Refund(refund) => refund.status.as_ref().map(RefundStatus::as_str),
            Facts::Dispute(dispute) => dispute.status.as_ref().map(DisputeStatus::as_str),
            Facts::Transfer(transfer) => transfer.status.as_ref().map(TransferStatus::as_str),
            Facts::TransferEntry(entry) => entry.status.as_deref(),
            Facts::Withdrawal(withdrawal) => withdrawal.status.as_ref().map(TransferStatus::as_str),
            Facts::CreditMemo(memo) => memo.status.as_ref().map(CreditMemoStatus::as_str),
        }
    }
}
