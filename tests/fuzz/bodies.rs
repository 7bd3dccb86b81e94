//! Bodies: samples as the documentation publishes them, changed in their structure or in their bytes.

use bytes::Bytes;
use paystand_sync::model::resource::Resource;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};
use serde_json::{Map, Value};

use crate::samples;

/// Values in the text of JSON, and of what is none.
const TOKENS: [&str; 46] = [
    "null",
    "true",
    "\"\"",
    "{}",
    "[]",
    "[null,{},[[]],\"x\",1]",
    "0",
    "-0",
    "\"0\"",
    "\"0.00\"",
    "\"-0.00\"",
    "\"103.00\"",
    "103.00",
    "-40.5",
    "\"-40.50\"",
    "\"7\"",
    "1.234",
    "\"1.234\"",
    "12345678901234567",
    "\"12345678901234567.89\"",
    "1234567890123456789012.345678901234",
    "\"79228162514264337593543950335\"",
    "-79228162514264337593543950335",
    "\"79228162514264337593543950336\"",
    "0.0000000000000000000000000001",
    "999999999999999999",
    "\"0.000000000000001\"",
    "\"1e3\"",
    "1e3",
    "-1E-30",
    "1e999999999",
    "\"NaN\"",
    "NaN",
    "\"Infinity\"",
    "\"1,000.00\"",
    "\" 1\"",
    "\"+1\"",
    "\"١٢\"",
    "\"\\ud800\"",
    "\"\\u0000\"",
    "{\"$serde_json::private::Number\":\"1\"}",
    "{\"$serde_json::private::RawValue\":\"[1\"}",
    "\"2026-05-11T21:34:58.000Z\"",
    "\"9999-12-31T23:59:59+14:00\"",
    "\"0000-01-01T00:00:00-14:00\"",
    "\"05-31-2026\"",
];

const WORDS: [&str; 26] = [
    "posted",
    "paid",
    "failed",
    "reversed",
    "won",
    "lost",
    "active",
    "Cancelled",
    "delayed",
    "paystand",
    "Payment",
    "Refund",
    "Dispute",
    "Fee",
    "Adjustment",
    "Receivable",
    "Transfer",
    "teleported",
    "USD",
    "EUR",
    "JPY",
    "US$",
    "id1",
    "false",
    "[2026-01-01]",
    "\u{202e}🦀",
];

const NAMES: [&str; 28] = [
    "id",
    "amount",
    "currency",
    "status",
    "created",
    "lastUpdated",
    "fees",
    "feeSplit",
    "payerTotalFees",
    "payerDiscount",
    "payerTotal",
    "settlementAmount",
    "settlementCurrency",
    "resource",
    "resourceId",
    "resourceType",
    "feeType",
    "payer",
    "paymentId",
    "payment",
    "receivable",
    "amountApplied",
    "amountWon",
    "disputeFee",
    "transferId",
    "transferAmount",
    "feesRefunded",
    "object",
];

const MONEY: [&str; 11] = [
    "amount",
    "amountApplied",
    "transferAmount",
    "settlementAmount",
    "amountWon",
    "disputeFee",
    "amountPaid",
    "amountRemaining",
    "payerTotal",
    "payerTotalFees",
    "payerDiscount",
];

const fn sample(resource: Resource, other: bool) -> &'static str {
    match resource {
        Resource::Customers => samples::CUSTOMER,
        Resource::Receivables if other => samples::OLDER_RECEIVABLE,
        Resource::Receivables => samples::RECEIVABLE,
        Resource::ReceivableTransactions => samples::TRANSACTION,
        Resource::Payments => samples::PAYMENT,
        Resource::Fees => samples::FEE,
        Resource::Refunds => samples::REFUND,
        Resource::Disputes => samples::DISPUTE,
        Resource::Transfers => samples::TRANSFER,
        Resource::TransferEntries => samples::TRANSFER_ENTRY,
        Resource::Withdrawals => samples::WITHDRAWAL,
        Resource::CreditMemos => samples::CREDIT_MEMO,
    }
}

/// The body that `number` stands for.
pub fn body(resource: Resource, number: u64) -> Bytes {
    let mut random = StdRng::seed_from_u64(number);
    let mut value: Value = serde_json::from_str(sample(resource, random.random())).expect("a sample is JSON");
    let mut raw = Vec::new();
    if random.random_ratio(1, 4) {
        agree(&mut random, &mut value, &mut raw);
    }
    for _ in 0..random.random_range(0..6) {
        change(&mut random, &mut value, &mut raw);
    }
    let mut text = value.to_string();
    for (place, token) in raw.iter().enumerate() {
        text = text.replace(&format!("\"{}\"", marker(place)), token);
    }
    let mut bytes = text.into_bytes();
    if random.random_ratio(1, 4) {
        for _ in 0..random.random_range(1..5) {
            damage(&mut random, &mut bytes);
        }
    }
    Bytes::from(bytes)
}

/// One amount in many places at once, as sums that have to agree need it.
fn agree(random: &mut StdRng, value: &mut Value, raw: &mut Vec<String>) {
    let amount = any_value(random, raw);
    let (Some(map), names) = (value.as_object_mut(), MONEY) else { return };
    for name in names.into_iter().filter(|_| random.random()) {
        map.insert(name.to_owned(), amount.clone());
    }
    if random.random() {
        let split = MONEY.into_iter().filter(|_| random.random()).map(|name| (name.to_owned(), amount.clone()));
        map.insert("feeSplit".to_owned(), Value::Object(split.collect()));
    }
}

/// Stands for a token that a value cannot hold.
fn marker(place: usize) -> String {
    format!("@raw{place}@")
}

/// Changes one value somewhere below.
fn change(random: &mut StdRng, value: &mut Value, raw: &mut Vec<String>) {
    match value {
        Value::Object(map) if !map.is_empty() && random.random_ratio(9, 10) => member(random, map, raw),
        Value::Array(list) if !list.is_empty() && random.random_ratio(3, 4) => {
            let place = random.random_range(0..list.len());
            if random.random_ratio(1, 4) {
                list.push(list[place].clone());
            } else {
                change(random, &mut list[place], raw);
            }
        }
        other => *other = any_value(random, raw),
    }
}

fn member(random: &mut StdRng, map: &mut Map<String, Value>, raw: &mut Vec<String>) {
    let names: Vec<String> = map.keys().cloned().collect();
    let name = names.choose(random).expect("it is not empty");
    match random.random_range(0..10) {
        0 => {
            map.remove(name);
        }
        1 => {
            let value = map.remove(name).expect("it has this name");
            map.insert((*NAMES.choose(random).expect("names")).to_owned(), value);
        }
        2 | 3 => {
            map.insert((*NAMES.choose(random).expect("names")).to_owned(), any_value(random, raw));
        }
        4..=6 => {
            map.insert(name.clone(), any_value(random, raw));
        }
        _ => change(random, map.get_mut(name).expect("it has this name"), raw),
    }
}

fn any_value(random: &mut StdRng, raw: &mut Vec<String>) -> Value {
    let token = match random.random_range(0..8) {
        0 => return (*WORDS.choose(random).expect("words")).into(),
        1 => return digits(random).into(),
        2 => digits(random),
        3 => format!("{}1{}", "[".repeat(random.random_range(1..200)), "]".repeat(random.random_range(1..200))),
        _ => (*TOKENS.choose(random).expect("tokens")).to_owned(),
    };
    raw.push(token);
    marker(raw.len() - 1).into()
}

/// A number of any length, with any number of decimals.
fn digits(random: &mut StdRng) -> String {
    let some = |random: &mut StdRng, most: usize| -> String {
        (0..random.random_range(1..=most)).map(|_| char::from(random.random_range(b'0'..=b'9'))).collect()
    };
    let sign = if random.random() { "-" } else { "" };
    let whole = some(random, 22);
    match random.random_range(0..3) {
        0 => format!("{sign}{whole}"),
        1 => format!("{sign}{whole}.{}", some(random, 3)),
        _ => format!("{sign}{whole}.{}", some(random, 30)),
    }
}

fn damage(random: &mut StdRng, bytes: &mut Vec<u8>) {
    if bytes.is_empty() {
        return;
    }
    let place = random.random_range(0..bytes.len());
    let end = (place + random.random_range(1..20)).min(bytes.len());
    match random.random_range(0..5) {
        0 => bytes.truncate(place),
        1 => bytes[place] = random.random(),
        2 => bytes.insert(place, random.random()),
        3 => drop(bytes.drain(place..end)),
        _ => {
            let piece = bytes[place..end].to_vec();
            let at = random.random_range(0..bytes.len());
            bytes.splice(at..at, piece);
        }
    }
}
