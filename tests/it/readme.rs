//! What the README says to copy and paste is pasted, as it stands, but for the build and the port.

use std::path::Path;
use std::process::Command;

const README: &str = include_str!("../../README.md");
const TEN_MINUTES: &str = "## Ten minutes with a simulated Paystand";

/// The first block of commands below a heading.
fn block(heading: &str) -> &'static str {
    let (_, section) = README.split_once(heading).expect("the heading is there");
    let (_, rest) = section.split_once("```sh\n").expect("a block of commands");
    rest.split_once("```").expect("its end").0
}

#[test]
fn from_a_clone_to_an_explained_payment_by_copy_and_paste() {
    let programs = Path::new(env!("CARGO_BIN_EXE_paystand-sync")).parent().expect("a directory");
    let home = tempfile::tempdir().expect("a temporary directory");
    let port =
        std::net::TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("an address").port();
    let script = block(TEN_MINUTES)
        .replace("cargo build --release --locked\n", "")
        .replace("paystand-sandbox --economy", &format!("paystand-sandbox --listen 127.0.0.1:{port} --economy"))
        .replace("127.0.0.1:8970", &format!("127.0.0.1:{port}"))
        .replace("target/release", &programs.display().to_string());
    // As in a terminal: a command that ends with another code than 0 does not end the session, and jobs have numbers.
    let script = format!("set -m\n{}", script.replace("\nkill %1\n", "\necho \"verified: $?\"\nkill %1\n"));
    let output = Command::new("bash")
        .arg("-c")
        .arg(&script)
        .env_clear()
        .env("HOME", home.path())
        .env("PATH", std::env::var("PATH").expect("a search path"))
        .envs(std::env::var("PG_BIN").map(|it| ("PG_BIN", it)))
        .output()
        .expect("bash runs");
    let (told, complaints) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    for part in [
        "credentials of acme: ok",
        "lists of acme: ok, 11 readable",
        "receivable_transactions",
        "INV-1001",
        "erp.journal_entry/",
        "posted",
        "0 wrong",
        "unchanged since it was written",
        "verified: 0",
    ] {
        assert!(told.contains(part), "`{part}` is missing in\n{told}\n{complaints}");
    }
    assert!(!complaints.contains("paystand-sync:"), "{complaints}");
}
