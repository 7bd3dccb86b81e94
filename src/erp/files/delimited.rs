//! A file of journal lines as CSV: RFC 4180 with CRLF, UTF-8, `.` in amounts, ISO dates. Every record has the same number of fields.

use chrono::SecondsFormat;

use super::folder::Head;
use super::rows::{COLUMNS, Kind, Row, Sheet};

/// Of what stands where in a file; a newer one is told by a greater number.
pub(super) const LAYOUT: &str = "1";

/// The whole file.
pub(super) fn text(head: &Head, sheet: &Sheet) -> Vec<u8> {
    let totals = &sheet.totals;
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    let mut write = |kind: &str, cells: &[&str]| {
        let empty = COLUMNS.len() - cells.len();
        let record = std::iter::once(kind).chain(cells.iter().copied()).chain(std::iter::repeat_n("", empty));
        writer.write_record(record).expect("records of one length, into memory");
    };
    let created = head.created.to_rfc3339_opts(SecondsFormat::Secs, true);
    write("H", &[LAYOUT, &head.label, &head.sequence.to_string(), &created, &head.previous, sheet.content]);
    write("C", &COLUMNS.map(|(name, _)| name));
    for row in &sheet.rows {
        let Row::Line(cells) = row else { panic!("CSV holds journal lines") };
        let cells: Vec<String> = cells.iter().zip(COLUMNS).map(|(cell, (_, kind))| guarded(cell, kind)).collect();
        write("D", &cells.iter().map(String::as_str).collect::<Vec<_>>());
    }
    let [rows, debit, credit, hash] =
        [totals.rows.to_string(), totals.debit.to_string(), totals.credit.to_string(), totals.hash.to_string()];
    write("T", &[&rows, &debit, &credit, &hash]);
    writer.into_inner().expect("memory takes everything")
}

/// A spreadsheet takes text that begins with one of these for a formula, so an apostrophe goes before it; and before one that is there,
/// so that a reader who takes one apostrophe away has the text as it was.
fn guarded(cell: &str, kind: Kind) -> String {
    match kind {
        Kind::Text if cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '\'']) => format!("'{cell}"),
        Kind::Text | Kind::Number => cell.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_formula_is_text_and_a_negative_amount_a_number() {
        assert_eq!(guarded("=1+1", Kind::Text), "'=1+1");
        assert_eq!(guarded("-12.00", Kind::Text), "'-12.00");
        assert_eq!(guarded("-12.00", Kind::Number), "-12.00");
        assert_eq!(guarded("'=1", Kind::Text), "''=1");
        assert_eq!(guarded("a=1", Kind::Text), "a=1");
    }
}
