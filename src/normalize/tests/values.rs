//! How single members are read: exactly, as absent, or not at all.

use super::{document, refusal};
use crate::model::document::{Facts, PaymentStatus};
use crate::model::resource::Resource;

#[test]
fn money_is_exact_or_parks_the_record() {
    for (token, amount) in [
        ("\"289.82\"", "289.82"),
        ("289.82", "289.82"),
        ("0.10", "0.10"),
        ("-7", "-7"),
        ("\"1.234\"", "1.234"),
        ("12345678901234567.89", "12345678901234567.89"),
    ] {
        let payment = document(Resource::Payments, &format!(r#"{{"id":"pm1","amount":{token}}}"#));
        assert_eq!(payment.amount.expect("an amount").to_string(), amount);
    }
    for token in [
        "\"1e3\"",
        "1e3",
        "\"NaN\"",
        "\"\"",
        "\"1,000.00\"",
        "{}",
        "[1]",
        "true",
        "\"99999999999999999999999999999.99\"",
    ] {
        let refusal = refusal(Resource::Payments, &format!(r#"{{"id":"pm1","amount":{token}}}"#));
        assert_eq!(refusal.field, "amount", "{token}");
    }
    for body in [r#"{"id":"pm1","amount":null}"#, r#"{"id":"pm1"}"#] {
        assert_eq!(document(Resource::Payments, body).amount, None);
    }
}

#[test]
fn every_field_with_consequences_is_read_exactly_or_named() {
    for (resource, member, field) in [
        (Resource::Payments, r#""lastUpdated":"yesterday""#, "lastUpdated"),
        (Resource::Payments, r#""lastUpdated":"2026-05-11""#, "lastUpdated"),
        (Resource::Payments, r#""created":1752269696"#, "created"),
        (Resource::Payments, r#""currency":"US$""#, "currency"),
        (Resource::Payments, r#""status":{"name":"paid"}"#, "status"),
        (Resource::Payments, r#""payerId":["a"]"#, "payerId"),
        (Resource::Payments, r#""fees":{}"#, "fees"),
        (Resource::Payments, r#""feeSplit":"none""#, "feeSplit"),
        (Resource::Payments, r#""feeSplit":{"payerTotal":"1.0.0"}"#, "payerTotal"),
        (Resource::Receivables, r#""dateDue":"31-05-2026""#, "dateDue"),
        (Resource::Refunds, r#""feesRefunded":"maybe""#, "feesRefunded"),
        (Resource::Disputes, r#""fees":[{"amount":"x"}]"#, "fees"),
        (Resource::Withdrawals, r#""transfers":"tr1""#, "transfers"),
    ] {
        assert_eq!(refusal(resource, &format!(r#"{{"id":"x1",{member}}}"#)).field, field, "{member}");
    }
}

#[test]
fn null_and_empty_mean_absent_and_unknown_fields_mean_nothing() {
    let bare = document(Resource::Payments, r#"{"id":"pm1"}"#);
    let nulls = r#"{"id":"pm1","amount":null,"currency":"","status":null,"payer":null,"payerId":"","source":"cd1","datePosted":"",
        "feeSplit":null,"fees":null,"lastUpdated":null,"surprise":{"deep":[1]},"accountKey":7}"#;
    assert_eq!(document(Resource::Payments, nulls), bare);
}

#[test]
fn an_undocumented_word_is_kept_as_it_came() {
    let payment = document(Resource::Payments, r#"{"id":"pm1","status":"Quarantined"}"#);
    assert_eq!(payment.status(), Some("Quarantined"));
    let Facts::Payment(payment) = payment.facts else { panic!("not a payment") };
    assert_eq!(payment.status, Some(PaymentStatus::Unknown("Quarantined".to_owned())));
}
