//! What a tie-out answers, as plain data.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::Serialize;

use crate::model::ids::SourceId;
use crate::model::journal::Role;
use crate::model::money::{Amount, Currency, Money};

/// Everything that a tie-out found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reconciliation {
    /// In the order in which they were put together.
    pub payouts: Vec<PayoutProof>,
    pub in_transit: Vec<InTransit>,
    pub totals: Vec<Total>,
    /// By date, role and currency.
    pub movements: Vec<Movement>,
    /// Lines of reports that do not say of which transfer.
    pub strays: Vec<SourceId>,
}

impl Reconciliation {
    pub fn wrong(&self) -> impl Iterator<Item = &PayoutProof> {
        self.payouts.iter().filter(|payout| matches!(payout.verdict, Verdict::Wrong { .. }))
    }
}

/// One transfer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PayoutProof {
    pub transfer_id: SourceId,
    pub paid_at: Option<DateTime<Utc>>,
    /// The date of its entry.
    pub booked_on: Option<NaiveDate>,
    /// What reached the bank.
    pub paid: Money,
    /// What the books took out of clearing for it.
    pub booked: Money,
    /// The sum of the lines of its report, where there is one.
    pub reported: Option<Amount>,
    pub verdict: Verdict,
    /// The sum of further lines, which agree with the books and are not shown one by one.
    #[serde(skip_serializing_if = "is_nothing")]
    pub at_rest: Amount,
    pub lines: Vec<JoinedLine>,
}

fn is_nothing(amount: &Amount) -> bool {
    amount.is_zero()
}

impl PayoutProof {
    /// What its lines settle of clearing beyond what it took: zero where it is proven.
    pub(super) fn unexplained(&self) -> Decimal {
        let settled: Decimal = self.lines.iter().map(|line| line.settled.decimal()).sum();
        settled + self.at_rest.decimal() - self.booked.amount.decimal()
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    /// Every line agrees with the books, and together they are what was paid.
    Proven,
    /// Nothing speaks against it, and not all of it can be shown.
    Unproven {
        because: Gap,
    },
    /// It came back or never went: it settles nothing.
    Returned,
    Wrong {
        differences: Vec<Difference>,
    },
}

/// Why a payout cannot be proven yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Gap {
    NoReport,
    /// It was put together before the first thing that the books know of a record, such as a fee that changed before it was first read.
    /// A later payout brings the difference back.
    ReadLater,
    /// A transfer failed since that had no report, so what it carried is known only when it comes again.
    FailedUnreported,
}

impl Gap {
    /// For people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Gap::NoReport => "no report",
            Gap::FailedUnreported => "a transfer failed that had no report",
            Gap::ReadLater => "a record changed before it was first read",
        }
    }
}

/// One line of a report, with the record that it settles.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct JoinedLine {
    pub line_id: SourceId,
    /// What it adds to the payout.
    pub share: Money,
    /// As the report names it.
    pub names: Option<String>,
    pub named_id: Option<SourceId>,
    /// What that is in the books.
    pub record: Option<Record>,
    /// What it settles of the record.
    pub settled: Amount,
    /// What is in transit of the record after this line.
    pub remaining: Amount,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    pub kind: DifferenceKind,
    pub line_id: Option<SourceId>,
    pub record: Option<Record>,
    pub amount: Money,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DifferenceKind {
    /// The lines of the report less what was paid.
    ReportSum,
    /// What was booked less what was paid.
    BookedAmount,
    /// A line less what was left to settle of its record.
    RecordAmount,
    /// A line that names nothing in the books.
    UnknownRecord,
    /// A line in another currency than its payout.
    OtherCurrency,
}

impl DifferenceKind {
    /// For people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            DifferenceKind::ReportSum => "the sum of its report",
            DifferenceKind::BookedAmount => "what was booked",
            DifferenceKind::RecordAmount => "the amount",
            DifferenceKind::UnknownRecord => "a line about something that is not in the books",
            DifferenceKind::OtherCurrency => "a line in another currency",
        }
    }
}

/// What moves through clearing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Record {
    pub kind: RecordKind,
    pub id: SourceId,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordKind {
    Payment,
    Fee,
    Refund,
    Dispute,
    /// By the dispute.
    DisputeFee,
    /// A returned fee without an id of its own, by the refund.
    ReturnedFee,
    /// By what the line of the report names, or else by the line.
    Adjustment,
    /// By the entry that moved clearing without saying for what.
    Entry,
}

impl RecordKind {
    /// For people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            RecordKind::Payment => "payment",
            RecordKind::Fee => "fee",
            RecordKind::Refund => "refund",
            RecordKind::Dispute => "dispute",
            RecordKind::DisputeFee => "dispute fee",
            RecordKind::ReturnedFee => "returned fee",
            RecordKind::Adjustment => "adjustment",
            RecordKind::Entry => "entry",
        }
    }
}

/// What is booked in clearing and on no paid payout yet. Where it is negative, a deficit is carried forward.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InTransit {
    pub currency: Currency,
    pub amount: Amount,
    pub items: Vec<TransitItem>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TransitItem {
    pub record: Record,
    pub amount: Amount,
    /// The date of the first entry of the record.
    pub since: NaiveDate,
}

/// The clearing account of one currency: `clearing = in_transit + unproven + wrong`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Total {
    pub currency: Currency,
    pub clearing: Amount,
    pub in_transit: Amount,
    /// Paid without a report, negated.
    pub unproven: Amount,
    /// What wrong payouts settle beyond what was booked for them.
    pub wrong: Amount,
}

/// One role on one day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Movement {
    pub date: NaiveDate,
    pub role: Role,
    pub currency: Currency,
    pub debit: Amount,
    pub credit: Amount,
}
