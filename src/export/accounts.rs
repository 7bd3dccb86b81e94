//! Which account a role is, under a name that both programs accept.
//!
//! A name has parts divided by `:`. The first is one of the five kinds of accounts; every other begins with a capital letter or a
//! digit and holds letters, digits and hyphens. Two accounts that differ in the configuration never become one.

use std::collections::BTreeMap;

use crate::model::journal::Role;

const KINDS: [&str; 5] = ["Assets", "Liabilities", "Equity", "Income", "Expenses"];

/// A configured account cannot be named.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AccountError {
    #[error("the account `{0}` of {1} has no letter or digit to name it by")]
    Nameless(String, Role),
    #[error("the accounts `{0}` and `{1}` are both written as `{2}`; rename one of them")]
    Clash(String, String, String),
}

/// The account of every role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accounts(BTreeMap<Role, String>);

impl Default for Accounts {
    fn default() -> Self {
        Self(Role::ALL.iter().map(|role| (*role, usual(*role).to_owned())).collect())
    }
}

impl Accounts {
    /// The usual accounts, but for the roles of a chart of accounts those of the chart. A number or name of the chart, such as
    /// `1090` or `Undeposited funds`, stands under the kind of its role: `Assets:1090`, `Assets:Undeposited-funds`. A name that
    /// begins with a kind, such as `Liabilities:2010`, is used as it is.
    pub fn of_chart<'a>(chart: impl IntoIterator<Item = (Role, &'a str)>) -> Result<Self, AccountError> {
        let mut accounts = Self::default();
        let mut sources: BTreeMap<String, &str> = BTreeMap::new();
        for (role, configured) in chart {
            let name = name(role, configured).ok_or_else(|| AccountError::Nameless(configured.to_owned(), role))?;
            if let Some(other) = sources.insert(name.clone(), configured)
                && other.trim() != configured.trim()
            {
                return Err(AccountError::Clash(other.to_owned(), configured.to_owned(), name));
            }
            accounts.0.insert(role, name);
        }
        Ok(accounts)
    }

    /// The account of a role.
    #[must_use]
    pub fn name(&self, role: Role) -> &str {
        self.0.get(&role).map_or_else(|| usual(role), String::as_str)
    }
}

const fn usual(role: Role) -> &'static str {
    match role {
        Role::Receivable => "Assets:Receivable",
        Role::Clearing => "Assets:Paystand:Clearing",
        Role::UnappliedCash => "Liabilities:UnappliedCash",
        Role::ConvenienceFeeIncome => "Income:ConvenienceFees",
        Role::ProcessingFeeExpense => "Expenses:ProcessingFees",
        Role::Discounts => "Income:Discounts",
        Role::Refunds => "Income:Refunds",
        Role::Disputes => "Assets:Paystand:Disputes",
        Role::DisputeLosses => "Expenses:DisputeLosses",
        Role::DisputeFees => "Expenses:DisputeFees",
        Role::Adjustments => "Expenses:Adjustments",
        Role::Bank => "Assets:Bank",
        Role::FxDifference => "Income:FxDifference",
    }
}

fn name(role: Role, configured: &str) -> Option<String> {
    let usual_kind = usual(role).split(':').next().unwrap_or_default();
    let parts: Vec<&str> = configured.split(':').map(str::trim).collect();
    let (kind, parts) = match parts.split_first() {
        Some((kind, rest)) if KINDS.contains(kind) && !rest.is_empty() => (*kind, rest),
        _ => (usual_kind, parts.as_slice()),
    };
    let parts: Option<Vec<String>> = parts.iter().map(|part| component(part)).collect();
    Some(format!("{kind}:{}", parts?.join(":")))
}

/// ASCII letters, digits and single hyphens, the first one a capital or a digit. `None` where nothing remains.
fn component(text: &str) -> Option<String> {
    let words: Vec<&str> = text.split(|it: char| !it.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let mut joined = words.join("-");
    joined.get_mut(..1)?.make_ascii_uppercase();
    Some(joined)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chart_of_accounts_gives_names_that_both_programs_accept() {
        let chart = [
            (Role::Clearing, "1090"),
            (Role::Bank, "undeposited funds"),
            (Role::UnappliedCash, "Liabilities:2010:Customer advances"),
            (Role::Discounts, "4-100 / discounts"),
        ];
        let accounts = Accounts::of_chart(chart).expect("all can be named");
        assert_eq!(accounts.name(Role::Clearing), "Assets:1090");
        assert_eq!(accounts.name(Role::Bank), "Assets:Undeposited-funds");
        assert_eq!(accounts.name(Role::UnappliedCash), "Liabilities:2010:Customer-advances");
        assert_eq!(accounts.name(Role::Discounts), "Income:4-100-discounts");
        assert_eq!(accounts.name(Role::Receivable), "Assets:Receivable");
    }

    #[test]
    fn two_accounts_never_become_one() {
        let same = [(Role::DisputeFees, "6100"), (Role::ProcessingFeeExpense, "6100")];
        assert!(Accounts::of_chart(same).is_ok(), "one account for two roles is what is configured");
        let clash = Accounts::of_chart([(Role::Clearing, "10 90"), (Role::Bank, "10-90")]);
        assert_eq!(clash, Err(AccountError::Clash("10 90".to_owned(), "10-90".to_owned(), "Assets:10-90".to_owned())));
    }

    #[test]
    fn an_account_without_a_letter_or_digit_is_refused() {
        for configured in ["", " ", "::", "1090:", "—"] {
            assert!(Accounts::of_chart([(Role::Bank, configured)]).is_err(), "{configured}");
        }
    }
}
