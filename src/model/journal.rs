//! Journal entries by account role: what an event means in the books, whatever the chart of accounts.
//!
//! An entry balances in one currency and is never changed: a correction is a reversal that names it, and a new entry.

use std::fmt;

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::model::ids::SourceId;
use crate::model::money::{Amount, Currency};

macro_rules! roles {
    ($($(#[$about:meta])* $variant:ident = $text:literal,)+) => {
        /// What an account is for. Each adapter maps roles to accounts of its chart.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Role {
            $($(#[$about])* $variant,)+
        }

        impl Role {
            pub const ALL: &'static [Role] = &[$(Role::$variant),+];

            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Role::$variant => $text,)+
                }
            }
        }
    };
}

roles! {
    Receivable = "receivable",
    /// Money at Paystand: charged and not yet paid out.
    Clearing = "clearing",
    /// Received from a payer and on no invoice yet.
    UnappliedCash = "unapplied_cash",
    ConvenienceFeeIncome = "convenience_fee_income",
    ProcessingFeeExpense = "processing_fee_expense",
    Discounts = "discounts",
    Refunds = "refunds",
    /// In dispute and not decided.
    Disputes = "disputes",
    DisputeLosses = "dispute_losses",
    DisputeFees = "dispute_fees",
    Adjustments = "adjustments",
    Bank = "bank",
    FxDifference = "fx_difference",
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a line is about, for whoever posts it and whoever looks for it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Links {
    pub customer_ref: Option<String>,
    pub invoice_ref: Option<String>,
    pub receivable_id: Option<SourceId>,
    pub payment_id: Option<SourceId>,
    pub fee_id: Option<SourceId>,
    pub refund_id: Option<SourceId>,
    pub dispute_id: Option<SourceId>,
    pub credit_memo_id: Option<SourceId>,
    pub transfer_id: Option<SourceId>,
    pub account_key: Option<String>,
}

/// One line: a debit where positive, a credit where negative, never zero.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    pub role: Role,
    pub amount: Amount,
    #[serde(flatten)]
    pub links: Links,
}

impl Line {
    #[must_use]
    pub fn new(role: Role, amount: Decimal, links: &Links) -> Self {
        Self { role, amount: Amount::from(amount), links: links.clone() }
    }

    /// Debit and credit; one of them is zero.
    #[must_use]
    pub fn sides(&self) -> (Decimal, Decimal) {
        let amount = self.amount.decimal();
        if amount.is_sign_negative() { (Decimal::ZERO, -amount) } else { (amount, Decimal::ZERO) }
    }
}

/// What one event books in one currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// `<event key>/<leg>`, with the account in between where it is not that of the event. Unique per merchant.
    pub key: String,
    pub event_key: String,
    /// In the merchant's zone.
    pub date: NaiveDate,
    pub currency: Currency,
    pub memo: String,
    /// The entry that this one takes back.
    pub reverses: Option<String>,
    pub lines: Vec<Line>,
}

impl Entry {
    /// The account whose entry it is, where that is not the one of its event.
    #[must_use]
    pub fn guest(&self) -> Option<SourceId> {
        let rest = self.key.strip_prefix(&self.event_key)?.strip_prefix('/')?;
        rest.rsplit_once('/').map(|(account, _)| SourceId::new(account))
    }

    /// This entry and another one of its currency as one: lines of the same role and links are added up.
    #[must_use]
    pub fn with(mut self, other: &Entry) -> Self {
        for line in &other.lines {
            match self.lines.iter_mut().find(|own| own.role == line.role && own.links == line.links) {
                Some(own) => own.amount = Amount::from(own.amount.decimal() + line.amount.decimal()),
                None => self.lines.push(line.clone()),
            }
        }
        self.lines.retain(|line| !line.amount.is_zero());
        self
    }

    /// Debits less credits: zero in every entry that exists.
    #[must_use]
    pub fn imbalance(&self) -> Decimal {
        self.lines.iter().map(|line| line.amount.decimal()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_stands_on_one_side() {
        let line =
            |text| Line { role: Role::Clearing, amount: Amount::parse(text).expect("plain"), links: Links::default() };
        assert_eq!(line("-1.50").sides(), (Decimal::ZERO, Decimal::new(150, 2)));
        assert_eq!(line("1.50").sides(), (Decimal::new(150, 2), Decimal::ZERO));
    }
}
