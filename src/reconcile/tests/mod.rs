//! What a tie-out says of payouts as they are told, from bodies on.

mod lines;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::{Fold, PayoutProof, Placed, Reconciliation, Verdict, reconcile};
use crate::journal::{Desk, Policy, Told};
use crate::model::event::Event;
use crate::model::journal::Entry;
use crate::model::record::Shape;
use crate::model::resource::Resource;
use crate::normalize::sight;

/// Everything that was told and booked.
struct Books {
    desk: Desk,
    entries: Vec<Entry>,
    events: Vec<Event>,
    now: DateTime<Utc>,
}

impl Books {
    fn new() -> Self {
        let desk = Desk::new(Policy::of(chrono_tz::America::Los_Angeles));
        let now = "2026-05-12T16:00:00Z".parse().expect("an instant");
        Self { desk, entries: Vec::new(), events: Vec::new(), now }
    }

    fn take(&mut self, resource: Resource, id: &str, fields: &Value) {
        self.now += TimeDelta::minutes(1);
        let at = self.now.to_rfc3339();
        let mut body = json!({ "id": id, "currency": "USD", "created": at, "lastUpdated": at });
        for (name, value) in fields.as_object().expect("an object") {
            body[name] = value.clone();
        }
        let sighting = sight(resource, Shape::List, None, Bytes::from(body.to_string())).expect("readable");
        let booking = self.desk.take(&sighting.document.expect("a document"), self.now);
        self.entries.extend(booking.entries);
        self.events.extend(booking.told.into_iter().map(|told| told.event));
    }

    fn payment(&mut self, id: &str, amount: &str) {
        self.take(Resource::Payments, id, &json!({"amount": amount, "status": "paid"}));
    }

    fn fee(&mut self, id: &str, payment: &str, amount: &str) {
        let fields = json!({"amount": amount, "feeType": "paystand", "resourceId": payment, "resourceType": "Payment"});
        self.take(Resource::Fees, id, &fields);
    }

    fn refund(&mut self, id: &str, payment: &str, amount: &str, fields: &Value) {
        let mut body = json!({"amount": amount, "paymentId": payment, "status": "paid"});
        for (name, value) in fields.as_object().expect("an object") {
            body[name] = value.clone();
        }
        self.take(Resource::Refunds, id, &body);
    }

    fn dispute(&mut self, id: &str, status: &str, won: &str) {
        let fields =
            json!({"amount": "150.00", "paymentId": "P9", "status": status, "amountWon": won, "disputeFee": "35.00"});
        self.take(Resource::Disputes, id, &fields);
    }

    /// A transfer with the lines of its report: (kind, named record, share).
    fn payout(&mut self, id: &str, amount: &str, status: &str, lines: &[(&str, &str, &str)]) {
        self.take(Resource::Transfers, id, &json!({"amount": amount, "status": status}));
        for (n, (kind, named, share)) in lines.iter().enumerate() {
            let fields = json!({"transferId": id, "resourceType": kind, "resourceId": named, "transferAmount": share,
                "currency": null});
            self.take(Resource::TransferEntries, &format!("{id}.{n}"), &fields);
        }
    }

    /// The tie-out, with what it promises of itself.
    fn answer(&self) -> Reconciliation {
        let answer = reconcile(&self.entries, &self.events);
        for total in &answer.totals {
            let parts = [total.in_transit, total.unproven, total.wrong];
            let parts: Decimal = parts.iter().map(|amount| amount.decimal()).sum();
            assert_eq!(total.clearing.decimal(), parts, "{answer:?}");
        }
        for payout in &answer.payouts {
            assert!(payout.verdict != Verdict::Proven || payout.unexplained().is_zero(), "{payout:?}");
        }
        let debits: Decimal = answer.movements.iter().map(|it| it.debit.decimal() - it.credit.decimal()).sum();
        assert_eq!(debits, Decimal::ZERO);
        let folded = self.folded().finish();
        assert_eq!(verdicts(&folded), verdicts(&answer));
        assert_eq!(folded.totals, answer.totals);
        answer
    }

    /// The books read account by account.
    fn folded(&self) -> Fold {
        let told = |event: &Event| Told { event: event.clone(), root: self.desk.root_of_event(&event.key).cloned() };
        let is_of_transfer = |event: &&Event| event.resource == Resource::Transfers;
        let transfers: Vec<Event> = self.events.iter().filter(is_of_transfer).cloned().collect();
        let is_caused = |(_, entry): &Placed| transfers.iter().any(|event| event.key == entry.event_key);
        let (own, others) = (0..).zip(self.entries.iter().cloned()).partition(is_caused);
        let mut fold = Fold::new(own, transfers);
        fold.take(others, self.events.iter().map(told).collect());
        fold
    }
}

/// What is in transit, as `kind id amount`.
fn transit(answer: &Reconciliation) -> Vec<String> {
    let items = answer.in_transit.iter().flat_map(|it| &it.items);
    items.map(|item| format!("{:?} {} {}", item.record.kind, item.record.id, item.amount)).collect()
}

/// Verdicts as `transfer verdict`, a wrong one with its differences.
fn verdicts(answer: &Reconciliation) -> Vec<String> {
    let said = |payout: &PayoutProof| match &payout.verdict {
        Verdict::Wrong { differences } => {
            let differences: Vec<String> = differences
                .iter()
                .map(|it| {
                    let record = it.record.as_ref().map_or(String::new(), |it| format!(" {:?} {}", it.kind, it.id));
                    format!("{:?}{record} {}", it.kind, it.amount.amount)
                })
                .collect();
            format!("{} wrong: {}", payout.transfer_id, differences.join(", "))
        }
        verdict => format!("{} {verdict:?}", payout.transfer_id),
    };
    answer.payouts.iter().map(said).collect()
}

/// The worked example, up to the payout.
fn worked() -> Books {
    let mut books = Books::new();
    books.payment("P1", "257.50");
    books.payment("P2", "400.00");
    books.refund("R1", "P0", "40.00", &json!({"feesRefunded": false}));
    books.dispute("D1", "processing", "0");
    books
}

const WORKED: [(&str, &str, &str); 5] = [
    ("Payment", "P1", "257.50"),
    ("Payment", "P2", "400.00"),
    ("Refund", "R1", "-40.00"),
    ("Dispute", "D1", "-150.00"),
    ("Fee", "D1", "-35.00"),
];

#[test]
fn the_worked_example_is_proven_and_nothing_is_in_transit() {
    let mut books = worked();
    books.fee("F1", "P1", "7.83");
    books.payout("T1", "424.67", "paid", &[&WORKED[..], &[("Fee", "F1", "-7.83")]].concat());
    let answer = books.answer();
    assert_eq!(verdicts(&answer), ["T1 Proven"]);
    assert_eq!(transit(&answer), [""; 0]);
    assert_eq!(answer.totals[0].clearing.decimal(), Decimal::ZERO);
}

#[test]
fn of_accounts_at_rest_nothing_is_held_but_sums() {
    let mut books = worked();
    books.payment("P3", "10.00");
    books.fee("F1", "P1", "7.83");
    books.payout("T1", "424.67", "paid", &[&WORKED[..], &[("Fee", "F1", "-7.83")]].concat());
    books.payout("T2", "10.01", "paid", &[("Payment", "P3", "10.01")]);
    let fold = books.folded();
    assert_eq!(fold.held(), 1, "the payment that does not agree with its payout");
    let answer = fold.finish();
    let sums: Vec<_> = answer.payouts.iter().map(|it| (it.at_rest.to_string(), it.lines.len())).collect();
    assert_eq!(sums, [("424.67".to_owned(), 0), ("0".to_owned(), 1)]);
}

#[test]
fn a_fee_that_is_late_is_in_transit_until_a_payout_withholds_it() {
    let mut books = worked();
    books.payout("T1", "432.50", "paid", &WORKED);
    books.fee("F1", "P1", "7.83");
    let answer = books.answer();
    assert_eq!(verdicts(&answer), ["T1 Proven"]);
    assert_eq!(transit(&answer), ["Fee F1 -7.83"]);
    books.payment("P3", "10.00");
    books.payout("T2", "2.17", "paid", &[("Payment", "P3", "10.00"), ("Fee", "F1", "-7.83")]);
    assert_eq!(verdicts(&books.answer()), ["T1 Proven", "T2 Proven"]);
    assert_eq!(transit(&books.answer()), [""; 0]);
}

#[test]
fn a_fee_that_changes_after_its_payout_leaves_the_difference_in_transit() {
    let mut books = worked();
    books.fee("F1", "P1", "7.83");
    books.payout("T1", "424.67", "paid", &[&WORKED[..], &[("Fee", "F1", "-7.83")]].concat());
    books.fee("F1", "P1", "7.90");
    assert_eq!(verdicts(&books.answer()), ["T1 Proven"]);
    assert_eq!(transit(&books.answer()), ["Fee F1 -0.07"]);
    books.payment("P3", "10.00");
    books.payout("T2", "9.93", "paid", &[("Payment", "P3", "10.00"), ("Adjustment", "F1", "-0.07")]);
    assert_eq!(verdicts(&books.answer()), ["T1 Proven", "T2 Proven"]);
    assert_eq!(transit(&books.answer()), [""; 0]);
}

#[test]
fn a_day_that_ends_below_zero_is_carried_by_name() {
    let mut books = Books::new();
    books.payment("P1", "20.00");
    books.refund("R1", "P0", "50.00", &json!({}));
    let answer = books.answer();
    assert_eq!(answer.in_transit[0].amount.to_string(), "-30.00");
    assert_eq!(transit(&answer), ["Payment P1 20.00", "Refund R1 -50.00"]);
    books.payment("P2", "100.00");
    let lines = [("Payment", "P1", "20.00"), ("Refund", "R1", "-50.00"), ("Payment", "P2", "100.00")];
    books.payout("T1", "70.00", "paid", &lines);
    assert_eq!((verdicts(&books.answer()), transit(&books.answer())), (vec!["T1 Proven".to_owned()], Vec::new()));
}

#[test]
fn a_payout_without_a_report_is_unproven_and_only_the_total_is_checked() {
    let mut books = worked();
    books.payout("T1", "432.50", "paid", &[]);
    books.payout("T0", "1.00", "processing", &[]);
    let answer = books.answer();
    assert_eq!(verdicts(&answer), ["T1 Unproven { because: NoReport }"]);
    assert_eq!(answer.payouts[0].reported, None);
    let total = &answer.totals[0];
    assert_eq!((total.clearing.to_string(), total.unproven.to_string()), ("0.00".to_owned(), "-432.50".to_owned()));
}

#[test]
fn what_a_failed_transfer_carried_is_settled_by_the_one_that_pays_it() {
    let mut books = worked();
    books.payout("T1", "432.50", "paid", &WORKED);
    books.payout("T1", "432.50", "failed", &[]);
    let answer = books.answer();
    assert_eq!(verdicts(&answer), ["T1 Returned"]);
    assert_eq!(transit(&answer).len(), 5);
    books.payout("T2", "432.50", "paid", &WORKED);
    assert_eq!(verdicts(&books.answer()), ["T1 Returned", "T2 Proven"]);
    assert_eq!(transit(&books.answer()), [""; 0]);
}

#[test]
fn a_wrong_report_is_told_with_the_records_and_the_differences() {
    let mut books = worked();
    let mut lines = WORKED;
    lines[0].2 = "257.60";
    books.payout("T1", "432.50", "paid", &lines);
    assert_eq!(verdicts(&books.answer()), ["T1 wrong: RecordAmount Payment P1 0.10, ReportSum 0.10"]);
    let mut books = worked();
    books.payout("T1", "432.50", "paid", &WORKED[..4]);
    assert_eq!(verdicts(&books.answer()), ["T1 wrong: ReportSum 35.00"]);
    assert_eq!(transit(&books.answer()), ["DisputeFee D1 -35.00"]);
    let mut books = worked();
    books.payout("T1", "442.50", "paid", &[&WORKED[..], &[("Payment", "P7", "10.00")]].concat());
    assert_eq!(verdicts(&books.answer()), ["T1 wrong: UnknownRecord 10.00"]);
    assert_eq!(books.answer().wrong().count(), 1);
}
