//! What happened before anybody looked.

use serde_json::json;

use super::{Books, expect};
use crate::model::journal::Role;
use crate::model::resource::Resource;

/// A refund that was paid, came back and was paid again before it was first read: its report knows each step, the record only the last.
#[test]
fn a_fee_that_was_given_back_twice_and_charged_again_between_is_given_back_once() {
    for (refund_first, named) in [(true, "RF"), (false, "RF"), (true, "F"), (false, "F"), (true, "R")] {
        let mut books = Books::new();
        let fields = json!({"amount": "40.00", "paymentId": "P", "status": "paid", "feesRefunded": true,
            "fees": [{"object": "fee", "id": "RF", "amount": "3.00", "currency": "USD", "feeType": "paystand"}]});
        books.payment("P", "100.00", "paid");
        books.fee("F", "P", "paystand", "3.00");
        books.transfer("tr1", "1.00", "processing");
        if refund_first {
            books.take(Resource::Refunds, "R", &fields);
        }
        books.line("e0", "fee", "F", "-3.00");
        for (id, amount) in [("e1", "3.00"), ("e2", "-3.00"), ("e3", "3.00")] {
            books.line(id, "fee", named, amount);
        }
        if !refund_first {
            books.take(Resource::Refunds, "R", &fields);
        }
        let sums = [("clearing", "60.00"), ("refunds", "40.00"), ("unapplied_cash", "-100.00")];
        expect(&books, &sums);
    }
}

/// What a memo lacks when it is first read explains a payment of just that much, and is not counted among later uses of others.
#[test]
fn a_credit_memo_that_was_used_before_it_was_first_read_explains_its_payment() {
    let memo = |books: &mut Books, id: &str, remaining: &str| {
        let fields = json!({"amount": "50.00", "amountRemaining": remaining, "status": "open", "extCustomerId": "C1",
            "extId": id});
        books.take(Resource::CreditMemos, id, &fields);
    };
    let pay = |books: &mut Books, id: &str, amount: &str, applied: &str| {
        books.take(Resource::Payments, id, &json!({"amount": amount, "status": "paid", "payer": {"externalId": "C1"}}));
        books.apply(&format!("A-{id}"), id, &format!("I-{id}"), applied);
        let booking = books.desk.explain_credits();
        books.keep(booking);
    };
    let mut books = Books::new();
    memo(&mut books, "M1", "20.00");
    pay(&mut books, "P1", "70.00", "100.00");
    assert_eq!(books.balance(Role::UnappliedCash), "0.00", "thirty were used of it");
    memo(&mut books, "M2", "5.00");
    memo(&mut books, "M3", "50.00");
    memo(&mut books, "M3", "40.00");
    memo(&mut books, "M1", "15.00");
    pay(&mut books, "P2", "85.00", "100.00");
    assert_eq!(books.balance(Role::UnappliedCash), "0.00", "ten and five; what M2 lacks was used elsewhere");
}
