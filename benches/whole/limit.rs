//! How much of the API's own limit a first reading uses, where every answer takes a while.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use serde::Serialize;
use tokio::process::Child;
use tokio::time::{Instant, sleep, sleep_until};

use crate::daemon::{Setting, configure, daemon};
use crate::detour::Detour;
use crate::paystand::{Paystand, plain, requests};
use crate::postgres::Postgres;

/// Requests a minute.
const LIMIT: u64 = 3_000;
const LATENCY: Duration = Duration::from_millis(150);
const MINUTES: u32 = 3;
const MINUTE: Duration = Duration::from_mins(1);
/// So small that there are enough of them.
const PAGE_ROWS: usize = 10;
/// As many pages as the minutes take, and some.
const PAYMENTS: usize = 100_000;

/// One way to count the limit and to use it.
#[derive(Debug, Clone, Copy)]
struct Case {
    name: &'static str,
    window: &'static str,
    /// What each daemon reads; all have one key.
    daemons: &'static [&'static str],
}

const CASES: [Case; 4] = [
    Case { name: "fixed_one", window: "fixed", daemons: &["payments"] },
    Case { name: "sliding_one", window: "sliding", daemons: &["payments"] },
    Case { name: "fixed_two", window: "fixed", daemons: &["payments", "receivables"] },
    Case { name: "sliding_two", window: "sliding", daemons: &["payments", "receivables"] },
];

/// What one of them came to.
#[derive(Debug, Serialize)]
struct Share {
    case: &'static str,
    /// Requests in each minute after the first.
    requests: Vec<u64>,
    least_percent: u64,
    refused: u64,
}

/// One case after the other, for each has to have the machine to itself.
pub async fn all(scratch: &Path, result: &Path) -> anyhow::Result<()> {
    let postgres = Postgres::start(scratch).await?;
    let mut shares = Vec::new();
    for case in CASES {
        let share = measure(case, &postgres, scratch).await?;
        eprintln!("{}: {:?} requests, {} refused", share.case, share.requests, share.refused);
        shares.push(share);
    }
    println!("| case | requests in each minute after the first | least share of {LIMIT} | 429 |");
    println!("|---|---|--:|--:|");
    for it in &shares {
        println!("| {} | {:?} | {} % | {} |", it.case, it.requests, it.least_percent, it.refused);
    }
    std::fs::write(result, serde_json::to_string_pretty(&shares)?).context("the result is written")
}

async fn measure(case: Case, postgres: &Postgres, scratch: &Path) -> anyhow::Result<Share> {
    let quirks = format!(
        r#"{{"rows": {{"payment_rows": "full"}}, "access": {{"rate_limit": {{"per_minute": {LIMIT}, "window": "{}"}}}}}}"#,
        case.window
    );
    let paystand = Paystand::start_with(PAYMENTS, &quirks).await?;
    let (server, path) = paystand.place()?;
    let detour = Detour::start(server, LATENCY).await?;
    let (base_url, database) = (&format!("http://{}/{path}", detour.address), &postgres.fresh(case.name).await?);
    let setting = Setting { base_url, database, requests_per_minute: LIMIT, page_rows: PAGE_ROWS, posts: true };
    let config = configure(scratch.join(format!("{}.toml", case.name)), &paystand, setting)?;
    let daemons: Vec<Child> = case.daemons.iter().map(|it| start(&config, it)).collect::<Result<_, _>>()?;
    let client = plain()?;
    let seen = async || requests(&client, server).await;
    while seen().await?.0 == 0 {
        sleep(Duration::from_millis(10)).await;
    }
    let (begun, mut totals) = (Instant::now(), Vec::new());
    for minute in 1..=MINUTES {
        sleep_until(begun + MINUTE * minute).await;
        totals.push(seen().await?.0);
    }
    let refused = seen().await?.1;
    drop(daemons);
    let requests: Vec<u64> = totals.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let least = requests.iter().min().copied().unwrap_or_default();
    Ok(Share { case: case.name, requests, least_percent: least * 100 / LIMIT, refused })
}

fn start(config: &Path, resource: &str) -> anyhow::Result<Child> {
    Ok(daemon(config, resource).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true).spawn()?)
}
