//! What a row looks like.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// How a JSON amount is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MoneyStyle {
    /// `"289.82"`.
    #[default]
    Text,
    /// `289.82`.
    Number,
    /// One or the other, by row.
    Mixed,
}

/// The shape of the rows of `GET /receivables`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReceivableRows {
    #[default]
    New,
    /// `status: current`, `dateDue` as `MM-DD-YYYY`, no `date`, no customer.
    Older,
}

/// What the rows of `GET /payments/all` carry.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentRows {
    /// Neither `fees` nor `feeSplit`.
    #[default]
    Plain,
    /// Everything that the detail carries.
    Full,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "independent switches")]
pub struct RowQuirks {
    pub money: MoneyStyle,
    pub receivable_rows: ReceivableRows,
    pub payment_rows: PaymentRows,
    /// Optional fields without a value are sent as `null` instead of being left out.
    pub null_for_absent: bool,
    /// Statuses begin with a capital letter, as the reconciliation guide writes them.
    pub capital_status: bool,
    /// Lines of a transfer report carry an `id`, which the published sample lacks.
    pub entry_ids: bool,
    /// Optional fields with a value are left out all the same.
    pub missing_optional_per_mille: u16,
    /// Rows carry fields that nobody documented.
    pub extra_fields_per_mille: u16,
    /// An undocumented status stands in for one that is still in motion.
    pub unknown_status_per_mille: u16,
    /// An undocumented `feeType` stands in for `paystand`.
    pub unknown_fee_type_per_mille: u16,
    /// The row cannot be decoded: `amount` is an object, or `id` is missing.
    pub undecodable_per_mille: u16,
    /// A note with U+0000 in it.
    pub nul_note_per_mille: u16,
    /// Versions from this instant on carry a field that no earlier one has.
    pub late_field_from: Option<DateTime<Utc>>,
    /// Timestamps have milliseconds; otherwise they end in `.000` and tie.
    pub milliseconds: bool,
    /// Timestamps are cut down to a multiple of this many seconds, for many ties. 0 and 1 mean one second.
    pub grain_seconds: u32,
}
