//! The sections `[erp.NAME]` of kind `files`.

use std::path::PathBuf;
use std::time::Duration;

use chrono_tz::Tz;
use rust_decimal::Decimal;

use super::error::Reported;
use super::read;
use super::schema;
use super::section::Section;
use crate::erp::files::{Content, Dialect};
use crate::model::money::Currency;

/// One drop folder.
#[derive(Debug, Clone)]
pub struct FilesConfig {
    /// Absolute.
    pub folder: PathBuf,
    pub format: FilesFormat,
    /// In the name of every file. Absent: the name of the adapter.
    pub label: Option<String>,
    /// After how long a file that nobody acknowledged becomes an exception. Absent: nobody acknowledges.
    pub ack_within: Option<Duration>,
}

/// What the files are.
#[derive(Debug, Clone)]
pub enum FilesFormat {
    Csv,
    JsonLines(Content),
    Statement(Dialect, Box<StatementConfig>),
}

/// `[erp.NAME.statement]`: the bank account that payouts arrive at.
#[derive(Debug, Clone)]
pub struct StatementConfig {
    /// Account number or IBAN.
    pub number: String,
    /// Routing number or BIC; may be empty.
    pub bank: String,
    pub currency: Currency,
    /// What is on it before the first statement. Default 0.
    pub opening_balance: Decimal,
    /// Only transfers of this Paystand account. Absent: all.
    pub account_key: Option<String>,
    /// Where its days are cut. Absent: as those of the first merchant.
    pub timezone: Option<Tz>,
    /// How long after its end a day is complete. Default 6 h.
    pub after: Duration,
}

/// A file that is acknowledged by hand may take a while.
const ACK_WITHIN: std::ops::RangeInclusive<Duration> = Duration::ZERO..=Duration::from_hours(24 * 90);

const AFTER_DEFAULT: Duration = Duration::from_hours(6);
const AFTER: std::ops::RangeInclusive<Duration> = Duration::ZERO..=Duration::from_hours(24 * 10);

const FORMATS: [&str; 5] = ["csv", "jsonl", "ofx", "camt053", "mt940"];
const CONTENTS: [&str; 3] = ["entries", "events", "documents"];

pub(super) fn files(section: &Section<'_>) -> Result<FilesConfig, Reported> {
    let folder = match section.filled("folder")?.map(PathBuf::from) {
        Some(folder) if folder.is_absolute() => Ok(folder),
        Some(folder) => {
            let text = format!("is `{}`; write the whole path, from the root on", folder.display());
            Err(section.refuse("folder", text))
        }
        None => Err(section.missing("folder", " = \"/var/lib/paystand-sync/drop\"")),
    };
    let format = format(section);
    let ack_within = section.duration("ack_within", Duration::ZERO, &ACK_WITHIN);
    let label = section.filled("label")?;
    let ack_within = Some(ack_within?).filter(|within| !within.is_zero());
    Ok(FilesConfig { folder: folder?, format: format?, label, ack_within })
}

fn format(section: &Section<'_>) -> Result<FilesFormat, Reported> {
    let content = content(section)?;
    let format = section.filled("format")?;
    let dialect = match format.as_deref() {
        None | Some("csv") => None,
        Some("jsonl") => return Ok(FilesFormat::JsonLines(content)),
        Some("ofx") => Some(Dialect::Ofx),
        Some("camt053") => Some(Dialect::Camt053),
        Some("mt940") => Some(Dialect::Mt940),
        Some(other) => {
            return Err(section.refuse("format", format!("is `{other}`; {}", schema::hint(other, &FORMATS))));
        }
    };
    if content != Content::Entries {
        return Err(section.refuse("content", "is for format = \"jsonl\"; every other format holds entries"));
    }
    match dialect {
        None => Ok(FilesFormat::Csv),
        Some(dialect) => Ok(FilesFormat::Statement(dialect, Box::new(statement(section)?))),
    }
}

fn content(section: &Section<'_>) -> Result<Content, Reported> {
    match section.filled("content")?.as_deref() {
        None | Some("entries") => Ok(Content::Entries),
        Some("events") => Ok(Content::Events),
        Some("documents") => Ok(Content::Documents),
        Some(other) => {
            let hint = schema::hint(other, &CONTENTS);
            Err(section.refuse("content", format!("is `{other}`; {hint}")))
        }
    }
}

fn statement(section: &Section<'_>) -> Result<StatementConfig, Reported> {
    let path = section.place("statement");
    let section = Section::new(&path, section.inner("statement"), section.report);
    let number = section.required("number");
    let currency = match section.filled("currency")? {
        Some(text) => Currency::parse(&text)
            .ok_or_else(|| section.refuse("currency", format!("is `{text}`; write three letters, such as \"USD\""))),
        None => Err(section.missing("currency", " = \"USD\"")),
    };
    let opening_balance = match section.filled("opening_balance")? {
        None => Ok(Decimal::ZERO),
        Some(text) => text.parse().map_err(|_| {
            section.refuse("opening_balance", format!("is no amount: `{text}`; write it like \"1200.50\""))
        }),
    };
    let timezone = if section.has("timezone") { read::timezone(&section).map(Some) } else { Ok(None) };
    let after = section.duration("after", AFTER_DEFAULT, &AFTER);
    let (bank, account_key) = (section.filled("bank")?.unwrap_or_default(), section.filled("account_key")?);
    Ok(StatementConfig {
        number: number?,
        bank,
        currency: currency?,
        opening_balance: opening_balance?,
        account_key,
        timezone: timezone?,
        after: after?,
    })
}
