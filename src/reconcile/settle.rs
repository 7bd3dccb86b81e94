//! Settles the lines of reports against the records that they name.
//!
//! Neither the order of lines nor that of payouts means anything, for what a failed transfer carried comes again later: what agrees
//! with the books is settled first, then what can be explained by changes that nobody saw, and the rest differs.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;

use super::answer::{Difference, DifferenceKind, Gap, JoinedLine, Record, RecordKind};
use super::items::{Item, Items};
use crate::model::document::SubjectType;
use crate::model::event::ReportLine;
use crate::model::ids::SourceId;
use crate::model::money::{Amount, Currency, Money};

/// A line of a payout that is not settled yet.
#[derive(Debug, Clone, Copy)]
pub(super) struct OpenLine<'t> {
    pub(super) transfer: &'t SourceId,
    /// Of the payout.
    pub(super) currency: &'t Currency,
    /// When the payout was put together.
    pub(super) made_at: DateTime<Utc>,
    /// A transfer failed since that had no report, and what it carried did not come again yet.
    pub(super) misses_report: bool,
    pub(super) line: &'t (SourceId, ReportLine),
}

impl OpenLine<'_> {
    fn share(&self) -> Decimal {
        share(self.line)
    }

    fn record(&self, items: &Items) -> Option<Record> {
        record_of(self.line, self.currency, items)
    }

    fn agrees(&self, items: &Items) -> bool {
        self.item(items).is_some_and(|item| item.agrees(self.share()))
    }

    /// Why a line that does not agree with what is known may be right.
    fn doubt(&self, items: &Items) -> Option<Gap> {
        let item = self.item(items)?;
        if item.is_unknown_at(self.made_at) {
            return Some(Gap::ReadLater);
        }
        self.misses_report.then_some(Gap::FailedUnreported)
    }

    fn item<'i>(&self, items: &'i Items) -> Option<&'i Item> {
        items.item(&self.record(items)?, self.currency)
    }
}

/// A line with what it settles.
#[derive(Debug)]
pub(super) struct Joined {
    pub(super) line: JoinedLine,
    /// What of it the books do not explain.
    pub(super) difference: Option<Difference>,
    /// Why it may agree although the books do not show it.
    pub(super) doubt: Option<Gap>,
}

/// The lines of everything that was paid, by transfer. `coming` are those that a later one pays.
pub(super) fn settle_all<'t>(
    mut open: Vec<OpenLine<'t>>,
    coming: &[&(SourceId, ReportLine)],
    items: &mut Items,
) -> HashMap<&'t SourceId, Vec<Joined>> {
    let mut joined: HashMap<&SourceId, Vec<Joined>> = HashMap::new();
    loop {
        for (transfer, line) in settle_agreeing(&mut open, items) {
            joined.entry(transfer).or_default().push(line);
        }
        if open.is_empty() {
            break;
        }
        let stuck = explained(&open, coming, items);
        open.retain(|line| !stuck.iter().any(|(other, _)| std::ptr::eq(other.line, line.line)));
        for (line, how) in stuck {
            joined.entry(line.transfer).or_default().push(settle(&line, how, items));
        }
    }
    for lines in joined.values_mut() {
        lines.sort_by(|one, other| one.line.line_id.cmp(&other.line.line_id));
    }
    joined
}

/// Settles every line that agrees with the books, in whatever order they do; the others stay open.
pub(super) fn settle_agreeing<'t>(open: &mut Vec<OpenLine<'t>>, items: &mut Items) -> Vec<(&'t SourceId, Joined)> {
    let mut settled = Vec::new();
    loop {
        let before = open.len();
        open.retain(|line| {
            let agrees = line.agrees(items);
            if agrees {
                settled.push((line.transfer, join(line, items)));
            }
            !agrees
        });
        if open.len() == before {
            return settled;
        }
    }
}

/// What explains a line that does not agree with the books.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Explanation {
    /// Other lines take back what it takes too much.
    Others,
    /// What is not known yet may.
    Doubt(Gap),
    Nothing,
}

/// The next lines to settle of those that do not agree.
fn explained<'t>(
    open: &[OpenLine<'t>],
    coming: &[&(SourceId, ReportLine)],
    items: &Items,
) -> Vec<(OpenLine<'t>, Explanation)> {
    let unseen = unseen(open, coming, items);
    if !unseen.is_empty() {
        return unseen.into_iter().map(|line| (line, Explanation::Others)).collect();
    }
    let doubted = |line: &OpenLine<'t>| Some((*line, Explanation::Doubt(line.doubt(items)?)));
    vec![open.iter().find_map(doubted).unwrap_or((open[0], Explanation::Nothing))]
}

/// Lines about one record that cancel out, or that together pay just what is left of it: it changed, and perhaps changed back, before
/// anybody looked. Some of them may be paid later.
fn unseen<'t>(open: &[OpenLine<'t>], coming: &[&(SourceId, ReportLine)], items: &Items) -> Vec<OpenLine<'t>> {
    for first in open {
        let Some(of) = first.record(items) else { continue };
        let is_same = |line, currency| record_of(line, currency, items).as_ref() == Some(&of);
        let same = open.iter().filter(|it| it.currency == first.currency && is_same(it.line, it.currency));
        let same: Vec<OpenLine<'t>> = same.copied().collect();
        let coming: Vec<Decimal> =
            coming.iter().filter(|line| is_same(line, first.currency)).map(|line| share(line)).collect();
        let remaining = items.item(&of, first.currency).map_or(Decimal::ZERO, Item::remaining);
        let closes = |sum: Decimal| sum.is_zero() || sum == remaining;
        let here: Decimal = same.iter().map(OpenLine::share).sum();
        let is_explained_here = same.len() > 1 && closes(here);
        if is_explained_here || (!coming.is_empty() && closes(here + coming.iter().sum::<Decimal>())) {
            return same;
        }
    }
    Vec::new()
}

fn settle(line: &OpenLine<'_>, how: Explanation, items: &mut Items) -> Joined {
    if how != Explanation::Nothing {
        // Lets the record have stood where the line puts it.
        let record = line.record(items);
        if let Some(item) = record.and_then(|record| items.get_mut(&record, line.currency)) {
            item.passed_through(line.share());
        }
    }
    let doubt = match how {
        Explanation::Doubt(gap) => Some(gap),
        Explanation::Others | Explanation::Nothing => None,
    };
    Joined { doubt, ..join(line, items) }
}

fn share((_, line): &(SourceId, ReportLine)) -> Decimal {
    line.share.amount.decimal()
}

/// Settles what a line names, and says what of the line the books do not explain.
fn join(open: &OpenLine<'_>, items: &mut Items) -> Joined {
    let OpenLine { currency, line: (line_id, line), .. } = *open;
    let share = line.share.amount.decimal();
    let is_ours = line.share.currency == *currency;
    let record = open.record(items);
    let item = record.as_ref().and_then(|record| items.get_mut(record, currency));
    let (settled, remaining) = item.map_or_else(Default::default, |item| (item.settle(share), item.remaining()));
    let kind = match &record {
        _ if !is_ours => DifferenceKind::OtherCurrency,
        None => DifferenceKind::UnknownRecord,
        Some(_) => DifferenceKind::RecordAmount,
    };
    let amount = Money { amount: Amount::from(share - settled), currency: line.share.currency.clone() };
    let difference = Difference { kind, line_id: Some(line_id.clone()), record: record.clone(), amount };
    let line = JoinedLine {
        line_id: line_id.clone(),
        share: line.share.clone(),
        names: line.names.clone(),
        named_id: line.named_id.clone(),
        record,
        settled: Amount::from(settled),
        remaining: Amount::from(remaining),
    };
    Joined { line, difference: (share != settled).then_some(difference), doubt: None }
}

/// What a line of a payout in `payout_currency` is about; of money in another currency, nothing.
fn record_of((line_id, line): &(SourceId, ReportLine), payout_currency: &Currency, items: &Items) -> Option<Record> {
    let Money { amount, currency } = &line.share;
    if currency != payout_currency {
        return None;
    }
    let named = line.named_id.as_ref();
    let find = |kind| items.find(&[kind], named?, currency);
    let fee = || items.find_fee(named?, amount.decimal(), currency);
    // An adjustment of a known fee settles that fee's change; any other is a record of its own.
    match line.kind()? {
        SubjectType::Payment => find(RecordKind::Payment),
        SubjectType::Refund => find(RecordKind::Refund),
        SubjectType::Dispute => find(RecordKind::Dispute),
        SubjectType::Fee => fee(),
        SubjectType::Adjustment => {
            fee().or_else(|| items.find(&[RecordKind::Adjustment], named.unwrap_or(line_id), currency))
        }
        SubjectType::Receivable | SubjectType::Withdrawal | SubjectType::Transfer | SubjectType::Unknown(_) => None,
    }
}
