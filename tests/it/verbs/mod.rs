//! What every verb says, as text and as JSON, to good input and to bad: pinned, so that nobody's script breaks unseen.
//!
//! Instants of the run, ages, hashes over them, ports and folders are written as `[now]`, `[age]`, `[hash]`, `[port]` and `[home]`;
//! widths of columns are not part of it. After a change that is meant: `INSTA_UPDATE=always cargo test --test it verbs`, and read
//! the difference.

mod evidence;
mod mistakes;
mod tell;

use insta::Settings;

use crate::harness::{Finished, Site};
use crate::literal::{CUSTOMER_ID, Literal};
use crate::mirror::documented;

/// A run as it is pinned: what was asked, how it ended, what it said.
fn said(site: &Site, arguments: &[&str]) -> String {
    let Finished { code, stdout, .. } = &site.run(arguments);
    format!("$ paystand-sync {}\n{}\nexit code {}", arguments.join(" "), stdout.trim_end(), code.unwrap_or(-1))
}

/// The same where it complains.
fn complained(site: &Site, arguments: &[&str]) -> String {
    let finished = site.run(arguments);
    let said: Vec<&str> = finished.stderr.lines().filter(|line| !line.starts_with('{')).collect();
    let code = finished.code.unwrap_or(-1);
    assert!(finished.stdout.is_empty(), "a refused verb has no result: {finished}");
    format!("$ paystand-sync {}\n{}\nexit code {code}", arguments.join(" "), said.join("\n"))
}

/// Compares with what is pinned under that name.
fn pinned(site: &Site, name: &str, said: &str) {
    let mut settings = Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let home = site.directory.path().display().to_string();
    settings.add_filter(&regex_of(&home), "[home]");
    let today = r"(2026-(0[7-9]|1\d)|20(2[7-9]|[3-9]\d)-\d\d)-\d\d";
    settings.add_filter(&format!(r"{today}T[0-9:.]+(Z|\+00:00)"), "[now]");
    settings.add_filter(today, "[today]");
    settings.add_filter(r"\b[0-9a-f]{64}\b", "[hash]");
    settings.add_filter(r"127\.0\.0\.1:\d+", "127.0.0.1:[port]");
    settings.add_filter(r#"postgres://[^"]*"#, "[database]");
    settings.add_filter(r"\b\d+ (s|min|h|d)\b", "[age]");
    settings.add_filter(r#""(age|lag)_seconds": \d+"#, r#""${1}_seconds": [age]"#);
    settings.add_filter(r" {2,}", "  ");
    settings.add_filter("[─═]{2,}", "──");
    settings.bind(|| insta::assert_snapshot!(name, said));
}

fn regex_of(text: &str) -> String {
    text.chars().map(|c| if c.is_alphanumeric() || c == '/' { c.to_string() } else { format!("\\{c}") }).collect()
}

/// A site that has read the documented books, whoever runs the tests.
async fn read_once() -> (Literal, Site) {
    let server = Literal::start();
    server.books(documented);
    let mut site = Site::new(&server).await;
    site.set_variable("USER", "ana");
    site.once();
    (server, site)
}

/// The customer whose books they are.
const MERCHANT: &str = CUSTOMER_ID;
