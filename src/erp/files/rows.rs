//! Deliveries as rows of a file, and the totals at its end.

use rust_decimal::Decimal;
use sha2::{Digest as _, Sha256};

use super::settings::Settings;
use crate::erp::{Delivery, Payload};
use crate::model::ids::SourceId;
use crate::model::journal::{Entry, Links};
use crate::normalize::mask;

/// What stands in a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    /// A whole number or an amount.
    Number,
}

/// The columns of a journal line, behind the word that says what record it is.
pub(super) const COLUMNS: [(&str, Kind); 25] = [
    ("key", Kind::Text),
    ("line", Kind::Number),
    ("lines", Kind::Number),
    ("merchant", Kind::Text),
    ("entry_key", Kind::Text),
    ("event_key", Kind::Text),
    ("date", Kind::Text),
    ("currency", Kind::Text),
    ("role", Kind::Text),
    ("account", Kind::Text),
    ("debit", Kind::Number),
    ("credit", Kind::Number),
    ("memo", Kind::Text),
    ("reverses", Kind::Text),
    ("customer_ref", Kind::Text),
    ("invoice_ref", Kind::Text),
    ("receivable_id", Kind::Text),
    ("payment_id", Kind::Text),
    ("fee_id", Kind::Text),
    ("refund_id", Kind::Text),
    ("dispute_id", Kind::Text),
    ("credit_memo_id", Kind::Text),
    ("transfer_id", Kind::Text),
    ("account_key", Kind::Text),
    ("payload_sha256", Kind::Text),
];

/// One record of a file.
#[derive(Debug, Clone)]
pub(super) enum Row {
    /// A journal line: cells in the order of [`COLUMNS`].
    Line(Vec<String>),
    /// A document or event as JSON.
    Whole { key: String, merchant: String, payload_sha256: String, name: &'static str, json: String },
}

/// All rows of a file with their totals.
#[derive(Debug, Clone)]
pub(super) struct Sheet {
    pub content: &'static str,
    pub rows: Vec<Row>,
    /// Number of the record, from 1, at which each delivery begins. Before the first stand `HEAD` records.
    pub places: Vec<usize>,
    pub totals: Totals,
}

/// What the last record says of those before it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Totals {
    pub rows: usize,
    pub debit: Decimal,
    pub credit: Decimal,
    /// For each row the first four bytes of the SHA-256 of its key as a number, added up.
    pub hash: u64,
}

/// Records before the first row of journal lines as CSV: the header and the names of the columns.
const HEAD_CSV: usize = 2;
const HEAD_JSON: usize = 1;

impl Sheet {
    pub fn of(deliveries: &[&Delivery], settings: &Settings) -> Self {
        let head = if settings.extension() == "csv" { HEAD_CSV } else { HEAD_JSON };
        let mut sheet = Self { content: "entries", rows: Vec::new(), places: Vec::new(), totals: Totals::default() };
        for delivery in deliveries {
            sheet.places.push(head + sheet.rows.len() + 1);
            match &delivery.payload {
                Payload::Entry(entry) => sheet.add_entry(delivery, entry, settings),
                Payload::Event(told) => sheet.add_whole("event", delivery, told.envelope.clone()),
                Payload::Document(version) => {
                    let document = &version.document;
                    let json = format!(
                        r#"{{"resource":"{}","id":{},"version":{},"body":{}}}"#,
                        document.resource().singular(),
                        serde_json::Value::from(document.id.as_str()),
                        version.number,
                        mask(&version.body)
                    );
                    sheet.add_whole("document", delivery, json);
                }
                Payload::Notice(_) => panic!("files are given what they want, and they want no notices"),
            }
        }
        sheet
    }

    fn add_entry(&mut self, delivery: &Delivery, entry: &Entry, settings: &Settings) {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let id = |id: &Option<SourceId>| id.as_ref().map(ToString::to_string).unwrap_or_default();
        let sha256 = hex(&delivery.payload_sha256().0);
        for (number, line) in (1_usize..).zip(&entry.lines) {
            let (debit, credit) = line.sides();
            let Links {
                customer_ref,
                invoice_ref,
                receivable_id,
                payment_id,
                fee_id,
                refund_id,
                dispute_id,
                credit_memo_id,
                transfer_id,
                account_key,
            } = &line.links;
            self.count(&delivery.erp_key, debit, credit);
            self.rows.push(Row::Line(vec![
                delivery.erp_key.clone(),
                number.to_string(),
                entry.lines.len().to_string(),
                delivery.merchant.to_string(),
                entry.key.clone(),
                entry.event_key.clone(),
                entry.date.to_string(),
                entry.currency.to_string(),
                line.role.name().to_owned(),
                settings.accounts.get(&line.role).cloned().unwrap_or_default(),
                debit.to_string(),
                credit.to_string(),
                entry.memo.clone(),
                text(&entry.reverses),
                text(customer_ref),
                text(invoice_ref),
                id(receivable_id),
                id(payment_id),
                id(fee_id),
                id(refund_id),
                id(dispute_id),
                id(credit_memo_id),
                id(transfer_id),
                text(account_key),
                sha256.clone(),
            ]));
        }
    }

    fn add_whole(&mut self, name: &'static str, delivery: &Delivery, json: String) {
        self.content = if name == "event" { "events" } else { "documents" };
        self.count(&delivery.erp_key, Decimal::ZERO, Decimal::ZERO);
        self.rows.push(Row::Whole {
            key: delivery.erp_key.clone(),
            merchant: delivery.merchant.to_string(),
            payload_sha256: hex(&delivery.payload_sha256().0),
            name,
            json,
        });
    }

    fn count(&mut self, key: &str, debit: Decimal, credit: Decimal) {
        let sha256: [u8; 32] = Sha256::digest(key).into();
        self.totals.rows += 1;
        self.totals.debit += debit;
        self.totals.credit += credit;
        self.totals.hash += u64::from(u32::from_be_bytes([sha256[0], sha256[1], sha256[2], sha256[3]]));
    }
}

/// Lower-case hex digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to memory");
        text
    })
}
