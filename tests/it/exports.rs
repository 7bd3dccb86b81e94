//! The books as hledger and beancount read them: programs that nobody here wrote check what we exported.
//!
//! The programs are `hledger` on the path and `bean-check` on the path or in `target/tools/bin`; `scripts/test` installs both. A test
//! without its program fails, unless `PAYSTAND_SYNC_WITHOUT` names the program: then whoever set it says that it was skipped.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use bytes::Bytes;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use paystand_sync::export::{Accounts, beancount, hledger};
use paystand_sync::journal::{Desk, Policy};
use paystand_sync::model::ids::SourceId;
use paystand_sync::model::journal::{Entry, Line, Links, Role};
use paystand_sync::model::money::{Amount, Currency};
use paystand_sync::model::record::Shape;
use paystand_sync::model::resource::Resource;
use paystand_sync::normalize::sight;
use rust_decimal::Decimal;
use serde_json::{Value, json};

/// What could end a line, a string, a comment, a code or a tag, or move a posting past the day of the balances.
const HOSTILE: [&str; 14] = [
    "\" ; quote and semicolon",
    "two\nlines\r\n2026-01-01 open Assets:Evil",
    "2026-01-01 (x) not a transaction\n    Assets:Evil  1 USD",
    "payee | note",
    "back\\slash at the end\\",
    "[2026-06-30]",
    "[2026-99-99], date:2026-06-30",
    "date:2026-13-41",
    "(code) ) * ! =2026-01-01",
    "tab\tnul\0 vertical\u{b} next\u{85} line\u{2028} paragraph\u{2029}",
    "#tag ^link {cost} @ 3 USD",
    "include /etc/passwd",
    "Müller & Søn — 株式会社 🦀",
    "",
];

/// Plays the bodies through the decoder and the desk, as they would come in.
fn played(bodies: &[(Resource, &str, Value)]) -> Vec<Entry> {
    let mut desk = Desk::new(Policy::of(chrono_tz::America::Los_Angeles));
    let mut now: DateTime<Utc> = "2026-05-12T16:00:00Z".parse().expect("an instant");
    let mut entries = Vec::new();
    for (resource, id, fields) in bodies {
        now += TimeDelta::hours(1);
        let mut body =
            json!({"id": id, "currency": "USD", "created": now.to_rfc3339(), "lastUpdated": now.to_rfc3339()});
        for (name, value) in fields.as_object().expect("an object") {
            body[name] = value.clone();
        }
        let sighting = sight(*resource, Shape::List, None, Bytes::from(body.to_string())).expect("readable");
        let booking = desk.take(&sighting.document.expect("a document"), now);
        assert!(booking.troubles.is_empty(), "{:?}", booking.troubles);
        entries.extend(booking.entries);
    }
    entries
}

/// The worked example of a day: two payments, a refund, an ACH return, a late fee, the payout; and a payment in euros.
fn a_day() -> Vec<Entry> {
    let applied = |payment: &str, receivable: &str, amount: &str| {
        json!({"paymentId": payment, "resourceId": payment, "resourceType": "Payment", "receivableId": receivable,
            "amountApplied": amount, "status": "active",
            "receivable": {"id": receivable, "currency": "USD", "extId": format!("INV, {receivable}"), "extCustomerId": "C:1"}})
    };
    let fee = |kind: &str, amount: &str| json!({"amount": amount, "feeType": kind, "resourceId": "P1", "resourceType": "Payment", "status": "active"});
    let split = json!({"subtotal": "250.00", "payerTotalFees": "7.50", "payerDiscount": "0", "payerTotal": "257.50"});
    played(&[
        (Resource::Payments, "P1", json!({"amount": "257.50", "status": "posted"})),
        (Resource::Payments, "P1", json!({"amount": "257.50", "status": "posted", "feeSplit": split})),
        (Resource::ReceivableTransactions, "a1", applied("P1", "rc1", "200.00")),
        (Resource::ReceivableTransactions, "a2", applied("P1", "rc2", "50.00")),
        (Resource::Payments, "P2", json!({"amount": "400.00", "status": "paid"})),
        (Resource::ReceivableTransactions, "a3", applied("P2", "rc3", "400.00")),
        (Resource::Refunds, "R1", json!({"amount": "40.00", "paymentId": "P0", "status": "paid"})),
        (
            Resource::Disputes,
            "D1",
            json!({"amount": "150.00", "paymentId": "P9", "status": "processing", "disputeFee": "35.00"}),
        ),
        (Resource::Fees, "F1", fee("delayed", "0")),
        (Resource::Fees, "F1", fee("paystand", "7.80")),
        (Resource::Fees, "F1", fee("paystand", "7.83")),
        (
            Resource::Transfers,
            "T1",
            json!({"amount": "424.67", "status": "paid", "dateSettled": "2026-05-14T13:00:00Z"}),
        ),
        (
            Resource::Payments,
            "P3",
            json!({"amount": "100.00", "currency": "EUR", "settlementAmount": "108.01", "settlementCurrency": "USD",
                "status": "posted"}),
        ),
    ])
}

/// Entries whose every text is hostile, with 0 and 3 decimals and more digits than a float holds.
fn hostile() -> Vec<Entry> {
    let amounts = [("JPY", "123"), ("KWD", "1.234"), ("USD", "12345678901234567.89"), ("USD", "0.10")];
    let entry = |(n, text): (usize, &&str)| {
        let (currency, amount) = amounts[n % amounts.len()];
        let amount = Amount::parse(amount).expect("plain").decimal();
        let links = Links {
            customer_ref: Some((*text).to_owned()),
            invoice_ref: Some((*text).to_owned()),
            payment_id: Some(SourceId::new(*text)),
            account_key: Some((*text).to_owned()),
            ..Links::default()
        };
        Entry {
            key: format!("payment:{text}:posted:{n}"),
            event_key: format!("payment:{text}:posted"),
            date: NaiveDate::from_ymd_opt(2026, 5, 28 - u32::try_from(n).expect("few")).expect("a date"),
            currency: Currency::parse(currency).expect("three letters"),
            memo: (*text).to_owned(),
            reverses: Some((*text).to_owned()),
            lines: vec![Line::new(Role::Clearing, amount, &links), Line::new(Role::UnappliedCash, -amount, &links)],
        }
    };
    HOSTILE.iter().enumerate().map(entry).collect()
}

/// A program that checks books.
struct Checker {
    name: &'static str,
    arguments: &'static [&'static str],
    write: fn(&[Entry], &Accounts) -> String,
}

const CHECKERS: [Checker; 2] = [
    Checker { name: "hledger", arguments: &["check", "--strict", "-f"], write: hledger },
    Checker { name: "bean-check", arguments: &["--no-cache"], write: beancount },
];

impl Checker {
    /// `None` where whoever runs the tests says that there is none.
    fn program(&self) -> Option<PathBuf> {
        let tools = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("tools").join("bin");
        let path = std::env::var_os("PATH").unwrap_or_default();
        let found =
            std::env::split_paths(&path).chain([tools]).map(|folder| folder.join(self.name)).find(|it| it.is_file());
        let without = std::env::var("PAYSTAND_SYNC_WITHOUT").unwrap_or_default();
        assert!(
            found.is_some() || without.split_whitespace().any(|name| name == self.name),
            "{0} is not installed: run scripts/test, which installs it, or say PAYSTAND_SYNC_WITHOUT={0}",
            self.name
        );
        found
    }

    /// What the program says where it does not accept `text`.
    fn refuses(&self, program: &Path, text: &str) -> Option<String> {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("books");
        std::fs::write(&file, text).expect("written");
        let output = Command::new(program).args(self.arguments).arg(&file).output().expect("it starts");
        let said = [output.stdout, output.stderr].concat();
        (!output.status.success()).then(|| String::from_utf8_lossy(&said).into_owned())
    }
}

/// Balance per account, by the last part of its name, as hledger adds up what it finds to be right. `None` where there is no hledger.
pub fn balances_by_hledger(text: &str) -> Option<BTreeMap<String, Decimal>> {
    let checker = &CHECKERS[0];
    let program = checker.program()?;
    assert_eq!(checker.refuses(&program, text), None);
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("books");
    std::fs::write(&file, text).expect("written");
    let balance = ["balance", "--flat", "--no-total", "--output-format", "csv", "-f"];
    let output = Command::new(program).args(balance).arg(&file).output().expect("it starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).expect("text").replace('"', "");
    let of = |line: &str| {
        let (account, amount) = line.split_once(',').expect("two columns");
        let (amount, _currency) = amount.split_once(' ').expect("an amount and its currency");
        let code = account.rsplit(':').next().unwrap_or(account).to_owned();
        (code, amount.parse::<Decimal>().expect("an amount").normalize())
    };
    Some(lines.lines().skip(1).map(of).collect())
}

/// Every program that is there accepts the entries, and refuses them where `tampered` changes what was exported.
fn hold(entries: &[Entry], accounts: &Accounts, tampered: &[(&str, &str)]) {
    for checker in CHECKERS {
        let Some(program) = checker.program() else { continue };
        let text = (checker.write)(entries, accounts);
        assert_eq!(checker.refuses(&program, &text), None, "{}:\n{text}", checker.name);
        for (from, to) in tampered {
            let changed = text.replacen(from, to, 1);
            assert_ne!(changed, text, "{from} is not there");
            assert!(checker.refuses(&program, &changed).is_some(), "{} accepts {to} for {from}", checker.name);
        }
    }
}

#[test]
fn both_programs_accept_a_day_and_refuse_a_changed_amount() {
    let chart = [(Role::Clearing, "1090"), (Role::Bank, "1010 Checking"), (Role::UnappliedCash, "Liabilities:2010")];
    for accounts in [Accounts::default(), Accounts::of_chart(chart).expect("names")] {
        hold(&a_day(), &accounts, &[("257.50 USD", "257.51 USD"), ("257.50 USD", "257.501 USD")]);
    }
}

/// A transaction that balances in itself is missed only by the balances at the end.
#[test]
fn both_programs_refuse_books_that_miss_a_transaction() {
    let entries = a_day();
    for checker in CHECKERS {
        let Some(program) = checker.program() else { continue };
        let text = (checker.write)(&entries, &Accounts::default());
        let paragraphs: Vec<&str> = text.split("\n\n").collect();
        let less = [&paragraphs[..3], &paragraphs[4..]].concat().join("\n\n");
        assert_eq!(paragraphs.len(), entries.len() + 2, "a head, the entries, the balances");
        assert!(checker.refuses(&program, &less).is_some(), "{} does not miss {}", checker.name, paragraphs[3]);
    }
}

#[test]
fn no_text_breaks_the_file_or_moves_a_posting() {
    let entries = hostile();
    let tampered = [("12345678901234567.89 USD", "12345678901234567.88 USD"), ("1.234 KWD", "1.235 KWD")];
    hold(&entries, &Accounts::default(), &tampered);
    for entry in &entries {
        hold(std::slice::from_ref(entry), &Accounts::default(), &[]);
    }
}

#[test]
fn nothing_booked_is_a_file_too() {
    hold(&[], &Accounts::default(), &[]);
}
