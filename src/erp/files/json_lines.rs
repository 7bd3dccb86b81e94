//! A file as JSON Lines: one object per line, a header first and a trailer last. Amounts are text, so that no reader makes floats of them.

use chrono::SecondsFormat;
use serde_json::{Map, Value, json};

use super::delimited::LAYOUT;
use super::folder::Head;
use super::rows::{COLUMNS, Row, Sheet};

/// The whole file.
pub(super) fn text(head: &Head, sheet: &Sheet) -> Vec<u8> {
    let mut text = String::new();
    let mut add = |line: &str| {
        text.push_str(line);
        text.push('\n');
    };
    let header = json!({
        "record": "header", "version": LAYOUT, "target": head.label, "sequence": head.sequence,
        "created": head.created.to_rfc3339_opts(SecondsFormat::Secs, true), "previous_sha256": head.previous,
        "content": sheet.content,
    });
    add(&header.to_string());
    for row in &sheet.rows {
        add(&detail(row));
    }
    let totals = &sheet.totals;
    let trailer = json!({
        "record": "trailer", "rows": totals.rows, "sum_debit": totals.debit.to_string(), "sum_credit": totals.credit.to_string(),
        "hash_total": totals.hash,
    });
    add(&trailer.to_string());
    text.into_bytes()
}

fn detail(row: &Row) -> String {
    match row {
        Row::Line(cells) => {
            let mut object = Map::from_iter([("record".to_owned(), Value::from("detail"))]);
            for (cell, (name, _)) in cells.iter().zip(COLUMNS) {
                let value = match name {
                    "line" | "lines" => Value::from(cell.parse::<u64>().expect("a number of ours")),
                    _ if cell.is_empty() => Value::Null,
                    _ => Value::from(cell.as_str()),
                };
                object.insert(name.to_owned(), value);
            }
            Value::Object(object).to_string()
        }
        // The body stays as it was written: a number in it keeps its digits.
        Row::Whole { key, merchant, payload_sha256, name, json } => {
            let [key, merchant, sha256] = [key, merchant, payload_sha256].map(|text| Value::from(text.as_str()));
            format!(
                r#"{{"record":"detail","key":{key},"merchant":{merchant},"payload_sha256":{sha256},"{name}":{json}}}"#
            )
        }
    }
}
