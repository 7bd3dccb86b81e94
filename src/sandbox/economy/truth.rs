//! The books that an economy has made, for whoever checks those that a reader made of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use rust_decimal::Decimal;

use crate::model::resource::Resource;
use crate::sandbox::economy::{Economy, sight};
use crate::sandbox::generator::cents;
use crate::sandbox::render;
use crate::sandbox::truth::Shown;
use crate::sandbox::world::World;

/// The books of one merchant at one instant. Balances of zero are left out.
///
/// What only a report tells (an adjustment, a dispute's fee that shows nowhere else) counts from the completion of the first
/// report with it; everything else from the instant at which it happens.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BooksTruth {
    /// Net debit by role and currency.
    pub roles: BTreeMap<(String, String), Decimal>,
    /// By receivable: what it was credited, less what refunds opened again.
    pub applied: BTreeMap<String, Decimal>,
    /// By payment: money that no receivable has.
    pub unapplied: BTreeMap<String, Decimal>,
    /// In the order in which they were begun.
    pub payouts: Vec<PayoutTruth>,
    /// By currency: what clearing holds, item by item, because no paid transfer has carried it.
    pub in_transit: BTreeMap<String, Decimal>,
}

/// A transfer and what it carries, or carried before it failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PayoutTruth {
    pub transfer_id: String,
    pub amount: Decimal,
    pub currency: String,
    pub status: String,
    /// `payment`, `fee`, `refund`, `dispute` or `adjustment`; the id that the report names; the signed amount.
    pub items: Vec<(String, String, Decimal)>,
    /// Whether its report can be read.
    pub report: bool,
}

impl Economy {
    fn books_truth(&self, reports: bool) -> BooksTruth {
        let by_id = |balances: &BTreeMap<Arc<str>, i64>| {
            let balances = balances.iter().filter(|(_, minor)| **minor != 0);
            balances.map(|(id, minor)| (id.to_string(), cents(*minor))).collect()
        };
        let roles = self.notes.roles.iter().filter(|(_, minor)| **minor != 0);
        BooksTruth {
            roles: roles
                .map(|((role, currency), minor)| (((*role).to_owned(), (*currency).to_owned()), cents(*minor)))
                .collect(),
            applied: by_id(&self.notes.applied),
            unapplied: by_id(&self.notes.unapplied),
            payouts: self.payouts_truth(reports),
            in_transit: self.in_transit(),
        }
    }

    fn payouts_truth(&self, reports: bool) -> Vec<PayoutTruth> {
        let payouts = self.payouts.iter().map(|payout| PayoutTruth {
            transfer_id: payout.id.to_string(),
            amount: cents(payout.minor),
            currency: payout.currency.to_owned(),
            status: payout.status.to_owned(),
            items: payout
                .items
                .iter()
                .map(|item| (item.kind.to_owned(), item.source_id.to_string(), cents(item.minor)))
                .collect(),
            report: reports && payout.reported,
        });
        payouts.collect()
    }

    fn in_transit(&self) -> BTreeMap<String, Decimal> {
        let unpaid = self.payouts.iter().filter(|payout| payout.holds && payout.status != "paid");
        let items = self.purse.items().chain(unpaid.flat_map(|payout| &payout.items));
        let mut sums = BTreeMap::<&str, i64>::new();
        for item in items.filter(|item| item.noted) {
            *sums.entry(item.currency).or_default() += item.minor;
        }
        let sums = sums.into_iter().filter(|(_, minor)| *minor != 0);
        sums.map(|(currency, minor)| (currency.to_owned(), cents(minor))).collect()
    }
}

impl World {
    /// The books that the economy of a merchant has made up to now; empty where another business runs or nobody has that id.
    #[must_use]
    pub fn books_truth(&self, customer_id: &str) -> BooksTruth {
        let mut state = self.state();
        let now_ms = self.now_ms();
        let Some(merchant) = state.merchant(customer_id) else { return BooksTruth::default() };
        let scene = state.scene(merchant, now_ms);
        scene.economy.books_truth(sight(&scene).reports)
    }

    /// How often each of [`VARIANTS`](super::VARIANTS) has come about in the economy of a merchant.
    #[must_use]
    pub fn economy_tally(&self, customer_id: &str) -> BTreeMap<&'static str, u64> {
        let state = self.state();
        state.merchant(customer_id).map(|merchant| state.economies[merchant].tally.all()).unwrap_or_default()
    }

    /// The body that a request by id would be answered with now, were nothing to go wrong.
    #[must_use]
    pub fn detail_now(&self, customer_id: &str, resource: Resource, id: &str) -> Option<Bytes> {
        let state = self.state();
        let books = &state.books[state.merchant(customer_id)?];
        let row = books.table(resource).find(id)?;
        Some(render::detail(books, row, books.record(resource, row)))
    }

    /// Every version that lists of a merchant have shown since there were `from` of them, in the order of appearance.
    #[must_use]
    pub fn shown_since(&self, customer_id: &str, from: usize) -> Vec<Shown> {
        let state = self.state();
        let Some(merchant) = state.merchant(customer_id) else { return Vec::new() };
        state.books[merchant].history.since(customer_id, from).collect()
    }
}
