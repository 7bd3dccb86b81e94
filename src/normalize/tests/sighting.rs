//! What `sight` says beyond the document: ids, stamps, fingerprints, embedded fees, completeness, and what it refuses.

use bytes::Bytes;

use super::{read, samples};
use crate::model::document::Facts;
use crate::model::ids::SourceId;
use crate::model::record::Shape;
use crate::model::resource::Resource;
use crate::normalize::{Unreadable, first_line, sight};

fn unreadable(resource: Resource, body: &[u8]) -> Unreadable {
    let refused = sight(resource, Shape::List, None, Bytes::copy_from_slice(body)).expect_err("unreadable");
    assert_eq!(refused.body, body, "the bytes are kept");
    refused
}

#[test]
fn an_observation_keeps_the_bytes_and_the_stamps() {
    let parent = SourceId::new("rc1a9s8d7f6g5h4j3k2l1z0x");
    let body = Bytes::from_static(samples::TRANSACTION.as_bytes());
    let seen = sight(Resource::ReceivableTransactions, Shape::List, Some(&parent), body.clone()).expect("readable");
    let observation = seen.observation;
    assert_eq!(observation.body, body);
    assert_eq!(observation.id.as_str(), "rt4v7b1n8m2c5x9z3l6k0j4h");
    assert_eq!((observation.shape, observation.parent), (Shape::List, Some(parent)));
    assert_eq!(observation.updated_at, Some("2026-05-11T21:35:00Z".parse().expect("instant")));
}

#[test]
fn a_record_that_cannot_be_decoded_is_still_observed() {
    let seen =
        read(Resource::Payments, r#"{"id":"pm1","amount":{},"created":"2026-05-11T21:35:00Z","lastUpdated":"soon"}"#);
    assert!(seen.document.is_err());
    assert_eq!(seen.observation.id.as_str(), "pm1");
    assert!(seen.observation.created_at.is_some() && seen.observation.updated_at.is_none());
}

#[test]
fn an_id_may_be_a_whole_number() {
    assert_eq!(
        read(Resource::Payments, r#"{"id":12345678901234567890123}"#).observation.id.as_str(),
        "12345678901234567890123"
    );
}

#[test]
fn what_cannot_be_keyed_is_unreadable() {
    for body in [
        "",
        "null",
        "[]",
        "\"pm1\"",
        "{}",
        r#"{"id":null}"#,
        r#"{"id":""}"#,
        r#"{"id":" "}"#,
        r#"{"id":1.5}"#,
        r#"{"id":-1}"#,
        r#"{"id":{}}"#,
        r#"{"id":"a\u0000b"}"#,
        "{\"id\":\"pm1\"",
        "<html>",
    ] {
        assert_eq!(unreadable(Resource::Payments, body.as_bytes()).id, None, "{body}");
    }
    let long = format!(r#"{{"id":"{}"}}"#, "a".repeat(257));
    unreadable(Resource::Payments, long.as_bytes());
}

#[test]
fn a_broken_body_still_tells_its_id() {
    let deep = format!(r#"{{"id":"pm1","n":{}{}}}"#, "[".repeat(9000), "]".repeat(9000));
    for body in [&br#"{"id":"pm1","note":"\ud800"}"#[..], b"{\"note\":\"\xff\xfe\",\"id\":\"pm1\"}", deep.as_bytes()] {
        assert_eq!(unreadable(Resource::Payments, body).id, Some(SourceId::new("pm1")));
    }
    for body in [&b"{\"id\":\"pm\xff1\"}"[..], br#"{"id":"\ud800"}"#, br#"{"id":"pm1","n":"\ud800"}}"#] {
        assert_eq!(unreadable(Resource::Payments, body).id, None);
    }
}

#[test]
fn of_a_repeated_key_the_last_one_counts() {
    let body = r#"{"id":"pm1","id":"pm2","fees":[{"id":"fe1"}],"fees":[{"id":"fe2"}]}"#;
    let seen = read(Resource::Payments, body);
    assert_eq!(seen.observation.id.as_str(), "pm2");
    let fees: Vec<_> = seen.embedded.into_iter().map(|fee| fee.expect("readable").observation.body).collect();
    assert_eq!(fees, [&br#"{"id":"fe2"}"#[..]]);
}

#[test]
fn a_nul_character_becomes_one_that_databases_hold() {
    let seen = read(Resource::Refunds, r#"{"id":"rf1","description":"a\u0000b"}"#);
    let Facts::Refund(refund) = seen.document.expect("decodable").facts else { panic!("not a refund") };
    assert_eq!(refund.description.as_deref(), Some("a\u{fffd}b"));
}

#[test]
fn fees_inside_a_payment_are_seen_by_their_own_bytes_and_belong_to_it() {
    let seen = read(Resource::Payments, samples::PAYMENT);
    let [Ok(fee)] = &seen.embedded[..] else { panic!("one fee") };
    let start = samples::PAYMENT.find(r#"{"object": "fee","#).expect("a fee");
    let end = samples::PAYMENT.find("}],\n \"holds\"").expect("its end") + 1;
    assert_eq!(fee.observation.body, samples::PAYMENT.as_bytes()[start..end]);
    assert_eq!((fee.observation.resource, fee.observation.shape), (Resource::Fees, Shape::Embedded));
    assert_eq!(fee.observation.parent, Some(seen.observation.id));
    let Facts::Fee(facts) = &fee.document.as_ref().expect("decodable").facts else { panic!("not a fee") };
    assert_eq!(facts.payment_id.as_ref().map(SourceId::as_str), Some("pm6y3u9i1o7p4a8s2d5f0g3h"));
}

#[test]
fn one_bad_fee_spoils_neither_its_payment_nor_the_next_fee() {
    let body =
        r#"{"id":"pm1","fees":[{"feeType":"delayed"},{"id":"fe2","amount":"x"},"fe3",null,{"id":"fe4","amount":1}]}"#;
    let seen = read(Resource::Payments, body);
    assert!(seen.document.is_ok());
    let [Err(without_id), Ok(undecodable), Ok(good)] = &seen.embedded[..] else { panic!("three fees") };
    assert_eq!(without_id.body, &br#"{"feeType":"delayed"}"#[..]);
    assert!(undecodable.document.is_err() && good.document.is_ok());
}

#[test]
fn refunds_disputes_and_transfers_inside_others_are_left_to_their_lists() {
    let payment = read(Resource::Payments, r#"{"id":"pm1","refunds":[{"id":"rf1"}],"disputes":[{"id":"dp1"}]}"#);
    assert!(payment.embedded.is_empty());
    assert!(read(Resource::Withdrawals, samples::WITHDRAWAL).embedded.is_empty());
    assert!(read(Resource::Disputes, r#"{"id":"dp1","fees":[{"id":"fe1"}]}"#).embedded.is_empty());
}

#[test]
fn a_body_is_complete_where_a_detail_could_add_nothing() {
    let complete = |resource, shape, body: &str| {
        sight(resource, shape, None, Bytes::copy_from_slice(body.as_bytes())).expect("readable").complete
    };
    for (resource, shape, body, expected) in [
        (Resource::Payments, Shape::List, samples::PAYMENT, true),
        (Resource::Payments, Shape::List, r#"{"id":"pm1","fees":[]}"#, false),
        (Resource::Payments, Shape::List, r#"{"id":"pm1","fees":[],"feeSplit":null}"#, false),
        (Resource::Payments, Shape::List, r#"{"id":"pm1","fees":["fe1"],"feeSplit":{}}"#, false),
        (Resource::Payments, Shape::List, r#"{"id":"pm1","fees":[],"feeSplit":{}}"#, true),
        (Resource::Payments, Shape::Detail, r#"{"id":"pm1"}"#, true),
        (Resource::Receivables, Shape::List, samples::RECEIVABLE, true),
        (Resource::Receivables, Shape::List, samples::OLDER_RECEIVABLE, false),
        (Resource::Refunds, Shape::List, r#"{"id":"rf1"}"#, true),
    ] {
        assert_eq!(complete(resource, shape, body), expected, "{body}");
    }
}

#[test]
fn a_report_entry_gets_its_id_from_what_it_pays() {
    let transfer = SourceId::new("tr1");
    let entry_id = |body: &'static str| {
        let body = Bytes::from_static(body.as_bytes());
        sight(Resource::TransferEntries, Shape::List, Some(&transfer), body).map(|seen| seen.observation.id.to_string())
    };
    assert_eq!(
        entry_id(r#"{"transferId":"tr9","resourceType":"Payment","resourceId":"pm1"}"#).expect("id"),
        "tr9:payment:pm1"
    );
    assert_eq!(entry_id(r#"{"resourceType":"PAYMENT","resourceId":"pm1"}"#).expect("id"), "tr1:payment:pm1");
    let (paid, taken_back) = (
        r#"{"resourceType":"fee","resourceId":"fe1","transferAmount":"-7.830"}"#,
        r#"{"resourceType":"fee","resourceId":"fe1","transferAmount":7.83}"#,
    );
    assert_eq!(entry_id(paid).expect("id"), "tr1:fee:fe1:-7.83");
    assert_eq!(entry_id(taken_back).expect("id"), "tr1:fee:fe1:7.83");
    assert_eq!(entry_id(r#"{"resourceType":"adjustment"}"#).expect("id"), "tr1:adjustment");
    assert_eq!(entry_id(r#"{"id":"te1","resourceType":"adjustment"}"#).expect("id"), "te1");
    assert!(entry_id(r#"{"transferAmount":"1.00"}"#).is_err());
}

#[test]
fn an_ordinal_sets_equal_report_entries_apart() {
    let entry = read(Resource::TransferEntries, samples::TRANSFER_ENTRY);
    let line = entry.observation.id.clone();
    let first = entry.clone().with_ordinal(0);
    let second = entry.with_ordinal(1);
    assert_eq!(first.observation.id.as_str(), "tr5g2h9j6k3l0z7x4c1v8b5n:fee:fe4d1f8g5h2j9k6l3z0x7c4v:-7.83");
    assert_eq!(second.observation.id.as_str(), "tr5g2h9j6k3l0z7x4c1v8b5n:fee:fe4d1f8g5h2j9k6l3z0x7c4v:-7.83#1");
    assert_eq!(second.document.expect("decodable").id, second.observation.id);
    assert_eq!((first_line(&first.observation.id), first_line(&second.observation.id)), (line.clone(), line));
    assert_eq!(first_line(&SourceId::new("te#a")), SourceId::new("te#a"));
}

#[test]
fn reasons_quote_little_and_no_card_number() {
    let body = format!(r#"{{"id":"pm1","amount":"4242 4242 4242 4242 {}"}}"#, "9".repeat(500));
    let reason = read(Resource::Payments, &body).document.expect_err("undecodable").to_string();
    assert!(!reason.contains("4242") && reason.chars().count() < 120, "{reason}");
    let refused = unreadable(Resource::Payments, br#"{"id":"s3cret","id":}"#);
    assert!(!refused.to_string().contains("s3cret"));
}
