//! Payments and their applications to invoices.

use super::told::{Telling, Told};
use crate::model::document::{FeeSplit, Payment, PaymentStatus, ReceivableTransaction, Settlement, SubjectType};
use crate::model::event::{Application, Charge, Fact, Kind};
use crate::model::money::Money;

const CHARGES: [Kind; 2] = [Kind::PaymentPosted, Kind::PaymentAmended];
const LIFE: [Kind; 2] = [Kind::PaymentPosted, Kind::PaymentFailed];

pub(super) fn payment(mut told: Told<'_>, payment: &Payment) -> Telling {
    match &payment.status {
        None | Some(PaymentStatus::Created | PaymentStatus::Processing) => {}
        Some(PaymentStatus::Posted) => captured(&mut told, payment),
        Some(PaymentStatus::Paid) => {
            captured(&mut told, payment);
            let lately = [Kind::PaymentPosted, Kind::PaymentPaid, Kind::PaymentFailed];
            if told.stands(Kind::PaymentPosted, &lately) {
                let at = payment.paid_at.unwrap_or_else(|| told.updated_at());
                told.tell(Kind::PaymentPaid, at, Fact::Plain);
            }
        }
        Some(PaymentStatus::Failed) => failed(&mut told, payment),
        Some(PaymentStatus::Unknown(word)) => told.unknown("status", word),
    }
    told.finish()
}

/// The money counts: the charge is told, or what became known of it since.
fn captured(told: &mut Told<'_>, payment: &Payment) {
    let is_live = told.stands(Kind::PaymentPosted, &LIFE);
    let before = told.last(&CHARGES).map(|event| event.fact.clone());
    let before = match before {
        Some(Fact::Charge(charge)) => Some(*charge),
        _ => None,
    };
    let Some(charge) = charge(told, payment, before.as_ref()) else { return };
    if !is_live {
        let at = payment.posted_at.unwrap_or_else(|| told.created_at());
        told.tell(Kind::PaymentPosted, at, Fact::Charge(Box::new(charge)));
    } else if before.as_ref() != Some(&charge) {
        told.tell(Kind::PaymentAmended, told.updated_at(), Fact::Charge(Box::new(charge)));
    }
}

fn failed(told: &mut Told<'_>, payment: &Payment) {
    if told.stands(Kind::PaymentFailed, &LIFE) {
        return;
    }
    if told.stands(Kind::PaymentPosted, &LIFE) {
        let detail = "it failed after it had posted; its entries and applications are taken back".to_owned();
        told.trouble("failed_after_posting", detail);
    }
    let at = payment.failed_at.unwrap_or_else(|| told.updated_at());
    told.tell(Kind::PaymentFailed, at, Fact::Plain);
}

/// The charge as this version and what was said before tell it.
fn charge(told: &mut Told<'_>, payment: &Payment, before: Option<&Charge>) -> Option<Charge> {
    let gross = told.money()?;
    let before = before.filter(|before| before.gross == gross);
    if let Some(split) = &payment.fee_split
        && split.payer_total.is_some_and(|total| total != gross.amount)
    {
        let total = split.payer_total.map(|total| total.to_string()).unwrap_or_default();
        let detail = format!("its amount is {} and its fee split adds up to {total}", gross.amount);
        told.trouble("amount_mismatch", detail);
        return None;
    }
    let settled_before = before.and_then(|before| before.settlement.as_ref());
    let settlement = settlement(told, &gross, &payment.settlement, settled_before)?;
    let (convenience_fee, discount) = match &payment.fee_split {
        Some(FeeSplit { payer_total_fees, payer_discount, .. }) => (
            payer_total_fees.or_else(|| before?.convenience_fee).filter(|fee| !fee.is_zero()),
            payer_discount.or_else(|| before?.discount).filter(|discount| !discount.is_zero()),
        ),
        None => (before.and_then(|before| before.convenience_fee), before.and_then(|before| before.discount)),
    };
    let customer_ref = payment.customer_ref.clone().or_else(|| before?.customer_ref.clone());
    let account_key = payment.account_key.clone().or_else(|| before?.account_key.clone());
    Some(Charge { gross, settlement, convenience_fee, discount, customer_ref, account_key })
}

/// What the merchant's account receives, where that is another currency; `None` where it is and the amount is not said. Where
/// nothing is said, what was said `before` of the same money holds.
#[expect(clippy::option_option, reason = "no settlement and one that must be waited for are different answers")]
pub(super) fn settlement(
    told: &mut Told<'_>,
    money: &Money,
    settlement: &Settlement,
    before: Option<&Money>,
) -> Option<Option<Money>> {
    match (&settlement.currency, settlement.amount) {
        (None, _) => Some(before.cloned()),
        (Some(currency), _) if *currency == money.currency => Some(None),
        (Some(currency), Some(amount)) => Some(Some(Money { amount, currency: currency.clone() })),
        (Some(currency), None) => {
            let detail = format!("it is in {} and settles in {currency}, without a settlement amount", money.currency);
            told.trouble("missing_settlement", detail);
            None
        }
    }
}

/// A row among the transactions of a receivable. Its sign is not documented: the type tells the direction.
pub(super) fn application(mut told: Told<'_>, row: &ReceivableTransaction) -> Telling {
    let (kind, refund_id) = match &row.resource_type {
        Some(SubjectType::Payment) | None => (Kind::PaymentApplied, None),
        Some(SubjectType::Refund) => (Kind::RefundApplied, row.resource_id.clone()),
        // Disputes do not touch invoices; other types are not documented and move nothing.
        Some(_) => return told.finish(),
    };
    if let Some(status) = row.status.as_ref().filter(|status| !status.is_known()) {
        told.unknown("status", status.as_str());
        return told.finish();
    }
    let Some(money) = told.money() else { return told.finish() };
    if let Some(currency) = row.payment_currency.as_ref().filter(|currency| **currency != money.currency) {
        let detail = format!("an invoice in {} and a payment in {currency}", money.currency);
        told.trouble("currency_mismatch", detail);
        return told.finish();
    }
    let payment_id = row.payment_id.clone().or_else(|| refund_id.is_none().then(|| row.resource_id.clone()).flatten());
    let application = Application {
        applied: Money { amount: money.amount.abs(), currency: money.currency },
        payment_id,
        refund_id,
        receivable_id: row.receivable_id.clone(),
        invoice_ref: row.receivable_ext_id.clone(),
        customer_ref: row.customer_ref.clone(),
    };
    if !says_the_same(&told, kind, &application) {
        let at = told.created_at();
        told.tell(kind, at, Fact::Application(application));
    }
    told.finish()
}

/// The invoice key is the one of the first telling: a receivable that is re-keyed moves no money.
fn says_the_same(told: &Told<'_>, kind: Kind, new: &Application) -> bool {
    let Some(Fact::Application(old)) = told.last(&[kind]).map(|event| &event.fact) else { return false };
    let money =
        |it: &Application| (it.applied.clone(), it.payment_id.clone(), it.refund_id.clone(), it.receivable_id.clone());
    money(old) == money(new)
}
