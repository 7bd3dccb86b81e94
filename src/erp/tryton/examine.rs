//! Whether Tryton would take money today: rights of the user, an open period, an account for each role. Reads only.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::Deserialize;
use serde_json::{Value, json};

use super::amounts::date;
use super::chart::Chart;
use super::rpc::Rpc;
use super::settings::Settings;
use crate::erp::{ErpError, Shortcoming};
use crate::model::journal::Role;

/// What the adapter does with each model, in Tryton's words.
const NEEDED: [(&str, &[&str]); 5] = [
    ("account.move", &["read", "write", "create", "delete"]),
    ("account.move.line", &["read", "write", "create"]),
    ("account.invoice", &["read", "write"]),
    ("account.period", &["read"]),
    ("party.party", &["read"]),
];

#[derive(Deserialize)]
struct Id {
    #[serde(rename = "id")]
    _id: i64,
}

pub(super) async fn examine(
    rpc: &Rpc,
    chart: &Chart,
    settings: &Settings,
    today: NaiveDate,
) -> Result<Vec<Shortcoming>, ErpError> {
    let mut shortcomings = missing_rights(rpc, settings).await?;
    shortcomings.extend(closed_period(rpc, chart, today).await?);
    shortcomings.extend(unmapped(chart));
    Ok(shortcomings)
}

async fn missing_rights(rpc: &Rpc, settings: &Settings) -> Result<Vec<Shortcoming>, ErpError> {
    let models: Vec<&str> = NEEDED.iter().map(|(model, _)| *model).collect();
    let granted: BTreeMap<String, BTreeMap<String, Value>> =
        rpc.read("model.ir.model.access.get_access", vec![json!(models)]).await?;
    let mut missing = Vec::new();
    for (model, rights) in NEEDED {
        let lacking = |right: &&&str| !granted.get(model).and_then(|it| it.get(**right)).is_some_and(is_granted);
        let lacking: Vec<&str> = rights.iter().filter(lacking).copied().collect();
        if !lacking.is_empty() {
            let (user, lacking) = (&settings.user, lacking.join(", "));
            let sentence = format!(
                "the user {user} may not {lacking} {model}; put them into a group with that right, such as \"Account\""
            );
            missing.push(Shortcoming::Stops(sentence));
        }
    }
    Ok(missing)
}

/// Tryton says yes with `true` or a number.
fn is_granted(value: &Value) -> bool {
    value.as_bool() == Some(true) || value.as_i64().is_some_and(|number| number > 0)
}

async fn closed_period(rpc: &Rpc, chart: &Chart, today: NaiveDate) -> Result<Option<Shortcoming>, ErpError> {
    let date = date(today);
    let domain = json!([
        ["start_date", "<=", date],
        ["end_date", ">=", date],
        ["type", "=", "standard"],
        ["state", "=", "open"],
        ["company", "=", chart.company],
    ]);
    let params = vec![domain, json!(0), json!(1), json!(null), json!(["name"])];
    let open: Vec<Id> = rpc.read("model.account.period.search_read", params).await?;
    let sentence =
        format!("no period is open on {today}; open one, or create the fiscal year and its periods, in Tryton");
    Ok(open.is_empty().then_some(Shortcoming::Stops(sentence)))
}

/// An entry with a line on such a role is refused and shown to a person.
fn unmapped(chart: &Chart) -> Option<Shortcoming> {
    let missing: Vec<&str> =
        Role::ALL.iter().filter(|role| !chart.accounts.contains_key(role)).map(|role| role.name()).collect();
    let sentence = format!(
        "no account is named for {}; what touches them is refused until `accounts.ROLE` says one",
        missing.join(", ")
    );
    (!missing.is_empty()).then_some(Shortcoming::Hinders(sentence))
}
