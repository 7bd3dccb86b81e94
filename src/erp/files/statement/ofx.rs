//! OFX 1.02 in SGML: what `libofx` and most importers of bank feeds read.

use std::fmt::Write as _;

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::{Line, Statement, cut, plain};

/// `NAME` holds as many characters, `MEMO` 255.
const NAME_MAX: usize = 32;
const MEMO_MAX: usize = 255;

const HEADER: &str = "OFXHEADER:100\r\nDATA:OFXSGML\r\nVERSION:102\r\nSECURITY:NONE\r\nENCODING:USASCII\r\nCHARSET:1252\r\n\
                      COMPRESSION:NONE\r\nOLDFILEUID:NONE\r\nNEWFILEUID:NONE\r\n\r\n";

pub(super) fn text(statement: &Statement<'_>) -> String {
    let account = statement.account;
    let mut text = HEADER.to_owned();
    let mut add = |line: String| {
        text.push_str(&line);
        text.push_str("\r\n");
    };
    let created = statement.created.format("%Y%m%d%H%M%S");
    let status = "<STATUS><CODE>0<SEVERITY>INFO</STATUS>";
    add(format!("<OFX><SIGNONMSGSRSV1><SONRS>{status}<DTSERVER>{created}<LANGUAGE>ENG</SONRS></SIGNONMSGSRSV1>"));
    add(format!("<BANKMSGSRSV1><STMTTRNRS><TRNUID>{}{status}<STMTRS>", statement.id));
    add(format!("<CURDEF>{}", account.currency));
    // The field must hold something.
    let bank = if account.bank.is_empty() { "PAYSTAND" } else { &account.bank };
    let (bank, number) = (escaped(bank), escaped(&account.number));
    add(format!("<BANKACCTFROM><BANKID>{bank}<ACCTID>{number}<ACCTTYPE>CHECKING</BANKACCTFROM>"));
    add(format!("<BANKTRANLIST><DTSTART>{}<DTEND>{}", day(statement.begins()), day(statement.day)));
    for line in &statement.lines {
        add(transaction(line));
    }
    add("</BANKTRANLIST>".to_owned());
    let (closing, at) = (signed(statement.closing()), day(statement.day));
    add(format!("<LEDGERBAL><BALAMT>{closing}<DTASOF>{at}</LEDGERBAL>"));
    add(format!("<AVAILBAL><BALAMT>{closing}<DTASOF>{at}</AVAILBAL>"));
    add("</STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>".to_owned());
    text
}

fn transaction(line: &Line) -> String {
    let amount = line.amount.decimal();
    let mut text = String::from("<STMTTRN>");
    let kind = if amount.is_sign_negative() { "DEBIT" } else { "CREDIT" };
    let (posted, id) = (day(line.value_date), escaped(&cut(&line.id, MEMO_MAX)));
    write!(text, "<TRNTYPE>{kind}<DTPOSTED>{posted}<TRNAMT>{}<FITID>{id}", signed(amount)).expect("into memory");
    let (name, memo) = (escaped(&cut("Paystand payout", NAME_MAX)), escaped(&cut(&line.memo, MEMO_MAX)));
    write!(text, "<NAME>{name}<MEMO>{memo}</STMTTRN>").expect("into memory");
    text
}

/// Noon, in no zone: no reader's zone makes another day of it.
fn day(day: NaiveDate) -> String {
    format!("{}120000", day.format("%Y%m%d"))
}

fn signed(amount: Decimal) -> String {
    let sign = if amount.is_sign_negative() && !amount.is_zero() { "-" } else { "" };
    format!("{sign}{}", plain(amount))
}

/// What is no ASCII becomes a point: importers read other encodings of OFX 1 differently.
fn escaped(text: &str) -> String {
    let text: String = text.chars().map(|c| if c.is_ascii() { c } else { '.' }).collect();
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
