//! Payments, their fees, refunds and disputes.

use crate::model::document::{
    Dispute, DisputeStatus, DisputeType, Facts, Fee, FeeSplit, FeeSplitType, FeeStatus, FeeType, Payment,
    PaymentStatus, Refund, RefundStatus, SourceType,
};
use crate::model::ids::SourceId;
use crate::normalize::Undecodable;
use crate::normalize::fields::Fields;
use crate::normalize::read::{Reading, either, own_fees, reading, settlement, subject};

pub(super) fn payment(fields: Fields<'_>) -> Result<Reading, Undecodable> {
    let payer = fields.inner("payer");
    let source = fields.inner("source");
    let payment = Payment {
        status: fields.word("status", PaymentStatus::parse)?,
        settlement: settlement(fields)?,
        customer_ref: payer.text("externalId")?,
        payer_id: either(fields.id("payerId"), || payer.id("id"))?,
        owner_id: fields.id("ownerId")?,
        account_key: fields.note("accountKey"),
        external_id: fields.text("externalId")?,
        source_type: fields.word("sourceType", SourceType::parse)?,
        source_id: either(fields.id("sourceId"), || source.id("id"))?,
        source_brand: source.note("brand"),
        source_bank_name: source.note("bankName"),
        // A longer text would not be the last four digits but a number to be kept away from every copy.
        source_last4: source.note("last4").filter(|last4| last4.chars().count() <= 4),
        posted_at: fields.instant("datePosted")?,
        paid_at: fields.instant("datePaid")?,
        failed_at: fields.instant("dateFailed")?,
        fee_split: fields.object("feeSplit")?.map(|split| fee_split(split)).transpose()?,
        fee_ids: fields.ids("fees")?,
        refund_ids: fields.ids("refunds")?,
        dispute_ids: fields.ids("disputes")?,
    };
    reading(fields, Facts::Payment(Box::new(payment)))
}

fn fee_split(split: Fields<'_>) -> Result<FeeSplit, Undecodable> {
    Ok(FeeSplit {
        split_type: split.word("feeSplitType", FeeSplitType::parse)?,
        fee_type: split.note("feeType"),
        currency: split.currency("currency")?,
        subtotal: split.amount("subtotal")?,
        payer_total_fees: split.amount("payerTotalFees")?,
        merchant_total_fees: split.amount("merchantTotalFees")?,
        payer_total: split.amount("payerTotal")?,
        payer_discount: either(split.amount("payerDiscount"), || split.amount("discount"))?,
    })
}

/// A fee that names nothing belongs to the object that it was found in.
pub(super) fn fee(fields: Fields<'_>, parent: Option<&SourceId>) -> Result<Reading, Undecodable> {
    let subject = subject(fields)?;
    let owner = parent.filter(|_| subject.resource_id.is_none());
    reading(
        fields,
        Facts::Fee(Fee {
            status: fields.word("status", FeeStatus::parse)?,
            fee_type: fields.word("feeType", FeeType::parse)?,
            resource_amount: fields.amount("resourceAmount")?,
            resource_type: subject.resource_type,
            resource_id: subject.resource_id.or_else(|| owner.cloned()),
            payment_id: subject.payment_id.or_else(|| owner.cloned()),
            payer_id: subject.payer_id,
        }),
    )
}

pub(super) fn refund(fields: Fields<'_>) -> Result<Reading, Undecodable> {
    let subject = subject(fields)?;
    reading(
        fields,
        Facts::Refund(Refund {
            status: fields.word("status", RefundStatus::parse)?,
            settlement: settlement(fields)?,
            payment_id: subject.payment_id,
            resource_type: subject.resource_type,
            resource_id: subject.resource_id,
            payer_id: subject.payer_id,
            customer_ref: subject.customer_ref,
            account_key: fields.note("accountKey"),
            fees_refunded: fields.flag("feesRefunded")?,
            fees: own_fees(fields)?,
            reason: fields.note("reason"),
            description: fields.note("description"),
        }),
    )
}

pub(super) fn dispute(fields: Fields<'_>) -> Result<Reading, Undecodable> {
    let subject = subject(fields)?;
    reading(
        fields,
        Facts::Dispute(Dispute {
            status: fields.word("status", DisputeStatus::parse)?,
            settlement: settlement(fields)?,
            payment_id: subject.payment_id,
            resource_type: subject.resource_type,
            resource_id: subject.resource_id,
            payer_id: subject.payer_id,
            customer_ref: subject.customer_ref,
            account_key: fields.note("accountKey"),
            dispute_type: fields.word("disputeType", DisputeType::parse)?,
            amount_won: fields.amount("amountWon")?,
            dispute_fee: fields.amount("disputeFee")?,
            fees: own_fees(fields)?,
            closed: fields.flag("closed")?,
            reason: fields.note("reason"),
        }),
    )
}
