//! First readings by a daemon, and what follows them.

use std::path::Path;
use std::time::{Duration, Instant};

use tokio::process::Command;

use crate::cost::{Cost, Running};
use crate::daemon::{Setting, configure, daemon, once};
use crate::floors;
use crate::paystand::{PAGE_ROWS, Paystand, count, plain, requests};
use crate::postgres::Postgres;
use crate::statements::{self, Statement};

/// None that is felt.
const REQUESTS_PER_MINUTE: u64 = 1_000_000;

/// Where a first reading is booked and posted.
const POSTED_DATABASE: &str = "posted";
pub const READ_AND_POSTED: &str = "first reading, booked and posted";

/// Payments beside which many are read, for their memory.
const FEW: usize = 100_000;
/// What a daemon may take of either.
const PEAK_MIB_MAX: f64 = 40.0;

/// Whether as many payments as there are were stored.
const STORED: &str = "
    select coalesce(sum(rows), 0) >= $1 from paystand_sync.record_sum where resource = 'payments'";
/// Whether as many payments as there are were booked and posted. They are counted where nothing waits any more: it is asked often, on
/// the machine that is measured.
pub const POSTED: &str = "
    select case
        when exists (select from paystand_sync.ledger_entry where state in ('pending', 'in_doubt', 'held')) then false
        when exists (select from paystand_sync.booking where booked is null) then false
        else (select count(*) from erp.payment) >= $1 end";
/// Nothing is asked for so long: the poll is over.
const OVER: Duration = Duration::from_secs(1);
/// How often it is looked whether more was asked for.
const LOOK: Duration = Duration::from_millis(2);

/// What a payment with its fee may cost until it is posted: 43 kB of WAL, of which checkpoints add some by their number, and 0.13 to 0.19
/// commits beyond those of a daemon by itself.
const WAL_KB_MAX: f64 = 52.0;
const COMMITS_MAX: f64 = 0.25;
const OWN_COMMITS: i64 = 1_000;

/// A first reading by a single run that books nothing meanwhile, by daemons without and with an ERP, and another daemon that finds no
/// news, with the copied rows of the first and the last reading before each; and what Postgres did for the one with an ERP.
pub async fn all(
    postgres: &Postgres,
    paystand: &Paystand,
    scratch: &Path,
    records: u64,
) -> anyhow::Result<(Vec<Cost>, Vec<Statement>)> {
    let all = First { postgres, paystand, scratch, records };
    let what = "first reading, stored, before it is booked";
    let alone = all.read("alone", what, Until { program: once, posts: false, is_done: STORED }).await?;
    let what = "the rows stored before they are booked, copied";
    let alone_copied = floors::rows_again(postgres, scratch, ("alone", what), records).await?;
    let what = "first reading, stored, while it is booked";
    let stored = all.read("stored", what, Until { program: daemon, posts: false, is_done: STORED }).await?;
    postgres.drop("stored").await?;
    let until = Until { program: daemon, posts: true, is_done: POSTED };
    let posted = all.read(POSTED_DATABASE, READ_AND_POSTED, until).await?;
    let mut connection = postgres.connect(POSTED_DATABASE).await?;
    statements::show(&mut connection).await?;
    let profile = statements::counted(&mut connection).await?;
    let (what, config) = ("a restart and a poll, without news", scratch.join("posted.toml"));
    let again = Running::start(what, (postgres, POSTED_DATABASE), daemon(&config, "payments")).await?;
    let mut seconds = 0.0;
    let polled = async || {
        seconds = poll(paystand).await?;
        Ok(true)
    };
    let again = again.stop(0, polled).await?;
    drop(connection);
    let what = "the rows booked and posted, copied";
    let posted_copied = floors::rows_again(postgres, scratch, (POSTED_DATABASE, what), records).await?;
    Ok((vec![alone_copied, alone, stored, posted_copied, posted, Cost { seconds, ..again }], profile))
}

/// The time from the first request of a daemon that begins to the last one of its first poll, in seconds.
async fn poll(paystand: &Paystand) -> anyhow::Result<f64> {
    let (client, (server, _)) = (plain()?, paystand.place()?);
    let asked = async || Ok::<_, anyhow::Error>(requests(&client, server).await?.0);
    let mut seen = asked().await?;
    let (mut first, mut last): (Option<Instant>, Instant) = (None, Instant::now());
    while first.is_none() || last.elapsed() < OVER {
        let now = asked().await?;
        if now > seen {
            (seen, last) = (now, Instant::now());
            first.get_or_insert(last);
        }
        tokio::time::sleep(LOOK).await;
    }
    Ok(first.map_or(0.0, |first| (last - first).as_secs_f64()))
}

/// A first reading into a database of its own.
struct First<'a> {
    postgres: &'a Postgres,
    paystand: &'a Paystand,
    scratch: &'a Path,
    records: u64,
}

/// What a first reading is measured for.
struct Until<'a> {
    /// A daemon or a single run.
    program: fn(&Path, &str) -> Command,
    /// Whether there is an ERP.
    posts: bool,
    /// A query that says when it is over.
    is_done: &'a str,
}

impl First<'_> {
    async fn read(&self, database: &'static str, what: &'static str, until: Until<'_>) -> anyhow::Result<Cost> {
        let Until { program, posts, is_done } = until;
        let Self { postgres, paystand, scratch, records } = *self;
        let (base_url, url) = (&paystand.base_url, &postgres.fresh(database).await?);
        let (requests_per_minute, page_rows) = (REQUESTS_PER_MINUTE, PAGE_ROWS);
        let setting = Setting { base_url, database: url, requests_per_minute, page_rows, posts };
        let config = configure(scratch.join(format!("{database}.toml")), paystand, setting)?;
        let (mut connection, wanted) = (postgres.connect(database).await?, i64::try_from(records)?);
        // What waits is looked for where it stands, not among all.
        sqlx::raw_sql("set enable_seqscan = off").execute(&mut connection).await?;
        // Before there are tables nothing is done.
        let is_done = async || {
            let is_done = sqlx::query_scalar(sqlx::AssertSqlSafe(is_done)).bind(wanted);
            Ok(is_done.fetch_one(&mut connection).await.unwrap_or(false))
        };
        let running = Running::start(what, (postgres, database), program(&config, "payments")).await?;
        running.stop(records, is_done).await
    }
}

/// The same first reading over few payments and over many, while they are booked and posted: whether it takes more memory.
pub async fn memory(scratch: &Path, many: usize) -> anyhow::Result<[Cost; 2]> {
    let postgres = Postgres::start(scratch).await?;
    let few = over(&postgres, scratch, ("few", FEW)).await?;
    let many = over(&postgres, scratch, ("many", many)).await?;
    Ok([few, many])
}

async fn over(
    postgres: &Postgres,
    scratch: &Path,
    (database, payments): (&'static str, usize),
) -> anyhow::Result<Cost> {
    let paystand = &Paystand::start(payments).await?;
    let records = count(&paystand.base_url).await?;
    let all = First { postgres, paystand, scratch, records };
    let until = Until { program: daemon, posts: true, is_done: STORED };
    all.read(database, "first reading, stored, while it is booked and posted", until).await
}

/// What costs more than it may, in counts that no other load on the machine changes.
#[expect(clippy::cast_precision_loss, reason = "counts of a benchmark")]
pub fn faults(figures: &[Cost]) -> Vec<String> {
    let posted = figures.iter().filter(|it| it.what == READ_AND_POSTED);
    let costs = posted.flat_map(|it| {
        let (wal_kb, commits) =
            (it.wal_mb * 1e3 / it.records as f64, (it.commits - OWN_COMMITS) as f64 / it.records as f64);
        [("kB of WAL", wal_kb, WAL_KB_MAX), ("commits", commits, COMMITS_MAX)]
    });
    let dear = costs.filter(|(_, cost, most)| cost > most);
    dear.map(|(what, cost, most)| format!("{cost:.2} {what} for a payment, and {most} are granted")).collect()
}

/// Which took more memory than it may.
pub fn too_large(figures: &[Cost]) -> Vec<String> {
    let large = figures.iter().filter(|it| it.peak_rss_mib > PEAK_MIB_MAX);
    large
        .map(|it| format!("{:.1} MiB over {} payments, and {PEAK_MIB_MAX} are granted", it.peak_rss_mib, it.records))
        .collect()
}
