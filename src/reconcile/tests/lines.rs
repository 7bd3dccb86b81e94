//! Lines of reports that name their records in every way there is, or wrongly.

use serde_json::json;

use super::{Books, WORKED, transit, verdicts, worked};
use crate::model::ids::SourceId;
use crate::model::resource::Resource;
use crate::reconcile::{DifferenceKind, RecordKind, Verdict, reconcile};

#[test]
fn a_record_paid_out_twice_is_wrong_the_second_time() {
    let mut books = Books::new();
    books.payment("P1", "257.50");
    books.payout("T1", "100.00", "paid", &[("Payment", "P1", "100.00")]);
    assert_eq!(transit(&books.answer()), ["Payment P1 157.50"]);
    books.payout("T2", "157.50", "paid", &[("Payment", "P1", "157.50")]);
    books.payout("T3", "257.50", "paid", &[("Payment", "P1", "257.50")]);
    let expected = ["T1 Proven", "T2 Proven", "T3 wrong: RecordAmount Payment P1 257.50"];
    assert_eq!(verdicts(&books.answer()), expected);
}

#[test]
fn an_adjustment_that_no_record_explains_is_a_record_of_its_own() {
    let mut books = Books::new();
    books.payment("P1", "10.00");
    books.payout("T1", "9.50", "paid", &[("Payment", "P1", "10.00"), ("Adjustment", "X", "-0.50")]);
    let answer = books.answer();
    assert_eq!(verdicts(&answer), ["T1 Proven"]);
    let record = answer.payouts[0].lines[1].record.as_ref().expect("booked");
    assert_eq!((record.kind, record.id.as_str()), (RecordKind::Adjustment, "X"));
    // Later a fee explains it.
    books.fee("X", "P1", "0.50");
    let answer = books.answer();
    assert_eq!((verdicts(&answer), transit(&answer)), (vec!["T1 Proven".to_owned()], Vec::new()));
    assert_eq!(answer.payouts[0].lines[1].record.as_ref().map(|it| it.kind), Some(RecordKind::Fee));
}

#[test]
fn an_adjustment_of_a_fee_that_has_not_changed_is_wrong() {
    let mut books = Books::new();
    books.payment("P1", "10.00");
    books.fee("F1", "P1", "0.50");
    let lines = [("Payment", "P1", "10.00"), ("Fee", "F1", "-0.50"), ("Adjustment", "F1", "0.20")];
    books.payout("T1", "9.70", "paid", &lines);
    assert_eq!(verdicts(&books.answer()), ["T1 wrong: RecordAmount Fee F1 0.20"]);
}

#[test]
fn a_dispute_may_open_and_be_won_in_one_report_in_any_order() {
    for lines in [[("Dispute", "D1", "150.00"), ("Dispute", "D1", "-150.00")], WORKED_BACK] {
        let mut books = Books::new();
        books.dispute("D1", "processing", "0");
        books.dispute("D1", "won", "150.00");
        books.payout("T1", "-35.00", "paid", &[&lines[..], &[("Fee", "D1", "-35.00")]].concat());
        assert_eq!(verdicts(&books.answer()), ["T1 Proven"]);
    }
}

const WORKED_BACK: [(&str, &str, &str); 2] = [("Dispute", "D1", "-150.00"), ("Dispute", "D1", "150.00")];

#[test]
fn a_fee_of_a_dispute_may_be_named_by_its_own_id() {
    let mut books = Books::new();
    books.dispute("D1", "processing", "0");
    let fields = json!({"amount": "35.00", "feeType": "paystand", "resourceId": "D1", "resourceType": "Dispute"});
    books.take(Resource::Fees, "DF", &fields);
    books.payout("T1", "-185.00", "paid", &[("Dispute", "D1", "-150.00"), ("Fee", "DF", "-35.00")]);
    assert_eq!((verdicts(&books.answer()), transit(&books.answer())), (vec!["T1 Proven".to_owned()], Vec::new()));
}

#[test]
fn a_returned_fee_may_be_named_by_any_of_its_ids() {
    for (fee_id, named) in [(Some("RF"), "RF"), (Some("RF"), "F1"), (Some("F1"), "F1"), (None, "R1"), (None, "F1")] {
        let mut books = Books::new();
        books.payment("P1", "100.00");
        books.fee("F1", "P1", "3.00");
        books.payout("T1", "97.00", "paid", &[("Payment", "P1", "100.00"), ("Fee", "F1", "-3.00")]);
        let fee = json!({"id": fee_id, "amount": "1.20", "currency": "USD", "feeType": "paystand"});
        books.refund("R1", "P1", "40.00", &json!({"feesRefunded": true, "fees": [fee]}));
        books.payout("T2", "-38.80", "paid", &[("Refund", "R1", "-40.00"), ("Fee", named, "1.20")]);
        let answer = books.answer();
        assert_eq!(verdicts(&answer), ["T1 Proven", "T2 Proven"], "{fee_id:?} {named}");
        assert_eq!(transit(&answer), [""; 0], "{fee_id:?} {named}");
    }
}

#[test]
fn a_line_without_a_transfer_or_in_another_currency_is_not_lost() {
    let mut books = Books::new();
    books.payment("P1", "10.00");
    books.payout("T1", "10.00", "paid", &[("Payment", "P1", "10.00")]);
    let line = json!({"transferId": "T1", "resourceType": "Payment", "resourceId": "P1", "transferAmount": "1.00", "currency": "EUR"});
    books.take(Resource::TransferEntries, "e1", &line);
    let stray = json!({"resourceType": "Payment", "resourceId": "P1", "transferAmount": "1.00"});
    books.take(Resource::TransferEntries, "e2", &stray);
    let answer = books.answer();
    assert_eq!(verdicts(&answer), ["T1 wrong: OtherCurrency 1.00"]);
    assert_eq!(answer.strays, [SourceId::new("e2")]);
}

#[test]
fn a_payout_that_is_not_booked_as_it_was_paid_is_wrong() {
    let mut books = worked();
    books.payout("T1", "432.50", "paid", &WORKED);
    books.entries.retain(|entry| entry.event_key != "transfer:T1:paid");
    let answer = reconcile(&books.entries, &books.events);
    let Verdict::Wrong { differences } = &answer.payouts[0].verdict else { panic!("{answer:?}") };
    assert_eq!(differences[0].kind, DifferenceKind::BookedAmount);
}

#[test]
fn the_answer_is_plain_json() {
    let mut books = worked();
    books.payout("T1", "432.60", "paid", &WORKED);
    let json = serde_json::to_value(books.answer()).expect("plain data");
    let verdict = &json["payouts"][0]["verdict"];
    assert_eq!(verdict["verdict"], "wrong");
    assert_eq!(verdict["differences"][0]["kind"], "report_sum");
    assert_eq!(verdict["differences"][0]["amount"]["amount"], "-0.10");
    assert_eq!(json["movements"][0]["date"], "2026-05-12");
}

#[test]
fn a_fee_that_changed_and_changed_back_unseen_explains_its_lines() {
    let mut books = Books::new();
    books.payment("P1", "10.00");
    books.fee("F1", "P1", "1.00");
    let lines = [
        ("Payment", "P1", "10.00"),
        ("Fee", "F1", "-1.00"),
        ("Adjustment", "F1", "-0.25"),
        ("Adjustment", "F1", "0.25"),
    ];
    books.payout("T1", "9.00", "paid", &lines);
    let answer = books.answer();
    assert_eq!((verdicts(&answer), transit(&answer)), (vec!["T1 Proven".to_owned()], Vec::new()));
}

/// The history was read after the fee had become final, so the books know its last amount only.
#[test]
fn a_fee_that_was_withheld_before_it_was_final_is_explained_by_what_came_back_later() {
    let mut books = Books::new();
    books.payment("P1", "100.00");
    books.fee("F1", "P1", "13.00");
    books.payout("T1", "85.94", "paid", &[("Payment", "P1", "100.00"), ("Fee", "F1", "-14.06")]);
    assert_eq!(verdicts(&books.answer()), ["T1 wrong: RecordAmount Fee F1 -1.06"], "nothing came back yet");
    books.payment("P2", "50.00");
    books.payout("T2", "51.06", "paid", &[("Payment", "P2", "50.00"), ("Adjustment", "F1", "1.06")]);
    let answer = books.answer();
    assert_eq!(
        (verdicts(&answer), transit(&answer)),
        (vec!["T1 Proven".to_owned(), "T2 Proven".to_owned()], Vec::new())
    );
    books.payout("T3", "1.06", "paid", &[("Adjustment", "F1", "1.06")]);
    assert_eq!(verdicts(&books.answer()).last().map(String::as_str), Some("T3 wrong: RecordAmount Fee F1 1.06"));
}

/// The last word of such a change may be in a transfer that has not arrived yet. What one that fails carried comes again.
#[test]
fn what_a_transfer_on_its_way_brings_back_explains_what_was_withheld() {
    let mut books = Books::new();
    books.payment("P1", "10.00");
    books.fee("F1", "P1", "1.00");
    let lines = [("Payment", "P1", "10.00"), ("Fee", "F1", "-1.00"), ("Adjustment", "F1", "-0.25")];
    books.payout("T1", "8.75", "paid", &lines);
    assert_eq!(verdicts(&books.answer()), ["T1 wrong: RecordAmount Fee F1 -0.25"], "nothing is coming");
    let back = [("Adjustment", "F1", "0.25")];
    books.payout("T2", "0.25", "posted", &back);
    let answer = books.answer();
    assert_eq!((verdicts(&answer), transit(&answer)), (vec!["T1 Proven".to_owned()], vec!["Fee F1 0.25".to_owned()]));
    books.payout("T2", "0.25", "failed", &back);
    assert_eq!(verdicts(&books.answer()), ["T1 Proven"], "it comes again");
    books.payout("T3", "0.25", "paid", &back);
    let answer = books.answer();
    assert_eq!(verdicts(&answer), ["T1 Proven", "T3 Proven"]);
    assert_eq!(transit(&answer), [""; 0]);
}

/// Nobody knows what such a fee was when its payout was made.
#[test]
fn a_fee_that_changed_before_it_was_first_read_leaves_its_payout_unproven_until_the_difference_comes_back() {
    let mut books = Books::new();
    books.payment("P1", "10.00");
    books.take(
        Resource::Fees,
        "F1",
        &json!({"amount": "1.00", "paymentId": "P1", "feeType": "paystand",
        "lastUpdated": "2026-06-20T00:00:00Z"}),
    );
    let lines = [("Payment", "P1", "10.00"), ("Fee", "F1", "-1.00"), ("Adjustment", "F1", "-0.25")];
    books.payout("T1", "8.75", "paid", &lines);
    let answer = books.answer();
    assert_eq!(verdicts(&answer), ["T1 Unproven { because: ReadLater }"]);
    assert_eq!(transit(&answer), ["Fee F1 0.25"]);
    books.payout("T2", "0.25", "paid", &[("Adjustment", "F1", "0.25")]);
    let answer = books.answer();
    assert_eq!(
        (verdicts(&answer), transit(&answer)),
        (vec!["T1 Proven".to_owned(), "T2 Proven".to_owned()], Vec::new())
    );
}

/// Half of a fee that went there and back went with a transfer that failed and told nobody.
#[test]
fn a_transfer_that_failed_without_a_report_leaves_others_unproven_until_the_next_payout() {
    let mut books = Books::new();
    books.payment("P1", "10.00");
    books.fee("F1", "P1", "1.00");
    books.payout("T0", "8.75", "posted", &[]);
    books.payout(
        "T1",
        "9.25",
        "paid",
        &[("Payment", "P1", "10.00"), ("Fee", "F1", "-1.00"), ("Adjustment", "F1", "0.25")],
    );
    assert_eq!(verdicts(&books.answer()), ["T1 wrong: RecordAmount Fee F1 0.25"]);
    books.payout("T0", "8.75", "failed", &[]);
    let answer = books.answer();
    assert_eq!(verdicts(&answer), ["T1 Unproven { because: FailedUnreported }"]);
    assert_eq!(transit(&answer), ["Fee F1 -0.25"]);
    books.payment("P2", "5.00");
    books.payout("T2", "5.00", "paid", &[("Payment", "P2", "5.00")]);
    assert_eq!(verdicts(&books.answer())[0], "T1 wrong: RecordAmount Fee F1 0.25", "it did not come again");
    books.payout("T3", "-0.25", "paid", &[("Adjustment", "F1", "-0.25")]);
    assert_eq!(verdicts(&books.answer()), ["T1 Proven", "T2 Proven", "T3 Proven"]);
}

#[test]
fn a_line_may_name_a_transfer() {
    let mut books = Books::new();
    books.payment("P1", "100.00");
    books.payout("T1", "5.00", "failed", &[]);
    books.payout("T2", "95.00", "paid", &[("Payment", "P1", "100.00"), ("Adjustment", "T1", "-5.00")]);
    assert_eq!(verdicts(&books.answer()), ["T2 Proven"]);
    books.payment("P3", "100.00");
    books.payout(
        "T3",
        "100.00",
        "paid",
        &[("Payment", "P3", "100.00"), ("Transfer", "T1", "5.00"), ("Transfer", "T1", "-5.00")],
    );
    assert!(verdicts(&books.answer()).iter().any(|it| it.starts_with("T3 wrong")));
}

#[test]
fn an_adjustment_that_a_refund_explains_later_stands_in_two_accounts() {
    let mut books = Books::new();
    books.payment("P1", "10.00");
    books.payout("T1", "9.50", "paid", &[("Payment", "P1", "10.00"), ("Adjustment", "R1", "-0.50")]);
    assert_eq!(verdicts(&books.answer()), ["T1 Proven"]);
    books.refund("R1", "P1", "3.00", &json!({"feesRefunded": false}));
    books.answer();
}
