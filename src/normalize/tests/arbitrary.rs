//! No body makes the reader panic, and what it keeps is what came.

use bytes::Bytes;
use proptest::prelude::*;

use super::samples;
use crate::model::ids::SourceId;
use crate::model::record::Shape;
use crate::model::resource::Resource;
use crate::normalize::{mask, rows, sight};

const SAMPLES: [(Resource, &str); 12] = [
    (Resource::Customers, samples::CUSTOMER),
    (Resource::Receivables, samples::RECEIVABLE),
    (Resource::Receivables, samples::OLDER_RECEIVABLE),
    (Resource::ReceivableTransactions, samples::TRANSACTION),
    (Resource::Payments, samples::PAYMENT),
    (Resource::Fees, samples::FEE),
    (Resource::Refunds, samples::REFUND),
    (Resource::Disputes, samples::DISPUTE),
    (Resource::Transfers, samples::TRANSFER),
    (Resource::TransferEntries, samples::TRANSFER_ENTRY),
    (Resource::Withdrawals, samples::WITHDRAWAL),
    (Resource::CreditMemos, samples::CREDIT_MEMO),
];

/// Reads the body in every way there is; whatever is kept is the body or a piece of it.
fn exercise(resource: Resource, body: &[u8]) {
    let body = Bytes::copy_from_slice(body);
    let parent = SourceId::new("parent");
    for shape in [Shape::Embedded, Shape::List, Shape::Detail] {
        for parent in [None, Some(&parent)] {
            match sight(resource, shape, parent, body.clone()) {
                Ok(seen) => {
                    assert_eq!(seen.observation.body, body);
                    if let Ok(document) = &seen.document {
                        assert_eq!((document.resource(), &document.id), (resource, &seen.observation.id));
                    }
                    for fee in &seen.embedded {
                        let piece = fee.as_ref().map_or_else(|refused| &refused.body, |fee| &fee.observation.body);
                        assert!(body.windows(piece.len()).any(|window| window == piece));
                    }
                }
                Err(refused) => assert_eq!(refused.body, body),
            }
        }
    }
    if let Ok(page) = rows(body.clone()) {
        assert!(page.rows.iter().all(|row| body.windows(row.len()).any(|window| window == row)));
    }
    let copy = mask(&body);
    assert!(serde_json::from_str::<serde_json::Value>(&copy).is_ok() && !copy.contains("\\u0000"));
}

/// Any JSON value as text, of the names that are read and of others, with repeated keys and broken escapes.
fn json_text() -> impl Strategy<Value = String> {
    let token = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        Just(r#""\ud800""#.to_owned()),
        Just(r#""\u0000""#.to_owned()),
        Just(r#"{"$serde_json::private::Number":"1"}"#.to_owned()),
        Just(r#"{"$serde_json::private::RawValue":"[1"}"#.to_owned()),
        "-?(0|[1-9][0-9]{0,30})(\\.[0-9]{1,30})?([eE][+-]?[0-9]{1,9})?",
        "\"[ -!#-\\[\\]-~]{0,30}\"",
        "\"[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})?)?\"",
        "\"\\PC{0,12}\"".prop_map(|text| text.replace('\\', "")),
    ];
    let name = prop_oneof![
        proptest::sample::select(vec![
            "id",
            "amount",
            "currency",
            "status",
            "created",
            "lastUpdated",
            "fees",
            "feeSplit",
            "resource",
            "resourceId",
            "resourceType",
            "payer",
            "payerId",
            "source",
            "date",
            "dateDue",
            "dateSettled",
            "transfers",
            "amountApplied",
            "transferId",
            "transferAmount",
            "receivable",
            "payment",
            "results",
            "count",
            "error",
            "accountNumber",
        ])
        .prop_map(str::to_owned),
        "[a-zA-Z0-9_]{0,12}",
    ];
    token.prop_recursive(5, 48, 8, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(|list| format!("[{}]", list.join(","))),
            proptest::collection::vec((name.clone(), inner), 0..10).prop_map(|members| {
                let members: Vec<_> = members.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}

proptest! {
    #[test]
    fn arbitrary_json_is_read_or_refused(resource in proptest::sample::select(Resource::ALL.to_vec()), body in json_text()) {
        exercise(resource, body.as_bytes());
    }

    #[test]
    fn arbitrary_members_of_a_record_are_read_or_refused(
        resource in proptest::sample::select(Resource::ALL.to_vec()),
        body in json_text(),
    ) {
        exercise(resource, format!(r#"{{"id":"x1","fees":{body},"amount":{body},"payer":{body},"status":{body}}}"#).as_bytes());
        exercise(resource, format!(r#"{{"results":[{body}],"count":{body}}}"#).as_bytes());
    }

    #[test]
    fn arbitrary_bytes_are_read_or_refused(
        resource in proptest::sample::select(Resource::ALL.to_vec()),
        body in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        exercise(resource, &body);
    }

    #[test]
    fn a_damaged_sample_is_read_or_refused(
        (resource, sample) in proptest::sample::select(SAMPLES.to_vec()),
        cut in any::<proptest::sample::Index>(),
        damage in proptest::collection::vec(any::<u8>(), 0..4),
        keep_rest in any::<bool>(),
    ) {
        let cut = cut.index(sample.len());
        let rest = if keep_rest { &sample.as_bytes()[(cut + damage.len()).min(sample.len())..] } else { &[] };
        exercise(resource, &[&sample.as_bytes()[..cut], &damage, rest].concat());
    }
}
