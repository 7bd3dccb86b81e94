//! Pure: whether the books of an ERP hold what was posted to them, account by account and payout by payout.

use std::collections::{BTreeMap, HashMap};

use rust_decimal::Decimal;
use serde::Serialize;

use super::{PayoutProof, Verdict};
use crate::model::ids::SourceId;
use crate::model::journal::{Entry, Role};
use crate::model::money::Amount;

/// One account of the ERP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AccountTotal {
    pub account: String,
    /// What was posted to it.
    pub ours: Amount,
    /// What the documents of ours in the ERP put on it.
    pub theirs: Amount,
}

impl AccountTotal {
    #[must_use]
    pub fn agrees(&self) -> bool {
        self.ours.decimal() == self.theirs.decimal()
    }
}

/// A payout of which the ERP's bank account shows something else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unsettled {
    pub transfer_id: SourceId,
    pub paid: Amount,
    /// What its documents put on the bank account.
    pub banked: Amount,
}

/// What was posted and what is there, added up.
#[derive(Debug, Default)]
pub struct Sums {
    ours: BTreeMap<String, Decimal>,
    theirs: BTreeMap<String, Decimal>,
    banked: HashMap<SourceId, Decimal>,
}

impl Sums {
    /// Adds an entry that is posted, of which the ERP holds the document as it should be where `is_there`.
    pub fn add_entry(&mut self, entry: &Entry, accounts: &BTreeMap<Role, String>, is_there: bool) {
        for line in &entry.lines {
            let amount = line.amount.decimal();
            let account = accounts.get(&line.role).cloned().unwrap_or_else(|| line.role.name().to_owned());
            *self.ours.entry(account).or_default() += amount;
            if let (Role::Bank, Some(transfer), true) = (line.role, &line.links.transfer_id, is_there) {
                *self.banked.entry(transfer.clone()).or_default() += amount;
            }
        }
    }

    /// Adds a line of a document that the ERP holds.
    pub fn add_line(&mut self, account: &str, amount: Decimal) {
        *self.theirs.entry(account.to_owned()).or_default() += amount;
    }

    /// Every account that either side names.
    #[must_use]
    pub fn accounts(&self) -> Vec<AccountTotal> {
        let mut names: Vec<&String> = self.ours.keys().chain(self.theirs.keys()).collect();
        names.sort();
        names.dedup();
        let sum =
            |sums: &BTreeMap<String, Decimal>, name: &str| Amount::from(sums.get(name).copied().unwrap_or_default());
        let total = |name: &String| AccountTotal {
            account: name.clone(),
            ours: sum(&self.ours, name),
            theirs: sum(&self.theirs, name),
        };
        names.into_iter().map(total).collect()
    }

    /// Payouts of which the ERP's bank account does not show what was paid. Those of which `is_underway` is true have entries that
    /// are not posted, and are not judged.
    pub fn unsettled(&self, payouts: &[PayoutProof], is_underway: impl Fn(&SourceId) -> bool) -> Vec<Unsettled> {
        let unsettled = |payout: &PayoutProof| {
            let paid = match payout.verdict {
                Verdict::Returned => Decimal::ZERO,
                Verdict::Proven | Verdict::Unproven { .. } | Verdict::Wrong { .. } => payout.paid.amount.decimal(),
            };
            let banked = self.banked.get(&payout.transfer_id).copied().unwrap_or_default();
            let is_other_currency = payout.booked.currency != payout.paid.currency;
            (banked != paid && !is_other_currency && !is_underway(&payout.transfer_id)).then(|| Unsettled {
                transfer_id: payout.transfer_id.clone(),
                paid: Amount::from(paid),
                banked: Amount::from(banked),
            })
        };
        payouts.iter().filter_map(unsettled).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::journal::{Line, Links};
    use crate::model::money::{Currency, Money};

    fn payout(paid: &str, verdict: Verdict) -> PayoutProof {
        let amount = Amount::from(paid.parse::<Decimal>().expect("a decimal"));
        let money = Money { amount, currency: Currency::parse("USD").expect("USD") };
        PayoutProof {
            transfer_id: SourceId::new("tr1"),
            paid_at: None,
            booked_on: None,
            paid: money.clone(),
            booked: money,
            reported: None,
            verdict,
            at_rest: Amount::ZERO,
            lines: Vec::new(),
        }
    }

    fn entry(amount: &str) -> Entry {
        let links = Links { transfer_id: Some(SourceId::new("tr1")), ..Links::default() };
        Entry {
            key: "transfer:tr1:paid/1".to_owned(),
            event_key: "transfer:tr1:paid".to_owned(),
            date: chrono::NaiveDate::MIN,
            currency: Currency::parse("USD").expect("USD"),
            memo: String::new(),
            reverses: None,
            lines: vec![Line::new(Role::Bank, amount.parse().expect("a decimal"), &links)],
        }
    }

    #[test]
    fn a_payout_is_settled_only_by_a_document_that_is_there() {
        let accounts = BTreeMap::from([(Role::Bank, "1010".to_owned())]);
        let mut sums = Sums::default();
        sums.add_entry(&entry("500.06"), &accounts, false);
        let proven = [payout("500.06", Verdict::Proven)];
        assert_eq!(sums.unsettled(&proven, |_| false).len(), 1, "posted, and not there");
        assert!(sums.unsettled(&proven, |_| true).is_empty(), "it may still come");
        sums.add_entry(&entry("500.06"), &accounts, true);
        assert!(sums.unsettled(&proven, |_| false).is_empty());
        assert_eq!(sums.unsettled(&[payout("500.06", Verdict::Returned)], |_| false).len(), 1, "it came back");
    }

    #[test]
    fn an_account_agrees_where_both_sides_add_up_to_the_same() {
        let accounts = BTreeMap::from([(Role::Bank, "1010".to_owned())]);
        let mut sums = Sums::default();
        sums.add_entry(&entry("500.06"), &accounts, true);
        sums.add_line("1010", "500.00".parse().expect("a decimal"));
        assert!(!sums.accounts()[0].agrees());
        sums.add_line("1010", "0.06".parse().expect("a decimal"));
        assert!(sums.accounts()[0].agrees());
    }
}
