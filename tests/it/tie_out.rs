//! `reconcile` and `export` as a person meets them: the real program on books whose payout does not tie out.

use serde_json::Value;

use crate::harness::{Site, column};
use crate::literal::Literal;
use crate::mirror::documented;

const PAYOUT: &str = "tr5g2h9j6k3l0z7x4c1v8b5n";

async fn read() -> Site {
    let server = Literal::start();
    server.books(documented);
    let site = Site::new(&server).await;
    site.once_clean();
    site
}

/// Its report pays 432.50 of a payment of 400.00, and takes 7.83 for a fee of 2.50.
#[tokio::test]
async fn a_payout_that_the_books_do_not_explain_is_named_with_its_records() {
    let site = read().await;
    let finished = site.run(&["reconcile"]);
    assert_eq!(finished.code, Some(6), "{finished}");
    assert!(finished.stdout.contains("WRONG") && finished.stdout.contains("In transit"), "{finished}");
    let complaints = finished.complaints();
    assert_eq!(complaints.len(), 1, "{finished}");
    assert!(complaints[0].contains(PAYOUT) && complaints[0].contains("paystand-sync reconcile --json"), "{finished}");
    let raised = site.open_exceptions().await;
    assert!(raised.iter().any(|it| it.contains("payout_mismatch") && it.contains(PAYOUT)), "{raised:?}");

    let finished = site.run(&["reconcile", "--json"]);
    assert_eq!(finished.code, Some(6), "{finished}");
    let answers: Value = serde_json::from_str(&finished.stdout).expect("JSON");
    let payout = &answers[0]["payouts"][0];
    assert_eq!(payout["transfer_id"], PAYOUT);
    assert_eq!(payout["verdict"]["verdict"], "wrong");
    let differences = payout["verdict"]["differences"].as_array().expect("a list");
    let amounts: Vec<&str> = differences.iter().filter_map(|it| it["amount"]["amount"].as_str()).collect();
    assert_eq!(amounts, ["-5.33", "32.50"], "{finished}");

    // The day has its payout, another day none.
    assert!(site.run(&["reconcile", "--date", "2026-05-14"]).stdout.contains(PAYOUT));
    let other = site.run(&["reconcile", "--date", "2026-05-13"]);
    assert_eq!((other.code, other.stdout.contains(PAYOUT)), (Some(0), false), "{other}");
}

#[tokio::test]
async fn the_journal_is_printed_for_other_programs() {
    let site = read().await;
    let finished = site.run(&["export", "hledger"]);
    assert_eq!(finished.code, Some(0), "{finished}");
    let entries: Vec<String> = column(site.pool(), "select entry_key from paystand_sync.journal_entry").await;
    assert!(!entries.is_empty() && entries.iter().all(|key| finished.stdout.contains(key)), "{finished}");
    let finished = site.run(&["export", "beancount", "--adapter", "ledger"]);
    assert_eq!(finished.code, Some(2), "{finished}");
    assert_eq!(finished.complaints().len(), 1, "{finished}");
    assert!(finished.complaints()[0].contains("there is no adapter `ledger`"), "{finished}");
}

#[tokio::test]
async fn nothing_to_tie_out_is_no_mismatch() {
    let server = Literal::start();
    let site = Site::new(&server).await;
    let finished = site.run(&["reconcile"]);
    assert_eq!(finished.code, Some(0), "{finished}");
    assert!(finished.stdout.contains("No payouts."), "{finished}");
}
