//! What each verb says to input that cannot be right: one sentence, the next step, exit code 2.

use super::{complained, pinned, read_once};

#[tokio::test]
async fn every_verb_says_what_is_wrong_and_what_to_do() {
    let (_server, site) = read_once().await;
    for (name, arguments) in [
        ("unknown_verb", &["pays"][..]),
        ("run_unknown_resource", &["run", "--once", "--resource", "paymets"]),
        ("run_no_date", &["run", "--once", "--since", "yesterday"]),
        ("demo_no_payments", &["demo", "--payments", "0"]),
        ("status_unknown_flag", &["status", "--yaml"]),
        ("check_unknown_flag", &["check", "--all"]),
        ("config_unknown", &["config", "edit"]),
        ("migrate_too_much", &["migrate", "now"]),
        ("explain_packet_nowhere", &["explain", "INV-2201", "--packet", "nowhere/evidence.packet"]),
        ("reconcile_no_date", &["reconcile", "--date", "2026-13-01"]),
        ("explain_nothing_known", &["explain", "pm_of_nobody"]),
        ("exceptions_no_such", &["exceptions", "show", "999999"]),
        ("exceptions_retry_no_such", &["exceptions", "retry", "999999", "--reason", "why not"]),
        ("exceptions_resolve_without_reason", &["exceptions", "resolve", "1"]),
        ("exceptions_assign_no_such", &["exceptions", "assign", "999999", "ben", "--reason", "why not"]),
        ("pause_unknown_adapter", &["pause", "adapter", "ledger", "--reason", "month end"]),
        ("pause_unknown_resource", &["pause", "resource", "paymets", "--reason", "month end"]),
        ("resume_unknown_adapter", &["resume", "adapter", "ledger", "--reason", "month end"]),
        ("replay_nothing", &["replay", "--reason", "to be sure"]),
        ("adapter_rename_unknown", &["adapter", "rename", "nobody", "somebody", "--reason", "typo"]),
        ("adapter_redrop_no_folder", &["adapter", "redrop", "erp", "7", "--reason", "lost"]),
        ("adapter_rebind_unknown", &["adapter", "rebind", "nobody", "--reason", "moved"]),
        ("export_unknown_adapter", &["export", "hledger", "--adapter", "ledger"]),
        ("export_unknown_format", &["export", "quicken"]),
        ("audit_no_head", &["audit", "verify", "--head", "12"]),
        ("audit_no_packet", &["audit", "verify", "--packet", "missing.packet"]),
        ("check_live_nobody", &["check", "--live"]),
        ("completions_unknown", &["completions", "cmd"]),
    ] {
        pinned(&site, &format!("mistake_{name}"), &complained(&site, arguments));
    }
}
