//! What only reports of transfers tell: adjustments that no record explains, and returned fees that no record names.
//!
//! The items of a transfer that failed come again in the report of a later one. So lines with the same name and amount are as many
//! facts as there are transfers among theirs that have not failed, and one where all have. A fee that was given back and is charged
//! again, because its refund failed, takes one of them away.

use std::collections::HashSet;

use rust_decimal::Decimal;

use super::account::Account;
use super::currency::through_clearing;
use super::slot::{Part, Slot};
use crate::model::event::{Event, Fact, FeeReturn, Kind, ReportLine};
use crate::model::ids::SourceId;
use crate::model::journal::{Entry, Links, Role};
use crate::model::money::Money;
use crate::model::resource::Resource;

#[derive(Debug, Clone, PartialEq, Eq)]
struct Line {
    named: SourceId,
    share: Money,
    transfer: Option<SourceId>,
}

/// The lines of reports that one account has taken, and what records told of the same.
#[derive(Debug, Default)]
pub(super) struct Reports {
    adjustments: Vec<Line>,
    returns: Vec<Line>,
    /// Fees that were charged, and charged again after they had been given back.
    charges: Vec<Line>,
    failed: HashSet<SourceId>,
    /// Returned fees that records told.
    told_by_records: Vec<Money>,
    /// A record is known by the name that the adjustments bear.
    explained: bool,
}

impl Reports {
    /// How many facts lines of this amount are.
    fn facts(&self, lines: &[Line], share: &Money) -> usize {
        let mut names: Vec<&SourceId> =
            lines.iter().filter(|line| line.share == *share).map(|line| &line.named).collect();
        names.sort();
        names.dedup();
        let facts_of = |name: &SourceId| {
            let same = lines.iter().filter(|line| line.share == *share && line.named == *name);
            same.filter(|line| self.goes(line)).count().max(1)
        };
        names.into_iter().map(facts_of).sum()
    }

    /// Whether the transfer of a line has not failed.
    fn goes(&self, line: &Line) -> bool {
        line.transfer.as_ref().is_none_or(|it| !self.failed.contains(it))
    }
}

fn shares(lines: &[Line]) -> Vec<Money> {
    let mut shares: Vec<Money> = Vec::new();
    for line in lines {
        if !shares.contains(&line.share) {
            shares.push(line.share.clone());
        }
    }
    shares
}

fn line_of(line: &ReportLine, event: &Event, share: Money) -> Line {
    let named = line.named_id.clone().unwrap_or_else(|| event.id.clone());
    Line { named, share, transfer: line.transfer_id.clone() }
}

impl Account {
    /// A line of a report that no record explains.
    pub(super) fn adjusted(&mut self, event: &Event) {
        if let Fact::ReportLine(line) = &event.fact {
            let line = line_of(line, event, line.share.clone());
            self.reports.adjustments.push(line);
            self.settle_reports(event);
        }
    }

    /// A record turned up that explains the adjustments of this account.
    pub(super) fn explained(&mut self, cause: &Event) {
        self.reports.explained = true;
        self.settle_reports(cause);
    }

    /// A line of a report charges a fee, for the first time or again.
    pub(super) fn fee_charged(&mut self, event: &Event, line: &ReportLine, charged: Money) {
        self.reports.charges.push(line_of(line, event, charged));
        self.settle_reports(event);
    }

    /// Returned fees of this amount that no record tells.
    fn returns_alone(&self, share: &Money) -> usize {
        let told = self.reports.told_by_records.iter().filter(|told| *told == share).count();
        let names: HashSet<&SourceId> =
            self.reports.returns.iter().filter(|line| line.share == *share).map(|line| &line.named).collect();
        let again: usize = names.into_iter().map(|name| self.charged_again(name, share)).sum();
        self.reports.facts(&self.reports.returns, share).saturating_sub(told + again)
    }

    /// How often a fee of this amount was charged beyond the first time. That charge may have been of an amount that no record shows any
    /// more; what bears the name of a refund, or of what it gave back, was never charged before.
    fn charged_again(&self, name: &SourceId, share: &Money) -> usize {
        let of_name = self.reports.charges.iter().filter(|line| line.named == *name && self.reports.goes(line));
        let (same, others): (Vec<&Line>, Vec<&Line>) = of_name.partition(|line| line.share == *share);
        let has_first = match self.costs.get(name) {
            Some(cost) => cost == share || others.is_empty(),
            None => others.is_empty() && !self.is_named_by_refund(name),
        };
        same.len().saturating_sub(usize::from(has_first))
    }

    fn is_named_by_refund(&self, name: &SourceId) -> bool {
        let names = |slot: &Slot| match slot {
            Slot::Refund(refund) => refund == name,
            Slot::FeeReturn(refund, fee) => refund == name || fee == name.as_str(),
            _ => false,
        };
        self.ledger.slots().any(names)
    }

    /// A line of a report gives a fee back; returns the event that tells it, where no record does.
    pub(super) fn fee_returned(&mut self, event: &Event, line: &ReportLine, returned: Money) -> Option<Event> {
        let line = line_of(line, event, returned.clone());
        let named = line.named.clone();
        self.reports.returns.push(line);
        let mut slots = (0..self.reports.returns.len()).map(|place| return_slot(&returned, place));
        let booked = slots.by_ref().filter(|slot| self.ledger.stands(slot)).count();
        (self.returns_alone(&returned) > booked).then(|| {
            let fact = FeeReturn { returned, payment_id: None, refund_id: None, fee_id: Some(named) };
            let record = (Resource::TransferEntries, &event.id);
            Event::nth(1, Kind::FeeRefunded, record, event.occurred_at, Fact::FeeReturn(fact))
        })
    }

    /// A record tells a returned fee: as many lines of reports tell nothing of their own any more.
    pub(super) fn record_told_return(&mut self, returned: Money, cause: &Event) {
        self.reports.told_by_records.push(returned);
        self.settle_reports(cause);
    }

    /// A transfer whose report has lines about this account failed, or was paid after all.
    pub fn transfer_changed(&mut self, event: &Event) -> Vec<Entry> {
        match event.kind {
            Kind::TransferFailed | Kind::TransferReversed => self.reports.failed.insert(event.id.clone()),
            _ => self.reports.failed.remove(&event.id),
        };
        self.ledger.guest = Some(self.root.clone());
        self.settle_reports(event);
        self.ledger.guest = None;
        std::mem::take(&mut self.ledger.made)
    }

    /// Lets as many entries stand as there are facts.
    pub(super) fn settle_reports(&mut self, event: &Event) {
        for share in shares(&self.reports.adjustments) {
            let facts = if self.reports.explained { 0 } else { self.reports.facts(&self.reports.adjustments, &share) };
            let others = vec![(Role::Adjustments, -share.amount.decimal())];
            let parts = through_clearing(Decimal::ONE, &share, None, &Links::default(), others);
            let slots = (0..self.reports.adjustments.len()).map(|place| adjustment_slot(&share, place)).collect();
            self.stand(facts, slots, event, &parts);
        }
        for share in shares(&self.reports.returns) {
            let facts = self.returns_alone(&share);
            let links = Links { fee_id: self.name_of_return(&share), ..Links::default() };
            let others = vec![(Role::ProcessingFeeExpense, -share.amount.decimal())];
            let parts = through_clearing(Decimal::ONE, &share, None, &links, others);
            let slots = (0..self.reports.returns.len()).map(|place| return_slot(&share, place)).collect();
            self.stand(facts, slots, event, &parts);
        }
    }

    /// Lets `parts` stand in the first `facts` of these slots, and in no other.
    fn stand(&mut self, facts: usize, slots: Vec<Slot>, event: &Event, parts: &[Part]) {
        for (place, slot) in slots.into_iter().enumerate() {
            if place >= facts {
                self.reverse(&slot, event);
            } else if !self.ledger.stands(&slot) {
                self.book(slot, event, parts.to_vec());
            }
        }
    }

    fn name_of_return(&self, share: &Money) -> Option<SourceId> {
        self.reports.returns.iter().rev().find(|line| line.share == *share).map(|line| line.named.clone())
    }
}

fn adjustment_slot(share: &Money, place: usize) -> Slot {
    Slot::Adjustment(share.currency.clone(), share.amount, place)
}

fn return_slot(share: &Money, place: usize) -> Slot {
    Slot::ReportedReturn(share.currency.clone(), share.amount, place)
}
