//! A bank account: lines of its role are taken as they come, and a statement is made of each day that is over.
//!
//! Taking a line is a commit in the store, and it is in exactly one statement later: the commit that enters the statement removes its
//! lines and moves the balance. Days only go forward. What comes late for a day that has its statement is in the next one, with its own
//! value date.

mod camt;
mod mt940;
mod ofx;

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::folder::{Folder, Order};
use super::rows::hex;
use super::settings::{Account, Dialect};
use super::store::Taken;
use crate::erp::{Delivery, ErpError, Payload};
use crate::model::ids::MerchantId;
use crate::model::journal::{Entry, Line as JournalLine};
use crate::model::money::Amount;

/// What the last statement ended with, and its day.
const BALANCE: &str = "balance";
const DAY: &str = "day";

/// One movement of the account.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Line {
    /// Unique on the account: that of the transfer, from its second line on with `:<n>`.
    id: String,
    /// In the merchant's zone.
    value_date: NaiveDate,
    /// What it adds.
    amount: Amount,
    memo: String,
    merchant: MerchantId,
}

/// One statement.
#[derive(Debug, Clone)]
struct Statement<'a> {
    account: &'a Account,
    /// By its content: 16 hex digits.
    id: String,
    sequence: u64,
    day: NaiveDate,
    created: DateTime<Utc>,
    opening: Decimal,
    lines: Vec<Line>,
}

impl Statement<'_> {
    fn net(&self) -> Decimal {
        self.lines.iter().map(|line| line.amount.decimal()).sum()
    }

    fn closing(&self) -> Decimal {
        self.opening + self.net()
    }

    /// The first of its days.
    fn begins(&self) -> NaiveDate {
        self.lines.iter().map(|line| line.value_date).min().unwrap_or(self.day).min(self.day)
    }
}

/// The lines of an entry that move the account.
fn lines<'a>(account: &'a Account, entry: &'a Entry) -> impl Iterator<Item = &'a JournalLine> {
    entry.lines.iter().filter(|line| {
        let of_account = account.account_key.is_none() || account.account_key == line.links.account_key;
        line.role == account.role && of_account
    })
}

/// Why an entry can be on no statement of the account.
pub(super) fn refuses(account: &Account, delivery: &Delivery) -> Option<String> {
    let Payload::Entry(entry) = &delivery.payload else { return Some("a statement holds journal entries".to_owned()) };
    let is_foreign = entry.currency != account.currency && lines(account, entry).next().is_some();
    is_foreign.then(|| format!("the account {} is kept in {}", account.number, account.currency))
}

/// Takes the lines of these entries. Returns their receipts.
pub(super) fn take(folder: &Folder, account: &Account, deliveries: &[&Delivery]) -> Result<Vec<String>, ErpError> {
    folder.store().write(|writing| {
        let mut receipts = Vec::with_capacity(deliveries.len());
        for delivery in deliveries {
            let Payload::Entry(entry) = &delivery.payload else { panic!("others are refused") };
            let mut ids = Vec::new();
            for line in lines(account, entry) {
                let base = line.links.transfer_id.as_ref().map_or(entry.key.as_str(), |transfer| transfer.as_str());
                let times = writing.count(base)?;
                let id = if times > 1 { format!("{base}:{times}") } else { base.to_owned() };
                let (amount, memo, merchant) = (line.amount, entry.memo.clone(), delivery.merchant.clone());
                let line = Line { id: id.clone(), value_date: entry.date, amount, memo, merchant };
                let text = serde_json::to_string(&line).expect("plain data");
                writing.add_line(&entry.date.to_string(), &text)?;
                ids.push(id);
            }
            let reference = match &ids[..] {
                [] => format!("account {}: no line", account.number),
                ids => format!("account {}: {}", account.number, ids.join(", ")),
            };
            let payload_sha256 = delivery.payload_sha256().0;
            writing.take(&delivery.erp_key, &Taken { reference: reference.clone(), payload_sha256 })?;
            receipts.push(reference);
        }
        Ok(receipts)
    })
}

/// Drops the statements of all days that are over.
pub(super) fn issue(
    folder: &mut Folder,
    dialect: Dialect,
    account: &Account,
    now: DateTime<Utc>,
) -> Result<(), ErpError> {
    let after = TimeDelta::from_std(account.after).unwrap_or(TimeDelta::MAX);
    let complete = now.checked_sub_signed(after).map(|then| then.with_timezone(&account.zone).date_naive());
    let Some(over) = complete.and_then(|day| day.checked_sub_days(Days::new(1))) else { return Ok(()) };
    while let Some((day, lines)) = due(folder, over)? {
        issue_one(folder, dialect, account, (day, lines), now)?;
    }
    Ok(())
}

/// The next day that has a statement, and its lines with their places in the store: the first day behind the last statement that has
/// lines; where only late lines wait, the last day that is over.
fn due(folder: &Folder, over: NaiveDate) -> Result<Option<(NaiveDate, Vec<Placed>)>, ErpError> {
    let last = folder.store().fact(DAY)?.and_then(|day| day.parse::<NaiveDate>().ok());
    let is_behind = |day: NaiveDate| last.is_none_or(|last| day > last);
    let mut placed = Vec::new();
    for (day, order, text) in folder.store().lines()? {
        let line: Line = serde_json::from_str(&text).expect("the store holds what was written");
        if line.value_date <= over {
            placed.push(Placed { day, order, line });
        }
    }
    let dates = placed.iter().map(|placed| placed.line.value_date);
    let first = dates.filter(|day| is_behind(*day)).min();
    let Some(day) = first.or((!placed.is_empty() && is_behind(over)).then_some(over)) else { return Ok(None) };
    placed.retain(|placed| placed.line.value_date <= day);
    Ok(Some((day, placed)))
}

/// A line with its place in the store.
struct Placed {
    day: String,
    order: u64,
    line: Line,
}

fn issue_one(
    folder: &mut Folder,
    dialect: Dialect,
    account: &Account,
    (day, placed): (NaiveDate, Vec<Placed>),
    now: DateTime<Utc>,
) -> Result<(), ErpError> {
    let balance = folder.store().fact(BALANCE)?.and_then(|text| text.parse().ok());
    let opening = balance.unwrap_or(account.opening_balance);
    let lines: Vec<Line> = placed.iter().map(|placed| placed.line.clone()).collect();
    let closing = opening + lines.iter().map(|line| line.amount.decimal()).sum::<Decimal>();
    let order = Order { day, at: now, merchant: lines[0].merchant.clone() };
    let id = id(account, day, opening, &lines);
    let name = folder.drop_file(
        &order,
        |head| {
            let (sequence, created) = (head.sequence, head.created);
            let statement = Statement { account, id, sequence, day, created, opening, lines };
            match dialect {
                Dialect::Ofx => ofx::text(&statement),
                Dialect::Camt053 => camt::text(&statement),
                Dialect::Mt940 => mt940::text(&statement),
            }
            .into_bytes()
        },
        |writing, _| {
            placed.iter().try_for_each(|placed| writing.remove_line(&placed.day, placed.order))?;
            writing.note(BALANCE, &closing.to_string())?;
            writing.note(DAY, &day.to_string())
        },
    )?;
    tracing::info!(account = account.number, %day, file = name, "statement dropped");
    Ok(())
}

fn id(account: &Account, day: NaiveDate, opening: Decimal, lines: &[Line]) -> String {
    let mut digest = Sha256::new();
    digest.update(format!("{} {} {day} {opening}", account.bank, account.number));
    for line in lines {
        digest.update(format!("\n{} {} {}", line.id, line.value_date, line.amount));
    }
    hex(&digest.finalize()[..8]).to_uppercase()
}

/// An amount without its sign, with two digits behind the point at least.
fn plain(amount: Decimal) -> String {
    let mut amount = amount.abs().normalize();
    amount.rescale(amount.scale().max(2));
    amount.to_string()
}

/// Text of which no line is longer than `length`, without anything that is no plain character.
fn cut(text: &str, length: usize) -> String {
    text.chars().filter(|c| !c.is_control()).take(length).collect()
}
