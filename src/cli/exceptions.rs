//! What needs a person: the list, and one of it with everything at hand.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::{Value, json};

use super::show::open;
use super::table::table;
use super::tell::{self, Complaint};
use crate::clock::{Clock as _, SystemClock};
use crate::config::Config;
use crate::engine::error::Exit;
use crate::engine::person;
use crate::normalize::{mask, mask_text};
use crate::reconcile::advice;
use crate::store::OpenException;

/// Exceptions shown at most.
pub const EXCEPTIONS_MAX: i64 = 1_000;

pub async fn list(config: Config, json: bool) -> Result<Exit, Complaint> {
    let (store, database) = open(&config).await?;
    let open = store.open_exceptions(EXCEPTIONS_MAX).await?;
    let now = SystemClock::new().now();
    if json {
        let list: Vec<Value> = open.iter().map(|it| value(it, now)).collect();
        tell::print_json(&json!({ "exceptions": list }));
    } else if open.is_empty() {
        tell::print("No open exceptions.");
    } else {
        let head = ["id", "age", "class", "at risk", "owner", "about", "what"];
        tell::print(&table(&head, &[0, 1, 3], open.iter().map(|it| row(it, now))));
        tell::print("`paystand-sync exceptions show ID` says what to do first.");
    }
    store.close().await;
    database.close().await?;
    Ok(if open.is_empty() { Exit::Clean } else { Exit::OpenExceptions })
}

pub async fn show(config: Config, id: i64, json: bool) -> Result<Exit, Complaint> {
    let (store, database) = open(&config).await?;
    let it = person::open_exception(&store, id).await?;
    let evidence = store.evidence(id).await?.map(|bytes| shown(&bytes));
    let now = SystemClock::new().now();
    if json {
        let mut value = value(&it, now);
        value["evidence"] = json!(evidence);
        tell::print_json(&value);
    } else {
        tell::print(&text(&it, evidence.as_deref(), now));
    }
    store.close().await;
    database.close().await?;
    Ok(Exit::Clean)
}

/// The bytes at hand, masked; what is not JSON is masked as prose.
fn shown(evidence: &[u8]) -> String {
    match serde_json::from_slice::<Value>(evidence) {
        Ok(_) => mask(evidence),
        Err(_) => mask_text(&String::from_utf8_lossy(evidence)),
    }
}

fn value(it: &OpenException, now: DateTime<Utc>) -> Value {
    let advice = advice(&it.class);
    json!({
        "id": it.id, "merchant": it.merchant, "class": it.class, "failure": advice.failure, "subject": it.subject,
        "detail": mask_text(&it.detail), "amount_at_risk": it.amount_at_risk.map(|amount| amount.to_string()),
        "currency": it.currency, "owner": it.owner, "first_action": advice.first_action, "opened_at": it.opened_at,
        "seen_at": it.seen_at, "age_seconds": (now - it.opened_at).num_seconds().max(0),
    })
}

fn row(it: &OpenException, now: DateTime<Utc>) -> Vec<String> {
    let owner = it.owner.clone().unwrap_or_default();
    vec![
        it.id.to_string(),
        age(now - it.opened_at),
        it.class.clone(),
        money(it),
        owner,
        it.subject.clone(),
        mask_text(&it.detail),
    ]
}

fn money(it: &OpenException) -> String {
    it.amount_at_risk.map_or_else(String::new, |amount| {
        format!("{amount} {}", it.currency.as_deref().unwrap_or_default()).trim_end().to_owned()
    })
}

fn age(age: TimeDelta) -> String {
    match age.num_minutes().max(0) {
        minutes @ ..120 => format!("{minutes} min"),
        minutes @ 120..2_880 => format!("{} h", minutes / 60),
        minutes => format!("{} d", minutes / 1_440),
    }
}

fn text(it: &OpenException, evidence: Option<&str>, now: DateTime<Utc>) -> String {
    let advice = advice(&it.class);
    let opened = it.opened_at.to_rfc3339_opts(SecondsFormat::Secs, true);
    let mut lines = vec![
        format!("Exception {}: {}", it.id, mask_text(&it.detail)),
        format!("class     {} ({})", it.class, advice.failure.name()),
        // What is about a target is about no merchant.
        format!("about     {} of {}", it.subject, it.merchant).trim_end_matches(" of ").to_owned(),
        format!("since     {opened}, {}", age(now - it.opened_at)),
        format!(
            "owner     {}",
            it.owner.clone().unwrap_or_else(|| format!(
                "nobody yet; `paystand-sync exceptions assign {} OWNER --reason TEXT`",
                it.id
            ))
        ),
    ];
    if it.amount_at_risk.is_some() {
        lines.push(format!("at risk   {}", money(it)));
    }
    lines.push(format!("first     {}", advice.first_action));
    lines.extend(evidence.map(|evidence| format!("evidence  {evidence}")));
    lines.join("\n")
}
