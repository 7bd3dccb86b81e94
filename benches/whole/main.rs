//! How fast whole processes are, beside two floors measured in the same run: `scripts/bench`.
//!
//! - The simulated Paystand, the private cluster (durability on) and what is measured are processes of their own.
//! - Figures are ratios to the floors: what a machine does at one hour it need not do at the next.
//! - CPU is what the kernel says of a process after its end; of Postgres, of its whole tree.

#![expect(clippy::float_arithmetic, reason = "seconds and ratios, no money")]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "figures are its result")]

mod cost;
mod daemon;
mod detour;
mod floors;
mod fresh;
mod growth;
mod limit;
mod paystand;
mod postgres;
mod product;
mod statements;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use clap::{Parser, Subcommand};
use serde_json::{Value, json};

use cost::Cost;
use paystand::Paystand;
use postgres::Postgres;

#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    part: Option<Part>,
    /// Payments of the simulated Paystand.
    #[arg(long, default_value_t = 100_000)]
    payments: usize,
    /// Where the figures are written as JSON.
    #[arg(long, default_value = "target/bench.json", global = true)]
    result: PathBuf,
    /// `cargo bench` says so.
    #[arg(long, hide = true, global = true)]
    bench: bool,
}

#[derive(Debug, Subcommand)]
enum Part {
    /// How much of the API's own limit is used; takes a quarter of an hour
    Limit,
    /// What a long history costs, in blocks of the database; the long form is 10,000,000 rows
    Growth {
        /// Records, versions and ledger entries, so many of each.
        #[arg(long, default_value_t = 1_000_000)]
        rows: u64,
    },
    /// Whether a first reading of many payments takes more memory; takes a quarter of an hour and 15 GB
    Memory {
        /// Payments beside 100,000.
        #[arg(long, default_value_t = 2_000_000)]
        payments: usize,
    },
    /// How long a change in the API takes to the staging tables; takes four minutes
    Fresh(fresh::Options),
    /// A floor as a process of its own; nobody but this program says so.
    #[command(hide = true)]
    Straight { base_url: String, database: String },
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let scratch = tempfile::tempdir()?;
    match &arguments.part {
        Some(Part::Straight { base_url, database }) => return floors::straight(base_url, database).await,
        Some(Part::Limit) => return limit::all(scratch.path(), &arguments.result).await,
        Some(Part::Growth { rows }) => return growth::all(scratch.path(), *rows, &arguments.result).await,
        Some(Part::Memory { payments }) => {
            let figures = product::memory(scratch.path(), *payments).await?;
            return tell(&figures, &json!(figures), &arguments.result, &product::too_large(&figures));
        }
        Some(Part::Fresh(options)) => return fresh::all(scratch.path(), &arguments.result, options).await,
        None => {}
    }
    let paystand = Paystand::start(arguments.payments).await?;
    let postgres = Postgres::start(scratch.path()).await?;
    let rows = scratch.path().join("rows.tsv");
    let mut figures = vec![floors::network(&paystand, &rows).await?];
    let payments = figures[0].records;
    figures.push(floors::copy(&postgres, &rows, payments).await?);
    figures.push(floors::straight_process(&postgres, &paystand, payments).await?);
    let (product, profile) = product::all(&postgres, &paystand, scratch.path(), payments).await?;
    figures.extend(product);
    let result = json!({ "payments": payments, "figures": figures, "profile": profile });
    let told = tell(&figures, &result, &arguments.result, &product::faults(&figures));
    statements::print(product::READ_AND_POSTED, &profile);
    told
}

fn tell(figures: &[Cost], result: &Value, file: &Path, faults: &[String]) -> anyhow::Result<()> {
    print(figures);
    std::fs::write(file, serde_json::to_string_pretty(result)?).context("the result is written")?;
    eprintln!("{} holds the same as JSON", file.display());
    ensure!(faults.is_empty(), "{}", faults.join("\n"));
    Ok(())
}

fn print(figures: &[Cost]) {
    let straight = figures.iter().find(|it| it.what == floors::STRAIGHT).map_or(f64::NAN, Cost::records_per_s);
    println!(
        "| what | records/s | of the straight floor | seconds | client CPU s | Postgres CPU s | peak RSS MiB | WAL MB | commits | statements |"
    );
    println!("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|");
    for it in figures {
        let rate = it.records_per_s();
        let (rate, of) = if it.records == 0 {
            ("–".to_owned(), "–".to_owned())
        } else {
            (format!("{rate:.0}"), format!("{:.2}", rate / straight))
        };
        println!(
            "| {} | {rate} | {of} | {:.2} | {:.2} | {:.2} | {:.1} | {:.1} | {} | {} |",
            it.what,
            it.seconds,
            it.client_cpu_s,
            it.postgres_cpu_s,
            it.peak_rss_mib,
            it.wal_mb,
            it.commits,
            it.statements
        );
    }
}
