//! Disputes: money leaves when one opens, comes back when it is won or fails; the fee stays whatever happens.

use super::payments::settlement;
use super::told::{Telling, Told};
use crate::model::document::{Dispute, DisputeStatus};
use crate::model::event::{DisputeFee, DisputeOutcome, Fact, Kind, Reversal};
use crate::model::ids::SourceId;
use crate::model::money::Money;

const LIFE: [Kind; 2] = [Kind::DisputeOpened, Kind::DisputeFailed];
const ENDS: [Kind; 4] = [Kind::DisputeOpened, Kind::DisputeFailed, Kind::DisputeWon, Kind::DisputeLost];

pub(super) fn dispute(mut told: Told<'_>, dispute: &Dispute) -> Telling {
    match &dispute.status {
        None => return told.finish(),
        Some(DisputeStatus::Unknown(word)) => {
            told.unknown("status", word);
            return told.finish();
        }
        Some(
            DisputeStatus::Created
            | DisputeStatus::Processing
            | DisputeStatus::Active
            | DisputeStatus::AcceptingEvidence
            | DisputeStatus::UnderReview,
        ) => {
            opened(&mut told, dispute);
        }
        Some(DisputeStatus::Won) => won(&mut told, dispute),
        Some(DisputeStatus::Lost) => lost(&mut told, dispute),
        Some(DisputeStatus::Failed) => {
            // What fails had been opened, whether that was seen or not.
            if told.last(&LIFE).is_none() {
                opened(&mut told, dispute);
            }
            if told.stands(Kind::DisputeOpened, &LIFE) {
                told.tell(Kind::DisputeFailed, told.updated_at(), Fact::Plain);
            }
        }
    }
    own_fee(&mut told, dispute);
    told.finish()
}

/// Tells the opening, or another amount of it; what is in dispute.
fn opened(told: &mut Told<'_>, dispute: &Dispute) -> Option<Reversal> {
    let money = told.money()?;
    let before = told.settled_before(Kind::DisputeOpened, &money);
    let settlement = settlement(told, &money, &dispute.settlement, before.as_ref())?;
    let opening = Reversal {
        money,
        settlement,
        payment_id: dispute.payment_id.clone(),
        customer_ref: dispute.customer_ref.clone(),
        account_key: dispute.account_key.clone(),
    };
    let is_told = match told.last(&LIFE).map(|event| (event.kind, &event.fact)) {
        Some((Kind::DisputeOpened, Fact::Dispute(before))) => {
            (&before.money, &before.settlement) == (&opening.money, &opening.settlement)
        }
        _ => false,
    };
    if !is_told {
        let at = if told.last(&LIFE).is_none() { told.created_at() } else { told.updated_at() };
        told.tell(Kind::DisputeOpened, at, Fact::Dispute(opening.clone()));
    }
    Some(opening)
}

fn won(told: &mut Told<'_>, dispute: &Dispute) {
    let Some(opening) = opened(told, dispute) else { return };
    let Some(amount) = dispute.amount_won.filter(|amount| !amount.is_zero()) else {
        told.trouble("won_without_amount", "it is won, and how much comes back is not said".to_owned());
        return;
    };
    if amount > opening.money.amount {
        let detail = format!("{amount} is won of {} in dispute", opening.money.amount);
        told.trouble("amount_mismatch", detail);
        return;
    }
    if opening.settlement.is_some() && amount != opening.money.amount {
        let detail = "it is partly won in a foreign currency: what comes back in the settlement currency is not said";
        told.trouble("missing_settlement", detail.to_owned());
        return;
    }
    decided(told, Kind::DisputeWon, DisputeOutcome { dispute: opening, won: Some(amount) });
}

fn lost(told: &mut Told<'_>, dispute: &Dispute) {
    if let Some(opening) = opened(told, dispute) {
        decided(told, Kind::DisputeLost, DisputeOutcome { dispute: opening, won: None });
    }
}

fn decided(told: &mut Told<'_>, kind: Kind, outcome: DisputeOutcome) {
    let sums = |it: &DisputeOutcome| (it.dispute.money.clone(), it.dispute.settlement.clone(), it.won);
    let is_told = match told.last(&ENDS).map(|event| (event.kind, &event.fact)) {
        Some((last, Fact::Outcome(before))) => last == kind && sums(before) == sums(&outcome),
        _ => false,
    };
    if !is_told {
        told.tell(kind, told.updated_at(), Fact::Outcome(outcome));
    }
}

/// One fee per dispute, whichever field speaks of it first; another amount is for a person.
fn own_fee(told: &mut Told<'_>, dispute: &Dispute) {
    let listed = dispute.fees.iter().flatten().find(|fee| fee.amount.is_some_and(|amount| !amount.is_zero()));
    let own = dispute.dispute_fee.filter(|fee| !fee.is_zero());
    // A fee in the list may be in the currency that the merchant's account is kept in.
    let currency = listed.filter(|_| own.is_none()).and_then(|fee| fee.currency.clone());
    let currency = currency.or_else(|| told.document.currency.clone());
    let (Some(amount), Some(currency)) = (own.or_else(|| listed?.amount), currency) else { return };
    let cost = Money { amount: amount.abs(), currency };
    let listed_differs = listed.and_then(|fee| fee.amount).is_some_and(|listed| listed.abs() != cost.amount);
    let told_cost = match told.last(&[Kind::DisputeFee]).map(|event| &event.fact) {
        Some(Fact::DisputeFee(before)) => Some(before.cost.clone()),
        _ => None,
    };
    if listed_differs || told_cost.as_ref().is_some_and(|before| *before != cost) {
        let detail = format!("its fee is {} here and another amount elsewhere", cost.amount);
        told.trouble("fee_mismatch", detail);
    } else if told_cost.is_none() {
        let fee_id: Option<SourceId> = listed.and_then(|fee| fee.id.clone());
        let at = told.created_at();
        told.tell(
            Kind::DisputeFee,
            at,
            Fact::DisputeFee(DisputeFee { cost, payment_id: dispute.payment_id.clone(), fee_id }),
        );
    }
}
