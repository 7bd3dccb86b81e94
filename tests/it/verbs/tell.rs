//! Verbs that tell how things stand.

use super::{pinned, read_once, said};
use crate::harness::number;

#[tokio::test]
async fn status_reconcile_and_export() {
    let (_server, site) = read_once().await;
    for (name, arguments) in [
        ("status", &["status"][..]),
        ("status_json", &["status", "--json"]),
        ("reconcile", &["reconcile"]),
        ("reconcile_json", &["reconcile", "--json"]),
        ("reconcile_day", &["reconcile", "--date", "2026-05-14"]),
        ("export_hledger", &["export", "hledger"]),
        ("export_beancount", &["export", "beancount"]),
        ("migrate", &["migrate"]),
        ("check", &["check"]),
        ("check_json", &["check", "--json"]),
        ("adapter_rebind", &["adapter", "rebind", "staging", "--reason", "the server moved"]),
        ("config_show", &["config", "show"]),
    ] {
        pinned(&site, name, &said(&site, arguments));
    }
    assert!(site.run(&["completions", "bash"]).stdout.contains("complete -F"));
    assert!(site.run(&["--help"]).stdout.contains("Exit codes: 0 clean"));
}

#[tokio::test]
async fn exceptions_and_what_persons_do_about_them() {
    let (_server, site) = read_once().await;
    // The documented payout and its documented report do not add up.
    assert_eq!(site.run(&["reconcile"]).code, Some(6));
    let exceptions =
        number(site.pool(), "select count(*) from paystand_sync.exception where resolved_at is null").await;
    assert!(exceptions > 0, "there is something to see");
    let one =
        number(site.pool(), "select min(id) from paystand_sync.exception where resolved_at is null").await.to_string();
    for (name, arguments) in [
        ("exceptions_list", &["exceptions", "list"][..]),
        ("exceptions_list_json", &["exceptions", "list", "--json"]),
        ("exceptions_show", &["exceptions", "show", &one]),
        ("exceptions_show_json", &["exceptions", "show", &one, "--json"]),
        ("exceptions_assign", &["exceptions", "assign", &one, "ben", "--reason", "knows the customer"]),
        ("exceptions_show_assigned", &["exceptions", "show", &one]),
        ("pause", &["pause", "adapter", "staging", "--reason", "month end"]),
        ("pause_again", &["pause", "adapter", "staging", "--reason", "month end"]),
        ("status_paused", &["status"]),
        ("resume", &["resume", "adapter", "staging", "--reason", "month end is over"]),
        ("replay", &["replay", "--resource", "payments", "--from", "2026-05-01", "--reason", "to be sure"]),
        ("exceptions_resolve", &["exceptions", "resolve", &one, "--reason", "looked into"]),
        ("audit_verify", &["audit", "verify"]),
        ("audit_export", &["audit", "export"]),
    ] {
        pinned(&site, name, &said(&site, arguments));
    }
}
