//! The resources of the Paystand X API that are read, and what each list can do.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// One kind of Paystand object. The variants stand in sync order: parents before what refers to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resource {
    Customers,
    Receivables,
    Payments,
    ReceivableTransactions,
    Fees,
    Refunds,
    Disputes,
    Withdrawals,
    Transfers,
    TransferEntries,
    CreditMemos,
}

impl Resource {
    pub const ALL: [Resource; 11] = [
        Resource::Customers,
        Resource::Receivables,
        Resource::Payments,
        Resource::ReceivableTransactions,
        Resource::Fees,
        Resource::Refunds,
        Resource::Disputes,
        Resource::Withdrawals,
        Resource::Transfers,
        Resource::TransferEntries,
        Resource::CreditMemos,
    ];

    /// The name in configuration, CLI, keys and our tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Resource::Customers => "customers",
            Resource::Receivables => "receivables",
            Resource::ReceivableTransactions => "receivable_transactions",
            Resource::Payments => "payments",
            Resource::Fees => "fees",
            Resource::Refunds => "refunds",
            Resource::Disputes => "disputes",
            Resource::Transfers => "transfers",
            Resource::TransferEntries => "transfer_entries",
            Resource::Withdrawals => "withdrawals",
            Resource::CreditMemos => "credit_memos",
        }
    }

    /// The name of one of them: the staging table.
    #[must_use]
    pub const fn singular(self) -> &'static str {
        match self {
            Resource::Customers => "customer",
            Resource::Receivables => "receivable",
            Resource::ReceivableTransactions => "receivable_transaction",
            Resource::Payments => "payment",
            Resource::Fees => "fee",
            Resource::Refunds => "refund",
            Resource::Disputes => "dispute",
            Resource::Transfers => "transfer",
            Resource::TransferEntries => "transfer_entry",
            Resource::Withdrawals => "withdrawal",
            Resource::CreditMemos => "credit_memo",
        }
    }

    /// Whether records of it may change without their list showing it, so that they are followed by id.
    #[must_use]
    pub const fn may_stay_open(self) -> bool {
        match self {
            Resource::Receivables
            | Resource::Payments
            | Resource::Refunds
            | Resource::Disputes
            | Resource::Transfers => true,
            Resource::Customers
            | Resource::ReceivableTransactions
            | Resource::Fees
            | Resource::Withdrawals
            | Resource::TransferEntries
            | Resource::CreditMemos => false,
        }
    }

    /// The resource under whose records these are listed; `None` where they have a list of their own.
    #[must_use]
    pub const fn parent(self) -> Option<Resource> {
        match self {
            Resource::ReceivableTransactions => Some(Resource::Receivables),
            Resource::TransferEntries => Some(Resource::Transfers),
            Resource::Customers
            | Resource::Receivables
            | Resource::Payments
            | Resource::Fees
            | Resource::Refunds
            | Resource::Disputes
            | Resource::Withdrawals
            | Resource::Transfers
            | Resource::CreditMemos => None,
        }
    }

    /// Whether the list filters by date (Pattern A of the API). The others are read whole.
    #[must_use]
    pub const fn filters_by_date(self) -> bool {
        match self {
            Resource::Receivables
            | Resource::Payments
            | Resource::Refunds
            | Resource::Disputes
            | Resource::Transfers
            | Resource::Withdrawals => true,
            Resource::Customers
            | Resource::ReceivableTransactions
            | Resource::Fees
            | Resource::TransferEntries
            | Resource::CreditMemos => false,
        }
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The text names no resource.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a resource; the nearest is `{nearest}`", nearest = nearest(.0))]
pub struct UnknownResource(pub String);

fn nearest(text: &str) -> Resource {
    let distance = |resource: &Resource| strsim::damerau_levenshtein(resource.name(), text);
    Resource::ALL.into_iter().min_by_key(distance).expect("there are resources")
}

impl FromStr for Resource {
    type Err = UnknownResource;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|resource| resource.name() == text).ok_or_else(|| UnknownResource(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_parses_back() {
        for resource in Resource::ALL {
            assert_eq!(resource.name().parse(), Ok(resource));
        }
        assert!("payment".parse::<Resource>().is_err());
    }
}
