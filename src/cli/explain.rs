//! `explain`: what became of a payment, an invoice, a fee, a payout or a document of the ERP; and the packet that proves it.

use std::path::Path;

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::json;

use super::packet;
use super::show::open;
use super::table::table;
use super::tell::{self, Complaint};
use crate::clock::{Clock as _, SystemClock};
use crate::config::Config;
use crate::engine::error::Exit;
use crate::store::trail::{Delivery, Explanation, Subject};

pub async fn explain(config: Config, id: &str, file: Option<&Path>, json: bool) -> Result<Exit, Complaint> {
    let (store, database) = open(&config).await?;
    let explanations = store.explain(id).await?;
    if explanations.is_empty() {
        let sentence = format!(
            "nothing is known of {id}; give a Paystand id, an invoice number, an event key or a document of the ERP, and see \
             `paystand-sync status` how far each resource is read"
        );
        return Err(Complaint::new(Exit::Usage, sentence));
    }
    let now = SystemClock::new().now();
    if let Some(file) = file {
        let packet = packet::write(&store, id, &explanations, file, now).await?;
        tell::print(&packet);
    } else if json {
        tell::print_json(&json!({ "asked": id, "explanations": explanations }));
    } else {
        let texts: Vec<String> = explanations.iter().map(text).collect();
        tell::print(&texts.join("\n\n"));
    }
    store.close().await;
    database.close().await?;
    Ok(Exit::Clean)
}

fn text(it: &Explanation) -> String {
    let mut parts = vec![head(it)];
    parts.extend(seal(it));
    parts.push(versions(it));
    parts.push(events(it));
    parts.extend(it.entries.iter().map(entry));
    parts.push(deliveries(it));
    parts.extend(it.deliveries.iter().filter_map(waits));
    parts.extend(it.deliveries.iter().flat_map(attempts));
    parts.extend(troubles(it));
    parts.extend(persons(it));
    parts.retain(|part| !part.is_empty());
    parts.join("\n")
}

fn head(it: &Explanation) -> String {
    let Explanation { subject: Subject { merchant, resource, id }, status, amount, currency, accounts, .. } = it;
    let money = amount.iter().chain(currency).cloned().collect::<Vec<_>>().join(" ");
    let mut head = format!("{resource} {id} of {merchant}: {} {money}", status.as_deref().unwrap_or("status unknown"));
    let others: Vec<&str> = accounts.iter().filter(|account| *account != id).map(String::as_str).collect();
    if !others.is_empty() {
        head = format!("{}; about the money of {}", head.trim_end(), others.join(", "));
    }
    head.trim_end().to_owned()
}

fn seal(it: &Explanation) -> Option<String> {
    let created = instant(it.created_at?);
    Some(match &it.seal {
        None => format!("Created {created}; its day is not sealed yet."),
        Some(seal) => {
            let finality = seal.final_at.map_or_else(
                || "provisionally, the final reading follows".to_owned(),
                |at| format!("finally, {}", instant(at)),
            );
            format!("Created {created}; its day is sealed {finality}, with {} record(s).", seal.rows)
        }
    })
}

fn versions(it: &Explanation) -> String {
    let rows = it.versions.iter().map(|version| {
        let updated = version.updated_at.map_or_else(String::new, instant);
        let hash = version.body_sha256[..12].to_owned();
        vec![version.version.to_string(), version.shape.clone(), updated, instant(version.recorded_at), hash]
    });
    table(&["version", "seen as", "last updated", "stored", "body sha256"], &[0], rows)
}

fn events(it: &Explanation) -> String {
    if it.events.is_empty() {
        return "No event was told of it.".to_owned();
    }
    let rows =
        it.events.iter().map(|event| vec![instant(event.occurred_at), event.key.clone(), instant(event.told_at)]);
    table(&["occurred", "event", "told"], &[], rows)
}

fn entry(entry: &crate::store::trail::Entry) -> String {
    let reverses = entry.reverses.as_ref().map(|key| format!(", takes back {key}")).unwrap_or_default();
    let head = format!("Entry {} of {}, {}{reverses}", entry.key, entry.date, entry.currency);
    let rows = entry.lines.iter().map(|line| {
        let (debit, credit) = match line.amount.strip_prefix('-') {
            Some(credit) => (String::new(), credit.to_owned()),
            None => (line.amount.clone(), String::new()),
        };
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        vec![line.role.clone(), debit, credit, text(&line.customer_ref), text(&line.invoice_ref)]
    });
    format!("{head}\n{}", table(&["role", "debit", "credit", "customer", "invoice"], &[1, 2], rows))
}

fn deliveries(it: &Explanation) -> String {
    if it.deliveries.is_empty() {
        return "Nothing of it goes to an ERP.".to_owned();
    }
    let rows = it.deliveries.iter().map(|delivery| {
        let settled = delivery.settled_at.map_or_else(String::new, instant);
        let receipt = delivery.receipt.clone().or_else(|| delivery.reason.clone()).unwrap_or_default();
        vec![delivery.adapter.clone(), delivery.key.clone(), delivery.state.clone(), settled, receipt]
    });
    table(&["adapter", "entry", "state", "settled", "receipt or reason"], &[], rows)
}

/// What stands in the way of an entry, and until when.
fn waits(delivery: &Delivery) -> Option<String> {
    if delivery.settled_at.is_some() {
        return None;
    }
    let Delivery { adapter, key, waits_for, due_at, .. } = delivery;
    let what = match waits_for {
        Some(before) => format!("waits behind {before}"),
        None if delivery.state == "parked" => "waits for a person".to_owned(),
        None => format!("is tried from {} on", instant(*due_at)),
    };
    Some(format!("{key} at {adapter} {what}."))
}

fn attempts(delivery: &Delivery) -> Vec<String> {
    let Delivery { adapter, key, attempts, .. } = delivery;
    let attempt = |it: &crate::store::trail::Attempt| {
        format!("Attempt {} of {key} at {adapter}, {}: {} ({})", it.number, instant(it.ended_at), it.answer, it.state)
    };
    attempts.iter().map(attempt).collect()
}

fn troubles(it: &Explanation) -> Vec<String> {
    let trouble = |trouble: &crate::store::trail::Raised| {
        let end = match (&trouble.resolved_at, &trouble.resolution) {
            (Some(at), Some(resolution)) => format!("settled {}: {resolution}", instant(*at)),
            _ => format!("open; `paystand-sync exceptions show {}`", trouble.id),
        };
        format!("Exception {} {}: {} ({end})", trouble.id, trouble.class, trouble.detail)
    };
    it.exceptions.iter().map(trouble).collect()
}

fn persons(it: &Explanation) -> Vec<String> {
    let person = |said: &crate::store::trail::Said| {
        format!("{} {} by {}: {} ({})", instant(said.at), said.action, said.actor, said.reason, said.detail)
    };
    it.persons.iter().map(person).collect()
}

fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}
