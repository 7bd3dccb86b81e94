//! The rules of the house, held against the source text: who may import whom, and what pure code may name.

use std::path::{Path, PathBuf};

/// Every `.rs` file below `src/PART` with its text, tests left out.
fn sources(part: &str) -> Vec<(PathBuf, String)> {
    let mut open = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(part)];
    let mut sources = Vec::new();
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(std::fs::read_dir(&path).expect("a folder").map(|entry| entry.expect("an entry").path()));
        } else if path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("tests.rs") {
            let text = std::fs::read_to_string(&path).expect("a text");
            let product = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default().to_owned();
            sources.push((path, product));
        }
    }
    assert!(!sources.is_empty(), "src/{part} is empty");
    sources.retain(|(path, _)| !path.components().any(|part| part.as_os_str() == "tests"));
    sources
}

fn assert_free_of(part: &str, words: &[String]) {
    for (path, text) in sources(part) {
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//")) {
            let found = words.iter().find(|word| line.contains(word.as_str()));
            assert!(found.is_none(), "{}:{}: {line}", path.display(), number + 1);
        }
    }
}

fn imports(modules: &[&str]) -> Vec<String> {
    modules.iter().map(|module| format!("crate::{module}::")).collect()
}

#[test]
fn pure_code_performs_no_io_and_asks_for_no_time() {
    let words: Vec<String> =
        ["tokio::", "sqlx::", "reqwest::", "std::fs", "std::net", "Utc::now", "Instant::now", "rand::"]
            .map(str::to_owned)
            .to_vec();
    for part in ["model", "scan", "normalize", "events", "journal", "export", "reconcile", "ledger"] {
        assert_free_of(part, &words);
    }
}

#[test]
fn pure_code_imports_no_edge_and_no_driver() {
    let others = imports(&["paystand", "store", "erp", "ops", "engine", "cli", "config", "sandbox", "clock"]);
    for part in ["model", "scan", "normalize", "events", "journal", "export", "reconcile", "ledger"] {
        assert_free_of(part, &others);
    }
}

#[test]
fn edges_never_import_one_another_nor_the_engine() {
    let edges = ["paystand", "store", "erp", "ops"];
    for edge in edges {
        let mut others: Vec<&str> = edges.into_iter().filter(|other| *other != edge).collect();
        others.extend(["engine", "cli", "conformance", "sandbox"]);
        assert_free_of(edge, &imports(&others));
    }
}

#[test]
fn the_simulated_paystand_shares_nothing_with_the_client_but_words() {
    assert_free_of("sandbox", &imports(&["paystand", "scan", "normalize", "store", "erp", "engine", "config"]));
}

#[test]
fn nothing_but_tests_runs_the_battery() {
    for part in ["engine", "cli", "config", "erp"] {
        assert_free_of(part, &imports(&["conformance"]));
    }
}

#[test]
fn no_float_stands_on_a_money_path() {
    let floats = ["f64", "f32"].map(str::to_owned);
    for part in [
        "model",
        "scan",
        "normalize",
        "events",
        "journal",
        "export",
        "reconcile",
        "ledger",
        "store",
        "erp",
        "engine",
        "conformance",
        "sandbox",
    ] {
        assert_free_of(part, &floats);
    }
}

#[test]
fn every_table_and_column_has_a_comment() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let mut text = String::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        text += &std::fs::read_to_string(entry.expect("an entry").path()).expect("a text");
    }
    for table in text.split("create table ").skip(1) {
        let (name, rest) = table.split_once(" (").expect("a table has columns");
        assert!(text.contains(&format!("comment on table {name} is")), "{name} has no comment");
        let columns = rest.split("\n);").next().expect("a table ends");
        for line in columns.lines().filter(|line| line.starts_with("    ") && !line.starts_with("     ")) {
            let column = line.split_whitespace().next().unwrap_or_default();
            if !matches!(column, "primary" | "foreign" | "unique" | "check" | "") {
                let comment = format!("comment on column {name}.{column} is");
                assert!(text.contains(&comment), "{name}.{column} has no comment");
            }
        }
    }
}

/// The snake case word that stands in quotes behind `before`, wherever that occurs.
fn words_behind<'a>(text: &'a str, before: &str) -> Vec<&'a str> {
    let behind = text.match_indices(before).filter_map(|(place, _)| {
        let quoted = text[place + before.len()..].trim_start().strip_prefix('"')?;
        quoted.split('"').next()
    });
    behind.filter(|word| word.contains('_') && word.chars().all(|c| c.is_ascii_lowercase() || c == '_')).collect()
}

#[test]
fn a_person_is_told_what_to_do_first_about_every_class_of_exceptions() {
    let mut classes = 0;
    for part in ["engine", "store/ingest.rs", "store/seal.rs", "journal", "events"] {
        for (path, text) in sources(part) {
            for before in ["trouble(", "class: ", "Class { name: ", "&str = "] {
                for class in words_behind(&text, before) {
                    let advice = paystand_sync::reconcile::known(class);
                    assert!(advice.is_some(), "{}: {class} has no first action", path.display());
                    classes += 1;
                }
            }
        }
    }
    assert!(classes > 25, "only {classes} classes were found");
}
