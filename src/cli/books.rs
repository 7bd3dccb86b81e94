//! The books, for people and programs: `reconcile`, `export`.

use chrono::NaiveDate;
use clap::ValueEnum;
use tokio_util::sync::CancellationToken;

use super::host::{Database, circumstances};
use super::table::table;
use super::tell::{self, Complaint};
use crate::config::Config;
use crate::engine::Engine;
use crate::engine::error::Exit;
use crate::engine::read_back::BooksRead;
use crate::engine::reconcile::{Opening, TieOut, what_is_wrong};
use crate::export::{Accounts, beancount, hledger};
use crate::model::ids::AdapterName;
use crate::model::journal::Role;
use crate::reconcile::{InTransit, PayoutProof, Verdict};

const PAYOUT_HEAD: [&str; 6] = ["paid", "payout", "amount", "currency", "lines", "verdict"];

/// Days of movement that are shown where no day is asked for.
const DAYS_SHOWN: usize = 7;

/// A format of plain text accounting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Hledger,
    Beancount,
}

pub async fn reconcile(config: Config, date: Option<NaiveDate>, json: bool) -> Result<Exit, Complaint> {
    let database = Database::open(&config.database).await?;
    let engine = Engine::start(config, &database.url, circumstances()?, CancellationToken::new()).await?;
    let mut answers = engine.tie_out().await?;
    let read = engine.read_books(&mut answers).await;
    engine.close().await;
    database.close().await?;
    if let Some(date) = date {
        for answer in &mut answers {
            answer.reconciliation.payouts.retain(|payout| payout.booked_on == Some(date));
            answer.reconciliation.movements.retain(|movement| movement.date == date);
        }
    }
    let payouts = answers.iter().flat_map(|it| it.reconciliation.wrong()).map(what_is_wrong);
    let mut wrong: Vec<String> =
        payouts.map(|sentence| format!("{sentence}; `paystand-sync reconcile --json` names its records")).collect();
    let books = answers.iter().flat_map(|it| &it.books).flat_map(|books| &books.differences);
    wrong.extend(books.map(|sentence| format!("{sentence}; see `paystand-sync exceptions list`")));
    if json {
        let value =
            serde_json::to_value(&answers).map_err(|error| Complaint::new(Exit::Internal, error.to_string()))?;
        tell::print_json(&value);
    } else {
        for answer in &answers {
            tell::print(&text(answer, date.is_some()));
        }
    }
    for sentence in &wrong {
        Complaint::new(Exit::Mismatch, sentence.clone()).print();
    }
    read?;
    Ok(if wrong.is_empty() { Exit::Clean } else { Exit::Mismatch })
}

fn text(answer: &TieOut, one_day: bool) -> String {
    let books = &answer.reconciliation;
    let mut parts = vec![format!("Merchant {}", answer.merchant)];
    if books.payouts.is_empty() {
        parts.push("No payouts.".to_owned());
    } else {
        let rows = books.payouts.iter().map(payout_row);
        parts.push(table(&PAYOUT_HEAD, &[2, 4], rows));
    }
    for transit in &books.in_transit {
        parts.push(format!("In transit: {} {}", transit.amount, transit.currency));
        parts.push(items(transit));
    }
    for total in &books.totals {
        parts.push(format!(
            "Clearing {}: {} = {} in transit, {} unproven, {} wrong",
            total.currency, total.clearing, total.in_transit, total.unproven, total.wrong
        ));
    }
    parts.extend(answer.openings.iter().map(opening));
    parts.extend(answer.books.iter().map(books_read));
    let days: std::collections::BTreeSet<NaiveDate> = books.movements.iter().map(|it| it.date).collect();
    let from = if one_day { None } else { days.iter().rev().nth(DAYS_SHOWN - 1) };
    let shown = books.movements.iter().filter(|it| from.is_none_or(|from| it.date >= *from));
    let rows = shown.map(|it| {
        vec![
            it.date.to_string(),
            it.role.name().to_owned(),
            it.debit.to_string(),
            it.credit.to_string(),
            it.currency.to_string(),
        ]
    });
    parts.push(table(&["date", "role", "debit", "credit", "currency"], &[2, 3], rows));
    parts.join("\n")
}

fn books_read(books: &BooksRead) -> String {
    let BooksRead { adapter, entries, documents, accounts, others, .. } = books;
    let head = format!("Books of {adapter}: {entries} entries compared with {documents} documents");
    let rows = accounts.iter().map(|total| {
        let verdict = if total.agrees() { "the same" } else { "DIFFERS" };
        vec![total.account.clone(), total.ours.to_string(), total.theirs.to_string(), verdict.to_owned()]
    });
    let mut parts = vec![head, table(&["account", "posted", "in its books", "verdict"], &[1, 2], rows)];
    if !others.is_empty() {
        parts.push(format!("On the clearing account of {adapter} by others:"));
        let rows = others.iter().map(|it| vec![it.date.to_string(), it.reference.clone(), it.amount.to_string()]);
        parts.push(table(&["date", "document", "amount"], &[2], rows));
    }
    parts.join("\n")
}

fn payout_row(payout: &PayoutProof) -> Vec<String> {
    let verdict = match &payout.verdict {
        Verdict::Proven => "proven".to_owned(),
        Verdict::Unproven { because } => format!("unproven: {}", because.name()),
        Verdict::Returned => "returned".to_owned(),
        Verdict::Wrong { .. } => "WRONG".to_owned(),
    };
    vec![
        payout.booked_on.map_or_else(String::new, |date| date.to_string()),
        payout.transfer_id.to_string(),
        payout.paid.amount.to_string(),
        payout.paid.currency.to_string(),
        payout.lines.len().to_string(),
        verdict,
    ]
}

fn items(transit: &InTransit) -> String {
    let rows = transit.items.iter().map(|item| {
        let kind = item.record.kind.name().to_owned();
        vec![item.since.to_string(), kind, item.record.id.to_string(), item.amount.to_string()]
    });
    table(&["since", "what", "record", "amount"], &[3], rows)
}

fn opening(opening: &Opening) -> String {
    let Opening { adapter, post_from, clearing, items: open, unexplained } = opening;
    let balances: Vec<String> = clearing.iter().map(|money| format!("{} {}", money.amount, money.currency)).collect();
    let head = format!("{adapter} posts from {post_from}; clearing opens with {}", balances.join(", "));
    let mut parts = vec![head];
    parts.extend(open.iter().map(items));
    if !unexplained.is_empty() {
        parts.push("Payouts from before that nothing from before explains:".to_owned());
        parts.push(table(&PAYOUT_HEAD, &[2, 4], unexplained.iter().map(payout_row)));
    }
    parts.join("\n")
}

/// The whole journal as text that plain text accounting programs read.
pub async fn export(config: Config, format: Format, adapter: Option<String>) -> Result<Exit, Complaint> {
    let accounts = accounts(&config, adapter)?;
    let merchants: Vec<_> = config.merchants.values().map(|merchant| merchant.customer_id.clone()).collect();
    let (store, database) = super::show::open(&config).await?;
    let mut entries = Vec::new();
    for merchant in &merchants {
        entries.extend(store.journal(merchant).await?);
    }
    tell::print(&match format {
        Format::Hledger => hledger(&entries, &accounts),
        Format::Beancount => beancount(&entries, &accounts),
    });
    store.close().await;
    database.close().await?;
    Ok(Exit::Clean)
}

/// The chart of an adapter, or names by role.
fn accounts(config: &Config, adapter: Option<String>) -> Result<Accounts, Complaint> {
    let Some(name) = adapter else { return Ok(Accounts::default()) };
    let Some(erp) = config.erp.get(&AdapterName::new(&name)) else {
        let known: Vec<&str> = config.erp.keys().map(AdapterName::as_str).collect();
        let sentence = format!("there is no adapter `{name}`; configured are: {}", known.join(", "));
        return Err(Complaint::new(Exit::Usage, sentence));
    };
    let chart = Role::ALL.iter().filter_map(|role| Some((*role, erp.accounts.get(role.name())?.as_str())));
    Accounts::of_chart(chart).map_err(|error| Complaint::new(Exit::Usage, error.to_string()))
}
