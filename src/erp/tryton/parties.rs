//! Parties by the customer's key, which is their code.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Value, json};

use super::rpc::{Failure, Rpc};
use super::settings::Settings;
use crate::erp::{Delivery, ErpError, Payload};
use crate::model::journal::Line;

#[derive(Deserialize)]
struct PartyRow {
    id: i64,
    code: Option<String>,
}

/// The party that a line names where its account wants one.
pub(super) fn party_code<'a>(line: &'a Line, settings: &'a Settings) -> Option<&'a str> {
    line.links.customer_ref.as_deref().or(settings.default_customer.as_deref())
}

/// The parties that these deliveries name, by code. Those that are not there are created if they may be.
pub(super) async fn parties(
    rpc: &Rpc,
    settings: &Settings,
    deliveries: &[&Delivery],
) -> Result<BTreeMap<String, i64>, ErpError> {
    let lines = deliveries.iter().filter_map(|delivery| match &delivery.payload {
        Payload::Entry(entry) => Some(&entry.lines),
        Payload::Document(_) | Payload::Event(_) | Payload::Notice(_) => None,
    });
    let codes: BTreeSet<&str> = lines.flatten().filter_map(|line| party_code(line, settings)).collect();
    let mut known = search(rpc, &codes).await?;
    if settings.create_customers {
        for code in codes {
            if !known.contains_key(code) {
                known.insert(code.to_owned(), create(rpc, code).await?);
            }
        }
    }
    Ok(known)
}

async fn search(rpc: &Rpc, codes: &BTreeSet<&str>) -> Result<BTreeMap<String, i64>, ErpError> {
    if codes.is_empty() {
        return Ok(BTreeMap::new());
    }
    let params = vec![json!([["code", "in", codes]]), json!(0), Value::Null, Value::Null, json!(["code"])];
    let rows: Vec<PartyRow> = rpc.read("model.party.party.search_read", params).await?;
    Ok(rows.into_iter().filter_map(|row| Some((row.code?, row.id))).collect())
}

/// Codes are unique at Tryton: of two who create one, the second is refused and finds it.
async fn create(rpc: &Rpc, code: &str) -> Result<i64, ErpError> {
    let values = json!([{ "name": code, "code": code }]);
    match rpc.write("model.party.party.create", vec![values]).await {
        Ok(ids) => {
            let ids: Vec<i64> = serde_json::from_value(ids).map_err(super::rpc::unreadable)?;
            ids.first().copied().ok_or_else(|| ErpError::Misfit { reason: "no party was created".to_owned() })
        }
        Err(Failure::Refused(message)) => {
            let found = search(rpc, &BTreeSet::from([code])).await?;
            found.get(code).copied().ok_or(ErpError::Misfit { reason: format!("the party {code}: {message}") })
        }
        Err(Failure::Call(error)) => Err(error),
    }
}
