//! Money: relations between objects, and reports that sum.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde_json::Value;

use super::Lab;
use crate::model::resource::Resource;
use crate::sandbox::{CUSTOMER_ID, Edit, Quirks};

fn amount(value: &Value) -> Decimal {
    value.as_str().expect("an amount in text").parse().expect("an amount")
}

#[test]
fn the_entries_of_every_completed_report_sum_to_its_transfer() {
    let lab = Lab::new(400, Quirks::default());
    let mut completed = 0;
    for transfer in lab.all("/transfers/all") {
        let id = transfer["id"].as_str().expect("id");
        let report = lab.get(&format!("/transfers/{id}/report"));
        let entries = lab.all(&format!("/transfers/{id}/report/entries"));
        if report["status"] == "completed" {
            completed += 1;
            let sum: Decimal = entries.iter().map(|entry| amount(&entry["transferAmount"])).sum();
            assert_eq!(sum, amount(&report["amount"]), "{id}");
            assert_eq!(sum, amount(&transfer["amount"]), "{id}");
        } else {
            assert!(entries.is_empty());
        }
        let withdrawal = lab.get(&format!("/withdrawals/{}", transfer["resourceId"].as_str().expect("id")));
        let embedded = withdrawal["transfers"].as_array().expect("transfers");
        let parts: Decimal = embedded.iter().map(|part| amount(&part["amount"])).sum();
        assert_eq!(parts, amount(&withdrawal["amount"]));
        assert!(embedded.iter().any(|part| part["id"] == id && part["status"] == transfer["status"]));
    }
    assert!(completed > 20, "{completed}");
}

#[test]
fn applications_of_a_payment_sum_to_its_subtotal_and_to_what_invoices_say() {
    let lab = Lab::new(200, Quirks::default());
    let mut applied: BTreeMap<String, Decimal> = BTreeMap::new();
    for receivable in lab.all("/receivables") {
        let id = receivable["id"].as_str().expect("id");
        let mut paid = Decimal::ZERO;
        for row in lab.all(&format!("/receivables/{id}/transactions")) {
            if row["resourceType"] == "Payment" {
                paid += amount(&row["amountApplied"]);
                *applied.entry(row["paymentId"].as_str().expect("id").to_owned()).or_default() +=
                    amount(&row["amountApplied"]);
            }
        }
        assert_eq!(paid, amount(&receivable["amountPaid"]));
        assert_eq!(receivable["status"] == "paid", amount(&receivable["amount"]) == paid);
    }
    assert!(applied.len() > 150);
    for (payment, sum) in applied {
        let detail = lab.get(&format!("/payments/{payment}"));
        if let Some(split) = detail.get("feeSplit") {
            assert_eq!(amount(&split["subtotal"]), sum);
            let fees = amount(&split["payerTotalFees"]) - amount(&split["payerDiscount"]);
            assert_eq!(sum + fees, amount(&detail["amount"]));
        }
    }
}

#[test]
fn a_delayed_fee_becomes_final_under_the_same_id() {
    let lab = Lab::new(400, Quirks::default());
    let delayed = lab.all("/fees").into_iter().find(|fee| fee["feeType"] == "delayed").expect("a delayed fee");
    assert!(delayed.get("amount").is_none());
    lab.clock.advance(5 * 86_400);
    let fee = lab.get(&format!("/fees/{}", delayed["id"].as_str().expect("id")));
    assert_eq!(fee["feeType"], "paystand");
    assert!(amount(&fee["amount"]) > Decimal::ZERO);
}

#[test]
fn sums_are_those_of_the_rows() {
    let lab = Lab::new(120, Quirks::default());
    let mut sums: BTreeMap<String, Decimal> = BTreeMap::new();
    for row in lab.all("/payments/all") {
        *sums.entry(row["currency"].as_str().expect("currency").to_owned()).or_default() += amount(&row["amount"]);
    }
    assert_eq!(lab.world.sums(Resource::Payments), sums);
}

#[test]
fn a_rekeyed_invoice_keeps_its_id() {
    let lab = Lab::new(5, Quirks::default());
    let id = lab.all("/receivables")[0]["id"].as_str().expect("id").to_owned();
    let edit = Edit { ext_id: Some("INV-NEW".to_owned()), ..Edit::default() };
    lab.world.edit(CUSTOMER_ID, Resource::Receivables, &id, edit).expect("edited");
    assert_eq!(lab.get(&format!("/receivables/{id}/read"))["extId"], "INV-NEW");
}
