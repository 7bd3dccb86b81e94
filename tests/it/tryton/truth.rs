//! What Tryton's books must come to, whatever happened on the way: the simulated business's own.

use std::collections::{BTreeMap, BTreeSet};

use paystand_sync::sandbox::{BooksTruth, CUSTOMER_ID, World};
use rust_decimal::Decimal;

use super::acme::{ACCOUNTS, Acme};

/// Balance per account as it happened.
fn by_account(truth: &BooksTruth) -> BTreeMap<String, Decimal> {
    let codes: BTreeMap<&str, &str> = ACCOUNTS.into_iter().map(|(role, code)| (role.name(), code)).collect();
    let dollars = truth.roles.iter().filter(|((_, currency), sum)| currency == "USD" && !sum.is_zero());
    dollars.map(|((role, _), sum)| (codes[role.as_str()].to_owned(), sum.normalize())).collect()
}

/// The trial balance, and what is open on each of `invoices` (its key → receivable and amount), are as it happened.
pub async fn assert_as_it_happened(acme: &Acme, world: &World, invoices: &BTreeMap<String, (String, Decimal)>) {
    let truth = world.books_truth(CUSTOMER_ID);
    let (happened, booked) = (by_account(&truth), acme.balances().await);
    let codes: BTreeSet<&String> = happened.keys().chain(booked.keys()).collect();
    let of = |books: &BTreeMap<String, Decimal>, code: &str| books.get(code).copied().unwrap_or_default();
    let mut wrong: Vec<String> = codes
        .into_iter()
        .filter(|code| of(&happened, code) != of(&booked, code))
        .map(|code| format!("{code}: {} happened, {} is in the books", of(&happened, code), of(&booked, code)))
        .collect();
    for (key, (receivable, amount)) in invoices {
        let applied = truth.applied.get(receivable).copied().unwrap_or_default();
        let (state, open) = acme.shown(key).await;
        if open != format!("{:.2}", amount - applied) || (state == "paid") != (applied == *amount) {
            wrong.push(format!("invoice {key} of {amount}: {applied} applied, and it is {state} with {open} open"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
