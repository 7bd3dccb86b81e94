//! The books of a company, read again: our posted moves with their lines, and what others put on an account of ours.

use std::collections::HashMap;

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::{Value, json};

use super::KEY_START;
use super::amounts::{Day, Money};
use super::chart::Chart;
use super::find::{Described, id_in, reference, search};
use super::rpc::Rpc;
use crate::erp::{BookedDocument, BookedLine, ErpError, OtherLine};
use crate::model::journal::Role;

/// Moves of one answer.
const PAGE: u32 = 200;

#[derive(Deserialize)]
struct Line {
    #[serde(rename = "move")]
    of: i64,
    #[serde(rename = "account.")]
    account: Account,
    debit: Money,
    credit: Money,
}

#[derive(Deserialize)]
struct Account {
    code: Option<String>,
}

#[derive(Deserialize)]
struct Other {
    #[serde(rename = "move")]
    of: i64,
    date: Option<Day>,
    debit: Money,
    credit: Money,
}

/// Posted moves by the order of their ids.
pub(super) async fn documents(
    rpc: &Rpc,
    chart: &Chart,
    prefix: &str,
    after: Option<&str>,
) -> Result<Vec<BookedDocument>, ErpError> {
    let domain = json!([
        ["company", "=", chart.company],
        ["state", "=", "posted"],
        ["description", "like", format!("{}%", escaped(prefix))],
        ["id", ">", after.and_then(id_in).unwrap_or(0)],
    ]);
    let order = json!([["id", "ASC"]]);
    let params = vec![domain, json!(0), json!(PAGE), order, json!(["description"])];
    let moves: Vec<Described> = rpc.read("model.account.move.search_read", params).await?;
    let mut lines = lines(rpc, &moves).await?;
    let document = |it: Described| BookedDocument {
        key: it.description,
        reference: reference(it.id),
        lines: lines.remove(&it.id).unwrap_or_default(),
    };
    Ok(moves.into_iter().map(document).collect())
}

async fn lines(rpc: &Rpc, moves: &[Described]) -> Result<HashMap<i64, Vec<BookedLine>>, ErpError> {
    let mut by_move: HashMap<i64, Vec<BookedLine>> = HashMap::new();
    if moves.is_empty() {
        return Ok(by_move);
    }
    let ids: Vec<i64> = moves.iter().map(|it| it.id).collect();
    let fields = ["move", "account.code", "debit", "credit"];
    let lines: Vec<Line> = search(rpc, "account.move.line", json!([["move", "in", ids]]), &fields).await?;
    for line in lines {
        let account = line.account.code.unwrap_or_default();
        let amount = line.debit.0 - line.credit.0;
        by_move.entry(line.of).or_default().push(BookedLine { account, amount });
    }
    Ok(by_move)
}

/// Lines of posted moves without a key of ours.
pub(super) async fn others(rpc: &Rpc, chart: &Chart, role: Role, limit: u32) -> Result<Vec<OtherLine>, ErpError> {
    let Some(account) = chart.accounts.get(&role) else { return Ok(Vec::new()) };
    let foreign = format!("{KEY_START}%");
    let domain = json!([
        ["account", "=", account.id],
        ["move.state", "=", "posted"],
        ["OR", ["move.description", "=", Value::Null], ["move.description", "not like", foreign]],
    ]);
    let fields = json!(["move", "date", "debit", "credit"]);
    let params = vec![domain, json!(0), json!(limit), json!([["id", "ASC"]]), fields];
    let lines: Vec<Other> = rpc.read("model.account.move.line.search_read", params).await?;
    let other = |line: Other| OtherLine {
        reference: reference(line.of),
        date: line.date.map_or(NaiveDate::MIN, |day| day.0),
        amount: amount(&line),
    };
    Ok(lines.into_iter().map(other).collect())
}

fn amount(line: &Other) -> Decimal {
    line.debit.0 - line.credit.0
}

/// The text as a pattern that means only itself.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}
