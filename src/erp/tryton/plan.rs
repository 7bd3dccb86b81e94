//! From journal entries to the values of moves, with everything looked up that they name.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::amounts::{Day, date, decimal};
use super::chart::{Account, Chart};
use super::find::Described;
use super::invoices::{self, Invoice};
use super::parties::{parties, party_code};
use super::rpc::Rpc;
use super::settings::{ClosedPeriod, Settings};
use crate::erp::{Delivery, ErpError, Payload, Refusal};
use crate::model::journal::{Entry, Line, Role};

/// What the deliveries of one call name, as Tryton has it.
struct Surroundings {
    parties: BTreeMap<String, i64>,
    invoices: Vec<Invoice>,
    periods: Vec<Period>,
    /// Posted moves by our key: the originals of reversals.
    originals: BTreeMap<String, i64>,
}

#[derive(Debug, Clone, Deserialize)]
struct Period {
    id: i64,
    start_date: Day,
    end_date: Day,
    state: String,
}

/// For each delivery the values of its move, or why there can be none.
pub(super) async fn plan(
    rpc: &Rpc,
    chart: &Chart,
    settings: &Settings,
    deliveries: &[&Delivery],
) -> Result<Vec<Result<Value, Refusal>>, ErpError> {
    let around = Surroundings {
        parties: parties(rpc, settings, deliveries).await?,
        invoices: invoices::invoices(rpc, chart.company, &invoice_keys(deliveries)).await?,
        periods: periods(rpc, chart, deliveries).await?,
        originals: originals(rpc, chart, deliveries).await?,
    };
    let values = |delivery: &&Delivery| values(chart, settings, &around, delivery);
    Ok(deliveries.iter().map(values).collect())
}

/// The entry of a delivery; an adapter is given only what it wants.
pub(super) fn entry(delivery: &Delivery) -> Result<&Entry, Refusal> {
    match &delivery.payload {
        Payload::Entry(entry) => Ok(entry),
        Payload::Document(_) | Payload::Event(_) | Payload::Notice(_) => {
            Err(Refusal::Never { reason: "only journal entries are booked in Tryton".to_owned() })
        }
    }
}

/// Whether a line is about an invoice of the ERP.
pub(super) fn is_on_invoice(line: &Line) -> bool {
    line.role == Role::Receivable && line.links.receivable_id.is_some()
}

/// The account of a role.
pub(super) fn account(chart: &Chart, role: Role) -> Result<&Account, Refusal> {
    let unmapped = || Refusal::NotNow { reason: format!("the role {role} has no account; set `accounts.{role}`") };
    chart.accounts.get(&role).ok_or_else(unmapped)
}

fn entries<'a>(deliveries: &'a [&'a Delivery]) -> impl Iterator<Item = &'a Entry> {
    deliveries.iter().filter_map(|delivery| entry(delivery).ok())
}

fn invoice_keys<'a>(deliveries: &'a [&'a Delivery]) -> BTreeSet<&'a str> {
    let lines = entries(deliveries).flat_map(|entry| &entry.lines).filter(|line| is_on_invoice(line));
    lines.filter_map(|line| line.links.invoice_ref.as_deref()).collect()
}

async fn periods(rpc: &Rpc, chart: &Chart, deliveries: &[&Delivery]) -> Result<Vec<Period>, ErpError> {
    let Some(first) = entries(deliveries).map(|entry| entry.date).min() else { return Ok(Vec::new()) };
    let domain = json!([["company", "=", chart.company], ["type", "=", "standard"], ["end_date", ">=", date(first)]]);
    let fields = json!(["start_date", "end_date", "state"]);
    let order = json!([["start_date", "ASC"]]);
    rpc.read("model.account.period.search_read", vec![domain, json!(0), Value::Null, order, fields]).await
}

async fn originals(rpc: &Rpc, chart: &Chart, deliveries: &[&Delivery]) -> Result<BTreeMap<String, i64>, ErpError> {
    let keys: Vec<String> = deliveries
        .iter()
        .filter_map(|delivery| Some(delivery.world_key_of(entry(delivery).ok()?.reverses.as_deref()?)))
        .collect();
    if keys.is_empty() {
        return Ok(BTreeMap::new());
    }
    let domain = json!([["company", "=", chart.company], ["state", "=", "posted"], ["description", "in", keys]]);
    let params = vec![domain, json!(0), Value::Null, Value::Null, json!(["description"])];
    let rows: Vec<Described> = rpc.read("model.account.move.search_read", params).await?;
    Ok(rows.into_iter().map(|row| (row.description, row.id)).collect())
}

fn values(chart: &Chart, settings: &Settings, around: &Surroundings, delivery: &Delivery) -> Result<Value, Refusal> {
    let entry = entry(delivery)?;
    if entry.currency.as_str() != chart.currency_code {
        let reason = format!("the books are kept in {} and this is {}", chart.currency_code, entry.currency.as_str());
        return Err(Refusal::Never { reason });
    }
    let (period, day) = period(&around.periods, settings.closed_period, entry.date)?;
    let lines = entry.lines.iter().map(|line| line_values(chart, settings, around, entry, line));
    let lines: Vec<Value> = lines.collect::<Result<_, _>>()?;
    let mut values = Map::new();
    values.insert("company".to_owned(), json!(chart.company));
    values.insert("journal".to_owned(), json!(chart.journal));
    values.insert("period".to_owned(), json!(period));
    values.insert("date".to_owned(), date(day));
    values.insert("description".to_owned(), json!(delivery.erp_key));
    values.insert("lines".to_owned(), json!([["create", lines]]));
    let original = entry.reverses.as_ref().and_then(|key| around.originals.get(&delivery.world_key_of(key)));
    if let Some(original) = original {
        values.insert("origin".to_owned(), json!(format!("account.move,{original}")));
    }
    Ok(Value::Object(values))
}

/// The period of a day, and the day that is booked.
fn period(periods: &[Period], closed: ClosedPeriod, day: NaiveDate) -> Result<(i64, NaiveDate), Refusal> {
    let own = periods.iter().find(|period| period.start_date.0 <= day && day <= period.end_date.0);
    let own = own.ok_or_else(|| Refusal::NotNow { reason: format!("there is no period for {day}") })?;
    if own.state == "open" {
        return Ok((own.id, day));
    }
    let next = periods.iter().find(|period| period.start_date.0 > day && period.state == "open");
    match (closed, next) {
        (ClosedPeriod::NextOpen, Some(next)) => Ok((next.id, next.start_date.0)),
        (ClosedPeriod::NextOpen | ClosedPeriod::Hold, _) => {
            Err(Refusal::NotNow { reason: format!("the period of {day} is closed") })
        }
    }
}

fn line_values(
    chart: &Chart,
    settings: &Settings,
    around: &Surroundings,
    entry: &Entry,
    line: &Line,
) -> Result<Value, Refusal> {
    let account = account(chart, line.role)?;
    let (debit, credit) = line.sides();
    let mut values = Map::new();
    values.insert("account".to_owned(), json!(account.id));
    values.insert("debit".to_owned(), decimal(debit));
    values.insert("credit".to_owned(), decimal(credit));
    values.insert("description".to_owned(), json!(entry.memo));
    if account.party_required {
        let party = party(settings, around, line)?;
        if is_on_invoice(line) {
            check_invoice(chart, around, line, (account, party, credit))?;
        }
        values.insert("party".to_owned(), json!(party));
    }
    Ok(Value::Object(values))
}

fn party(settings: &Settings, around: &Surroundings, line: &Line) -> Result<i64, Refusal> {
    let Some(code) = party_code(line, settings) else {
        return Err(Refusal::Never { reason: "it names no customer, and `default_customer` is not set".to_owned() });
    };
    let missing = || Refusal::NotNow { reason: format!("there is no party with the code {code}") };
    around.parties.get(code).copied().ok_or_else(missing)
}

/// The invoice is the customer's, in the currency of the books, and has as much open as is put on it.
fn check_invoice(
    chart: &Chart,
    around: &Surroundings,
    line: &Line,
    (account, party, credit): (&Account, i64, Decimal),
) -> Result<(), Refusal> {
    let Some(key) = line.links.invoice_ref.as_deref() else {
        return Err(Refusal::NotNow {
            reason: "Paystand does not say which invoice of the ERP it is about".to_owned(),
        });
    };
    let invoice = invoices::by_key(&around.invoices, key)?;
    let not_it = |reason: String| Err(Refusal::NotNow { reason });
    if invoice.party != party {
        return not_it(format!("the invoice {key} is another customer's"));
    }
    if invoice.currency != chart.currency {
        return not_it(format!("the invoice {key} is in another currency than the books"));
    }
    if invoice.account != account.id {
        return not_it(format!("the invoice {key} does not stand on the account {}", account.code));
    }
    if credit > invoice.open() {
        return not_it(format!("the invoice {key} has {} open, less than {credit}", invoice.open()));
    }
    Ok(())
}
