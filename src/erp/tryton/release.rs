//! Posting moves, and what they mean for invoices.
//!
//! A line about an invoice is attached while its move is a draft, so that Tryton refuses what does not fit before anything is in
//! the books. After posting, an invoice that is paid to the last cent is reconciled. Every step may be done again.

use std::collections::BTreeSet;

use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::{Value, json};

use super::amounts::Money;
use super::chart::Chart;
use super::find::{MoveLine, id_in, lines, reference};
use super::invoices::{self, Invoice};
use super::plan::{account, entry, is_on_invoice};
use super::rpc::{Failure, Rpc, refusal};
use crate::erp::{Elected, ErpError, Refusal, Step};
use crate::model::journal::Line;

#[derive(Deserialize)]
struct State {
    state: String,
}

#[derive(Deserialize)]
struct OpenLine {
    id: i64,
    debit: Money,
    credit: Money,
    reconciliation: Option<i64>,
}

/// Those without invoices in one call, the others one by one.
pub(super) async fn release(rpc: &Rpc, chart: &Chart, elected: &[Elected<'_>]) -> Result<Vec<Step>, ErpError> {
    let plain: Vec<i64> = elected.iter().filter(|it| !has_invoices(it)).filter_map(|it| id_in(it.reference)).collect();
    let together = plain.is_empty() || rpc_post(rpc, &plain).await?.is_ok();
    let mut steps = Vec::with_capacity(elected.len());
    for it in elected {
        let Some(id) = id_in(it.reference) else {
            steps.push(Err(Refusal::Never { reason: format!("{} is no move", it.reference) }));
            continue;
        };
        let step = match (has_invoices(it), together) {
            (false, true) => Ok(()),
            (false, false) => post(rpc, id).await?,
            (true, _) => release_on_invoices(rpc, chart, it, id).await?,
        };
        steps.push(step.map(|()| Some(reference(id))));
    }
    Ok(steps)
}

fn has_invoices(elected: &Elected<'_>) -> bool {
    entry(elected.delivery).is_ok_and(|entry| entry.lines.iter().any(is_on_invoice))
}

/// Whether these moves are posted now by one call; otherwise why none is.
async fn rpc_post(rpc: &Rpc, ids: &[i64]) -> Result<Result<(), String>, ErpError> {
    match rpc.write("model.account.move.post", vec![json!(ids)]).await {
        Ok(_) => Ok(Ok(())),
        Err(Failure::Refused(message)) => Ok(Err(message)),
        Err(Failure::Call(error)) => Err(error),
    }
}

/// Posts one move; one that is posted already is done.
async fn post(rpc: &Rpc, id: i64) -> Result<Result<(), Refusal>, ErpError> {
    if state(rpc, id).await? == "posted" {
        return Ok(Ok(()));
    }
    match rpc_post(rpc, &[id]).await? {
        Ok(()) => Ok(Ok(())),
        Err(_) if state(rpc, id).await? == "posted" => Ok(Ok(())),
        Err(message) => Ok(Err(refusal(message))),
    }
}

async fn state(rpc: &Rpc, id: i64) -> Result<String, ErpError> {
    let mut rows: Vec<State> = rpc.read("model.account.move.read", vec![json!([id]), json!(["state"])]).await?;
    Ok(rows.pop().map(|row| row.state).unwrap_or_default())
}

async fn release_on_invoices(
    rpc: &Rpc,
    chart: &Chart,
    elected: &Elected<'_>,
    id: i64,
) -> Result<Result<(), Refusal>, ErpError> {
    let entry = match entry(elected.delivery) {
        Ok(entry) => entry,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let wanted: Vec<&Line> = entry.lines.iter().filter(|line| is_on_invoice(line)).collect();
    let keys: BTreeSet<&str> = wanted.iter().filter_map(|line| line.links.invoice_ref.as_deref()).collect();
    let known = invoices::invoices(rpc, chart.company, &keys).await?;
    let held = lines(rpc, &[id]).await?;
    let mut touched = BTreeSet::new();
    for line in wanted {
        match attach(rpc, chart, &known, &held, line, id).await? {
            Ok(invoice) => touched.insert(invoice),
            Err(refusal) => return Ok(Err(refusal)),
        };
    }
    if let Err(refusal) = post(rpc, id).await? {
        detach(rpc, &touched, &held, id).await?;
        return Ok(Err(refusal));
    }
    for invoice in touched {
        if let Err(refusal) = reconcile(rpc, invoice).await? {
            return Ok(Err(refusal));
        }
    }
    Ok(Ok(()))
}

/// Attaches one line, or its move where it takes money back, to its invoice; returns the invoice.
async fn attach(
    rpc: &Rpc,
    chart: &Chart,
    known: &[Invoice],
    held: &[MoveLine],
    line: &Line,
    id: i64,
) -> Result<Result<i64, Refusal>, ErpError> {
    let (debit, credit) = line.sides();
    let key = line.links.invoice_ref.as_deref().unwrap_or_default();
    let (invoice, account) = match (invoices::by_key(known, key), account(chart, line.role)) {
        (Ok(invoice), Ok(account)) => (invoice, account),
        (Err(refusal), _) | (_, Err(refusal)) => return Ok(Err(refusal)),
    };
    if credit.is_zero() {
        return attach_move(rpc, invoice, id).await;
    }
    let is_it = |it: &&MoveLine| it.account == account.id && it.debit.0 == debit && it.credit.0 == credit;
    let own: Vec<&MoveLine> = held.iter().filter(is_it).collect();
    if own.iter().any(|it| it.invoice_payment == Some(invoice.id)) {
        return Ok(Ok(invoice.id));
    }
    let Some(free) = own.iter().find(|it| it.invoice_payment.is_none()) else {
        return Ok(Err(Refusal::Never { reason: format!("its line for the invoice {key} pays another one") }));
    };
    write(rpc, invoice.id, json!({ "payment_lines": [["add", [free.id]]] })).await
}

/// What is taken back from an invoice opens it again: as a move of the invoice beside the one that it was posted with.
async fn attach_move(rpc: &Rpc, invoice: &Invoice, id: i64) -> Result<Result<i64, Refusal>, ErpError> {
    if invoice.additional_moves.contains(&id) {
        return Ok(Ok(invoice.id));
    }
    if invoice.is_paid() {
        let lines: Vec<i64> = invoice.lines_to_pay.iter().chain(&invoice.payment_lines).copied().collect();
        match rpc.wizard("account.move.unreconcile_lines", "account.move.line", &lines).await {
            Ok(()) => {}
            Err(Failure::Refused(message)) => return Ok(Err(refusal(message))),
            Err(Failure::Call(error)) => return Err(error),
        }
    }
    write(rpc, invoice.id, json!({ "additional_moves": [["add", [id]]] })).await
}

/// A move that was not posted leaves its invoices as they were.
async fn detach(rpc: &Rpc, invoices: &BTreeSet<i64>, held: &[MoveLine], id: i64) -> Result<(), ErpError> {
    let own: Vec<i64> = held.iter().map(|line| line.id).collect();
    for invoice in invoices {
        let values = json!({ "payment_lines": [["remove", own]], "additional_moves": [["remove", [id]]] });
        if let Err(refusal) = write(rpc, *invoice, values).await? {
            tracing::warn!(move_id = id, invoice, ?refusal, "the invoice still shows a move that is not posted");
        }
        if let Err(refusal) = reconcile(rpc, *invoice).await? {
            tracing::warn!(invoice, ?refusal, "the invoice was not reconciled again");
        }
    }
    Ok(())
}

async fn write(rpc: &Rpc, invoice: i64, values: Value) -> Result<Result<i64, Refusal>, ErpError> {
    match rpc.write("model.account.invoice.write", vec![json!([invoice]), values]).await {
        Ok(_) => Ok(Ok(invoice)),
        Err(Failure::Refused(message)) => Ok(Err(refusal(message))),
        Err(Failure::Call(error)) => Err(error),
    }
}

/// Reconciles an invoice of which nothing is open any more.
async fn reconcile(rpc: &Rpc, invoice: i64) -> Result<Result<(), Refusal>, ErpError> {
    let invoice = invoices::read(rpc, invoice).await?;
    if invoice.is_paid() || !invoice.open().is_zero() {
        return Ok(Ok(()));
    }
    let ids: Vec<i64> = invoice.lines_to_pay.iter().chain(&invoice.payment_lines).copied().collect();
    let fields = json!(["debit", "credit", "reconciliation"]);
    let lines: Vec<OpenLine> = rpc.read("model.account.move.line.read", vec![json!(ids), fields]).await?;
    let open: Vec<&OpenLine> = lines.iter().filter(|line| line.reconciliation.is_none()).collect();
    let balance: Decimal = open.iter().map(|line| line.debit.0 - line.credit.0).sum();
    if open.is_empty() || !balance.is_zero() {
        return Ok(Ok(()));
    }
    let ids: Vec<i64> = open.iter().map(|line| line.id).collect();
    match rpc.wizard("account.move.reconcile_lines", "account.move.line", &ids).await {
        Ok(()) => Ok(Ok(())),
        Err(Failure::Refused(message)) => Ok(Err(refusal(message))),
        Err(Failure::Call(error)) => Err(error),
    }
}
