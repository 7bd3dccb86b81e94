//! How fresh the staging tables are while payments change all the time: from visible in the API to committed there.
//!
//! - Half of the changes are new payments with their fee, half are payments that settle. Each is told by its status.
//! - Such changes precede the first reading, as many as a poll reads again in the long run (`sync.overlap`).
//! - A change counts from before it was asked for until a look at the table has shown it: the figures err to the long side.

use std::collections::{HashSet, VecDeque};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use paystand_sync::clock::{Clock as _, SystemClock};
use serde::Serialize;
use serde_json::{Value, json};
use sqlx::PgConnection;
use tokio::process::{Child, Command};
use tokio::sync::mpsc::error::TryRecvError;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use crate::cost::cpu_s;
use crate::daemon::{Setting, configure, everything};
use crate::detour::Detour;
use crate::paystand::{PAGE_ROWS, Paystand, plain, requests};
use crate::postgres::Postgres;
use crate::product::POSTED;

const DATABASE: &str = "fresh";
/// Changes a second.
const RATE: u32 = 50;
const LOAD_S: u32 = 120;
/// Age of a payment that settles: `sync.overlap`, so that among what a poll reads again there is no payment twice.
const SETTLES_AFTER_S: u32 = 600;
/// Payments of other days.
const PAYMENTS: usize = 200;
/// What the configuration has without an entry.
const REQUESTS_PER_MINUTE: u64 = 2_400;
/// How often the table is looked at.
const LOOK: Duration = Duration::from_millis(50);
/// How much longer than the interval of polls a change may take.
const ALLOWANCE: Duration = Duration::from_secs(1);
const FIRST_READING_MAX: Duration = Duration::from_mins(10);
const LAST_CHANGE_MAX: Duration = Duration::from_mins(3);

/// Whether all that belongs to a first reading is done, so that polls are what is left.
const CERTIFIED: &str = "
    select count(*) = 2 and not exists (select from paystand_sync.open_item where next_at <= now())
    from paystand_sync.cursor
    where resource in ('payments', 'fees') and freshened_at is not null and sealed_at is not null";
/// The places, from 1, of those changes of `$2` (id) and `$3` (status) that the table holds, or a later one of the same payment.
const HELD: &str = "
    select change.place from unnest($2::text[], $3::text[]) with ordinality as change (id, status, place)
    join erp.payment as held on held.merchant = $1 and held.id = change.id and held.status in (change.status, 'paid')";

#[derive(Debug, Args)]
pub struct Options {
    /// Seconds between two polls of a resource (`sync.interval`).
    #[arg(long, default_value_t = 30)]
    interval: u64,
    /// Milliseconds that every answer of the API takes.
    #[arg(long, default_value_t = 0)]
    latency: u64,
}

/// What came of the load. All but the number of changes and requests in seconds.
#[derive(Debug, Serialize)]
struct Freshness {
    interval: f64,
    latency: f64,
    bound: f64,
    changes: usize,
    seen: usize,
    p50: f64,
    p99: f64,
    max: f64,
    is_met: bool,
    /// From the first change until the last one was seen.
    took: f64,
    daemon_cpu: f64,
    postgres_cpu: f64,
    requests: u64,
}

/// A payment that has a new status.
#[derive(Debug)]
struct Change {
    id: String,
    status: &'static str,
    /// When it was asked for.
    asked: Instant,
}

/// What happens at the simulated Paystand.
struct Business {
    client: reqwest::Client,
    admin: String,
    /// Payments to settle, the oldest first.
    posted: VecDeque<String>,
}

/// Prints the figures and writes them to the file `result`.
///
/// # Errors
/// Also where a change was not seen within [`LAST_CHANGE_MAX`].
pub async fn all(scratch: &Path, result: &Path, options: &Options) -> anyhow::Result<()> {
    let postgres = Postgres::start(scratch).await?;
    let history = chrono::TimeDelta::seconds(i64::from(2 * SETTLES_AFTER_S));
    let paystand = Paystand::start_at(PAYMENTS, SystemClock::new().now() - history).await?;
    let (server, path) = paystand.place()?;
    let mut business = Business::at(server)?;
    business.go_back_to_the_present().await?;
    let detour = Detour::start(server, Duration::from_millis(options.latency)).await?;
    let (base_url, database) = (&format!("http://{}/{path}", detour.address), &postgres.fresh(DATABASE).await?);
    let setting =
        Setting { base_url, database, requests_per_minute: REQUESTS_PER_MINUTE, page_rows: PAGE_ROWS, posts: true };
    let config = configure(scratch.join("fresh.toml"), &paystand, setting)?;
    let mut daemon = start(&config, options.interval)?;
    let mut connection = postgres.connect(DATABASE).await?;
    // However many changes are looked for: each by its key.
    sqlx::raw_sql("set enable_seqscan = off").execute(&mut connection).await?;
    first_reading(&mut connection, &mut daemon).await?;
    let freshness = measure(&mut business, &mut connection, (&postgres, &paystand, &daemon), options).await?;
    print(&freshness);
    std::fs::write(result, serde_json::to_string_pretty(&freshness)?).context("the result is written")
}

/// A daemon for all resources.
fn start(config: &Path, interval_s: u64) -> anyhow::Result<Child> {
    let mut command: Command = everything(config);
    let log = std::env::var("PAYSTAND_SYNC_LOG").unwrap_or_else(|_| "error".to_owned());
    command.env("PAYSTAND_SYNC__SYNC__INTERVAL", format!("{interval_s}s")).env("PAYSTAND_SYNC_LOG", log);
    Ok(command.stdout(Stdio::null()).kill_on_drop(true).spawn()?)
}

async fn first_reading(connection: &mut PgConnection, daemon: &mut Child) -> anyhow::Result<()> {
    let payments = i64::try_from(PAYMENTS)? + i64::from(SETTLES_AFTER_S * RATE);
    let begun = Instant::now();
    loop {
        // Before there are tables nothing is done.
        let posted: bool = sqlx::query_scalar(POSTED).bind(payments).fetch_one(&mut *connection).await.unwrap_or(false);
        if posted && sqlx::query_scalar(CERTIFIED).fetch_one(&mut *connection).await? {
            eprintln!("the first reading took {:.0} s", begun.elapsed().as_secs_f64());
            return Ok(());
        }
        ensure!(daemon.try_wait()?.is_none(), "the daemon ended by itself");
        ensure!(begun.elapsed() < FIRST_READING_MAX, "the first reading takes too long");
        sleep(Duration::from_millis(500)).await;
    }
}

async fn measure(
    business: &mut Business,
    connection: &mut PgConnection,
    (postgres, paystand, daemon): (&Postgres, &Paystand, &Child),
    options: &Options,
) -> anyhow::Result<Freshness> {
    let id = daemon.id().context("it runs")?;
    let (client, server) = (business.client.clone(), business.admin.clone());
    let usage = async || -> anyhow::Result<_> {
        Ok((cpu_s(id, false)?, postgres.usage(DATABASE).await?.cpu_s, requests(&client, &server).await?.0))
    };
    let (before, begun) = (usage().await?, Instant::now());
    let (made, to_see) = unbounded_channel();
    let (changes, mut ages) =
        tokio::try_join!(business.change(made), watch(connection, &paystand.customer_id, to_see))?;
    let (after, took) = (usage().await?, begun.elapsed());
    ages.sort_unstable();
    let interval = Duration::from_secs(options.interval);
    let (bound, p99) = (interval + ALLOWANCE, part(&ages, 990));
    Ok(Freshness {
        interval: interval.as_secs_f64(),
        latency: Duration::from_millis(options.latency).as_secs_f64(),
        bound: bound.as_secs_f64(),
        changes,
        seen: ages.len(),
        p50: part(&ages, 500).as_secs_f64(),
        p99: p99.as_secs_f64(),
        max: part(&ages, 1_000).as_secs_f64(),
        is_met: p99 <= bound,
        took: took.as_secs_f64(),
        daemon_cpu: after.0 - before.0,
        postgres_cpu: after.1 - before.1,
        requests: after.2 - before.2,
    })
}

/// The least of `sorted` that `per_mille` of them do not exceed.
fn part(sorted: &[Duration], per_mille: usize) -> Duration {
    let rank = (sorted.len() * per_mille).div_ceil(1_000);
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}

impl Business {
    fn at(server: &str) -> anyhow::Result<Self> {
        Ok(Self { client: plain()?, admin: server.to_owned(), posted: VecDeque::new() })
    }

    /// Lives through the seconds since the start of the simulated Paystand.
    async fn go_back_to_the_present(&mut self) -> anyhow::Result<()> {
        for second in 0..2 * SETTLES_AFTER_S {
            for _ in 0..RATE / 2 {
                self.pay().await?;
                if second >= SETTLES_AFTER_S {
                    self.settle().await?;
                }
            }
            self.ask("clock", &json!({"advance_seconds": 1})).await?;
        }
        self.ask("clock", &json!({"now": SystemClock::new().now()})).await?;
        Ok(())
    }

    /// The load, evenly spaced; tells each change once it was made. Returns their number.
    async fn change(&mut self, made: UnboundedSender<Change>) -> anyhow::Result<usize> {
        let mut ticks = interval(Duration::from_secs(1) / RATE);
        for number in 0..RATE * LOAD_S {
            ticks.tick().await;
            let asked = Instant::now();
            let (id, status) =
                if number % 2 == 0 { (self.pay().await?, "posted") } else { (self.settle().await?, "paid") };
            made.send(Change { id, status, asked }).context("somebody looks")?;
        }
        Ok(usize::try_from(RATE * LOAD_S)?)
    }

    /// A new payment with its fee; returns its id.
    async fn pay(&mut self) -> anyhow::Result<String> {
        let id = self.mutate(&json!({"op": "create", "resource": "payments"})).await?;
        self.posted.push_back(id.clone());
        Ok(id)
    }

    /// The oldest payment that is not settled is; returns its id.
    async fn settle(&mut self) -> anyhow::Result<String> {
        let id = self.posted.pop_front().context("a payment to settle")?;
        self.mutate(&json!({"op": "edit", "resource": "payments", "id": id, "edit": {"status": "paid"}})).await
    }

    async fn mutate(&self, mutation: &Value) -> anyhow::Result<String> {
        let answer = self.ask("mutate", mutation).await?;
        Ok(answer["id"].as_str().context("an id")?.to_owned())
    }

    async fn ask(&self, route: &str, body: &Value) -> anyhow::Result<Value> {
        let address = format!("http://{}/_sandbox/{route}", self.admin);
        Ok(self.client.post(address).json(body).send().await?.error_for_status()?.json().await?)
    }
}

/// Looks until all changes were made and seen; returns how long each took.
async fn watch(
    connection: &mut PgConnection,
    merchant: &str,
    mut made: UnboundedReceiver<Change>,
) -> anyhow::Result<Vec<Duration>> {
    let (mut open, mut ages, mut over) = (Vec::new(), Vec::new(), None);
    let mut looks = interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        looks.tick().await;
        if take_over(&mut made, &mut open) {
            over.get_or_insert_with(Instant::now);
        }
        let held = held(connection, merchant, &open).await?;
        let now = Instant::now();
        let mut place = 0;
        open.retain(|change: &Change| {
            place += 1;
            let is_held = held.contains(&place);
            if is_held {
                ages.push(now - change.asked);
            }
            !is_held
        });
        match over {
            Some(_) if open.is_empty() => return Ok(ages),
            Some(since) if since.elapsed() > LAST_CHANGE_MAX => {
                bail!("{} changes were never seen, such as {:?}", open.len(), open[0]);
            }
            _ => {}
        }
    }
}

/// Takes what was made since; whether that is all.
fn take_over(made: &mut UnboundedReceiver<Change>, open: &mut Vec<Change>) -> bool {
    loop {
        match made.try_recv() {
            Ok(change) => open.push(change),
            Err(TryRecvError::Empty) => return false,
            Err(TryRecvError::Disconnected) => return true,
        }
    }
}

/// Places, from 1, of the changes that the table holds.
async fn held(connection: &mut PgConnection, merchant: &str, open: &[Change]) -> anyhow::Result<HashSet<i64>> {
    let ids: Vec<&str> = open.iter().map(|change| change.id.as_str()).collect();
    let statuses: Vec<&str> = open.iter().map(|change| change.status).collect();
    let places: Vec<i64> =
        sqlx::query_scalar(HELD).bind(merchant).bind(ids).bind(statuses).fetch_all(connection).await?;
    Ok(places.into_iter().collect())
}

fn print(it: &Freshness) {
    println!(
        "| interval s | latency s | changes | seen | p50 s | p99 s | max s | bound s | | daemon CPU s | Postgres CPU s | in s | requests |"
    );
    println!("|--:|--:|--:|--:|--:|--:|--:|--:|---|--:|--:|--:|--:|");
    println!(
        "| {} | {} | {} | {} | {:.2} | {:.2} | {:.2} | {} | {} | {:.2} | {:.2} | {:.0} | {} |",
        it.interval,
        it.latency,
        it.changes,
        it.seen,
        it.p50,
        it.p99,
        it.max,
        it.bound,
        if it.is_met { "met" } else { "not met" },
        it.daemon_cpu,
        it.postgres_cpu,
        it.took,
        it.requests
    );
}
