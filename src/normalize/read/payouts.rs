//! Withdrawals, transfers and the entries of their reports.

use crate::model::document::{Facts, SubjectType, Transfer, TransferEntry, TransferStatus, Withdrawal};
use crate::model::ids::SourceId;
use crate::normalize::Undecodable;
use crate::normalize::fields::Fields;
use crate::normalize::read::{Reading, either, reading};

pub(super) fn transfer(fields: Fields<'_>) -> Result<Reading, Undecodable> {
    let resource_type = fields.word("resourceType", SubjectType::parse)?;
    let resource_id = fields.id("resourceId")?;
    // Transfers come out of withdrawals and nothing else, so only another word there means another thing.
    let is_withdrawal = resource_type.as_ref().is_none_or(|kind| *kind == SubjectType::Withdrawal);
    reading(
        fields,
        Facts::Transfer(Transfer {
            status: fields.word("status", TransferStatus::parse)?,
            withdrawal_id: resource_id.clone().filter(|_| is_withdrawal),
            resource_type,
            resource_id,
            bank_id: bank_id(fields)?,
            account_key: fields.note("accountKey"),
            provider: fields.note("provider"),
            description: fields.note("description"),
            reason: fields.note("reason"),
            to_post_at: fields.instant("dateToPost")?,
            posted_at: fields.instant("datePosted")?,
            settled_at: fields.instant("dateSettled")?,
            failed_at: fields.instant("dateFailed")?,
        }),
    )
}

pub(super) fn transfer_entry(fields: Fields<'_>, parent: Option<&SourceId>) -> Result<Reading, Undecodable> {
    let resource_type = fields.word("resourceType", SubjectType::parse)?;
    let resource_id = fields.id("resourceId")?;
    let own_payment = resource_id.clone().filter(|_| resource_type == Some(SubjectType::Payment));
    Ok(Reading {
        amount: fields.amount("transferAmount")?,
        currency: fields.currency("currency")?,
        facts: Facts::TransferEntry(TransferEntry {
            status: fields.text("status")?,
            transfer_id: fields.id("transferId")?.or_else(|| parent.cloned()),
            payment_id: either(fields.id("paymentId"), || Ok(own_payment))?,
            resource_type,
            resource_id,
            resource_status: fields.text("resourceStatus")?,
            payer_name: fields.note("payerName"),
            description: fields.note("resourceDescription").or_else(|| fields.note("description")),
        }),
    })
}

pub(super) fn withdrawal(fields: Fields<'_>) -> Result<Reading, Undecodable> {
    reading(
        fields,
        Facts::Withdrawal(Withdrawal {
            status: fields.word("status", TransferStatus::parse)?,
            transfer_ids: fields.ids("transfers")?,
            bank_id: bank_id(fields)?,
            account_key: fields.note("accountKey"),
            description: fields.note("description"),
            has_transactions: fields.flag("hasTransactions")?,
            to_post_at: fields.instant("dateToPost")?,
        }),
    )
}

fn bank_id(fields: Fields<'_>) -> Result<Option<SourceId>, Undecodable> {
    either(fields.id("bankId"), || fields.inner("bank").id("id"))
}
