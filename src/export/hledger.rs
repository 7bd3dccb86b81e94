//! hledger's journal format.

use std::fmt::{self, Write as _};

use super::summary::Summary;
use super::{Accounts, breaks_lines, named};
use crate::model::journal::{Entry, Line};
use crate::model::money::Currency;

/// The entries as a journal that `hledger check --strict` verifies.
#[must_use]
pub fn hledger(entries: &[Entry], accounts: &Accounts) -> String {
    let mut text = String::new();
    write(&mut text, entries, accounts).expect("a string takes whatever is written");
    text
}

fn write(out: &mut String, entries: &[Entry], accounts: &Accounts) -> fmt::Result {
    let summary = Summary::of(entries, accounts);
    writeln!(out, "decimal-mark .")?;
    for (currency, decimals) in &summary.decimals {
        // A transaction is held balanced to the decimals that are declared here: as many as any amount has.
        writeln!(out, "commodity 1000.{} {currency}", "0".repeat(*decimals as usize))?;
    }
    for account in summary.accounts() {
        writeln!(out, "account {account}")?;
    }
    for entry in entries {
        transaction(out, entry, accounts)?;
    }
    assertions(out, &summary)
}

fn transaction(out: &mut String, entry: &Entry, accounts: &Accounts) -> fmt::Result {
    writeln!(out, "\n{} ({}) {}", entry.date, code(&entry.key), description(&entry.memo))?;
    writeln!(out, "    ; event: {}", tag_value(&entry.event_key))?;
    if let Some(reversed) = &entry.reverses {
        writeln!(out, "    ; reverses: {}", tag_value(reversed))?;
    }
    entry.lines.iter().try_for_each(|line| posting(out, line, &entry.currency, accounts))
}

fn posting(out: &mut String, line: &Line, currency: &Currency, accounts: &Accounts) -> fmt::Result {
    writeln!(out, "    {}  {} {currency}", accounts.name(line.role), line.amount)?;
    for (name, value) in named(&line.links) {
        writeln!(out, "        ; {name}: {}", tag_value(value))?;
    }
    Ok(())
}

/// On the last date, after everything else of that date.
fn assertions(out: &mut String, summary: &Summary<'_>) -> fmt::Result {
    let Some((_, last)) = summary.dates else { return Ok(()) };
    writeln!(out, "\n{last} balances")?;
    for ((account, currency), balance) in &summary.balances {
        writeln!(out, "    {account}  0 {currency} = {balance} {currency}")?;
    }
    Ok(())
}

/// What stands in the parentheses before a description.
fn code(text: &str) -> String {
    text.chars().map(|it| if breaks_lines(it) || matches!(it, '(' | ')' | ';') { '_' } else { it }).collect()
}

/// `;` would begin a comment and `|` divides payee and note. There is no way to escape them.
fn description(text: &str) -> String {
    text.chars()
        .map(|it| match it {
            ';' => ',',
            '|' => '/',
            it if breaks_lines(it) => ' ',
            it => it,
        })
        .collect()
}

/// A comma ends the value of a tag, and a date in brackets moves a posting to another day.
fn tag_value(text: &str) -> String {
    text.chars().map(|it| if breaks_lines(it) || matches!(it, ',' | '[' | ']' | ';') { '_' } else { it }).collect()
}
