//! Processing fees, fees that come back, fees of disputes. Each may be told by several sources and is booked once.

use rust_decimal::Decimal;

use super::account::Account;
use super::currency::through_clearing;
use super::slot::Slot;
use crate::events::Trouble;
use crate::model::document::SubjectType;
use crate::model::event::{DisputeFee, Event, Fact, FeeFact, FeeReturn, Kind, ReportLine};
use crate::model::ids::SourceId;
use crate::model::journal::{Links, Role};
use crate::model::money::{Amount, Money};
use crate::model::resource::Resource;

/// Who spoke of a fee that came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    /// The refund's own list, or the fee itself by becoming smaller.
    Record,
    /// A line of a report.
    Report,
}

/// A fee that came back, told by one of two sources and waiting for the other to confirm it.
#[derive(Debug)]
struct Move {
    returned: Money,
    source: Source,
    slot: Option<Slot>,
}

/// What is known of the fees of one account.
#[derive(Debug, Default)]
pub(super) struct FeeMoves {
    costs: Vec<(SourceId, Money)>,
    unconfirmed: Vec<Move>,
}

impl FeeMoves {
    /// The move that `source` has not spoken of yet.
    fn confirm(&mut self, returned: &Money, source: Source) -> Option<Move> {
        let place = self.unconfirmed.iter().position(|it| it.source != source && it.returned == *returned)?;
        Some(self.unconfirmed.remove(place))
    }
}

impl Account {
    /// Takes an event about a fee; returns the events that follow from it.
    pub(super) fn take_fee(&mut self, event: &Event, troubles: &mut Vec<Trouble>) -> Vec<Event> {
        match &event.fact {
            Fact::Fee(FeeFact { dispute_id: Some(dispute), cost, payment_id }) => {
                self.name_dispute_fee(event, dispute, cost, payment_id.as_ref(), troubles)
            }
            Fact::Fee(fee) => {
                self.cost(event, fee);
                Vec::new()
            }
            Fact::FeeReturn(fee) => {
                self.returned(event, fee);
                Vec::new()
            }
            Fact::DisputeFee(fee) => {
                self.dispute_fee(event, fee);
                Vec::new()
            }
            Fact::ReportLine(line) => self.reported(event, line, troubles),
            _ => Vec::new(),
        }
    }

    fn cost(&mut self, event: &Event, fee: &FeeFact) {
        let before = self.fees.costs.iter().position(|(id, _)| *id == event.id).map(|at| self.fees.costs.remove(at).1);
        if let Some(before) = before.filter(|before| before.currency == fee.cost.currency) {
            let less = before.amount.decimal() - fee.cost.amount.decimal();
            if less > Decimal::ZERO {
                self.shrunk(event, Money { amount: Amount::from(less), currency: before.currency });
            }
        }
        self.fees.costs.push((event.id.clone(), fee.cost.clone()));
        let links = Links { payment_id: fee.payment_id.clone(), fee_id: Some(event.id.clone()), ..Links::default() };
        let others = vec![(Role::ProcessingFeeExpense, fee.cost.amount.decimal())];
        let parts = through_clearing(-Decimal::ONE, &fee.cost, None, &links, others);
        self.book(Slot::Fee(event.id.clone()), event, parts);
    }

    /// A fee that becomes smaller and a report that gives the difference back tell one thing.
    fn shrunk(&mut self, event: &Event, returned: Money) {
        match self.fees.confirm(&returned, Source::Record) {
            Some(Move { slot: Some(slot), .. }) => self.reverse(&slot, event),
            Some(_) => {}
            None => self.fees.unconfirmed.push(Move { returned, source: Source::Record, slot: None }),
        }
    }

    fn returned(&mut self, event: &Event, fee: &FeeReturn) {
        let source = if fee.refund_id.is_some() { Source::Record } else { Source::Report };
        if self.fees.confirm(&fee.returned, source).is_some() {
            return;
        }
        let teller = fee.refund_id.clone().unwrap_or_else(|| event.id.clone());
        let name = fee.fee_id.as_ref().map_or_else(|| event.key.clone(), |id| id.as_str().to_owned());
        let slot = Slot::FeeReturn(teller, name);
        self.fees.unconfirmed.push(Move { returned: fee.returned.clone(), source, slot: Some(slot.clone()) });
        let links = Links {
            payment_id: fee.payment_id.clone(),
            fee_id: fee.fee_id.clone(),
            refund_id: fee.refund_id.clone(),
            ..Links::default()
        };
        let others = vec![(Role::ProcessingFeeExpense, -fee.returned.amount.decimal())];
        let parts = through_clearing(Decimal::ONE, &fee.returned, None, &links, others);
        self.book(slot, event, parts);
    }

    fn dispute_fee(&mut self, event: &Event, fee: &DisputeFee) {
        self.dispute_fees.insert(event.id.clone(), fee.cost.clone());
        let links = Links {
            payment_id: fee.payment_id.clone(),
            fee_id: fee.fee_id.clone(),
            dispute_id: Some(event.id.clone()),
            ..Links::default()
        };
        let others = vec![(Role::DisputeFees, fee.cost.amount.decimal())];
        let parts = through_clearing(-Decimal::ONE, &fee.cost, None, &links, others);
        self.book(Slot::DisputeFee(event.id.clone()), event, parts);
    }

    /// Somebody else than the dispute itself speaks of its fee.
    fn name_dispute_fee(
        &self,
        event: &Event,
        dispute: &SourceId,
        cost: &Money,
        payment_id: Option<&SourceId>,
        troubles: &mut Vec<Trouble>,
    ) -> Vec<Event> {
        match self.dispute_fees.get(dispute) {
            Some(known) if known == cost => Vec::new(),
            Some(known) => {
                let detail = format!("its fee is {} here and {} elsewhere", cost.amount, known.amount);
                troubles.push(Trouble {
                    class: "fee_mismatch",
                    resource: Resource::Disputes,
                    id: dispute.clone(),
                    detail,
                });
                Vec::new()
            }
            None => {
                let fee_id = (event.resource == Resource::Fees).then(|| event.id.clone());
                let fact = DisputeFee { cost: cost.clone(), payment_id: payment_id.cloned(), fee_id };
                let record = (Resource::Disputes, dispute);
                vec![Event::nth(1, Kind::DisputeFee, record, event.occurred_at, Fact::DisputeFee(fact))]
            }
        }
    }

    /// A line of a report: it settles what records told, and tells what only it knows.
    fn reported(&mut self, event: &Event, line: &ReportLine, troubles: &mut Vec<Trouble>) -> Vec<Event> {
        let (Some(SubjectType::Fee), Some(named)) = (line.kind(), &line.named_id) else { return Vec::new() };
        let amount = line.share.amount.decimal();
        let share = Money { amount: line.share.amount.abs(), currency: line.share.currency.clone() };
        if amount < Decimal::ZERO {
            let is_dispute = self.ledger.stands(&Slot::Dispute(named.clone())) || self.dispute_fees.contains_key(named);
            return if is_dispute { self.name_dispute_fee(event, named, &share, None, troubles) } else { Vec::new() };
        }
        if amount.is_zero() || self.fees.confirm(&share, Source::Report).is_some() {
            return Vec::new();
        }
        let payment_id = None;
        let fact = FeeReturn { returned: share, payment_id, refund_id: None, fee_id: Some(named.clone()) };
        let record = (Resource::TransferEntries, &event.id);
        vec![Event::nth(1, Kind::FeeRefunded, record, event.occurred_at, Fact::FeeReturn(fact))]
    }
}
