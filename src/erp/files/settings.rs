//! What a drop folder is told: where it is, what goes into it, and who acknowledges.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use chrono_tz::Tz;
use rust_decimal::Decimal;

use crate::model::journal::Role;
use crate::model::money::Currency;

/// One drop folder.
#[derive(Debug, Clone)]
pub struct Settings {
    pub folder: PathBuf,
    /// In the name of every file. What is no ASCII letter or digit there becomes a hyphen.
    pub label: String,
    pub form: Form,
    /// After how long a file that nobody acknowledged is shown to a person. `None`: nobody acknowledges.
    pub ack_within: Option<Duration>,
    /// Role → the account of the consumer, as far as it is mapped.
    pub accounts: BTreeMap<Role, String>,
}

/// How a file is written.
#[derive(Debug, Clone)]
pub enum Form {
    /// Journal lines as comma-separated values.
    Csv,
    /// One JSON object per line.
    JsonLines(Content),
    /// Statements of a bank account.
    Statement(Dialect, Box<Account>),
}

/// What is delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    Entries,
    Events,
    Documents,
}

/// How a statement is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// OFX 1.02, SGML.
    Ofx,
    /// ISO 20022 camt.053.001.08.
    Camt053,
    /// SWIFT MT940.
    Mt940,
}

/// The bank account that payouts arrive at.
#[derive(Debug, Clone)]
pub struct Account {
    /// Account number or IBAN, as the consumer knows it.
    pub number: String,
    /// Routing number or BIC.
    pub bank: String,
    pub currency: Currency,
    /// What is on it before the first statement.
    pub opening_balance: Decimal,
    /// The lines that move it; [`Role::Bank`] for a bank account.
    pub role: Role,
    /// Only lines of this Paystand account; all where absent.
    pub account_key: Option<String>,
    /// Where its days are cut.
    pub zone: Tz,
    /// How long after its end a day is complete.
    pub after: Duration,
}

impl Settings {
    /// As it stands in names of files.
    pub(super) fn label(&self) -> String {
        self.label.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect()
    }

    pub(super) fn extension(&self) -> &'static str {
        match &self.form {
            Form::Csv => "csv",
            Form::JsonLines(_) => "jsonl",
            Form::Statement(Dialect::Ofx, _) => "ofx",
            Form::Statement(Dialect::Camt053, _) => "xml",
            Form::Statement(Dialect::Mt940, _) => "sta",
        }
    }

    /// The folder and whose files these are. The form is left out: what was dropped as CSV is not dropped again as JSON.
    pub(super) fn target(&self) -> String {
        let (folder, label) = (self.folder.display(), self.label());
        match &self.form {
            Form::Csv | Form::JsonLines(Content::Entries) => format!("files {folder} {label} entries"),
            Form::JsonLines(Content::Events) => format!("files {folder} {label} events"),
            Form::JsonLines(Content::Documents) => format!("files {folder} {label} documents"),
            Form::Statement(_, account) => format!("files {folder} {label} account {}", account.number),
        }
    }
}
