//! What has to be declared before entries and asserted after them.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::Accounts;
use crate::model::journal::Entry;
use crate::model::money::Currency;

/// The accounts, currencies, dates and balances of some entries.
#[derive(Debug, Default)]
pub(super) struct Summary<'a> {
    /// First and last.
    pub(super) dates: Option<(NaiveDate, NaiveDate)>,
    /// The most decimals that an amount has, per currency.
    pub(super) decimals: BTreeMap<&'a Currency, u32>,
    pub(super) balances: BTreeMap<(&'a str, &'a Currency), Decimal>,
}

impl<'a> Summary<'a> {
    pub(super) fn of(entries: &'a [Entry], accounts: &'a Accounts) -> Self {
        let mut summary = Self::default();
        for entry in entries {
            summary.dates = match summary.dates {
                None => Some((entry.date, entry.date)),
                Some((first, last)) => Some((first.min(entry.date), last.max(entry.date))),
            };
            for line in &entry.lines {
                let amount = line.amount.decimal();
                let decimals = summary.decimals.entry(&entry.currency).or_default();
                *decimals = amount.scale().max(*decimals);
                *summary.balances.entry((accounts.name(line.role), &entry.currency)).or_default() += amount;
            }
        }
        summary
    }

    pub(super) fn accounts(&self) -> BTreeSet<&'a str> {
        self.balances.keys().map(|(account, _)| *account).collect()
    }
}
