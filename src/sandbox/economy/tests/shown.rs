//! The notes say what the rows show: balances counted again from bodies alone.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde_json::Value;

use super::{Town, money, text};
use crate::model::resource::Resource;
use crate::sandbox::{BooksTruth, CUSTOMER_ID};

/// By role and currency.
type Balances = BTreeMap<(String, String), Decimal>;

fn book(balances: &mut Balances, role: &str, currency: &Value, debit: Decimal) {
    *balances.entry((role.to_owned(), text(currency).to_owned())).or_default() += debit;
}

fn details(town: &Town, resource: Resource) -> Vec<Value> {
    let body = |row: &Value| {
        town.world.detail_now(CUSTOMER_ID, resource, text(&row["id"])).expect("what is listed can be read by its id")
    };
    town.rows(resource).iter().map(|row| serde_json::from_slice(&body(row)).expect("json")).collect()
}

fn payments(town: &Town, balances: &mut Balances) {
    for payment in details(town, Resource::Payments) {
        let taken = matches!(text(&payment["status"]), "posted" | "paid");
        if let Some(split) = payment.get("feeSplit").filter(|_| taken) {
            let currency = &payment["currency"];
            book(balances, "discounts", currency, money(&split["payerDiscount"]));
            book(balances, "convenience_fee_income", currency, -money(&split["payerTotalFees"]));
        }
        for fee in payment["fees"].as_array().expect("fees").iter().filter(|fee| fee["feeType"] == "paystand") {
            book(balances, "processing_fee_expense", &fee["currency"], money(&fee["amount"]));
        }
    }
}

fn refunds(town: &Town, balances: &mut Balances) {
    let rows = town.rows(Resource::ReceivableTransactions);
    for refund in details(town, Resource::Refunds).iter().filter(|refund| refund["status"] == "paid") {
        let reopened = rows.iter().filter(|row| row["resourceId"] == refund["id"]);
        let reopened: Decimal = reopened.map(|row| money(&row["amountApplied"]).abs()).sum();
        book(balances, "refunds", &refund["currency"], money(&refund["amount"]) - reopened);
        for fee in refund.get("fees").and_then(Value::as_array).into_iter().flatten() {
            book(balances, "processing_fee_expense", &fee["currency"], -money(&fee["amount"]));
        }
    }
}

fn disputes(town: &Town, balances: &mut Balances) {
    for dispute in details(town, Resource::Disputes) {
        let (currency, amount) = (&dispute["currency"], money(&dispute["amount"]));
        match text(&dispute["status"]) {
            "won" => book(balances, "dispute_losses", currency, amount - money(&dispute["amountWon"])),
            "lost" => book(balances, "dispute_losses", currency, amount),
            "failed" => {}
            _ => book(balances, "disputes", currency, amount),
        }
    }
}

fn transfers(town: &Town, balances: &mut Balances) {
    for transfer in details(town, Resource::Transfers).iter().filter(|transfer| transfer["status"] == "paid") {
        book(balances, "bank", &transfer["currency"], money(&transfer["amount"]));
    }
}

#[test]
fn balances_counted_from_the_rows_are_those_of_the_notes() {
    const COUNTED: [&str; 7] = [
        "discounts",
        "convenience_fee_income",
        "processing_fee_expense",
        "refunds",
        "disputes",
        "dispute_losses",
        "bank",
    ];
    for seed in 0..60 {
        let town = Town::live(seed, 2);
        for _ in 0..3 {
            town.pass(17);
            let mut counted = Balances::new();
            for count in [payments, refunds, disputes, transfers] {
                count(&town, &mut counted);
            }
            counted.retain(|_, balance| !balance.is_zero());
            let mut noted = town.books().roles;
            noted.retain(|(role, _), _| COUNTED.contains(&role.as_str()));
            assert_eq!(counted, noted, "seed {seed}");
        }
    }
}

#[test]
fn invoices_and_unapplied_money_are_those_of_the_roles() {
    for seed in 0..60 {
        let town = Town::live(seed, 2);
        let BooksTruth { roles, applied, unapplied, .. } = town.pass(50).books();
        let sum = |wanted: &str| -> Decimal {
            roles.iter().filter(|((role, _), _)| role == wanted).map(|(_, balance)| balance).sum()
        };
        assert_eq!(sum("unapplied_cash"), -unapplied.values().sum::<Decimal>(), "seed {seed}");
        let tally = town.world.economy_tally(CUSTOMER_ID);
        let mut memos = Decimal::ZERO;
        if tally.contains_key("memo_applied_gross") {
            for memo in town.rows(Resource::CreditMemos) {
                memos += money(&memo["amount"]) - money(&memo["amountRemaining"]);
            }
        }
        assert_eq!(sum("receivable"), memos - applied.values().sum::<Decimal>(), "seed {seed}");
    }
}
