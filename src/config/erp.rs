//! The sections `[erp.NAME]`.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use secrecy::ExposeSecret;
use url::Url;

use super::error::Reported;
use super::files::files;
use super::read::{plain_url, postgres_url};
use super::section::Section;
use super::{ErpConfig, ErpKind, Surroundings, TrytonConfig, WebhookConfig, schema};
use crate::erp::webhook::{RETRY_DEFAULT, Reach, Secret};
use crate::model::ids::AdapterName;

/// The adapters by name; without any, one staging adapter in our own database.
pub(super) fn adapters(
    section: &Section<'_>,
    surroundings: &Surroundings,
) -> Result<BTreeMap<AdapterName, ErpConfig>, Reported> {
    let mut adapters = BTreeMap::new();
    let mut outcome = Ok(());
    for name in section.sections() {
        let path = section.place(name);
        match adapter(&Section::new(&path, section.inner(name), section.report), surroundings) {
            Ok(adapter) => {
                adapters.insert(AdapterName::new(name), adapter);
            }
            Err(reported) => outcome = Err(reported),
        }
    }
    outcome?;
    let mut targets: BTreeMap<(String, &str), &AdapterName> = BTreeMap::new();
    for (name, adapter) in &adapters {
        let ErpKind::Staging { url, schema } = &adapter.kind else { continue };
        let database = url.as_ref().map(|url| url.expose_secret().to_owned()).unwrap_or_default();
        if let Some(other) = targets.insert((database, schema), name) {
            let text = format!("writes to the schema `{schema}` of `erp.{other}`; give one of them another schema");
            outcome = Err(section.refuse(name.as_str(), text));
        }
    }
    outcome?;
    let mut folders: BTreeMap<&Path, &AdapterName> = BTreeMap::new();
    for (name, adapter) in &adapters {
        let ErpKind::Files(files) = &adapter.kind else { continue };
        if let Some(other) = folders.insert(&files.folder, name) {
            let folder = files.folder.display();
            let text = format!("drops into `{folder}` as `erp.{other}` does; give one of them a folder of its own");
            outcome = Err(section.refuse(name.as_str(), text));
        }
    }
    outcome?;
    if adapters.is_empty() {
        let kind = ErpKind::Staging { url: None, schema: DEFAULT_SCHEMA.to_owned() };
        let adapter = ErpConfig { kind, post_from: None, accounts: BTreeMap::new() };
        adapters.insert(AdapterName::new("staging"), adapter);
    }
    Ok(adapters)
}

const DEFAULT_SCHEMA: &str = "erp";

fn adapter(section: &Section<'_>, surroundings: &Surroundings) -> Result<ErpConfig, Reported> {
    let kind = kind(section, surroundings);
    let post_from = section.date("post_from");
    let accounts_path = section.place("accounts");
    let inner = Section::new(&accounts_path, section.inner("accounts"), section.report);
    let mut accounts = BTreeMap::new();
    let mut outcome = Ok(());
    for role in inner.names() {
        match inner.required(role) {
            Ok(account) => {
                accounts.insert(role.to_owned(), account);
            }
            Err(reported) => outcome = Err(reported),
        }
    }
    outcome?;
    let (kind, post_from) = (kind?, post_from?);
    if matches!(kind, ErpKind::Tryton(_)) && post_from.is_none() {
        return Err(section.missing("post_from", " = \"2026-01-01\""));
    }
    Ok(ErpConfig { kind, post_from, accounts })
}

fn kind(section: &Section<'_>, surroundings: &Surroundings) -> Result<ErpKind, Reported> {
    match section.filled("kind")?.as_deref() {
        Some("staging") => {
            let url = postgres_url(section, surroundings);
            let schema = schema_name(section);
            Ok(ErpKind::Staging { url: url?, schema: schema? })
        }
        Some("tryton") => Ok(ErpKind::Tryton(Box::new(tryton(section, surroundings)?))),
        Some("files") => Ok(ErpKind::Files(Box::new(files(section)?))),
        Some("webhook") => Ok(ErpKind::Webhook(Box::new(webhook(section, surroundings)?))),
        Some(other) => {
            let hint = schema::hint(other, &["staging", "files", "webhook", "tryton"]);
            Err(section.refuse("kind", format!("is no kind of ERP adapter: `{other}`; {hint}")))
        }
        None => Err(section.missing("kind", " = \"staging\"")),
    }
}

/// A plain Postgres identifier, so that it needs no quoting anywhere.
fn schema_name(section: &Section<'_>) -> Result<String, Reported> {
    let name = section.filled("schema")?.unwrap_or_else(|| DEFAULT_SCHEMA.to_owned());
    let first = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_');
    let rest = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if !(first && rest && name.len() <= 63) {
        let text = format!("is `{name}`; use a to z, 0 to 9 and _, not starting with a digit, at most 63 characters");
        return Err(section.refuse("schema", text));
    }
    if name.starts_with("pg_") || name == "information_schema" || name == "public" {
        return Err(
            section.refuse("schema", format!("is `{name}`, which is not ours to fill; use one such as \"erp\""))
        );
    }
    Ok(name)
}

/// A Tryton server, whose general ledger is posted to.
fn tryton(section: &Section<'_>, surroundings: &Surroundings) -> Result<TrytonConfig, Reported> {
    let example = "http://127.0.0.1:8000";
    let url = match section.filled("url")? {
        Some(text) => plain_url(section, "url", &text, example),
        None => Err(section.missing("url", &format!(" = \"{example}\""))),
    };
    let database = section.required("database");
    let user = section.required("user");
    let password = section
        .secret("password", surroundings)
        .and_then(|secret| secret.ok_or_else(|| section.missing("password", "")));
    let next_open_period = match section.filled("closed_period")?.as_deref() {
        None | Some("hold") => Ok(false),
        Some("next_open") => Ok(true),
        Some(other) => {
            let hint = schema::hint(other, &["hold", "next_open"]);
            Err(section.refuse("closed_period", format!("is `{other}`; {hint}")))
        }
    };
    let create_customers = section.boolean("create_customers", false);
    Ok(TrytonConfig {
        url: url?,
        database: database?,
        user: user?,
        password: password?,
        company: section.filled("company")?,
        journal: section.filled("journal")?.unwrap_or_else(|| "PAYST".to_owned()),
        next_open_period: next_open_period?,
        create_customers: create_customers?,
        default_customer: section.filled("default_customer")?,
    })
}

/// An endpoint, whose receiver is meant: only https, and nothing private unless a person says so.
fn webhook(section: &Section<'_>, surroundings: &Surroundings) -> Result<WebhookConfig, Reported> {
    let allow_private = section.boolean("allow_private", false);
    let url = endpoint(section, allow_private.as_ref().is_ok_and(|allowed| *allowed));
    let secret = webhook_secret(section, "secret", surroundings)
        .and_then(|secret| secret.ok_or_else(|| section.missing("secret", " = \"whsec_…\"")));
    let previous_secret = webhook_secret(section, "previous_secret", surroundings);
    let retry = section.durations("retry", &RETRY_DEFAULT, &(Duration::from_secs(1)..=Duration::from_hours(7 * 24)));
    let timeouts = Duration::from_secs(1)..=Duration::from_mins(1);
    let request_timeout = section.duration("request_timeout", Duration::from_secs(15), &timeouts);
    Ok(WebhookConfig {
        url: url?,
        secret: secret?,
        previous_secret: previous_secret?,
        allow_private: allow_private?,
        retry: retry?,
        request_timeout: request_timeout?,
    })
}

fn endpoint(section: &Section<'_>, allow_private: bool) -> Result<Url, Reported> {
    let example = "https://erp.example.com/paystand";
    let Some(text) = section.filled("url")? else {
        return Err(section.missing("url", &format!(" = \"{example}\"")));
    };
    let mut url = plain_url(section, "url", &text, example)?;
    // To a receiver a slash at the end may make another place of it.
    if let Ok(written) = Url::parse(&text) {
        url.set_path(written.path());
    }
    match Reach::of(&url, allow_private) {
        Ok(_) => Ok(url),
        Err(refused) => Err(section.refuse("url", format!("cannot be used: {refused}"))),
    }
}

fn webhook_secret(section: &Section<'_>, key: &str, surroundings: &Surroundings) -> Result<Option<Secret>, Reported> {
    let Some(text) = section.secret(key, surroundings)? else { return Ok(None) };
    Secret::parse(&text).map(Some).map_err(|wrong| section.refuse(key, wrong))
}
