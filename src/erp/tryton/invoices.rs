//! Customer invoices: found by the key that Paystand has of them, and what is open on them.

use std::collections::BTreeSet;

use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::{Value, json};

use super::amounts::Money;
use super::rpc::Rpc;
use crate::erp::{ErpError, Refusal};

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Invoice {
    pub id: i64,
    pub number: Option<String>,
    pub reference: Option<String>,
    /// `posted` or `paid`.
    pub state: String,
    pub party: i64,
    pub account: i64,
    pub currency: i64,
    pub amount_to_pay: Money,
    pub lines_to_pay: Vec<i64>,
    pub payment_lines: Vec<i64>,
    pub additional_moves: Vec<i64>,
}

const FIELDS: [&str; 11] = [
    "number",
    "reference",
    "state",
    "party",
    "account",
    "currency",
    "amount_to_pay",
    "lines_to_pay",
    "payment_lines",
    "additional_moves",
    "company",
];

impl Invoice {
    /// What is still to be paid; nothing of one that is paid.
    pub fn open(&self) -> Decimal {
        if self.state == "paid" { Decimal::ZERO } else { self.amount_to_pay.0 }
    }

    pub fn is_paid(&self) -> bool {
        self.state == "paid"
    }
}

/// The invoices with these numbers or references.
pub(super) async fn invoices(rpc: &Rpc, company: i64, keys: &BTreeSet<&str>) -> Result<Vec<Invoice>, ErpError> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let domain = json!([
        ["type", "=", "out"],
        ["company", "=", company],
        ["state", "in", ["posted", "paid"]],
        ["OR", ["number", "in", keys], ["reference", "in", keys]],
    ]);
    rpc.read("model.account.invoice.search_read", vec![domain, json!(0), Value::Null, Value::Null, json!(FIELDS)]).await
}

/// One invoice by its number at Tryton, or else by its reference.
pub(super) fn by_key<'a>(invoices: &'a [Invoice], key: &str) -> Result<&'a Invoice, Refusal> {
    if let Some(invoice) = invoices.iter().find(|invoice| invoice.number.as_deref() == Some(key)) {
        return Ok(invoice);
    }
    let referred: Vec<&Invoice> = invoices.iter().filter(|invoice| invoice.reference.as_deref() == Some(key)).collect();
    match referred[..] {
        [invoice] => Ok(invoice),
        [] => Err(Refusal::NotNow { reason: format!("the invoice {key} is not there, or not posted") }),
        _ => Err(Refusal::NotNow { reason: format!("several invoices have the reference {key}") }),
    }
}

/// One invoice as it stands now.
pub(super) async fn read(rpc: &Rpc, id: i64) -> Result<Invoice, ErpError> {
    let mut rows: Vec<Invoice> = rpc.read("model.account.invoice.read", vec![json!([id]), json!(FIELDS)]).await?;
    rows.pop().ok_or_else(|| ErpError::Misfit { reason: format!("the invoice with the id {id} is gone") })
}
