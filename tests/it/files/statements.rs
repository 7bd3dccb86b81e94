//! Sixty days of a business as bank statements: they chain, and they are its payouts, to the cent; and programs that nobody here wrote
//! read them.

#![expect(clippy::print_stderr, reason = "how much was judged is worth reading")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use paystand_sync::sandbox::BooksTruth;
use rust_decimal::Decimal;
use serde_json::json;

use super::business::{DIALECTS, OPENING, Town, number};
use super::reader::{Reader, Statement};
use crate::harness::column;
use crate::tryton::acme::Acme;

const DAYS: usize = 60;
const SEED: u64 = 3;

fn decimal(text: &str) -> Decimal {
    text.parse().expect("a decimal")
}

/// What each transfer brought, as it happened: one that came back brought nothing.
fn payouts(truth: &BooksTruth) -> BTreeMap<String, Decimal> {
    let paid = truth.payouts.iter().filter(|payout| payout.status == "paid");
    paid.map(|payout| (payout.transfer_id.clone(), payout.amount.normalize())).collect()
}

/// The same as the statements tell it.
fn told(statements: &[Statement]) -> BTreeMap<String, Decimal> {
    let mut sums: BTreeMap<String, Decimal> = BTreeMap::new();
    for (id, _, amount) in statements.iter().flat_map(|statement| &statement.lines) {
        let transfer = id.split([':', '.']).next().expect("a first part");
        *sums.entry(transfer.to_owned()).or_default() += decimal(amount);
    }
    sums.retain(|_, sum| !sum.is_zero());
    sums.into_iter().map(|(id, sum)| (id, sum.normalize())).collect()
}

/// The files of a folder, in order.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let mut files: Vec<PathBuf> = entries.filter(|path| path.is_file()).collect();
    files.sort();
    files
}

#[tokio::test]
async fn sixty_days_of_payouts_chain_and_are_what_happened() {
    let town = Town::open(SEED).await;
    let started = std::time::Instant::now();
    for _ in 0..DAYS + 3 {
        town.day().await;
    }
    eprintln!("{DAYS} days in {:?}", started.elapsed());
    let open =
        "select adapter || ' ' || state || ' ' || key || ' ' || coalesce(reason, '') from paystand_sync.ledger_entry
                where state not in ('posted', 'baseline', 'not_applicable') order by position";
    assert_eq!(column(&town.database.pool, open).await, Vec::<String>::new());
    let truth = town.truth();
    town.weekend().await;
    let mut before: Option<Vec<Statement>> = None;
    for (name, _) in DIALECTS {
        let read = Reader::of(&town.folder(name)).all();
        let statements: Vec<Statement> = read.statements.into_iter().flatten().collect();
        assert_eq!(decimal(&statements[0].opening), decimal(OPENING), "{name}");
        let bank = truth.roles[&("bank".to_owned(), "USD".to_owned())];
        let last = statements.last().expect("some");
        assert_eq!(decimal(&last.closing), decimal(OPENING) + bank, "{name}: closing of the last day");
        assert_eq!(told(&statements), payouts(&truth), "{name}: payouts");
        let lines = statements.iter().map(|statement| statement.lines.len()).sum::<usize>();
        eprintln!("{name}: {} statements with {lines} lines", statements.len());
        if let Some(before) = before {
            let amounts = |of: &[Statement]| of.iter().map(|it| decimal(&it.closing)).collect::<Vec<_>>();
            assert_eq!(amounts(&before), amounts(&statements), "{name}: the same days as the one before");
        }
        before = Some(statements);
    }
    journal_is_whole(&town).await;
    dumped(&town.folder("ofx"), before.expect("three of them").len());
    imported(&town).await;
}

/// Every entry that is posted stands in the file that its receipt names, and in no other.
async fn journal_is_whole(town: &Town) {
    for name in ["csv", "jsonl"] {
        let places = Reader::of(&town.folder(name)).all().places;
        let read: Vec<String> = places
            .iter()
            .map(|(key, places)| {
                let [place] = &places[..] else { panic!("{key} stands at {places:?}") };
                format!("{} {place}", key.splitn(4, ':').last().expect("a key"))
            })
            .collect();
        let posted = format!(
            "select key || ' ' || receipt from paystand_sync.ledger_entry where adapter = '{name}' and state = 'posted' order by 1"
        );
        let mut posted = column(&town.database.pool, &posted).await;
        let mut read = read;
        posted.sort();
        read.sort();
        assert!(read.len() > 100, "{name}: only {} entries", read.len());
        assert_eq!(read, posted, "{name}");
    }
}

fn is_without(judge: &str) -> bool {
    let without = std::env::var("PAYSTAND_SYNC_WITHOUT").unwrap_or_default();
    without.split_whitespace().any(|name| name == judge)
}

/// `libofx` reads every statement.
fn dumped(folder: &Path, statements: usize) {
    if is_without("ofxdump") {
        return;
    }
    let files = files(folder);
    assert_eq!(files.len(), statements);
    let reader = Reader::of(folder);
    let read: Vec<Statement> = reader.all().statements.into_iter().flatten().collect();
    for (path, statement) in files.iter().zip(&read) {
        let output = Command::new("ofxdump").arg(path).output().expect("ofxdump is installed");
        let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {text}", path.display());
        assert!(!text.contains("ERROR"), "{}: {text}", path.display());
        for (id, _, amount) in &statement.lines {
            assert!(text.contains(&format!("Financial institution's ID for this transaction: {id}")), "{id}: {text}");
            assert!(text.contains(&format!("Total money amount: {:.2}", decimal(amount))), "{amount}: {text}");
        }
        let closing = decimal(&statement.closing);
        assert!(text.contains(&format!("Ledger balance: {closing:.2}")), "{closing}: {text}");
    }
    eprintln!("ofxdump read {statements} statements");
}

/// Tryton's own importers read all three, and its statements are the same.
async fn imported(town: &Town) {
    let Some(acme) = Acme::open().await else { return };
    for ((name, _), format) in DIALECTS.into_iter().zip(["ofx", "camt_053_001", "mt940"]) {
        let journal = bank_journal(&acme, name).await;
        let read: Vec<Statement> = Reader::of(&town.folder(name)).all().statements.into_iter().flatten().collect();
        for path in files(&town.folder(name)) {
            import(&acme, format, &path).await;
        }
        let rows =
            "select s.start_balance || ' ' || s.end_balance || ' ' || coalesce(sum(o.amount), 0) || ' ' || count(o.id)
                    from account_statement s left join account_statement_origin o on o.statement = s.id
                    where s.journal = JOURNAL group by s.id order by s.id";
        let held = column(&acme.server.pool, &rows.replace("JOURNAL", &journal.to_string())).await;
        let plain = |row: &str| row.split(' ').map(|cell| decimal(cell).normalize().to_string()).collect::<Vec<_>>();
        let held: Vec<_> = held.iter().map(|row| plain(row)).collect();
        let expected = read.iter().map(|it| {
            let sum: Decimal = it.lines.iter().map(|line| decimal(&line.2)).sum();
            plain(&format!("{} {} {sum} {}", it.opening, it.closing, it.lines.len()))
        });
        assert_eq!(held, expected.collect::<Vec<_>>(), "{name} in Tryton");
        eprintln!("Tryton imported {} statements as {format}", held.len());
    }
}

/// A bank account with a journal for its statements.
async fn bank_journal(acme: &Acme, name: &str) -> i64 {
    let bank = acme.create("bank", json!({ "party": acme.party(&format!("BANK-{name}")).await })).await;
    let company = acme.ids("company.company", json!([])).await[0];
    let read = acme.server.call("model.company.company.read", json!([[company], ["party"]])).await;
    let owner = read[0]["party"].as_i64().expect("a party");
    let numbers = json!([["create", [{ "type": "other", "number": number(name) }]]]);
    let account = json!({ "bank": bank, "owners": [["add", [owner]]], "currency": 1, "numbers": numbers });
    let account = acme.create("bank.account", account).await;
    let book = acme.create("account.journal", json!({ "name": name, "code": name, "type": "statement" })).await;
    let cash = acme.ids("account.account", json!([["code", "=", "PS-BANK"]])).await[0];
    let journal = json!({
        "name": name, "journal": book, "currency": 1, "company": company, "validation": "balance",
        "bank_account": account, "account": cash,
    });
    acme.create("account.statement.journal", journal).await
}

/// What a person does in the menu "Import Statement".
async fn import(acme: &Acme, format: &str, path: &Path) {
    use base64::Engine as _;
    let bytes = base64::prelude::BASE64_STANDARD.encode(fs::read(path).expect("a file"));
    let wizard = "wizard.account.statement.import";
    let session = acme.server.call(&format!("{wizard}.create"), json!([])).await[0].as_i64().expect("a session");
    let start = json!({
        "company": 1, "file_": { "__class__": "bytes", "base64": bytes }, "file_format": format,
        "file_name": path.file_name().and_then(|name| name.to_str()),
    });
    acme.server.call(&format!("{wizard}.execute"), json!([session, { "start": start }, "import_"])).await;
    acme.server.call(&format!("{wizard}.delete"), json!([session])).await;
}
