//! Writes the JSON of one row, with the oddities that the row's own id draws.

use std::fmt::Write as _;

use rust_decimal::Decimal;

use crate::sandbox::days::push_instant;
use crate::sandbox::dice::{hash_text, mix};
use crate::sandbox::hits::Hits;
use crate::sandbox::quirks::{MoneyStyle, RowQuirks};
use crate::sandbox::record::Record;

#[derive(Debug)]
pub(crate) struct Pen<'a> {
    out: Vec<u8>,
    quirks: &'a RowQuirks,
    hits: &'a Hits,
    /// What the row's id decides about it.
    luck: u64,
    /// Embedded objects are never undecodable, so that one oddity spoils one row.
    depth: usize,
}

impl<'a> Pen<'a> {
    pub(crate) fn new(quirks: &'a RowQuirks, hits: &'a Hits, id: &str) -> Self {
        Self { out: Vec::with_capacity(768), quirks, hits, luck: hash_text(id), depth: 0 }
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.out
    }

    pub(crate) fn quirks(&self) -> &RowQuirks {
        self.quirks
    }

    fn lucky(&self, name: &'static str, per_mille: u16) -> bool {
        per_mille > 0 && mix(self.luck ^ hash_text(name)) % 1000 < u64::from(per_mille) && self.hits.when(true, name)
    }

    fn key(&mut self, key: &str) {
        if !matches!(self.out.last(), None | Some(b'{' | b'[')) {
            self.out.push(b',');
        }
        if !key.is_empty() {
            self.out.push(b'"');
            self.out.extend_from_slice(key.as_bytes());
            self.out.extend_from_slice(b"\":");
        }
    }

    /// An object under `key`; no key at the top and inside arrays.
    pub(crate) fn object(&mut self, key: &str, write: impl FnOnce(&mut Self)) {
        self.key(key);
        self.out.push(b'{');
        self.depth += 1;
        write(self);
        self.depth -= 1;
        self.out.push(b'}');
    }

    pub(crate) fn array(&mut self, key: &str, write: impl FnOnce(&mut Self)) {
        self.key(key);
        self.out.push(b'[');
        write(self);
        self.out.push(b']');
    }

    pub(crate) fn text(&mut self, key: &str, text: &str) {
        self.key(key);
        push_text(&mut self.out, text);
    }

    /// JSON as it stands: `true`, `null`, `0`.
    pub(crate) fn raw(&mut self, key: &str, json: &str) {
        self.key(key);
        self.out.extend_from_slice(json.as_bytes());
    }

    pub(crate) fn instant(&mut self, key: &str, ms: i64) {
        self.key(key);
        self.out.push(b'"');
        push_instant(&mut self.out, ms);
        self.out.push(b'"');
    }

    pub(crate) fn money(&mut self, key: &str, amount: Decimal) {
        let text = match self.quirks.money {
            MoneyStyle::Text => true,
            MoneyStyle::Number => false,
            MoneyStyle::Mixed => self.luck & 1 == 0,
        };
        if text {
            self.decimal(key, amount, "\"");
        } else {
            self.hits.count("money");
            self.decimal(key, amount, "");
        }
    }

    /// A number whatever the style, as nested snapshots have it.
    pub(crate) fn number(&mut self, key: &str, amount: Decimal) {
        self.decimal(key, amount, "");
    }

    fn decimal(&mut self, key: &str, amount: Decimal, quote: &str) {
        self.key(key);
        let mut text = String::with_capacity(16);
        // Writing to a string cannot fail.
        let _ = write!(text, "{quote}{amount}{quote}");
        self.out.extend_from_slice(text.as_bytes());
    }

    /// Whether an optional field is written; where it has no value, `null` may stand instead.
    fn optional(&mut self, key: &str, present: bool) -> bool {
        if present {
            return !self.lucky("missing_optional_per_mille", self.quirks.missing_optional_per_mille);
        }
        if self.quirks.null_for_absent {
            self.hits.count("null_for_absent");
            self.raw(key, "null");
        }
        false
    }

    pub(crate) fn maybe_text(&mut self, key: &str, text: Option<&str>) {
        if self.optional(key, text.is_some())
            && let Some(text) = text
        {
            self.text(key, text);
        }
    }

    pub(crate) fn maybe_instant(&mut self, key: &str, ms: Option<i64>) {
        if self.optional(key, ms.is_some())
            && let Some(ms) = ms
        {
            self.instant(key, ms);
        }
    }

    /// `object` and `id`, which every object begins with.
    pub(crate) fn head(&mut self, object: &str, id: &str) {
        self.text("object", object);
        if !(self.spoiled() && self.luck & 2 == 0) {
            self.text("id", id);
        }
    }

    /// The amount of the row itself; nothing where the row has none.
    pub(crate) fn amount(&mut self, record: &Record) {
        let Some(amount) = record.amount else { return };
        if self.spoiled() && self.luck & 2 != 0 {
            self.object("amount", |pen| pen.decimal("value", amount, "\""));
        } else {
            self.money("amount", amount);
        }
        self.text("currency", &record.currency);
    }

    fn spoiled(&self) -> bool {
        self.depth == 1 && self.lucky("undecodable_per_mille", self.quirks.undecodable_per_mille)
    }

    pub(crate) fn status(&mut self, record: &Record) {
        let shown = shown_status(record, self.quirks);
        self.hits.when(shown == UNKNOWN_STATUS, "unknown_status_per_mille");
        self.hits.when(self.quirks.capital_status, "capital_status");
        self.text("status", &shown);
    }

    pub(crate) fn fee_type(&mut self, fee_type: &str) {
        let unknown =
            fee_type == "paystand" && self.lucky("unknown_fee_type_per_mille", self.quirks.unknown_fee_type_per_mille);
        self.text("feeType", if unknown { "interchangeAssessment" } else { fee_type });
    }

    /// `meta`, the oddities that are fields of their own, and the two timestamps, which every object ends with.
    pub(crate) fn tail(&mut self, record: &Record) {
        self.object("meta", |pen| record.meta.iter().for_each(|(key, value)| pen.text(key, value)));
        if self.depth == 1 {
            if self.lucky("nul_note_per_mille", self.quirks.nul_note_per_mille) {
                self.text("description", "left\0right");
            }
            if self.lucky("extra_fields_per_mille", self.quirks.extra_fields_per_mille) {
                self.object("riskAssessment", |pen| {
                    pen.raw("score", "0.25");
                    pen.array("flags", |pen| pen.text("", "velocity"));
                });
            }
            if self.quirks.late_field_from.is_some_and(|from| record.updated_ms >= from.timestamp_millis()) {
                self.hits.count("late_field_from");
                self.text("batchReference", "B-1");
            }
        }
        self.instant("created", record.created_ms);
        self.instant("lastUpdated", record.updated_ms);
    }
}

pub(crate) const UNKNOWN_STATUS: &str = "underManualReview";

/// The status as lists and details show it.
pub(crate) fn shown_status(record: &Record, quirks: &RowQuirks) -> String {
    let moving =
        matches!(record.status.as_ref(), "processing" | "sending" | "underReview" | "acceptingEvidence" | "posted");
    let rate = u64::from(quirks.unknown_status_per_mille);
    if moving && rate > 0 && mix(hash_text(&record.id) ^ hash_text("unknown_status_per_mille")) % 1000 < rate {
        return UNKNOWN_STATUS.to_owned();
    }
    let mut status = record.status.to_string();
    if quirks.capital_status
        && let Some(first) = status.get_mut(..1)
    {
        first.make_ascii_uppercase();
    }
    status
}

/// Whether the row of this id is spoiled for every reader.
pub(crate) fn is_undecodable(id: &str, quirks: &RowQuirks) -> bool {
    let rate = u64::from(quirks.undecodable_per_mille);
    rate > 0 && mix(hash_text(id) ^ hash_text("undecodable_per_mille")) % 1000 < rate
}

/// A JSON string.
pub(crate) fn push_text(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    if text.bytes().all(|byte| byte >= 0x20 && byte != b'"' && byte != b'\\') {
        out.extend_from_slice(text.as_bytes());
    } else {
        for character in text.chars() {
            match character {
                '"' => out.extend_from_slice(b"\\\""),
                '\\' => out.extend_from_slice(b"\\\\"),
                control if control < ' ' => {
                    out.extend_from_slice(format!("\\u{:04x}", u32::from(control)).as_bytes());
                }
                other => out.extend_from_slice(other.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
    }
    out.push(b'"');
}
