//! Processing fees: a placeholder first, final on the same id, sometimes changed later.

use super::told::{Telling, Told};
use crate::model::document::{Fee, FeeType, SubjectType};
use crate::model::event::{Fact, FeeFact, Kind};

pub(super) fn fee(mut told: Told<'_>, fee: &Fee) -> Telling {
    match &fee.fee_type {
        None | Some(FeeType::Delayed) => {}
        Some(FeeType::Paystand) => finalized(&mut told, fee),
        Some(FeeType::Unknown(word)) => told.unknown("fee type", word),
    }
    told.finish()
}

fn finalized(told: &mut Told<'_>, fee: &Fee) {
    if let Some(status) = fee.status.as_ref().filter(|status| !status.is_known()) {
        told.unknown("status", status.as_str());
        return;
    }
    let dispute_id = match &fee.resource_type {
        Some(SubjectType::Payment) | None => None,
        Some(SubjectType::Dispute) => fee.resource_id.clone(),
        Some(other) => {
            let detail = format!("it belongs to a {other}; only fees of payments and disputes are booked");
            told.trouble("unknown_owner", detail);
            return;
        }
    };
    let Some(cost) = told.money() else { return };
    let fact = Fact::Fee(FeeFact { cost, payment_id: fee.payment_id.clone(), dispute_id });
    let kind = if told.last(&[Kind::FeeFinalized]).is_some() { Kind::FeeAdjusted } else { Kind::FeeFinalized };
    if told.last(&[Kind::FeeFinalized, Kind::FeeAdjusted]).is_none_or(|event| cost_of(&event.fact) != cost_of(&fact)) {
        told.tell(kind, told.updated_at(), fact);
    }
}

/// What a change is judged by: a link that turns up later is no change of the fee.
fn cost_of(fact: &Fact) -> Option<&crate::model::money::Money> {
    match fact {
        Fact::Fee(fee) => Some(&fee.cost),
        _ => None,
    }
}
