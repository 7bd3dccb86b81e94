//! Customers, receivables, their transactions, credit memos.

use crate::model::document::{
    CreditMemo, CreditMemoStatus, Customer, CustomerStatus, Facts, Receivable, ReceivableStatus, ReceivableTransaction,
    SubjectType, TransactionStatus,
};
use crate::model::ids::SourceId;
use crate::normalize::Undecodable;
use crate::normalize::fields::Fields;
use crate::normalize::read::{Reading, either, reading};

pub(super) fn customer(fields: Fields<'_>) -> Result<Reading, Undecodable> {
    let payer = fields.inner("payer");
    reading(
        fields,
        Facts::Customer(Customer {
            status: fields.word("status", CustomerStatus::parse)?,
            customer_ref: either(fields.text("extCustomerId"), || payer.text("externalId"))?,
            payer_id: either(payer.id("id"), || fields.id("payerId"))?,
            name: fields.note("customerName").or_else(|| fields.note("name")).or_else(|| payer.note("name")),
            email: fields.note("email").or_else(|| payer.note("email")),
            contact_first_name: fields.note("contactFirstName"),
            contact_last_name: fields.note("contactLastName"),
        }),
    )
}

/// Both read shapes: the older one has neither a customer nor a posting date, and month-first dates.
pub(super) fn receivable(fields: Fields<'_>) -> Result<Reading, Undecodable> {
    reading(
        fields,
        Facts::Receivable(Receivable {
            status: fields.word("status", ReceivableStatus::parse)?,
            ext_id: fields.text("extId")?,
            customer_ref: fields.text("extCustomerId")?,
            payer_customer_id: fields.id("payerCustomerId")?,
            amount_paid: fields.amount("amountPaid")?,
            payer_email: fields.note("payerEmail"),
            date_posted: fields.date("date")?,
            date_due: fields.date("dateDue")?,
            date_paid: fields.date("datePaid")?,
        }),
    )
}

/// The amount is `amountApplied`, the part of the invoice, hence in the currency of the receivable.
pub(super) fn receivable_transaction(fields: Fields<'_>, parent: Option<&SourceId>) -> Result<Reading, Undecodable> {
    let receivable = fields.inner("receivable");
    let payment = fields.inner("payment");
    let payment_currency = payment.currency("currency")?;
    let currency = either(fields.currency("currency"), || receivable.currency("currency"))?;
    let receivable_id = either(fields.id("receivableId"), || receivable.id("id"))?;
    Ok(Reading {
        amount: fields.amount("amountApplied")?,
        currency: currency.or_else(|| payment_currency.clone()),
        facts: Facts::ReceivableTransaction(ReceivableTransaction {
            status: fields.word("status", TransactionStatus::parse)?,
            receivable_id: receivable_id.or_else(|| parent.cloned()),
            payment_id: either(fields.id("paymentId"), || payment.id("id"))?,
            resource_type: fields.word("resourceType", SubjectType::parse)?,
            resource_id: fields.id("resourceId")?,
            payment_origin: fields.note("paymentOrigin"),
            receivable_ext_id: receivable.text("extId")?,
            customer_ref: receivable.text("extCustomerId")?,
            payer_customer_id: receivable.id("payerCustomerId")?,
            payment_currency,
        }),
    })
}

pub(super) fn credit_memo(fields: Fields<'_>) -> Result<Reading, Undecodable> {
    reading(
        fields,
        Facts::CreditMemo(CreditMemo {
            status: fields.word("status", CreditMemoStatus::parse)?,
            ext_id: fields.text("extId")?,
            ext_key: fields.text("extKey")?,
            customer_ref: fields.text("extCustomerId")?,
            payer_customer_id: fields.id("payerCustomerId")?,
            amount_remaining: fields.amount("amountRemaining")?,
            date_created: fields.date("extCreationDate")?,
            date_posted: fields.date("extPostedDate")?,
        }),
    )
}
