//! What the adapter needs of a company: its currency, the journal, and the account of each role.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::rpc::Rpc;
use super::settings::Settings;
use crate::erp::ErpError;
use crate::model::journal::Role;

#[derive(Debug, Clone)]
pub(super) struct Chart {
    pub company: i64,
    pub currency: i64,
    /// ISO code of the currency in which the company keeps its books.
    pub currency_code: String,
    pub journal: i64,
    pub accounts: BTreeMap<Role, Account>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Account {
    pub id: i64,
    pub code: String,
    /// Every line on it names a party; on other accounts none does.
    pub party_required: bool,
}

#[derive(Deserialize)]
struct CompanyRow {
    id: i64,
    currency: i64,
    #[serde(rename = "currency.")]
    currency_row: CurrencyRow,
}

#[derive(Deserialize)]
struct CurrencyRow {
    code: String,
}

#[derive(Deserialize)]
struct AccountRow {
    id: i64,
    code: String,
    party_required: Option<bool>,
    closed: Option<bool>,
}

#[derive(Deserialize)]
struct Id {
    id: i64,
}

impl Chart {
    /// Reads and checks what the settings name.
    ///
    /// # Errors
    /// [`ErpError::Misfit`] with what is missing and where to say it.
    pub async fn read(rpc: &Rpc, settings: &Settings) -> Result<Self, ErpError> {
        let company = company(rpc, settings).await?;
        let journal = journal(rpc, settings).await?;
        let accounts = accounts(rpc, settings, company.id).await?;
        let currency_code = company.currency_row.code;
        Ok(Self { company: company.id, currency: company.currency, currency_code, journal, accounts })
    }
}

fn search(domain: Value, fields: &[&str]) -> Vec<Value> {
    vec![domain, json!(0), Value::Null, Value::Null, json!(fields)]
}

async fn company(rpc: &Rpc, settings: &Settings) -> Result<CompanyRow, ErpError> {
    let domain = settings.company.as_ref().map_or_else(|| json!([]), |name| json!([["party.name", "=", name]]));
    let mut rows: Vec<CompanyRow> =
        rpc.read("model.company.company.search_read", search(domain, &["currency", "currency.code"])).await?;
    match (rows.len(), &settings.company) {
        (1, _) => Ok(rows.remove(0)),
        (0, _) => Err(misfit("the company is not there, or the user does not belong to it; set `company` to its name")),
        (_, None) => Err(misfit("the user belongs to several companies; set `company` to the name of one")),
        (_, Some(name)) => Err(misfit(&format!("several companies are called {name}"))),
    }
}

async fn journal(rpc: &Rpc, settings: &Settings) -> Result<i64, ErpError> {
    let code = &settings.journal;
    let rows: Vec<Id> =
        rpc.read("model.account.journal.search_read", search(json!([["code", "=", code]]), &["code"])).await?;
    match rows[..] {
        [Id { id }] => Ok(id),
        _ => Err(misfit(&format!("there is no journal with the code {code}; set `journal` to the code of one"))),
    }
}

async fn accounts(rpc: &Rpc, settings: &Settings, company: i64) -> Result<BTreeMap<Role, Account>, ErpError> {
    let codes: Vec<&String> = settings.accounts.values().collect();
    let domain = json!([["code", "in", codes], ["company", "=", company]]);
    let rows: Vec<AccountRow> =
        rpc.read("model.account.account.search_read", search(domain, &["code", "party_required", "closed"])).await?;
    let mut accounts = BTreeMap::new();
    for (role, code) in &settings.accounts {
        let named: Vec<&AccountRow> = rows.iter().filter(|row| row.code == *code).collect();
        match named[..] {
            [row] if row.closed == Some(true) => {
                return Err(misfit(&format!("the account {code} is closed; set `accounts.{role}` to another one")));
            }
            [row] => {
                let party_required = row.party_required == Some(true);
                accounts.insert(*role, Account { id: row.id, code: code.clone(), party_required });
            }
            [] => return Err(misfit(&format!("there is no account {code}; set `accounts.{role}` to the code of one"))),
            _ => return Err(misfit(&format!("several accounts have the code {code}; `accounts.{role}` names one"))),
        }
    }
    Ok(accounts)
}

fn misfit(reason: &str) -> ErpError {
    ErpError::Misfit { reason: reason.to_owned() }
}
