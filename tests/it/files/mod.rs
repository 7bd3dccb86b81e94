//! The adapter `files`: its battery, what a consumer sees of it while it is disturbed, and its bank statements. Everything that was
//! dropped is read by a Python program that shares no code with us.

mod battery;
mod business;
mod deaths;
mod reader;
mod statements;
mod troubles;

use std::path::Path;

use paystand_sync::erp::files::{Account, Content, Dialect, Form, Settings};
use paystand_sync::model::journal::Role;
use paystand_sync::model::money::Currency;

pub const NUMBER: &str = "123456789";

pub fn settings(folder: &Path, form: Form) -> Settings {
    Settings { folder: folder.to_owned(), label: "drop".to_owned(), form, ack_within: None, accounts: [].into() }
}

/// A statement of the account that lines of `role` move.
pub fn statement(dialect: Dialect, role: Role) -> Form {
    Form::Statement(
        dialect,
        Box::new(Account {
            number: NUMBER.to_owned(),
            bank: "121000248".to_owned(),
            currency: Currency::parse("USD").expect("three letters"),
            opening_balance: "1000.50".parse().expect("a decimal"),
            role,
            account_key: None,
            zone: chrono_tz::Tz::America__Los_Angeles,
            after: std::time::Duration::from_hours(6),
        }),
    )
}

pub fn forms() -> Vec<Form> {
    let entries_and_more = [Content::Entries, Content::Events, Content::Documents];
    let dialects = [Dialect::Ofx, Dialect::Camt053, Dialect::Mt940];
    std::iter::once(Form::Csv)
        .chain(entries_and_more.map(Form::JsonLines))
        // Every entry of the battery has a line of this role.
        .chain(dialects.map(|dialect| statement(dialect, Role::UnappliedCash)))
        .collect()
}
