//! beancount's format.

use std::fmt::{self, Write as _};

use super::summary::Summary;
use super::{Accounts, breaks_lines, named};
use crate::model::journal::{Entry, Line};
use crate::model::money::Currency;

/// The entries as a ledger that `bean-check` verifies.
#[must_use]
pub fn beancount(entries: &[Entry], accounts: &Accounts) -> String {
    let mut text = String::new();
    write(&mut text, entries, accounts).expect("a string takes whatever is written");
    text
}

fn write(out: &mut String, entries: &[Entry], accounts: &Accounts) -> fmt::Result {
    let summary = Summary::of(entries, accounts);
    writeln!(out, "option \"title\" \"Paystand\"")?;
    // Without it half a unit of the last decimal passes as balanced.
    writeln!(out, "option \"tolerance_multiplier\" \"0\"")?;
    let Some((first, last)) = summary.dates else { return Ok(()) };
    for currency in summary.decimals.keys() {
        writeln!(out, "{first} commodity {currency}")?;
    }
    for account in summary.accounts() {
        writeln!(out, "{first} open {account}")?;
    }
    for entry in entries {
        transaction(out, entry, accounts)?;
    }
    // A balance is that at the beginning of its day.
    let after = last.succ_opt().expect("an instant has a next day");
    writeln!(out)?;
    for ((account, currency), balance) in &summary.balances {
        writeln!(out, "{after} balance {account}  {balance} ~ 0 {currency}")?;
    }
    Ok(())
}

fn transaction(out: &mut String, entry: &Entry, accounts: &Accounts) -> fmt::Result {
    writeln!(out, "\n{} * {}", entry.date, quoted(&entry.memo))?;
    writeln!(out, "  entry: {}", quoted(&entry.key))?;
    writeln!(out, "  event: {}", quoted(&entry.event_key))?;
    if let Some(reversed) = &entry.reverses {
        writeln!(out, "  reverses: {}", quoted(reversed))?;
    }
    entry.lines.iter().try_for_each(|line| posting(out, line, &entry.currency, accounts))
}

fn posting(out: &mut String, line: &Line, currency: &Currency, accounts: &Accounts) -> fmt::Result {
    writeln!(out, "  {}  {} {currency}", accounts.name(line.role), line.amount)?;
    for (name, value) in named(&line.links) {
        writeln!(out, "    {name}: {}", quoted(value))?;
    }
    Ok(())
}

fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            it if breaks_lines(it) => quoted.push(' '),
            it => quoted.push(it),
        }
    }
    quoted.push('"');
    quoted
}
