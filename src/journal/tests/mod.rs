//! Worked examples to the cent, and the cases in which a simpler rule would have booked something twice or never.

mod unseen;

use std::collections::BTreeMap;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::{Booking, Desk, Policy};
use crate::model::ids::SourceId;
use crate::model::journal::{Entry, Role};
use crate::model::record::Shape;
use crate::model::resource::Resource;
use crate::normalize::sight;

/// A desk with everything that it told and booked.
struct Books {
    desk: Desk,
    entries: Vec<Entry>,
    keys: Vec<String>,
    troubles: Vec<&'static str>,
    /// Rises with every version, so that each has a `lastUpdated` of its own.
    seconds: i64,
}

impl Books {
    fn new() -> Self {
        Self {
            desk: Desk::new(Policy::of(chrono_tz::America::Los_Angeles)),
            entries: Vec::new(),
            keys: Vec::new(),
            troubles: Vec::new(),
            seconds: 0,
        }
    }

    fn now(&self) -> DateTime<Utc> {
        "2026-05-12T16:00:00Z".parse::<DateTime<Utc>>().expect("an instant") + TimeDelta::seconds(self.seconds)
    }

    /// Takes one version; `fields` over a plausible head.
    fn take(&mut self, resource: Resource, id: &str, fields: &Value) {
        self.seconds += 1;
        let mut body = json!({ "id": id, "currency": "USD", "created": "2026-05-12T15:00:00.000Z",
            "lastUpdated": self.now().to_rfc3339() });
        for (name, value) in fields.as_object().expect("an object") {
            body[name] = value.clone();
        }
        let bytes = Bytes::from(body.to_string());
        let parent = body["parent"].as_str().map(SourceId::new);
        let sighting = sight(resource, Shape::List, parent.as_ref(), bytes).expect("readable");
        let document = sighting.document.expect("a document");
        let booking = self.desk.take(&document, self.now());
        self.keep(booking);
    }

    fn keep(&mut self, booking: Booking) {
        for entry in &booking.entries {
            assert_eq!(entry.imbalance(), Decimal::ZERO, "{entry:?}");
        }
        self.entries.extend(booking.entries);
        self.keys.extend(booking.told.into_iter().map(|told| told.event.key));
        self.troubles.extend(booking.troubles.into_iter().map(|trouble| trouble.class));
        let mut keys: Vec<&String> = self.entries.iter().map(|entry| &entry.key).collect();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), self.entries.len(), "an entry key came twice");
    }

    fn payment(&mut self, id: &str, amount: &str, status: &str) {
        self.take(
            Resource::Payments,
            id,
            &json!({"amount": amount, "status": status, "datePosted": "2026-05-12T15:00:05Z"}),
        );
    }

    fn split(&mut self, id: &str, amount: &str, subtotal: &str, fee: &str, discount: &str) {
        let split = json!({"subtotal": subtotal, "payerTotalFees": fee, "payerDiscount": discount, "payerTotal": amount,
            "merchantTotalFees": "9.99"});
        self.take(Resource::Payments, id, &json!({"amount": amount, "status": "posted", "feeSplit": split}));
    }

    fn apply(&mut self, id: &str, payment: &str, receivable: &str, amount: &str) {
        self.take(
            Resource::ReceivableTransactions,
            id,
            &json!({"paymentId": payment, "resourceId": payment, "resourceType": "Payment", "receivableId": receivable,
                "amountApplied": amount, "status": "active", "receivable": {"id": receivable, "currency": "USD"}}),
        );
    }

    fn fee(&mut self, id: &str, payment: &str, kind: &str, amount: &str) {
        let fields = json!({"amount": amount, "feeType": kind, "resourceId": payment, "resourceType": "Payment", "status": "active"});
        self.take(Resource::Fees, id, &fields);
    }

    fn refund(&mut self, id: &str, payment: &str, amount: &str, status: &str) {
        let fields = json!({"amount": amount, "paymentId": payment, "status": status, "feesRefunded": false});
        self.take(Resource::Refunds, id, &fields);
    }

    fn dispute(&mut self, id: &str, payment: &str, status: &str, won: &str) {
        let fields = json!({"amount": "150.00", "paymentId": payment, "status": status, "amountWon": won, "disputeFee": "35.00",
            "disputeType": "Bank"});
        self.take(Resource::Disputes, id, &fields);
    }

    fn transfer(&mut self, id: &str, amount: &str, status: &str) {
        let fields = json!({"amount": amount, "status": status, "dateSettled": "2026-05-14T13:00:00Z", "resourceId": "wd1",
            "resourceType": "Withdrawal"});
        self.take(Resource::Transfers, id, &fields);
    }

    fn line(&mut self, id: &str, kind: &str, named: &str, amount: &str) {
        self.take(
            Resource::TransferEntries,
            id,
            &json!({"parent": "tr1", "transferId": "tr1", "resourceType": kind, "resourceId": named, "transferAmount": amount,
                "currency": null}),
        );
    }

    fn balance(&self, role: Role) -> String {
        let lines = self.entries.iter().flat_map(|entry| &entry.lines).filter(|line| line.role == role);
        lines.map(|line| line.amount.decimal()).sum::<Decimal>().to_string()
    }

    fn balances(&self) -> BTreeMap<&'static str, String> {
        let all = Role::ALL.iter().map(|role| (role.name(), self.balance(*role)));
        all.filter(|(_, balance)| balance.parse::<Decimal>().is_ok_and(|balance| !balance.is_zero())).collect()
    }
}

fn expect(books: &Books, balances: &[(&'static str, &str)]) {
    let expected: BTreeMap<&'static str, String> =
        balances.iter().map(|(role, balance)| (*role, (*balance).to_owned())).collect();
    assert_eq!(books.balances(), expected);
}

/// A day with a card checkout for two invoices, an ACH payment, a refund, an ACH return, a late fee and the payout.
#[test]
fn a_day_ends_with_clearing_at_zero() {
    let mut books = Books::new();
    books.split("P1", "257.50", "250.00", "7.50", "0.00");
    books.apply("a1", "P1", "rc1", "200.00");
    books.apply("a2", "P1", "rc2", "50.00");
    books.payment("P2", "400.00", "paid");
    books.apply("a3", "P2", "rc3", "400.00");
    books.refund("R1", "P0", "40.00", "paid");
    books.dispute("D1", "P9", "processing", "0.00");
    books.fee("F1", "P1", "delayed", "0");
    books.fee("F1", "P1", "paystand", "7.83");
    let before_payout = books.balance(Role::Clearing);
    assert_eq!(before_payout, "424.67");
    books.transfer("tr1", "424.67", "paid");
    for (id, kind, named, amount) in [
        ("e1", "payment", "P1", "257.50"),
        ("e2", "payment", "P2", "400.00"),
        ("e3", "fee", "F1", "-7.83"),
        ("e4", "refund", "R1", "-40.00"),
        ("e5", "dispute", "D1", "-150.00"),
        ("e6", "fee", "D1", "-35.00"),
    ] {
        books.line(id, kind, named, amount);
    }
    let side = |pick: fn((Decimal, Decimal)) -> Decimal| -> Decimal {
        let clearing = books.entries.iter().flat_map(|entry| &entry.lines).filter(|line| line.role == Role::Clearing);
        clearing.map(|line| pick(line.sides())).sum()
    };
    assert_eq!((side(|sides| sides.0), side(|sides| sides.1)), (Decimal::new(65_750, 2), Decimal::new(65_750, 2)));
    expect(
        &books,
        &[
            ("bank", "424.67"),
            ("convenience_fee_income", "-7.50"),
            ("dispute_fees", "35.00"),
            ("disputes", "150.00"),
            ("processing_fee_expense", "7.83"),
            ("receivable", "-650.00"),
            ("refunds", "40.00"),
        ],
    );
    assert!(books.troubles.is_empty(), "{:?}", books.troubles);
}

#[test]
fn one_payment_with_both_fees_and_its_payout_add_up() {
    let mut books = Books::new();
    books.split("P", "515.00", "500.00", "15.00", "0.00");
    books.apply("a", "P", "rc", "500.00");
    books.fee("M", "P", "paystand", "14.94");
    books.transfer("T", "500.06", "paid");
    expect(
        &books,
        &[
            ("bank", "500.06"),
            ("convenience_fee_income", "-15.00"),
            ("processing_fee_expense", "14.94"),
            ("receivable", "-500.00"),
        ],
    );
}

#[test]
fn a_payment_seen_only_as_paid_posts_like_one_seen_as_posted() {
    let mut seen_twice = Books::new();
    seen_twice.payment("P", "10.00", "posted");
    seen_twice.payment("P", "10.00", "paid");
    let mut seen_once = Books::new();
    seen_once.payment("P", "10.00", "paid");
    assert_eq!(seen_once.keys, ["payment:P:posted", "payment:P:paid"]);
    assert_eq!(seen_once.keys, seen_twice.keys);
    assert_eq!(seen_once.entries, seen_twice.entries);
}

#[test]
fn told_again_it_tells_nothing() {
    let mut books = Books::new();
    for _ in 0..3 {
        books.split("P", "103.00", "100.00", "3.00", "0.00");
        books.apply("a", "P", "rc", "100.00");
        books.fee("F", "P", "paystand", "2.50");
        books.refund("R", "P", "40.00", "paid");
        books.dispute("D", "P", "won", "150.00");
    }
    assert_eq!(books.keys.len(), 7, "{:?}", books.keys);
}

#[test]
fn a_split_that_becomes_known_later_amends() {
    let mut books = Books::new();
    books.payment("P", "103.00", "posted");
    books.split("P", "103.00", "100.00", "3.00", "0.00");
    // The next row of the list has no split again; it takes nothing back.
    books.payment("P", "103.00", "paid");
    assert_eq!(books.keys, ["payment:P:posted", "payment:P:amended", "payment:P:paid"]);
    expect(&books, &[("clearing", "103.00"), ("convenience_fee_income", "-3.00"), ("unapplied_cash", "-100.00")]);
    assert_eq!(books.entries[1].reverses.as_deref(), Some("payment:P:posted/1"));
}

#[test]
fn applications_wait_for_their_payment_and_go_with_it() {
    let mut books = Books::new();
    books.apply("a1", "P", "rc1", "60.00");
    assert!(books.entries.is_empty());
    books.payment("P", "100.00", "posted");
    books.apply("a2", "P", "rc2", "40.00");
    expect(&books, &[("clearing", "100.00"), ("receivable", "-100.00")]);
    books.payment("P", "100.00", "failed");
    expect(&books, &[]);
    assert_eq!(books.troubles, ["failed_after_posting"]);
    books.payment("P", "100.00", "paid");
    expect(&books, &[("clearing", "100.00"), ("receivable", "-100.00")]);
}

#[test]
fn a_fee_that_goes_there_and_back_is_booked_at_its_last_amount() {
    let mut books = Books::new();
    for amount in ["7.83", "7.90", "7.83"] {
        books.fee("F", "P", "paystand", amount);
    }
    assert_eq!(books.keys, ["fee:F:finalized", "fee:F:adjusted", "fee:F:adjusted:2"]);
    expect(&books, &[("clearing", "-7.83"), ("processing_fee_expense", "7.83")]);
}

#[test]
fn facts_that_come_back_are_booked_once() {
    let mut books = Books::new();
    for status in ["paid", "failed", "paid"] {
        books.transfer("T", "10.00", status);
        books.refund("R", "P", "4.00", if status == "failed" { "reversed" } else { status });
    }
    assert!(books.keys.contains(&"transfer:T:paid:2".to_owned()) && books.keys.contains(&"refund:R:paid:2".to_owned()));
    expect(&books, &[("bank", "10.00"), ("clearing", "-14.00"), ("refunds", "4.00")]);
    for (status, won) in [("lost", "0"), ("won", "150.00")] {
        books.dispute("D", "P", status, won);
    }
    expect(&books, &[("bank", "10.00"), ("clearing", "-49.00"), ("dispute_fees", "35.00"), ("refunds", "4.00")]);
}

#[test]
fn a_dispute_that_fails_gives_back_its_amount_and_keeps_its_fee() {
    let mut books = Books::new();
    books.dispute("D", "P", "processing", "0");
    books.dispute("D", "P", "failed", "0");
    expect(&books, &[("clearing", "-35.00"), ("dispute_fees", "35.00")]);
}

#[test]
fn a_dispute_partly_won_loses_the_rest() {
    let mut books = Books::new();
    books.dispute("D", "P", "won", "50.00");
    expect(&books, &[("clearing", "-135.00"), ("dispute_fees", "35.00"), ("dispute_losses", "100.00")]);
    let mut parked = Books::new();
    parked.dispute("D", "P", "won", "0.00");
    assert_eq!(parked.troubles, ["won_without_amount"]);
}

#[test]
fn the_fee_of_a_dispute_is_one_whoever_speaks_first() {
    let report = |books: &mut Books| books.line("e1", "fee", "D", "-35.00");
    let row = |books: &mut Books| {
        let fields = json!({"amount": "35.00", "feeType": "paystand", "resourceId": "D", "resourceType": "Dispute", "status": "active"});
        books.take(Resource::Fees, "DF", &fields);
    };
    let dispute = |books: &mut Books| books.dispute("D", "P", "processing", "0");
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let mut books = Books::new();
        books.transfer("tr1", "1.00", "processing");
        for step in order {
            match step {
                0 => dispute(&mut books),
                1 => row(&mut books),
                _ => report(&mut books),
            }
        }
        books.line("e2", "fee", "DF", "-35.00");
        expect(&books, &[("clearing", "-185.00"), ("dispute_fees", "35.00"), ("disputes", "150.00")]);
        assert!(books.troubles.is_empty(), "{order:?}: {:?}", books.troubles);
    }
}

#[test]
fn the_fee_of_a_dispute_that_failed_before_its_report_is_booked() {
    let mut books = Books::new();
    for status in ["processing", "failed"] {
        let fields = json!({"amount": "150.00", "paymentId": "P", "status": status});
        books.take(Resource::Disputes, "D", &fields);
    }
    books.transfer("tr1", "1.00", "processing");
    books.line("e1", "fee", "D", "-35.00");
    expect(&books, &[("clearing", "-35.00"), ("dispute_fees", "35.00")]);
}

#[test]
fn items_of_a_transfer_that_failed_come_again_in_a_later_one() {
    for fails_first in [true, false] {
        let mut books = Books::new();
        books.payment("P", "10.00", "paid");
        let adjust = |books: &mut Books, transfer: &str| {
            let fields = json!({"transferId": transfer, "resourceType": "adjustment", "resourceId": "X", "transferAmount": "-5.00",
                "currency": null});
            books.take(Resource::TransferEntries, &format!("e-{transfer}"), &fields);
        };
        for transfer in ["tr1", "tr2"] {
            books.transfer(transfer, "5.00", "processing");
        }
        adjust(&mut books, "tr1");
        if fails_first {
            books.transfer("tr1", "5.00", "failed");
            adjust(&mut books, "tr2");
        } else {
            adjust(&mut books, "tr2");
            books.transfer("tr1", "5.00", "failed");
        }
        expect(&books, &[("adjustments", "5.00"), ("clearing", "5.00"), ("unapplied_cash", "-10.00")]);
        books.transfer("tr1", "5.00", "paid");
        assert_eq!(books.balance(Role::Adjustments), "10.00", "both are paid: two facts");
    }
}

#[test]
fn an_adjustment_of_a_known_fee_books_nothing_of_its_own() {
    let mut books = Books::new();
    books.fee("F", "P", "paystand", "7.83");
    books.fee("F", "P", "paystand", "7.90");
    books.transfer("tr1", "1.00", "processing");
    books.line("e1", "adjustment", "F", "-0.07");
    expect(&books, &[("clearing", "-7.90"), ("processing_fee_expense", "7.90")]);
}

#[test]
fn an_adjustment_that_no_record_explains_is_booked_until_one_does() {
    let mut books = Books::new();
    books.transfer("tr1", "1.00", "processing");
    books.line("e1", "adjustment", "F", "-0.07");
    expect(&books, &[("adjustments", "0.07"), ("clearing", "-0.07")]);
    books.fee("F", "P", "paystand", "7.90");
    expect(&books, &[("clearing", "-7.90"), ("processing_fee_expense", "7.90")]);
}

#[test]
fn a_returned_fee_is_booked_once_whoever_tells_it() {
    let refund = |books: &mut Books| {
        let fields = json!({"amount": "40.00", "paymentId": "P", "status": "paid", "feesRefunded": true,
            "fees": [{"object": "fee", "id": "RF", "amount": "1.20", "currency": "USD", "feeType": "paystand"}]});
        books.take(Resource::Refunds, "R", &fields);
    };
    for refund_first in [true, false] {
        for named in ["RF", "F"] {
            let mut books = Books::new();
            books.payment("P", "100.00", "paid");
            books.fee("F", "P", "paystand", "3.00");
            books.transfer("tr1", "1.00", "processing");
            if refund_first {
                refund(&mut books);
            }
            books.line("e1", "fee", named, "1.20");
            if !refund_first {
                refund(&mut books);
            }
            expect(
                &books,
                &[
                    ("clearing", "58.20"),
                    ("processing_fee_expense", "1.80"),
                    ("refunds", "40.00"),
                    ("unapplied_cash", "-100.00"),
                ],
            );
        }
    }
}

#[test]
fn a_refund_opens_its_invoice_again() {
    let mut books = Books::new();
    let row = json!({"paymentId": "P", "resourceId": "R", "resourceType": "Refund", "receivableId": "rc", "amountApplied": "-40.00",
        "status": "active", "receivable": {"id": "rc", "currency": "USD"}});
    books.take(Resource::ReceivableTransactions, "a", &row);
    assert!(books.entries.is_empty(), "not before the refund is paid");
    books.refund("R", "P", "40.00", "paid");
    expect(&books, &[("clearing", "-40.00"), ("receivable", "40.00")]);
    books.refund("R", "P", "40.00", "reversed");
    expect(&books, &[]);
}

#[test]
fn two_currencies_are_two_entries() {
    let mut books = Books::new();
    let fields = json!({"amount": "100.00", "currency": "EUR", "settlementAmount": "108.00", "settlementCurrency": "USD",
        "status": "posted"});
    books.take(Resource::Payments, "P", &fields);
    assert_eq!(books.entries.len(), 2);
    assert_eq!(books.entries[1].currency.as_str(), "USD");
    let parked = json!({"amount": "100.00", "currency": "EUR", "settlementCurrency": "USD", "status": "posted"});
    let mut waiting = Books::new();
    waiting.take(Resource::Payments, "P", &parked);
    assert!(waiting.entries.is_empty());
    assert_eq!(waiting.troubles, ["missing_settlement"]);
}

#[test]
fn a_discount_that_the_application_leaves_out_goes_to_the_invoice() {
    for applied in ["99.00", "100.00"] {
        let mut books = Books::new();
        books.split("P", "99.00", "100.00", "0.00", "1.00");
        books.apply("a", "P", "rc", applied);
        expect(&books, &[("clearing", "99.00"), ("discounts", "1.00"), ("receivable", "-100.00")]);
    }
}

#[test]
fn what_is_not_understood_moves_no_money() {
    let mut books = Books::new();
    books.payment("P", "10.00", "teleported");
    books.take(Resource::Payments, "Q", &json!({"status": "posted"}));
    books.fee("F", "P", "cardPayment.posted", "1.00");
    books.split("S", "10.00", "9.00", "1.00", "0.00");
    let mismatch = json!({"amount": "11.00", "status": "posted", "feeSplit": {"payerTotal": "10.00"}});
    books.take(Resource::Payments, "T", &mismatch);
    let mut troubles = books.troubles.clone();
    troubles.sort_unstable();
    assert_eq!(troubles, ["amount_mismatch", "missing_amount", "unknown_status", "unknown_status"]);
    expect(&books, &[("clearing", "10.00"), ("convenience_fee_income", "-1.00"), ("unapplied_cash", "-9.00")]);
}
