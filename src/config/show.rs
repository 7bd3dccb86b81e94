//! The configuration in effect, written so that it may be pasted into a ticket.

use std::fmt::Write as _;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::section::show;
use super::{Config, ErpKind, FilesConfig, FilesFormat, OpsConfig, TrytonConfig, WebhookConfig};
use crate::erp::files::{Content, Dialect};

const HIDDEN: &str = "***";
/// As long as a token must be, so that what is shown can be loaded.
const HIDDEN_TOKEN: &str = "****************";

pub(super) fn redacted_toml(config: &Config) -> String {
    let mut page = Page::default();

    page.section("database");
    if let Some(url) = &config.database.url {
        page.text("url", &without_password(url));
    }
    page.bare("connections_max", config.database.connections_max);
    page.text("state_dir", &config.database.state_dir.display().to_string());

    for (label, merchant) in &config.merchants {
        page.section(&format!("merchants.{}", key(label)));
        page.text("environment", merchant.environment.name());
        page.text("base_url", merchant.base_url.as_str());
        page.text("client_id", &merchant.client_id);
        page.text("client_secret", HIDDEN);
        page.text("customer_id", merchant.customer_id.as_str());
        page.text("timezone", merchant.timezone.name());
        page.bare("requests_per_minute", merchant.requests_per_minute);
        page.text("start_date", &merchant.start_date.to_string());
        page.section(&format!("merchants.{}.refunds", key(label)));
        page.bare("reopen_invoice", merchant.refunds_reopen_invoice);
        page.section(&format!("merchants.{}.disputes", key(label)));
        page.text("losses", merchant.dispute_losses.name());
    }

    let sync = &config.sync;
    page.section("sync");
    page.duration("interval", sync.interval);
    page.duration("overlap", sync.overlap);
    page.bare("page_rows", sync.page_rows);
    page.bare("pages_in_flight_max", sync.pages_in_flight_max);
    page.duration("request_timeout", sync.request_timeout);
    page.bare("answer_bytes_max", sync.answer_bytes_max);
    page.bare("attempts_max", sync.attempts_max);
    page.duration("open_item_max", sync.open_item_max);
    page.duration("lease", sync.lease);
    for (resource, each) in &sync.resources {
        page.section(&format!("sync.resources.{resource}"));
        page.bare("enabled", each.enabled);
        page.duration("interval", each.interval);
    }

    for (name, adapter) in &config.erp {
        let name = key(name.as_str());
        page.section(&format!("erp.{name}"));
        match &adapter.kind {
            ErpKind::Staging { url, schema } => {
                page.text("kind", "staging");
                if let Some(url) = url {
                    page.text("url", &without_password(url));
                }
                page.text("schema", schema);
            }
            ErpKind::Tryton(tryton) => show_tryton(&mut page, tryton),
            ErpKind::Files(files) => show_files(&mut page, files),
            ErpKind::Webhook(webhook) => show_webhook(&mut page, webhook),
        }
        if let Some(post_from) = adapter.post_from {
            page.text("post_from", &post_from.to_string());
        }
        if let ErpKind::Files(files) = &adapter.kind {
            show_statement(&mut page, &name, files);
        }
        if !adapter.accounts.is_empty() {
            page.section(&format!("erp.{name}.accounts"));
            for (role, account) in &adapter.accounts {
                page.text(role, account);
            }
        }
    }

    page.section("ops");
    show_ops(&mut page, &config.ops);
    page.text
}

fn show_ops(page: &mut Page, ops: &OpsConfig) {
    page.text("listen", &ops.listen.map(|address| address.to_string()).unwrap_or_default());
    if ops.token.is_some() {
        page.text("token", HIDDEN_TOKEN);
    }
    if let Some(tls) = &ops.tls {
        page.text("tls_cert", &tls.cert.display().to_string());
        page.text("tls_key", &tls.key.display().to_string());
    }
    page.bare("trusted_proxy", ops.trusted_proxy);
    if let Some(log) = &ops.log {
        page.text("log", log);
    }
    page.duration("tie_out_interval", ops.tie_out_interval);
    page.bare("tie_out_entries_max", ops.tie_out_entries_max);
}

fn show_tryton(page: &mut Page, tryton: &TrytonConfig) {
    page.text("kind", "tryton");
    page.text("url", tryton.url.as_str());
    page.text("database", &tryton.database);
    page.text("user", &tryton.user);
    page.text("password", "***");
    if let Some(company) = &tryton.company {
        page.text("company", company);
    }
    page.text("journal", &tryton.journal);
    page.text("closed_period", if tryton.next_open_period { "next_open" } else { "hold" });
    page.bare("create_customers", tryton.create_customers);
    if let Some(customer) = &tryton.default_customer {
        page.text("default_customer", customer);
    }
}

fn show_files(page: &mut Page, files: &FilesConfig) {
    page.text("kind", "files");
    page.text("folder", &files.folder.display().to_string());
    let (format, content) = match &files.format {
        FilesFormat::Csv => ("csv", None),
        FilesFormat::JsonLines(Content::Entries) => ("jsonl", Some("entries")),
        FilesFormat::JsonLines(Content::Events) => ("jsonl", Some("events")),
        FilesFormat::JsonLines(Content::Documents) => ("jsonl", Some("documents")),
        FilesFormat::Statement(Dialect::Ofx, _) => ("ofx", None),
        FilesFormat::Statement(Dialect::Camt053, _) => ("camt053", None),
        FilesFormat::Statement(Dialect::Mt940, _) => ("mt940", None),
    };
    page.text("format", format);
    if let Some(content) = content {
        page.text("content", content);
    }
    if let Some(label) = &files.label {
        page.text("label", label);
    }
    page.duration("ack_within", files.ack_within.unwrap_or_default());
}

/// The section of its bank account, where it has one.
fn show_statement(page: &mut Page, name: &str, files: &FilesConfig) {
    let FilesFormat::Statement(_, statement) = &files.format else { return };
    page.section(&format!("erp.{name}.statement"));
    page.text("number", &statement.number);
    if !statement.bank.is_empty() {
        page.text("bank", &statement.bank);
    }
    page.text("currency", statement.currency.as_str());
    page.text("opening_balance", &statement.opening_balance.to_string());
    if let Some(key) = &statement.account_key {
        page.text("account_key", key);
    }
    if let Some(zone) = statement.timezone {
        page.text("timezone", zone.name());
    }
    page.duration("after", statement.after);
}

fn show_webhook(page: &mut Page, webhook: &WebhookConfig) {
    page.text("kind", "webhook");
    page.text("url", webhook.url.as_str());
    page.text("secret", HIDDEN);
    if webhook.previous_secret.is_some() {
        page.text("previous_secret", HIDDEN);
    }
    page.bare("allow_private", webhook.allow_private);
    let retry: Vec<String> = webhook.retry.iter().map(|wait| quoted(&show(*wait))).collect();
    page.bare("retry", format!("[{}]", retry.join(", ")));
    page.duration("request_timeout", webhook.request_timeout);
}

#[derive(Default)]
struct Page {
    text: String,
}

impl Page {
    fn section(&mut self, path: &str) {
        let gap = if self.text.is_empty() { "" } else { "\n" };
        self.line(format_args!("{gap}[{path}]"));
    }

    fn text(&mut self, key: &str, value: &str) {
        self.line(format_args!("{key} = {}", quoted(value)));
    }

    fn bare(&mut self, key: &str, value: impl std::fmt::Display) {
        self.line(format_args!("{key} = {value}"));
    }

    fn duration(&mut self, key: &str, value: Duration) {
        self.text(key, &show(value));
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        writeln!(self.text, "{line}").expect("writing to memory");
    }
}

/// A JSON string is a TOML string but for the one control character that JSON leaves bare.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string().replace('\u{7f}', "\\u007f")
}

/// A name as a TOML key, quoted only where it must be.
fn key(name: &str) -> String {
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if plain { name.to_owned() } else { quoted(name) }
}

/// A database URL without its password, in whichever of the two places it stands.
fn without_password(url: &SecretString) -> String {
    let Ok(mut url) = Url::parse(url.expose_secret()) else { return HIDDEN.to_owned() };
    if url.password().is_some() && url.set_password(Some(HIDDEN)).is_err() {
        return HIDDEN.to_owned();
    }
    if url.query().is_some() {
        let pairs: Vec<(String, String)> = url
            .query_pairs()
            .map(|(name, value)| {
                let value = if name.contains("password") { HIDDEN.into() } else { value };
                (name.into_owned(), value.into_owned())
            })
            .collect();
        url.query_pairs_mut().clear().extend_pairs(pairs);
    }
    url.to_string()
}
