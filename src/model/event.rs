//! Business events: what happened, in words that no system owns.
//!
//! An event says one fact about one record and is never changed once it is told. Its key is made of the record and the fact,
//! so that two readers who saw different versions on the way tell the same event. A fact that can happen again (a fee that
//! is adjusted, a transfer that is paid, fails and is paid) carries its ordinal in the history of the record.

use std::fmt;

use chrono::{DateTime, SubsecRound as _, Utc};
use serde::{Deserialize, Serialize};

use crate::model::document::SubjectType;
use crate::model::ids::SourceId;
use crate::model::money::{Amount, Currency, Money};
use crate::model::resource::Resource;

/// Declares the kinds with their names: `<record>.<fact>`.
macro_rules! kinds {
    ($($(#[$about:meta])* $variant:ident = $text:literal,)+) => {
        /// What happened.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum Kind {
            $($(#[$about])* #[serde(rename = $text)] $variant,)+
        }

        impl Kind {
            pub const ALL: &'static [Kind] = &[$(Kind::$variant),+];

            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Kind::$variant => $text,)+
                }
            }
        }
    };
}

kinds! {
    CustomerChanged = "customer.changed",
    ReceivableChanged = "receivable.changed",
    ReceivablePaid = "receivable.paid",
    ReceivableCancelled = "receivable.cancelled",
    /// The money counts: status posted or paid.
    PaymentPosted = "payment.posted",
    PaymentPaid = "payment.paid",
    PaymentFailed = "payment.failed",
    /// Its split or amount became known or changed after it had posted.
    PaymentAmended = "payment.amended",
    PaymentApplied = "payment.applied",
    FeeFinalized = "fee.finalized",
    FeeAdjusted = "fee.adjusted",
    FeeRefunded = "fee.refunded",
    RefundPaid = "refund.paid",
    /// A refund shows on an invoice, which it opens again.
    RefundApplied = "refund.applied",
    RefundReversed = "refund.reversed",
    RefundFailed = "refund.failed",
    DisputeOpened = "dispute.opened",
    DisputeFee = "dispute.fee",
    DisputeWon = "dispute.won",
    DisputeLost = "dispute.lost",
    DisputeFailed = "dispute.failed",
    TransferPaid = "transfer.paid",
    TransferFailed = "transfer.failed",
    TransferReversed = "transfer.reversed",
    /// One line of its report.
    TransferReported = "transfer.reported",
    /// A line of a report that no record explains.
    AdjustmentReported = "adjustment.reported",
    /// A record turned up that explains such a line.
    AdjustmentExplained = "adjustment.explained",
    WithdrawalChanged = "withdrawal.changed",
    CreditMemoChanged = "credit_memo.changed",
    /// It paid what a payment lacks of what was applied in its name.
    CreditMemoApplied = "credit_memo.applied",
    CreditMemoCancelled = "credit_memo.cancelled",
}

impl Kind {
    /// The fact in the key of an event of a record: the kind without the record's own word.
    fn facet(self, record: &str) -> String {
        match self.name().split_once('.') {
            Some((word, facet)) if word == record => facet.to_owned(),
            _ => self.name().replace('.', "-"),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One fact about one record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// `<record>:<id>:<facet>`, from the second time on with `:<n>`. Unique per merchant.
    pub key: String,
    pub kind: Kind,
    pub resource: Resource,
    pub id: SourceId,
    /// When it happened at Paystand; fixed when first told.
    pub occurred_at: DateTime<Utc>,
    pub fact: Fact,
}

impl Event {
    /// The `n`th time, from 1, that `kind` happens to a record.
    #[must_use]
    pub fn nth(
        n: usize,
        kind: Kind,
        (resource, id): (Resource, &SourceId),
        occurred_at: DateTime<Utc>,
        fact: Fact,
    ) -> Self {
        let ordinal = if n > 1 { format!(":{n}") } else { String::new() };
        let record = resource.singular();
        let key = format!("{record}:{id}:{}{ordinal}", kind.facet(record));
        // As it is kept: whether it is told at once or read again, it is the same instant.
        let occurred_at = occurred_at.trunc_subsecs(6);
        Self { key, kind, resource, id: id.clone(), occurred_at, fact }
    }
}

/// What an event knows by itself. Records keep their own currency; `None` is what the source does not say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "object", rename_all = "snake_case")]
pub enum Fact {
    /// Nothing beyond that it happened.
    Plain,
    Customer(CustomerFact),
    Invoice(InvoiceFact),
    Charge(Box<Charge>),
    Application(Application),
    Fee(FeeFact),
    /// A processing fee that Paystand gave back.
    FeeReturn(FeeReturn),
    Refund(Reversal),
    Dispute(Reversal),
    DisputeFee(DisputeFee),
    /// How a dispute ended.
    Outcome(DisputeOutcome),
    Payout(Payout),
    ReportLine(ReportLine),
    /// What a credit memo paid beside a payment.
    Remainder(Remainder),
    Memo(MemoFact),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomerFact {
    pub customer_ref: Option<String>,
    pub name: Option<String>,
    pub email: Option<String>,
    pub status: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvoiceFact {
    pub invoice_ref: Option<String>,
    pub customer_ref: Option<String>,
    pub amount: Option<Amount>,
    pub amount_paid: Option<Amount>,
    pub currency: Option<Currency>,
    pub status: Option<String>,
}

/// What a payer was charged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charge {
    /// Gross: with the convenience fee, without the discount.
    pub gross: Money,
    /// What the merchant's account receives, where that is in another currency.
    pub settlement: Option<Money>,
    pub convenience_fee: Option<Amount>,
    pub discount: Option<Amount>,
    pub customer_ref: Option<String>,
    pub account_key: Option<String>,
}

/// Money of a payment on an invoice, or of a refund taken from one; the amount is absolute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Application {
    pub applied: Money,
    pub payment_id: Option<SourceId>,
    pub refund_id: Option<SourceId>,
    pub receivable_id: Option<SourceId>,
    /// The ERP's invoice key as it was when this was told.
    pub invoice_ref: Option<String>,
    pub customer_ref: Option<String>,
}

/// A final processing fee; positive is a cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeeFact {
    pub cost: Money,
    pub payment_id: Option<SourceId>,
    /// The dispute whose fee it is, where it is one.
    pub dispute_id: Option<SourceId>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeeReturn {
    pub returned: Money,
    pub payment_id: Option<SourceId>,
    pub refund_id: Option<SourceId>,
    /// The fee's own id, by which a report may name it.
    pub fee_id: Option<SourceId>,
}

/// Money that goes back: a refund, or the amount in dispute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reversal {
    pub money: Money,
    pub settlement: Option<Money>,
    pub payment_id: Option<SourceId>,
    pub customer_ref: Option<String>,
    pub account_key: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DisputeFee {
    pub cost: Money,
    pub payment_id: Option<SourceId>,
    /// The fee's own id, where it has one.
    pub fee_id: Option<SourceId>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DisputeOutcome {
    pub dispute: Reversal,
    /// What comes back.
    pub won: Option<Amount>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payout {
    pub money: Money,
    /// When it was put together, days before it is paid.
    pub created_at: Option<DateTime<Utc>>,
    pub withdrawal_id: Option<SourceId>,
    pub bank_id: Option<SourceId>,
    pub account_key: Option<String>,
}

/// A line of a transfer's report; the amount is signed: what it adds to the payout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportLine {
    pub share: Money,
    pub transfer_id: Option<SourceId>,
    /// What it names: a word of [`SubjectType`], and the id.
    pub names: Option<String>,
    pub named_id: Option<SourceId>,
}

impl ReportLine {
    #[must_use]
    pub fn kind(&self) -> Option<SubjectType> {
        self.names.as_deref().map(SubjectType::parse)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remainder {
    pub money: Money,
    pub payment_id: SourceId,
    pub credit_memo_id: SourceId,
    pub customer_ref: String,
    /// Key of the event that told the drop of the memo.
    pub explains: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoFact {
    pub memo_ref: Option<String>,
    pub customer_ref: Option<String>,
    pub amount: Option<Amount>,
    pub remaining: Option<Amount>,
    pub currency: Option<Currency>,
    pub status: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_names_record_and_fact_and_counts_from_the_second_time_on() {
        let id = SourceId::new("fe1");
        let at = DateTime::UNIX_EPOCH;
        let told = |n| Event::nth(n, Kind::FeeAdjusted, (Resource::Fees, &id), at, Fact::Plain).key;
        assert_eq!(told(1), "fee:fe1:adjusted");
        assert_eq!(told(2), "fee:fe1:adjusted:2");
    }

    #[test]
    fn facts_survive_being_written_and_read() {
        let cost = Money {
            amount: Amount::parse("7.83").expect("plain"),
            currency: Currency::parse("USD").expect("three letters"),
        };
        let fact = Fact::Fee(FeeFact { cost, payment_id: Some(SourceId::new("pm1")), dispute_id: None });
        let text = serde_json::to_string(&fact).expect("plain data");
        assert!(text.contains(r#""object":"fee""#) && text.contains(r#""amount":"7.83""#), "{text}");
        assert_eq!(serde_json::from_str::<Fact>(&text).expect("what was written"), fact);
    }
}
