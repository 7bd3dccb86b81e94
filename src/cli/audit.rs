//! The audit trail: whether it is as it was written, and all of it.

use std::path::Path;

use serde_json::json;

use super::packet;
use super::show::open;
use super::tell::{self, Complaint};
use crate::config::Config;
use crate::engine::error::Exit;
use crate::store::{AuditHead, AuditRow, verify_audit};

/// Checks the chain, its end as the database noted it, and one that somebody noted elsewhere.
pub async fn verify(config: Config, head: Option<AuditHead>) -> Result<Exit, Complaint> {
    let (store, database) = open(&config).await?;
    let rows = store.audit().await?;
    let noted = store.audit_head().await?;
    store.close().await;
    database.close().await?;
    let heads: Vec<AuditHead> = noted.iter().cloned().chain(head).collect();
    verify_audit(&rows, &heads).map_err(|broken| {
        let next = "compare it with a backup, with the heads in the log and with the packets that were written since";
        Complaint::new(Exit::Mismatch, format!("the audit trail is not as it was written: {broken}; {next}"))
    })?;
    match (rows.len(), noted) {
        (0, None) => tell::print("The audit trail is empty."),
        (rows, Some(noted)) => tell::print(&format!("{rows} row(s), as they were written; the head is {noted}")),
        (_, None) => {
            return Err(Complaint::new(
                Exit::Mismatch,
                "the head of the audit trail was removed; compare with a backup",
            ));
        }
    }
    Ok(Exit::Clean)
}

/// Checks a packet without a database.
pub fn verify_packet(file: &Path) -> Result<Exit, Complaint> {
    let name = file.display();
    let text = std::fs::read_to_string(file).map_err(|error| {
        Complaint::new(Exit::Usage, format!("{name} cannot be read: {error}; give the file of a packet"))
    })?;
    match packet::verify(&text) {
        Ok(sentence) => {
            tell::print(&format!("{name}: {sentence}"));
            Ok(Exit::Clean)
        }
        Err(reason) => {
            let next = "have it written anew with `paystand-sync explain ID --packet FILE`";
            Err(Complaint::new(Exit::Mismatch, format!("{name}: {reason}; {next}")))
        }
    }
}

/// One JSON object per line, oldest first.
pub async fn export(config: Config) -> Result<Exit, Complaint> {
    let (store, database) = open(&config).await?;
    for row in store.audit().await? {
        tell::print(&line(&row));
    }
    store.close().await;
    database.close().await?;
    Ok(Exit::Clean)
}

fn line(row: &AuditRow) -> String {
    let head = AuditHead { number: row.number, sha256: row.sha256.clone() };
    let AuditRow { number, at, actor, action, object, reason, detail, .. } = row;
    json!({
        "number": number, "at": at, "actor": actor, "action": action, "object": object, "reason": reason, "detail": detail,
        "head": head.to_string(),
    })
    .to_string()
}
