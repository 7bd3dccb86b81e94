//! The evidence packet: everything about one thing in one file that a reader without access can check.
//!
//! Two lines. The first is one JSON object; the second is its SHA-256, as `sha256sum` computes it over the first line without its line
//! feed. The hash also stands in the audit trail, whose head the packet names, so that whoever keeps the trail can say that it wrote
//! this very packet. Nothing in it needs our program to be read.

use std::path::Path;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::{Value, json};

use super::person::name_of_actor;
use super::tell::Complaint;
use crate::engine::error::Exit;
use crate::model::record::Fingerprint;
use crate::normalize::mask_text;
use crate::store::trail::Explanation;
use crate::store::{Actor, AuditHead, Store};

/// What the first line says that it is.
const FORMAT: &str = "paystand-sync evidence packet 1";

/// Writes a packet and notes in the audit trail that it was written; returns what to tell.
pub async fn write(
    store: &Store,
    asked: &str,
    explanations: &[Explanation],
    file: &Path,
    now: DateTime<Utc>,
) -> Result<String, Complaint> {
    let head = store.audit_head().await?;
    let body = json!({
        "format": FORMAT, "program": env!("CARGO_PKG_VERSION"), "written_at": now, "asked": asked,
        "explanations": explanations, "audit_head": head.as_ref().map(AuditHead::to_string),
    })
    .to_string();
    let hash = format!("{:?}", Fingerprint::of_bytes(body.as_bytes()));
    std::fs::write(file, format!("{body}\n{hash}\n")).map_err(|error| {
        let file = file.display();
        Complaint::new(Exit::Usage, format!("{file} cannot be written: {error}; choose another --packet FILE"))
    })?;
    let actor = name_of_actor();
    let reason = mask_text(&format!("evidence about {asked}"));
    store.note_packet(&hash, Actor { name: &actor, reason: &reason }, now).await?;
    Ok(format!("{} holds the evidence; SHA-256 {hash}", file.display()))
}

#[derive(Deserialize)]
struct Read {
    format: String,
    explanations: Vec<ReadExplanation>,
}

#[derive(Deserialize)]
struct ReadExplanation {
    entries: Vec<ReadEntry>,
}

#[derive(Deserialize)]
struct ReadEntry {
    key: String,
    lines: Vec<ReadLine>,
}

#[derive(Deserialize)]
struct ReadLine {
    amount: Decimal,
}

/// Checks a packet without any database: its hash, and that the entries in it balance.
///
/// # Errors
/// One sentence about what does not agree.
pub fn verify(text: &str) -> Result<String, String> {
    let (body, rest) = text.split_once('\n').ok_or("it is not a packet: it has no second line")?;
    let hash = rest.strip_suffix('\n').ok_or("it does not end as it should")?;
    if format!("{:?}", Fingerprint::of_bytes(body.as_bytes())) != hash {
        return Err("it was changed after it was written: its SHA-256 is not the one on its second line".to_owned());
    }
    let read: Read = serde_json::from_str(body).map_err(|error| format!("it cannot be read: {error}"))?;
    if read.format != FORMAT {
        return Err(format!("it is a {}, and this version reads a {FORMAT}", read.format));
    }
    for entry in read.explanations.iter().flat_map(|it| &it.entries) {
        let sum: Decimal = entry.lines.iter().map(|line| line.amount).sum();
        if !sum.is_zero() {
            return Err(format!("the entry {} does not balance", entry.key));
        }
    }
    let head: Value = serde_json::from_str(body).map_err(|error| error.to_string())?;
    let head = head["audit_head"].as_str().map_or_else(String::new, |head| format!(", audit trail at {head}"));
    Ok(format!("unchanged since it was written{head}; SHA-256 {hash}"))
}
