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
        if let Some(before) = self.costs.insert(event.id.clone(), fee.cost.clone())
            && before.currency == fee.cost.currency
        {
            let less = before.amount.decimal() - fee.cost.amount.decimal();
            if less > Decimal::ZERO {
                // A fee that becomes smaller and a report that gives the difference back tell one thing.
                let returned = Money { amount: Amount::from(less), currency: before.currency };
                self.record_told_return(returned, event);
            }
        }
        let links = Links { payment_id: fee.payment_id.clone(), fee_id: Some(event.id.clone()), ..Links::default() };
        let others = vec![(Role::ProcessingFeeExpense, fee.cost.amount.decimal())];
        let parts = through_clearing(-Decimal::ONE, &fee.cost, None, &links, others);
        self.book(Slot::Fee(event.id.clone()), event, parts);
        self.settle_reports(event);
    }

    fn returned(&mut self, event: &Event, fee: &FeeReturn) {
        let Some(refund) = &fee.refund_id else {
            self.settle_reports(event);
            return;
        };
        let name = fee.fee_id.as_ref().map_or_else(|| event.key.clone(), |id| id.as_str().to_owned());
        let links = Links {
            payment_id: fee.payment_id.clone(),
            fee_id: fee.fee_id.clone(),
            refund_id: Some(refund.clone()),
            ..Links::default()
        };
        let others = vec![(Role::ProcessingFeeExpense, -fee.returned.amount.decimal())];
        let parts = through_clearing(Decimal::ONE, &fee.returned, None, &links, others);
        self.book(Slot::FeeReturn(refund.clone(), name), event, parts);
        self.record_told_return(fee.returned.clone(), event);
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
            let is_dispute = self.disputes.contains(named) || self.dispute_fees.contains_key(named);
            if is_dispute {
                return self.name_dispute_fee(event, named, &share, None, troubles);
            }
            self.fee_charged(event, line, share);
            return Vec::new();
        }
        if amount.is_zero() {
            return Vec::new();
        }
        self.fee_returned(event, line, share).into_iter().collect()
    }
}
