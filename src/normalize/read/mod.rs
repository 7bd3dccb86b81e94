//! One body of one resource → its document. One file per group of resources; field names as in the Paystand X docs.

mod invoicing;
mod payins;
mod payouts;

use crate::model::document::{Document, Facts, FeeType, OwnFee, Settlement, SubjectType};

use crate::model::ids::SourceId;
use crate::model::money::{Amount, Currency};
use crate::model::resource::Resource;
use crate::normalize::Undecodable;
use crate::normalize::fields::Fields;

/// What a resource gives to its document.
struct Reading {
    amount: Option<Amount>,
    currency: Option<Currency>,
    facts: Facts,
}

pub(super) fn document(
    resource: Resource,
    id: &SourceId,
    parent: Option<&SourceId>,
    fields: Fields<'_>,
) -> Result<Document, Undecodable> {
    let reading = match resource {
        Resource::Customers => invoicing::customer(fields),
        Resource::Receivables => invoicing::receivable(fields),
        Resource::ReceivableTransactions => invoicing::receivable_transaction(fields, parent),
        Resource::CreditMemos => invoicing::credit_memo(fields),
        Resource::Payments => payins::payment(fields),
        Resource::Fees => payins::fee(fields, parent),
        Resource::Refunds => payins::refund(fields),
        Resource::Disputes => payins::dispute(fields),
        Resource::Transfers => payouts::transfer(fields),
        Resource::TransferEntries => payouts::transfer_entry(fields, parent),
        Resource::Withdrawals => payouts::withdrawal(fields),
    }?;
    Ok(Document {
        id: id.clone(),
        amount: reading.amount,
        currency: reading.currency,
        created_at: fields.instant("created")?,
        updated_at: fields.instant("lastUpdated")?,
        facts: reading.facts,
    })
}

/// `amount` and `currency`, where they mean what they say.
fn reading(fields: Fields<'_>, facts: Facts) -> Result<Reading, Undecodable> {
    Ok(Reading { amount: fields.amount("amount")?, currency: fields.currency("currency")?, facts })
}

/// The first of several places that says something.
fn either<T>(
    first: Result<Option<T>, Undecodable>,
    second: impl FnOnce() -> Result<Option<T>, Undecodable>,
) -> Result<Option<T>, Undecodable> {
    first?.map_or_else(second, |found| Ok(Some(found)))
}

fn settlement(fields: Fields<'_>) -> Result<Settlement, Undecodable> {
    Ok(Settlement { amount: fields.amount("settlementAmount")?, currency: fields.currency("settlementCurrency")? })
}

/// What `resourceType`/`resourceId` name, or the embedded `resource` where only that is sent.
struct Subject {
    resource_type: Option<SubjectType>,
    resource_id: Option<SourceId>,
    payment_id: Option<SourceId>,
    payer_id: Option<SourceId>,
    customer_ref: Option<String>,
}

fn subject(fields: Fields<'_>) -> Result<Subject, Undecodable> {
    let resource = fields.inner("resource");
    let resource_type =
        either(fields.word("resourceType", SubjectType::parse), || resource.word("object", SubjectType::parse))?;
    let resource_id = either(fields.id("resourceId"), || resource.id("id"))?;
    let payment_id = either(fields.id("paymentId"), || match &resource_type {
        Some(SubjectType::Payment) | None => Ok(resource_id.clone()),
        Some(
            SubjectType::Receivable
            | SubjectType::Refund
            | SubjectType::Dispute
            | SubjectType::Fee
            | SubjectType::Withdrawal
            | SubjectType::Transfer
            | SubjectType::Adjustment
            | SubjectType::Unknown(_),
        ) => resource.id("paymentId"),
    })?;
    Ok(Subject {
        resource_type,
        resource_id,
        payment_id,
        payer_id: either(resource.id("payerId"), || resource.inner("payer").id("id"))?,
        customer_ref: resource.inner("payer").text("externalId")?,
    })
}

/// The fees inside a refund or a dispute.
fn own_fees(fields: Fields<'_>) -> Result<Option<Vec<OwnFee>>, Undecodable> {
    let Some(list) = fields.list("fees")? else { return Ok(None) };
    let own_fee = |fee: Fields<'_>| {
        Ok(OwnFee {
            id: fee.id("id")?,
            fee_type: fee.word("feeType", FeeType::parse)?,
            amount: fee.amount("amount")?,
            currency: fee.currency("currency")?,
        })
    };
    let in_fees = |error: Undecodable| Undecodable { field: "fees", reason: error.to_string() };
    list.iter()
        .filter_map(serde_json::Value::as_object)
        .map(|fee| own_fee(Fields::of(fee)).map_err(in_fees))
        .collect::<Result<_, _>>()
        .map(Some)
}
