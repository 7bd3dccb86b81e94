//! What a long history costs: the same changes are read, booked, posted and shown over few rows and over many, counted in blocks; and
//! whether rows that change again and again leave more behind than they must.
//!
//! - Statements are those of the real program, as `pg_stat_statements` counts them. Blocks and rows do not depend on the machine.
//! - A b-tree over many rows is a few blocks deeper than one over few: so many more are granted for each descent, and no others.

mod bloat;
mod counts;
mod filling;
mod site;

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, ensure};
use serde::Serialize;
use serde_json::json;
use sqlx::PgConnection;

use crate::postgres::Postgres;
use crate::statements::{self, Statement, start};
use filling::Filled;
use site::Site;

/// What many rows are compared with.
const FEW: u64 = 10_000;
/// The business itself, and what of it changes and comes anew while the statements are counted.
const PAYMENTS: usize = 200;
const CHANGED: i64 = 25;
const CREATED: usize = 25;

/// How many times the blocks of few rows many may take.
const BLOCKS_MAX: f64 = 1.2;
/// Descents into large b-trees that count for a row: to look it up, into its key, and into one more index. The others have few rows, or it
/// enters them where the row before it did.
const DESCENTS_MAX: i64 = 3;
/// Blocks a call of a statement that ran at one size only, such as the renewal of a lease.
const ONCE_BLOCKS_MAX: f64 = 50.0;
/// What a call may take beyond that: whether a table of few rows has one just then, or none, is no matter of the history.
const ALWAYS_BLOCKS: f64 = 8.0;
/// Statements that touch fewer are only in the file.
const SHOWN_BLOCKS: i64 = 50;

/// Statements that read much by their nature, seldom: how each begins or what only it says, and what it is.
const MUCH: [(&str, &str); 4] = [
    ("select distinct root from event", "the next 500 accounts, for the hourly tie-out"),
    ("from event where merchant = $1 and root = any($2) order by", "their events"),
    ("from journal_entry j where j.merchant = $1 and j.event_key", "their entries"),
    ("root is not null order by position", "events of transfers, for the hourly tie-out"),
];
/// What Postgres looks at when a process has stored or booked twice as much as before.
const LOOKS: [&str; 2] = [
    "analyze record, record_version, ledger_entry, open_item",
    "analyze booking, event, home, journal_entry, journal_line, ledger_entry",
];

/// What belongs to what, by what the statement says; the first that fits counts.
const PARTS: [(&str, &str); 15] = [
    ("with settled as", "settle"),
    ("insert into attempt", "settle"),
    ("select exists (select from adapter", "settle"),
    ("with claimed as", "claim"),
    ("from claim where adapter", "claim"),
    ("\"erp\".", "target"),
    ("booking", "booking"),
    ("insert into event", "booking"),
    ("from event", "booking"),
    ("join event", "booking"),
    ("home", "booking"),
    ("insert into journal", "booking"),
    ("insert into ledger_entry (merchant, resource, key, adapter, source_id, version, what", "booking"),
    ("select adapter, count(*)", "looks"),
    ("journal_line", "looks"),
];
const TAIL: &str = "tail poll and the rest";
const STATUS: &str = "`status`";

/// One size.
#[derive(Debug, Serialize)]
struct Measured {
    rows: u64,
    /// Of each table.
    tables: BTreeMap<String, i64>,
    database_bytes: i64,
    fill_seconds: f64,
    /// Entries of the ledger that the changes made.
    entries: i64,
    daemon: Vec<Statement>,
    status: Vec<Statement>,
    status_seconds: f64,
    peak_rss_mib: f64,
    /// Sequential scans of each table, while the statements were counted.
    scans: BTreeMap<String, i64>,
    depths: BTreeMap<String, i64>,
    /// Of each look, in seconds.
    looks: Vec<(&'static str, f64)>,
    #[serde(skip)]
    filled: Filled,
}

impl Measured {
    /// Rows that a statement is given, or those that it looks through where they are more.
    fn given(&self, text: &str) -> i64 {
        let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
        let open_items = *self.tables.get("open_item").unwrap_or(&0);
        let given = if says(&["unnest(", "any("]) { self.entries } else { 0 };
        let looked_through = if says(&["from open_item"]) { open_items } else { 0 };
        given.max(looked_through)
    }
}

/// One statement at both sizes.
#[derive(Debug, Serialize)]
struct Compared<'a> {
    part: &'static str,
    text: &'a str,
    few: Option<&'a Statement>,
    many: Option<&'a Statement>,
    /// Blocks that are granted.
    bound: f64,
    is_more: bool,
}

impl Compared<'_> {
    fn is_worth_a_line(&self) -> bool {
        self.is_more || self.many.is_some_and(|it| it.blocks >= SHOWN_BLOCKS)
    }
}

pub async fn all(scratch: &Path, rows: u64, result: &Path) -> anyhow::Result<()> {
    ensure!(rows > FEW, "more than {FEW} rows are compared with so many");
    let postgres = Postgres::start(scratch).await?;
    let few = measure(&postgres, scratch, ("few", FEW)).await?;
    filling::ensure_room(scratch, (FEW, few.filled), rows)?;
    let many = measure(&postgres, scratch, ("many", rows)).await?;
    let deeper = deeper(&few.depths, &many.depths);
    let compared = compare(&few, &many, deeper);
    print_sizes(&few, &many, deeper);
    print_parts(&compared);
    print_much(&many);
    let bloat = bloat::measure(&postgres, scratch).await?;
    bloat::print(&bloat);
    let faults = faults(&compared, &many, &bloat);
    let figures =
        json!({ "few": few, "many": many, "deeper": deeper, "compared": compared, "bloat": bloat, "faults": faults });
    std::fs::write(result, serde_json::to_string_pretty(&figures)?).context("the result is written")?;
    ensure!(faults.is_empty(), "it grows with the history:\n{}", faults.join("\n"));
    Ok(())
}

async fn measure(
    postgres: &Postgres,
    scratch: &Path,
    (database, rows): (&'static str, u64),
) -> anyhow::Result<Measured> {
    let mut site = Site::open(postgres, scratch, database, PAYMENTS).await?;
    let mut ids = site.posted(CHANGED).await?;
    let filled = filling::fill(&mut site.connection, rows).await?;
    let sizes = counts::sizes(&mut site.connection).await?.into_iter();
    let tables = sizes.filter(|(_, size)| size.is_table).map(|(name, size)| (name, size.rows)).collect();
    let depths = counts::depths(&mut site.connection).await?;
    let wanted = site.versions(&ids).await? + i64::try_from(ids.len() + CREATED)?;
    let (last, before) = (last_entry(&mut site.connection).await?, counts::scans(&mut site.connection).await?);
    site.change(&ids, 0).await?;
    ids.extend(site.create(CREATED).await?);
    statements::forget(&mut site.connection).await?;
    let cost = site.work("some changes", &ids, wanted).await?;
    let daemon = statements::counted(&mut site.connection).await?;
    // What the changes left dead is passed once more by whoever looks first, and who that is differs from run to run.
    sqlx::raw_sql("vacuum ledger_entry, booking, claim").execute(&mut site.connection).await?;
    statements::forget(&mut site.connection).await?;
    let status_seconds = site.status().await?;
    let status = statements::counted(&mut site.connection).await?;
    let after = counts::scans(&mut site.connection).await?;
    let scans = after.into_iter().map(|(table, scans)| (table.clone(), scans - before.get(&table).unwrap_or(&0)));
    Ok(Measured {
        rows,
        tables,
        database_bytes: filled.bytes,
        fill_seconds: filled.seconds,
        entries: last_entry(&mut site.connection).await? - last,
        daemon,
        status,
        status_seconds,
        peak_rss_mib: cost.peak_rss_mib,
        scans: scans.collect(),
        depths,
        looks: look(&mut site.connection).await?,
        filled,
    })
}

async fn last_entry(connection: &mut PgConnection) -> anyhow::Result<i64> {
    const SELECT: &str = "select last_value from ledger_entry_position_seq";
    Ok(sqlx::query_scalar(SELECT).fetch_one(connection).await?)
}

async fn look(connection: &mut PgConnection) -> anyhow::Result<Vec<(&'static str, f64)>> {
    let mut looks = Vec::new();
    for statement in LOOKS {
        let started = std::time::Instant::now();
        sqlx::raw_sql(statement).execute(&mut *connection).await?;
        looks.push((statement, started.elapsed().as_secs_f64()));
    }
    Ok(looks)
}

/// How many blocks deeper the b-tree is that has become deepest.
fn deeper(few: &BTreeMap<String, i64>, many: &BTreeMap<String, i64>) -> i64 {
    let more = many.iter().map(|(index, depth)| depth - few.get(index).unwrap_or(depth));
    more.max().unwrap_or_default()
}

fn part(text: &str) -> &'static str {
    PARTS.iter().find(|(says, _)| text.contains(says)).map_or(TAIL, |(_, part)| part)
}

fn what_is_much(text: &str) -> Option<&'static str> {
    MUCH.iter().find(|(says, _)| text.contains(says)).map(|(_, what)| *what)
}

/// Every statement at both sizes, but for those that read much by their nature.
fn compare<'a>(few: &'a Measured, many: &'a Measured, deeper: i64) -> Vec<Compared<'a>> {
    let mut compared = Vec::new();
    for (of_few, of_many, fixed) in [(&few.daemon, &many.daemon, None), (&few.status, &many.status, Some(STATUS))] {
        let find = |all: &'a [Statement], text: &str| all.iter().find(|it| it.text == text);
        let mut texts: Vec<&str> = of_few.iter().chain(of_many).map(|it| &*it.text).collect();
        texts.sort_unstable();
        texts.dedup();
        for text in texts.into_iter().filter(|text| what_is_much(text).is_none()) {
            let (one, other) = (find(of_few, text), find(of_many, text));
            let bound = bound(one, other, deeper, many.given(text));
            #[expect(clippy::cast_precision_loss, reason = "counts of a benchmark")]
            let is_more = other.is_some_and(|it| it.blocks as f64 > bound);
            let part = fixed.unwrap_or_else(|| part(text));
            compared.push(Compared { part, text, few: one, many: other, bound, is_more });
        }
    }
    compared.sort_by_key(|it| std::cmp::Reverse(it.many.map_or(0, |it| it.blocks)));
    compared
}

/// Blocks that a statement may touch over many rows: somewhat more than over few, for as many calls, and what deeper trees take for each
/// row, or for each call that finds none; a statement that is given rows may look each of them up without returning it.
#[expect(clippy::cast_precision_loss, reason = "counts of a benchmark")]
fn bound(few: Option<&Statement>, many: Option<&Statement>, deeper: i64, given: i64) -> f64 {
    let Some(many) = many else { return 0.0 };
    let touched = many.rows.max(many.calls).max(given);
    let depth = (deeper * DESCENTS_MAX * touched) as f64;
    match few {
        Some(few) => {
            BLOCKS_MAX * few.blocks as f64 * (many.calls as f64 / few.calls as f64).max(1.0)
                + ALWAYS_BLOCKS * many.calls as f64
                + depth
        }
        None => ONCE_BLOCKS_MAX * many.calls as f64 + depth,
    }
}

fn faults(compared: &[Compared<'_>], many: &Measured, bloat: &bloat::Bloat) -> Vec<String> {
    let more = compared.iter().filter(|it| it.is_more).map(|it| {
        let blocks = it.many.map_or(0, |many| many.blocks);
        format!("{} blocks where {:.0} are granted: {}", blocks, it.bound, start(it.text))
    });
    let large = many
        .scans
        .iter()
        .filter(|(table, scans)| **scans > 0 && many.tables.get(*table).is_some_and(|rows| rows.unsigned_abs() >= FEW));
    let scanned = large.map(|(table, scans)| format!("{scans} sequential scans of {table}"));
    let bloated = bloat.kept.iter().filter(|it| it.is_bloated());
    let bloated =
        bloated.map(|it| format!("{} takes {:.2} times as much a row after the passes", it.name, it.growth()));
    more.chain(scanned).chain(bloated).collect()
}

fn print_sizes(few: &Measured, many: &Measured, deeper: i64) {
    println!("| | few | many |\n|---|--:|--:|");
    for (table, rows) in many.tables.iter().filter(|(_, rows)| rows.unsigned_abs() >= FEW) {
        println!("| rows of {table} | {} | {rows} |", few.tables.get(table).unwrap_or(&0));
    }
    println!("| database, MB | {} | {} |", few.database_bytes / 1_000_000, many.database_bytes / 1_000_000);
    println!("| filled in, s | {:.1} | {:.1} |", few.fill_seconds, many.fill_seconds);
    println!("| entries made by the changes | {} | {} |", few.entries, many.entries);
    println!("| the daemon's peak, MiB | {:.1} | {:.1} |", few.peak_rss_mib, many.peak_rss_mib);
    println!("| `status`, s | {:.2} | {:.2} |", few.status_seconds, many.status_seconds);
    println!(
        "\nThe b-tree that has become deepest is {deeper} deeper. Granted are {BLOCKS_MAX} times the blocks of few rows, and \
         {DESCENTS_MAX} for each row and each block deeper, and {ALWAYS_BLOCKS} for each call."
    );
}

fn print_parts(compared: &[Compared<'_>]) {
    println!("\n| part | statements | blocks, few | blocks, many | ratio |\n|---|--:|--:|--:|--:|");
    let mut parts: BTreeMap<&str, (usize, f64, f64)> = BTreeMap::new();
    for it in compared {
        let (Some(few), Some(many)) = (it.few, it.many) else { continue };
        let sum = parts.entry(it.part).or_default();
        // As often as over few rows.
        #[expect(clippy::cast_precision_loss, reason = "counts of a benchmark")]
        let (blocks, as_often) =
            (few.blocks as f64, many.blocks as f64 / (many.calls as f64 / few.calls as f64).max(1.0));
        *sum = (sum.0 + 1, sum.1 + blocks, sum.2 + as_often);
    }
    for (part, (statements, few, many)) in parts {
        println!("| {part} | {statements} | {few:.0} | {many:.0} | {:.2} |", many / few);
    }
    println!("\n| part | statement | calls | rows | blocks a call | calls | rows | blocks a call | granted |");
    println!("|---|---|--:|--:|--:|--:|--:|--:|---|");
    for it in compared.iter().filter(|it| it.is_worth_a_line()) {
        let of = |it: Option<&Statement>| {
            it.map_or_else(
                || "– | – | –".to_owned(),
                |it| format!("{} | {} | {:.1}", it.calls, it.rows, it.blocks_per_call()),
            )
        };
        let verdict = if it.is_more { "**no**" } else { "yes" };
        println!("| {} | `{}` | {} | {} | {verdict} |", it.part, start(it.text), of(it.few), of(it.many));
    }
}

fn print_much(many: &Measured) {
    println!("\n| seldom, over many rows | calls | blocks a call | s a call |\n|---|--:|--:|--:|");
    for it in many.daemon.iter().chain(&many.status) {
        let Some(what) = what_is_much(&it.text) else { continue };
        #[expect(clippy::cast_precision_loss, reason = "counts of a benchmark")]
        let seconds = it.seconds / it.calls as f64;
        println!("| {what} | {} | {:.0} | {seconds:.3} |", it.calls, it.blocks_per_call());
    }
    for (statement, seconds) in &many.looks {
        println!("| `{statement}` | – | – | {seconds:.3} |");
    }
}
