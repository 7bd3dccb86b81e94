//! What each resource says beyond id, amount, currency and timestamps.
//!
//! `customer_ref` is always the customer key of the ERP (`extCustomerId`, `payer.externalId`); `payer_customer_id` is Paystand's id of
//! the customer; `payer_id` is the holder of the funding source, which is another object.

use chrono::{DateTime, NaiveDate, Utc};

use crate::model::document::{
    CreditMemoStatus, CustomerStatus, DisputeStatus, DisputeType, FeeSplitType, FeeStatus, FeeType, PaymentStatus,
    ReceivableStatus, RefundStatus, SourceType, SubjectType, TransactionStatus, TransferStatus,
};
use crate::model::ids::SourceId;
use crate::model::money::{Amount, Currency};

/// A customer of the merchant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Customer {
    pub status: Option<CustomerStatus>,
    pub customer_ref: Option<String>,
    pub payer_id: Option<SourceId>,
    pub name: Option<String>,
    pub email: Option<String>,
    pub contact_first_name: Option<String>,
    pub contact_last_name: Option<String>,
}

/// An invoice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receivable {
    pub status: Option<ReceivableStatus>,
    /// The invoice key of the ERP. It may change; the record's id does not.
    pub ext_id: Option<String>,
    pub customer_ref: Option<String>,
    pub payer_customer_id: Option<SourceId>,
    pub amount_paid: Option<Amount>,
    pub payer_email: Option<String>,
    pub date_posted: Option<NaiveDate>,
    pub date_due: Option<NaiveDate>,
    pub date_paid: Option<NaiveDate>,
}

/// Money of one payment or refund applied to one receivable. The sign of its amount is not documented: the type tells the direction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceivableTransaction {
    pub status: Option<TransactionStatus>,
    pub receivable_id: Option<SourceId>,
    pub payment_id: Option<SourceId>,
    pub resource_type: Option<SubjectType>,
    pub resource_id: Option<SourceId>,
    pub payment_origin: Option<String>,
    /// `extId` of the receivable as the row shows it.
    pub receivable_ext_id: Option<String>,
    pub customer_ref: Option<String>,
    pub payer_customer_id: Option<SourceId>,
    /// The currency of the payment, where the row shows it; the document's is that of the receivable.
    pub payment_currency: Option<Currency>,
}

/// What the merchant's account receives, in its own currency.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settlement {
    pub amount: Option<Amount>,
    pub currency: Option<Currency>,
}

/// A charge to a payer. The document's amount is gross: it includes the convenience fee.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payment {
    pub status: Option<PaymentStatus>,
    pub settlement: Settlement,
    pub customer_ref: Option<String>,
    pub payer_id: Option<SourceId>,
    pub owner_id: Option<SourceId>,
    pub account_key: Option<String>,
    pub external_id: Option<String>,
    pub source_type: Option<SourceType>,
    pub source_id: Option<SourceId>,
    pub source_brand: Option<String>,
    pub source_bank_name: Option<String>,
    pub source_last4: Option<String>,
    pub posted_at: Option<DateTime<Utc>>,
    pub paid_at: Option<DateTime<Utc>>,
    /// Its presence proves no failure: only the status does.
    pub failed_at: Option<DateTime<Utc>>,
    pub fee_split: Option<FeeSplit>,
    /// `None` where the body has no list; the same for the two below.
    pub fee_ids: Option<Vec<SourceId>>,
    pub refund_ids: Option<Vec<SourceId>>,
    pub dispute_ids: Option<Vec<SourceId>>,
}

/// How the payer's side of a payment's cost was computed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeeSplit {
    pub split_type: Option<FeeSplitType>,
    pub fee_type: Option<String>,
    pub currency: Option<Currency>,
    /// The principal.
    pub subtotal: Option<Amount>,
    /// The convenience fee that the payer paid.
    pub payer_total_fees: Option<Amount>,
    /// An estimate of what the merchant bears. Never booked.
    pub merchant_total_fees: Option<Amount>,
    /// Principal + fees − discount: the payment's amount.
    pub payer_total: Option<Amount>,
    pub payer_discount: Option<Amount>,
}

/// Paystand's processing fee: a positive amount is a cost. One id keeps its identity from placeholder to final.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fee {
    pub status: Option<FeeStatus>,
    pub fee_type: Option<FeeType>,
    /// The gross amount that the fee was computed on.
    pub resource_amount: Option<Amount>,
    pub resource_type: Option<SubjectType>,
    pub resource_id: Option<SourceId>,
    pub payment_id: Option<SourceId>,
    pub payer_id: Option<SourceId>,
}

/// A fee inside a refund or a dispute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnFee {
    pub id: Option<SourceId>,
    pub fee_type: Option<FeeType>,
    pub amount: Option<Amount>,
    pub currency: Option<Currency>,
}

/// Money given back to a payer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refund {
    pub status: Option<RefundStatus>,
    pub settlement: Settlement,
    pub payment_id: Option<SourceId>,
    pub resource_type: Option<SubjectType>,
    pub resource_id: Option<SourceId>,
    pub payer_id: Option<SourceId>,
    pub customer_ref: Option<String>,
    pub account_key: Option<String>,
    pub fees_refunded: Option<bool>,
    pub fees: Option<Vec<OwnFee>>,
    /// Why it failed.
    pub reason: Option<String>,
    pub description: Option<String>,
}

/// A card chargeback or an ACH return.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dispute {
    pub status: Option<DisputeStatus>,
    pub settlement: Settlement,
    pub payment_id: Option<SourceId>,
    pub resource_type: Option<SubjectType>,
    pub resource_id: Option<SourceId>,
    pub payer_id: Option<SourceId>,
    pub customer_ref: Option<String>,
    pub account_key: Option<String>,
    pub dispute_type: Option<DisputeType>,
    pub amount_won: Option<Amount>,
    pub dispute_fee: Option<Amount>,
    pub fees: Option<Vec<OwnFee>>,
    pub closed: Option<bool>,
    pub reason: Option<String>,
}

/// A payout: one line of the merchant's bank statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfer {
    pub status: Option<TransferStatus>,
    pub withdrawal_id: Option<SourceId>,
    pub resource_type: Option<SubjectType>,
    pub resource_id: Option<SourceId>,
    pub bank_id: Option<SourceId>,
    pub account_key: Option<String>,
    pub provider: Option<String>,
    pub description: Option<String>,
    /// Why it failed.
    pub reason: Option<String>,
    pub to_post_at: Option<DateTime<Utc>>,
    pub posted_at: Option<DateTime<Utc>>,
    pub settled_at: Option<DateTime<Utc>>,
    pub failed_at: Option<DateTime<Utc>>,
}

/// One line of a transfer's report. The document's amount is signed: what the line adds to the payout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransferEntry {
    /// The line's own status, not known to be sent.
    pub status: Option<String>,
    pub transfer_id: Option<SourceId>,
    pub resource_type: Option<SubjectType>,
    pub resource_id: Option<SourceId>,
    /// The status of the record that the line names, such as `reversed` of a refund.
    pub resource_status: Option<String>,
    pub payment_id: Option<SourceId>,
    pub payer_name: Option<String>,
    pub description: Option<String>,
}

/// A move of the available balance, paid out by its transfers. The same cash as they are: never booked beside them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Withdrawal {
    pub status: Option<TransferStatus>,
    /// `None` where the body has no list.
    pub transfer_ids: Option<Vec<SourceId>>,
    pub bank_id: Option<SourceId>,
    pub account_key: Option<String>,
    pub description: Option<String>,
    pub has_transactions: Option<bool>,
    pub to_post_at: Option<DateTime<Utc>>,
}

/// A credit memo of the ERP that payers may use at checkout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreditMemo {
    pub status: Option<CreditMemoStatus>,
    pub ext_id: Option<String>,
    pub ext_key: Option<String>,
    pub customer_ref: Option<String>,
    pub payer_customer_id: Option<SourceId>,
    pub amount_remaining: Option<Amount>,
    pub date_created: Option<NaiveDate>,
    pub date_posted: Option<NaiveDate>,
}
