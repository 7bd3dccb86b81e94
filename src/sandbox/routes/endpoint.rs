//! The routes of the API: which path means what, and which filters each list understands.

use crate::model::resource::Resource;
use crate::sandbox::filters::FilterRule;

/// What a path asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Endpoint<'a> {
    Token,
    Timezone,
    List(Resource, FilterRule),
    /// Rows of a resource under an object of another.
    ChildList(Resource, &'a str),
    Detail(Resource, &'a str),
    /// `GET /receivables/{id}`: the older shape.
    OlderReceivable(&'a str),
    Report(&'a str),
}

impl<'a> Endpoint<'a> {
    /// The endpoint, if there is one, and its route without ids.
    pub(crate) fn of(path: &'a str) -> (Option<Self>, &'static str) {
        use FilterRule::{CreditMemos, Dates, DatesOrRange, Plain};
        use Resource as R;
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        let (endpoint, route) = match *parts.as_slice() {
            ["oauth", "token"] => (Self::Token, "/oauth/token"),
            ["customers", "timezone"] => (Self::Timezone, "/customers/timezone"),
            ["payerCustomers"] => (Self::List(R::Customers, Plain), "/payerCustomers"),
            ["payerCustomers", id] => (Self::Detail(R::Customers, id), "/payerCustomers/{id}"),
            ["receivables"] => (Self::List(R::Receivables, Dates), "/receivables"),
            ["receivables", "read"] => (Self::List(R::Receivables, Plain), "/receivables/read"),
            ["receivables", id] => (Self::OlderReceivable(id), "/receivables/{id}"),
            ["receivables", id, "read"] => (Self::Detail(R::Receivables, id), "/receivables/{id}/read"),
            ["receivables", id, "transactions"] => {
                (Self::ChildList(R::ReceivableTransactions, id), "/receivables/{id}/transactions")
            }
            ["payments", "all"] => (Self::List(R::Payments, DatesOrRange), "/payments/all"),
            ["payments", id] => (Self::Detail(R::Payments, id), "/payments/{id}"),
            ["fees"] => (Self::List(R::Fees, Plain), "/fees"),
            ["fees", id] => (Self::Detail(R::Fees, id), "/fees/{id}"),
            ["refunds"] => (Self::List(R::Refunds, Dates), "/refunds"),
            ["refunds", "all"] => (Self::List(R::Refunds, Dates), "/refunds/all"),
            ["refunds", id] => (Self::Detail(R::Refunds, id), "/refunds/{id}"),
            ["disputes"] => (Self::List(R::Disputes, Dates), "/disputes"),
            ["disputes", "all"] => (Self::List(R::Disputes, Dates), "/disputes/all"),
            ["disputes", id] => (Self::Detail(R::Disputes, id), "/disputes/{id}"),
            ["transfers"] => (Self::List(R::Transfers, Dates), "/transfers"),
            ["transfers", "all"] => (Self::List(R::Transfers, Plain), "/transfers/all"),
            ["transfers", id] => (Self::Detail(R::Transfers, id), "/transfers/{id}"),
            ["transfers", id, "report"] => (Self::Report(id), "/transfers/{id}/report"),
            ["transfers", id, "report", "entries"] => {
                (Self::ChildList(R::TransferEntries, id), "/transfers/{id}/report/entries")
            }
            ["withdrawals"] => (Self::List(R::Withdrawals, Dates), "/withdrawals"),
            ["withdrawals", "all"] => (Self::List(R::Withdrawals, Dates), "/withdrawals/all"),
            ["withdrawals", id] => (Self::Detail(R::Withdrawals, id), "/withdrawals/{id}"),
            ["creditMemos"] => (Self::List(R::CreditMemos, CreditMemos), "/creditMemos"),
            ["creditMemos", id] => (Self::Detail(R::CreditMemos, id), "/creditMemos/{id}"),
            _ => return (None, "unknown"),
        };
        (Some(endpoint), route)
    }
}
