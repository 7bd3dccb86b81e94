//! How a document points at other records.

use crate::model::document::{Document, Facts, SubjectType};
use crate::model::ids::SourceId;
use crate::model::money::Amount;
use crate::model::resource::Resource;

impl Document {
    /// The record whose money this is about. An application of a refund is about the refund, not about the payment it reverses.
    #[must_use]
    pub fn subject(&self) -> Option<&SourceId> {
        match &self.facts {
            Facts::ReceivableTransaction(it) => match &it.resource_type {
                Some(SubjectType::Payment) | None => it.payment_id.as_ref().or(it.resource_id.as_ref()),
                Some(_) => it.resource_id.as_ref(),
            },
            Facts::Fee(it) => it.payment_id.as_ref(),
            Facts::Refund(it) => it.payment_id.as_ref(),
            Facts::Dispute(it) => it.payment_id.as_ref(),
            Facts::Transfer(it) => it.withdrawal_id.as_ref(),
            Facts::TransferEntry(it) => it.resource_id.as_ref(),
            Facts::Customer(_)
            | Facts::Receivable(_)
            | Facts::Payment(_)
            | Facts::Withdrawal(_)
            | Facts::CreditMemo(_) => None,
        }
    }

    /// What a fee belongs to where that is no payment: the dispute or refund whose fee it is.
    #[must_use]
    pub fn owner(&self) -> Option<&SourceId> {
        match &self.facts {
            Facts::Fee(it) => it.resource_id.as_ref(),
            _ => None,
        }
    }

    /// The ERP's customer key.
    #[must_use]
    pub fn party(&self) -> Option<&str> {
        match &self.facts {
            Facts::Customer(it) => it.customer_ref.as_deref(),
            Facts::Receivable(it) => it.customer_ref.as_deref(),
            Facts::Payment(it) => it.customer_ref.as_deref(),
            Facts::ReceivableTransaction(it) => it.customer_ref.as_deref(),
            Facts::CreditMemo(it) => it.customer_ref.as_deref(),
            Facts::Fee(_)
            | Facts::Refund(_)
            | Facts::Dispute(_)
            | Facts::Transfer(_)
            | Facts::TransferEntry(_)
            | Facts::Withdrawal(_) => None,
        }
    }

    /// Records that this one names as its parents.
    #[must_use]
    pub fn parents(&self) -> Vec<(Resource, &SourceId)> {
        let named: Vec<(Resource, Option<&SourceId>)> = match &self.facts {
            Facts::Receivable(it) => vec![(Resource::Customers, it.payer_customer_id.as_ref())],
            Facts::ReceivableTransaction(it) => {
                vec![(Resource::Receivables, it.receivable_id.as_ref()), (Resource::Payments, it.payment_id.as_ref())]
            }
            Facts::Fee(it) => vec![(Resource::Payments, it.payment_id.as_ref())],
            Facts::Refund(it) => vec![(Resource::Payments, it.payment_id.as_ref())],
            Facts::Dispute(it) => vec![(Resource::Payments, it.payment_id.as_ref())],
            Facts::Transfer(it) => vec![(Resource::Withdrawals, it.withdrawal_id.as_ref())],
            Facts::TransferEntry(it) => vec![(Resource::Transfers, it.transfer_id.as_ref())],
            Facts::Customer(_) | Facts::Payment(_) | Facts::Withdrawal(_) | Facts::CreditMemo(_) => Vec::new(),
        };
        named.into_iter().filter_map(|(resource, id)| Some((resource, id?))).collect()
    }

    /// What of a payment is to be found on receivables: its gross amount without the payer's fee and discount.
    #[must_use]
    pub fn principal(&self) -> Option<Amount> {
        match &self.facts {
            Facts::Payment(it) => it.fee_split.as_ref().and_then(|split| split.subtotal).or(self.amount),
            Facts::Customer(_)
            | Facts::Receivable(_)
            | Facts::ReceivableTransaction(_)
            | Facts::Fee(_)
            | Facts::Refund(_)
            | Facts::Dispute(_)
            | Facts::Transfer(_)
            | Facts::TransferEntry(_)
            | Facts::Withdrawal(_)
            | Facts::CreditMemo(_) => None,
        }
    }
}
