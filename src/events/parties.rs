//! Customers, invoices and credit memos: they belong to the ERP, and their changes move no money by themselves.

use super::told::{Telling, Told};
use crate::model::document::{CreditMemo, CreditMemoStatus, Customer, Receivable, ReceivableStatus};
use crate::model::event::{CustomerFact, Fact, InvoiceFact, Kind, MemoFact};
use crate::model::money::Amount;

pub(super) fn customer(mut told: Told<'_>, customer: &Customer) -> Telling {
    let fact = CustomerFact {
        customer_ref: customer.customer_ref.clone(),
        name: customer.name.clone(),
        email: customer.email.clone(),
        status: customer.status.as_ref().map(|status| status.as_str().to_owned()),
    };
    told.tell_news(Kind::CustomerChanged, told.updated_at(), Fact::Customer(fact));
    told.finish()
}

pub(super) fn receivable(mut told: Told<'_>, receivable: &Receivable) -> Telling {
    let fact = InvoiceFact {
        invoice_ref: receivable.ext_id.clone(),
        customer_ref: receivable.customer_ref.clone(),
        amount: told.document.amount,
        amount_paid: receivable.amount_paid,
        currency: told.document.currency.clone(),
        status: receivable.status.as_ref().map(|status| status.as_str().to_owned()),
    };
    let before = told.last(&[Kind::ReceivableChanged]).map(|event| event.fact.clone());
    if let Some(Fact::Invoice(before)) = &before
        && let (Some(old), Some(new)) = (&before.invoice_ref, &fact.invoice_ref)
        && old != new
    {
        let detail = format!("its invoice key changed from {old} to {new}; what was booked keeps {old}");
        told.trouble("invoice_rekeyed", detail);
    }
    told.tell_news(Kind::ReceivableChanged, told.updated_at(), Fact::Invoice(fact));
    let paid = is_paid(told.document.amount, receivable);
    match &receivable.status {
        Some(ReceivableStatus::Unknown(word)) => told.unknown("status", word),
        Some(ReceivableStatus::Cancelled) if was_open(&told, Kind::ReceivableCancelled, before.as_ref()) => {
            told.tell(Kind::ReceivableCancelled, told.updated_at(), Fact::Plain);
        }
        Some(ReceivableStatus::Cancelled) => {}
        _ if paid && was_open(&told, Kind::ReceivablePaid, before.as_ref()) => {
            let at = receivable
                .date_paid
                .and_then(|date| date.and_hms_opt(0, 0, 0))
                .map_or_else(|| told.updated_at(), |midnight| midnight.and_utc());
            told.tell(Kind::ReceivablePaid, at, Fact::Plain);
        }
        _ => {}
    }
    told.finish()
}

/// A partly paid receivable is still active, so its amounts decide where they are known.
fn is_paid(amount: Option<Amount>, receivable: &Receivable) -> bool {
    match (amount, receivable.amount_paid) {
        (Some(amount), Some(paid)) => paid >= amount && !amount.is_zero(),
        _ => receivable.status == Some(ReceivableStatus::Paid),
    }
}

/// Whether the state before this version was not `end` yet.
fn was_open(told: &Told<'_>, end: Kind, before: Option<&Fact>) -> bool {
    if told.last(&[end]).is_none() {
        return true;
    }
    match before {
        Some(Fact::Invoice(before)) => match end {
            Kind::ReceivablePaid => match (before.amount, before.amount_paid) {
                (Some(amount), Some(paid)) => paid < amount,
                _ => before.status.as_deref() != Some(ReceivableStatus::Paid.as_str()),
            },
            _ => before.status.as_deref() != Some(ReceivableStatus::Cancelled.as_str()),
        },
        _ => false,
    }
}

pub(super) fn credit_memo(mut told: Told<'_>, memo: &CreditMemo) -> Telling {
    let fact = MemoFact {
        memo_ref: memo.ext_id.clone(),
        customer_ref: memo.customer_ref.clone(),
        amount: told.document.amount,
        remaining: memo.amount_remaining,
        currency: told.document.currency.clone(),
        status: memo.status.as_ref().map(|status| status.as_str().to_owned()),
    };
    let was_cancelled = match told.last(&[Kind::CreditMemoChanged]).map(|event| &event.fact) {
        Some(Fact::Memo(before)) => before.status.as_deref() == Some(CreditMemoStatus::Cancelled.as_str()),
        _ => false,
    };
    told.tell_news(Kind::CreditMemoChanged, told.updated_at(), Fact::Memo(fact));
    match &memo.status {
        Some(CreditMemoStatus::Cancelled) if !was_cancelled => {
            told.tell(Kind::CreditMemoCancelled, told.updated_at(), Fact::Plain);
        }
        Some(CreditMemoStatus::Unknown(word)) => told.unknown("status", word),
        _ => {}
    }
    told.finish()
}
