//! SWIFT MT940, one message. Its character set is narrow: what is not in it becomes a point.

use std::fmt::Write as _;

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::{Line, Statement, plain};

/// A reference in `:61:` holds as many characters; a line of `:86:` holds 65, of six lines.
const REFERENCE_MAX: usize = 16;
const INFORMATION_MAX: usize = 65;
const INFORMATION_LINES_MAX: usize = 6;

pub(super) fn text(statement: &Statement<'_>) -> String {
    let account = statement.account;
    let number = if account.bank.is_empty() {
        narrow(&account.number)
    } else {
        format!("{}/{}", narrow(&account.bank), narrow(&account.number))
    };
    let mut text = String::new();
    let mut add = |line: String| write!(text, "{line}\r\n").expect("into memory");
    add(format!(":20:{}", statement.id));
    add(format!(":25:{number}"));
    // Five digits are all that the field holds.
    add(format!(":28C:{}/1", statement.sequence % 100_000));
    add(format!(":60F:{}", balance(statement, statement.begins(), statement.opening)));
    for line in &statement.lines {
        add(movement(line, statement.day));
        let information: Vec<char> = narrow(&format!("{} {}", line.id, line.memo)).chars().collect();
        let lines = information.chunks(INFORMATION_MAX).take(INFORMATION_LINES_MAX);
        let lines: Vec<String> = lines.map(|line| line.iter().collect()).collect();
        add(format!(":86:{}", lines.join("\r\n")));
    }
    add(format!(":62F:{}", balance(statement, statement.day, statement.closing())));
    add("-".to_owned());
    text
}

/// Mark, day, currency and amount.
fn balance(statement: &Statement<'_>, day: NaiveDate, balance: Decimal) -> String {
    format!("{}{}{}{}", mark(balance), day.format("%y%m%d"), statement.account.currency, amount(balance))
}

/// Value date, booking date, mark, amount, kind, our reference and that of the bank.
fn movement(line: &Line, booked: NaiveDate) -> String {
    let moved = line.amount.decimal();
    let reference: String = narrow(&line.id).chars().take(REFERENCE_MAX).collect();
    let (value, booked) = (line.value_date.format("%y%m%d"), booked.format("%m%d"));
    format!(":61:{value}{booked}{}{}NTRF{reference}", mark(moved), amount(moved))
}

fn mark(amount: Decimal) -> char {
    if amount.is_sign_negative() && !amount.is_zero() { 'D' } else { 'C' }
}

fn amount(amount: Decimal) -> String {
    plain(amount).replace('.', ",")
}

fn narrow(text: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || "/-?().,'+ ".contains(c);
    text.chars().map(|c| if fits(c) { c } else { '.' }).collect()
}
