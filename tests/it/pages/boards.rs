//! The board and the alerts: whatever they ask for is there, and every alert leads to a line of the runbook.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::documented_books;
use crate::literal::Literal;

const PREFIX: &str = "paystand_sync_";

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect(path)
}

fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).expect(folder);
    let files = entries.map(|entry| entry.expect("an entry").path());
    files.filter(|path| path.extension().is_some_and(|it| it == extension)).collect()
}

/// Every metric that a text names.
fn named(text: &str) -> BTreeSet<String> {
    let parts = text.match_indices(PREFIX).map(|(place, _)| &text[place..]);
    parts.map(|part| part.chars().take_while(|it| it.is_ascii_alphanumeric() || *it == '_').collect()).collect()
}

#[tokio::test]
async fn every_metric_on_the_board_and_in_the_alerts_exists() {
    let server = Literal::start();
    let shown = documented_books(&server).await;
    shown.settled().await;
    let metrics = shown.get("/metrics").await;
    assert!(metrics.headers["content-type"].to_str().expect("text").starts_with("application/openmetrics-text"));
    assert!(metrics.body.ends_with("# EOF\n"), "it is whole");
    let there: BTreeSet<&str> = metrics
        .body
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split(['{', ' ']).next())
        .collect();
    let mut wanted = BTreeSet::new();
    for path in files("packaging/grafana", "json").into_iter().chain(files("packaging/prometheus", "yaml")) {
        let found = named(&std::fs::read_to_string(&path).expect("a text"));
        assert!(!found.is_empty(), "{} names no metric", path.display());
        wanted.extend(found);
    }
    let missing: Vec<&String> = wanted.iter().filter(|name| !there.contains(name.as_str())).collect();
    assert!(missing.is_empty(), "{missing:?} are not among {there:?}");
    // Labels are what the configuration bounds: no id of a record is one.
    for id in ["pm6y3u9i1o7p4a8s2d5f0g3h", "tr5g2h9j6k3l0z7x4c1v8b5n", "INV-2201"] {
        assert!(!metrics.body.contains(id), "{id} is a label");
    }
    let undocumented: Vec<&&str> = there.iter().filter(|name| !read("docs/operations.md").contains(**name)).collect();
    assert!(undocumented.is_empty(), "docs/operations.md does not explain {undocumented:?}");
}

#[test]
fn every_alert_leads_to_its_line_of_the_runbook() {
    let runbook = read("docs/runbook.md");
    let mut alerts = 0;
    for path in files("packaging/prometheus", "yaml") {
        let text = std::fs::read_to_string(&path).expect("a text");
        for alert in text.split("- alert: ").skip(1) {
            let name = alert.lines().next().expect("a name").trim();
            let heading = format!("## {name}\n");
            assert!(runbook.contains(&heading), "docs/runbook.md has no heading {name}");
            assert!(
                alert.contains(&format!("runbook: docs/runbook.md#{}", name.to_lowercase())),
                "{name} names no runbook"
            );
            assert!(alert.contains("summary: ") && alert.contains("for: "), "{name}");
            alerts += 1;
        }
    }
    assert_eq!(alerts, runbook.matches("\n## ").count(), "each heading belongs to an alert");
}

#[test]
fn the_board_is_json_with_titles() {
    for path in files("packaging/grafana", "json") {
        let board: serde_json::Value =
            serde_json::from_str(&std::fs::read_to_string(&path).expect("a text")).expect("JSON");
        let panels = board["panels"].as_array().expect("panels");
        assert!(panels.len() >= 8, "{}", path.display());
        assert!(panels.iter().all(|panel| panel["title"].is_string() && panel["targets"][0]["expr"].is_string()));
    }
}
