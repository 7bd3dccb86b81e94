//! Refunds: only `paid` moves money; `reversed` and `failed` take it back.

use super::payments::settlement;
use super::told::{Telling, Told};
use crate::model::document::{Refund, RefundStatus};
use crate::model::event::{Fact, FeeReturn, Kind, Reversal};
use crate::model::money::Money;

const LIFE: [Kind; 3] = [Kind::RefundPaid, Kind::RefundReversed, Kind::RefundFailed];

pub(super) fn refund(mut told: Told<'_>, refund: &Refund) -> Telling {
    match &refund.status {
        None | Some(RefundStatus::Created | RefundStatus::Processing | RefundStatus::Posted) => {}
        Some(RefundStatus::Paid) => paid(&mut told, refund),
        Some(RefundStatus::Reversed) => {
            // What is reversed had been paid, whether that was seen or not.
            if told.last(&LIFE).is_none() {
                paid(&mut told, refund);
            }
            ended(&mut told, Kind::RefundReversed);
        }
        Some(RefundStatus::Failed) => ended(&mut told, Kind::RefundFailed),
        Some(RefundStatus::Unknown(word)) => told.unknown("status", word),
    }
    told.finish()
}

fn ended(told: &mut Told<'_>, kind: Kind) {
    if !told.stands(kind, &LIFE) {
        told.tell(kind, told.updated_at(), Fact::Plain);
    }
}

fn paid(told: &mut Told<'_>, refund: &Refund) {
    let Some(money) = told.money() else { return };
    let before = told.settled_before(Kind::RefundPaid, &money);
    let Some(settlement) = settlement(told, &money, &refund.settlement, before.as_ref()) else { return };
    let reversal = Reversal {
        money,
        settlement,
        payment_id: refund.payment_id.clone(),
        customer_ref: refund.customer_ref.clone(),
        account_key: refund.account_key.clone(),
    };
    let stands = match told.last(&LIFE).map(|event| (event.kind, &event.fact)) {
        Some((Kind::RefundPaid, Fact::Refund(before))) => {
            (&before.money, &before.settlement) == (&reversal.money, &reversal.settlement)
        }
        _ => false,
    };
    if !stands {
        told.tell(Kind::RefundPaid, told.updated_at(), Fact::Refund(reversal));
    }
    returned_fees(told, refund);
}

/// Fees that came back with this payment of the refund. They are named, never computed.
fn returned_fees(told: &mut Told<'_>, refund: &Refund) {
    if refund.fees_refunded == Some(false) {
        return;
    }
    for fee in refund.fees.iter().flatten() {
        let Some(amount) = fee.amount.filter(|amount| !amount.is_zero()) else { continue };
        let Some(currency) = fee.currency.clone().or_else(|| told.document.currency.clone()) else { continue };
        let fee = FeeReturn {
            returned: Money { amount: amount.abs(), currency },
            payment_id: refund.payment_id.clone(),
            refund_id: Some(told.document.id.clone()),
            fee_id: fee.id.clone(),
        };
        if !is_returned(told, &fee) {
            told.tell(Kind::FeeRefunded, told.updated_at(), Fact::FeeReturn(fee));
        }
    }
}

/// Whether this was the last word on the fee since the refund was paid. Of fees without an id only the amounts can be compared.
fn is_returned(told: &Told<'_>, fee: &FeeReturn) -> bool {
    let since =
        told.events().rev().take_while(|event| !matches!(event.kind, Kind::RefundReversed | Kind::RefundFailed));
    let mut same_fee = since.filter_map(|event| match &event.fact {
        Fact::FeeReturn(before) if before.fee_id == fee.fee_id => Some(&before.returned),
        _ => None,
    });
    if fee.fee_id.is_some() {
        same_fee.next() == Some(&fee.returned)
    } else {
        same_fee.any(|returned| *returned == fee.returned)
    }
}
