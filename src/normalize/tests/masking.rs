//! What a masked copy shows.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::samples;
use crate::normalize::mask;

fn masked(body: &str) -> Value {
    serde_json::from_str(&mask(body.as_bytes())).expect("JSON")
}

#[test]
fn of_a_card_only_what_recognizes_it_stays() {
    let payment = masked(samples::PAYMENT);
    assert_eq!(
        payment["source"],
        json!({"object": "card", "id": "cd2w5e8r1t4y7u0i3o6p9a2s", "brand": "visa", "last4": "4242", "nameOnCard": "***",
               "expirationMonth": "***", "expirationYear": "***", "funding": "***", "status": "active"})
    );
    let mut expected: Value = serde_json::from_str(samples::PAYMENT).expect("JSON");
    expected["source"] = payment["source"].clone();
    assert_eq!(payment, expected, "everything else stays");
}

#[test]
fn a_bank_is_masked_wherever_it_stands() {
    let body = r#"{"bank":{"id":"bk1","bankName":"First","routingNumber":"110000000","accountNumber":"000123456789","last4":"000123456789"},
        "list":[{"object":"bank","extra":{"a":1},"status":"active","last4":6789}],"banks":[{"nameOnAccount":"A"}],"bankId":"bk1"}"#;
    assert_eq!(
        masked(body),
        json!({"bank": {"id": "bk1", "bankName": "First", "routingNumber": "***", "accountNumber": "***", "last4": "***"},
               "list": [{"object": "bank", "extra": "***", "status": "active", "last4": 6789}],
               "banks": [{"nameOnAccount": "***"}], "bankId": "bk1"})
    );
}

#[test]
fn secret_names_are_masked_in_any_spelling_and_depth() {
    for name in [
        "routingNumber",
        "account_number",
        "ACCOUNT-NUMBER",
        "bankAccountNumber",
        "nameOnCard",
        "name_on_account",
        "expirationMonth",
        "expiration_year",
        "fingerprint",
        "cvc",
        "securityCode",
        "token",
        "access_token",
        "refreshToken",
        "client_secret",
        "Authorization",
        "password",
        "plaidToken",
    ] {
        let body = format!(r#"{{"meta":[{{"x":{{"{name}":{{"a":["s3cret"]}}}}}}]}}"#);
        assert_eq!(masked(&body), json!({"meta": [{"x": {name: "***"}}]}), "{name}");
    }
    assert_eq!(masked(r#"{"token":null,"tokenType":"Bearer"}"#), json!({"token": null, "tokenType": "Bearer"}));
}

#[test]
fn a_card_number_in_prose_goes_and_long_ids_stay() {
    let body = r#"{"id":"4242424242424242","extId":"4242424242424242","orderId":4242424242424242,"description":"card 4242-4242-4242-4242",
        "externalId":"card 4242 4242 4242 4242","n":4242424242424242,"at":1752269696000,"4242424242424242":1}"#;
    assert_eq!(
        masked(body),
        json!({"id": "4242424242424242", "extId": "4242424242424242", "orderId": 4_242_424_242_424_242_u64,
               "description": "card ***", "externalId": "card ***", "n": "***", "at": 1_752_269_696_000_u64, "***": 1})
    );
}

#[test]
fn json_inside_of_text_is_masked_and_otherwise_untouched() {
    let body = r#"{"a":"{\"accountNumber\": \"000123456789\"}","b":"{ \"kept\" : 1 }"}"#;
    assert_eq!(masked(body), json!({"a": r#"{"accountNumber":"***"}"#, "b": "{ \"kept\" : 1 }"}));
}

#[test]
fn the_copy_fits_jsonb() {
    let text = mask(r#"{"a\u0000":"b\u0000","id":"c\u0000","n":[0.10,1e400000,12345678901234567.890]}"#.as_bytes());
    assert_eq!(
        text,
        "{\"a\u{fffd}\":\"b\u{fffd}\",\"id\":\"c\u{fffd}\",\"n\":[0.10,\"1e+400000\",12345678901234567.890]}"
    );
    assert_eq!(mask(b"not json 4242424242424242"), "null");
}

/// A card number that passes the check, in the grouping given.
fn card_number() -> impl Strategy<Value = (String, String)> {
    (12_usize..=18, proptest::collection::vec(0_u8..10, 18), 1_usize..=6, prop_oneof!["", " ", "-"]).prop_map(
        |(length, digits, group, gap)| {
            let body = &digits[..length];
            let check = (0..10_u8).find(|check| {
                let sum: u32 = std::iter::once(check)
                    .chain(body.iter().rev())
                    .enumerate()
                    .map(|(place, digit)| {
                        let doubled = u32::from(*digit) * if place % 2 == 1 { 2 } else { 1 };
                        doubled / 10 + doubled % 10
                    })
                    .sum();
                sum.is_multiple_of(10)
            });
            let plain: String = body.iter().chain(check.iter()).map(|digit| char::from(b'0' + digit)).collect();
            let groups: Vec<&str> =
                plain.as_bytes().chunks(group).map(|part| std::str::from_utf8(part).expect("digits")).collect();
            (plain.clone(), groups.join(&gap))
        },
    )
}

/// Text without digits, hence nothing to mask.
fn harmless() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-99_999_i64..99_999).prop_map(Value::from),
        "[ a-zé,.\\-]{0,20}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map("k[a-z]{1,6}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn nothing_planted_survives_and_everything_else_does(
        (pan, shown) in card_number(),
        before in "[a-z :,.]{0,12}",
        after in "[a-z :,.]{0,12}",
        routing in "[0-9]{9}",
        account in "[0-9]{6,17}",
        around in harmless(),
        depth in 0_usize..4,
    ) {
        let planted = json!({
            "description": format!("{before}{shown}{after}"),
            "source": {"object": "card", "id": "cd1", "number": pan, "last4": &pan[pan.len() - 4..]},
            "bank": {"routingNumber": routing, "account_number": account, "bankName": "First"},
            "meta": {"RoutingNumber": routing, "accountNumber": account, "note": shown},
            "around": around,
        });
        let body = (0..depth).fold(planted, |inner, _| json!({"inner": [inner]}));
        let text = mask(body.to_string().as_bytes());
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        prop_assert!(!digits.contains(&pan));
        let mut seen: &Value = &serde_json::from_str(&text).expect("JSON");
        for _ in 0..depth {
            seen = &seen["inner"][0];
        }
        let expected = json!({
            "description": format!("{before}***{after}"),
            "source": {"object": "card", "id": "cd1", "number": "***", "last4": &pan[pan.len() - 4..]},
            "bank": {"routingNumber": "***", "account_number": "***", "bankName": "First"},
            "meta": {"RoutingNumber": "***", "accountNumber": "***", "note": "***"},
            "around": around,
        });
        prop_assert_eq!(seen, &expected);
    }
}
