//! Money as the tokens of a body say it, read here without the decoder.

use paystand_sync::model::document::{Document, Facts};
use paystand_sync::model::money::Amount;
use serde_json::Value;

type Field = (&'static [&'static str], Option<Amount>);

/// Where a body says an amount, and what the document has of it.
fn amounts(document: &Document) -> Vec<Field> {
    let own: &[&str] = match document.facts {
        Facts::ReceivableTransaction(_) => &["amountApplied"],
        Facts::TransferEntry(_) => &["transferAmount"],
        _ => &["amount"],
    };
    let mut fields: Vec<Field> = vec![(own, document.amount)];
    match &document.facts {
        Facts::Payment(it) => {
            fields.push((&["settlementAmount"], it.settlement.amount));
            if let Some(split) = &it.fee_split {
                fields.push((&["feeSplit", "subtotal"], split.subtotal));
                fields.push((&["feeSplit", "payerTotalFees"], split.payer_total_fees));
                fields.push((&["feeSplit", "merchantTotalFees"], split.merchant_total_fees));
                fields.push((&["feeSplit", "payerTotal"], split.payer_total));
                fields.push((&["feeSplit", "payerDiscount"], split.payer_discount));
            }
        }
        Facts::Receivable(it) => fields.push((&["amountPaid"], it.amount_paid)),
        Facts::Fee(it) => fields.push((&["resourceAmount"], it.resource_amount)),
        Facts::Refund(it) => fields.push((&["settlementAmount"], it.settlement.amount)),
        Facts::Dispute(it) => {
            fields.push((&["settlementAmount"], it.settlement.amount));
            fields.push((&["amountWon"], it.amount_won));
            fields.push((&["disputeFee"], it.dispute_fee));
        }
        Facts::CreditMemo(it) => fields.push((&["amountRemaining"], it.amount_remaining)),
        _ => {}
    }
    fields
}

/// Every amount of a decoded document is to the digit what the body says, and there only where it says something.
pub fn assert_exact(document: &Document, body: &[u8]) {
    let body: Value = serde_json::from_slice(body).expect("it was decoded");
    for (path, amount) in amounts(document) {
        let token = path.iter().try_fold(&body, |value, name| value.get(name));
        let said = match token {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(text.as_str()),
            Some(Value::Number(number)) => Some(number.as_str()),
            Some(other) => panic!("{path:?}: {other} was read as {amount:?}"),
        };
        let amount = amount.map(|amount| amount.to_string());
        assert_eq!(amount.as_deref().map(canonical), said.map(canonical), "{path:?}");
    }
}

/// Digits without what does not change their value. Anything but a plain decimal stays as it is, and so equals no amount.
fn canonical(text: &str) -> (bool, String, String) {
    let (sign, digits) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
    let (whole, decimals) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() {
        return (sign, text.to_owned(), "no number".to_owned());
    }
    let (whole, decimals) = (whole.trim_start_matches('0'), decimals.trim_end_matches('0'));
    let is_zero = whole.is_empty() && decimals.is_empty();
    (sign && !is_zero, whole.to_owned(), decimals.to_owned())
}

#[test]
fn only_equal_numbers_are_equal() {
    assert_eq!(canonical("007.50"), canonical("7.5"));
    assert_eq!(canonical("-0.00"), canonical("0"));
    for (one, other) in
        [("1e3", "1000"), ("-1", "1"), ("NaN", "0"), ("1.05", "1.5"), ("10", "1"), ("", "0"), ("-", "0")]
    {
        assert_ne!(canonical(one), canonical(other), "{one} {other}");
    }
}
