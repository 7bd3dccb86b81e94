//! `demo`: on an empty machine the whole main job: a private database, a simulated Paystand, a sync, and the sums of both sides.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rust_decimal::Decimal;
use secrecy::ExposeSecret;
use sqlx::{Connection, PgConnection, PgPool};
use tokio_util::sync::CancellationToken;

use super::args::DemoArguments;
use super::host::{Database, circumstances};
use super::run::report;
use super::show::Progress;
use super::table::table;
use super::tell::{self, Complaint};
use crate::clock::{Clock, SystemClock};
use crate::config::{Config, Surroundings};
use crate::engine::error::Exit;
use crate::engine::{Engine, READ, Scope};
use crate::model::resource::Resource;
use crate::sandbox::{CLIENT_ID, CLIENT_SECRET, CUSTOMER_ID, Seeding, Server, World, WorldConfig};
use crate::store::Store;

/// Days of simulated business.
const DAYS: u32 = 60;

pub async fn demo(arguments: DemoArguments) -> Result<Exit, Complaint> {
    let clock = Arc::new(SystemClock::new());
    tell::print(&format!("Simulating {DAYS} days of business with {} payments …", arguments.payments));
    let world = World::new(world(&arguments), clock.clone());
    let server = Server::start(Arc::clone(&world), SocketAddr::from(([127, 0, 0, 1], 0)))
        .await
        .map_err(|error| Complaint::new(Exit::Internal, format!("the simulated Paystand cannot listen: {error}")))?;
    let config = configuration(&server.base_url, clock.now().date_naive(), &arguments)?;
    tell::print("Starting a private Postgres …");
    let database = Database::open(&config.database).await?;
    start_afresh(&database).await?;
    let engine = Engine::start(config, &database.url, circumstances()?, CancellationToken::new()).await?;
    tell::print(&format!("Reading {} and writing the schema `erp` …", server.base_url));
    let outcome = engine.catch_up(&Scope::default()).await;
    report(&outcome);
    let matches = compare(&world, engine.store()).await?;
    engine.close().await;
    database.close().await?;
    let mismatch = (!matches).then_some(Exit::Mismatch);
    Ok(Exit::worst(mismatch.into_iter().chain([outcome.exit()])))
}

/// Every demo simulates the days before its own start, so what an earlier one left is other people's books.
async fn start_afresh(database: &Database) -> Result<(), Complaint> {
    let failed =
        |error: sqlx::Error| Complaint::new(Exit::Database, format!("the demo's database cannot be emptied: {error}"));
    let mut connection = PgConnection::connect(database.url.expose_secret()).await.map_err(failed)?;
    sqlx::raw_sql("drop schema if exists paystand_sync, erp cascade").execute(&mut connection).await.map_err(failed)?;
    connection.close().await.map_err(failed)
}

fn world(arguments: &DemoArguments) -> WorldConfig {
    let payments = usize::try_from(arguments.payments).expect("the argument is bounded");
    let seeding = Seeding { seed: arguments.seed, payments, days: DAYS, ..Seeding::default() };
    WorldConfig { seeding, history: false, ..WorldConfig::default() }
}

/// A configuration as a person would write it, with state of its own for each size and seed of the demo.
fn configuration(base_url: &str, today: chrono::NaiveDate, arguments: &DemoArguments) -> Result<Config, Complaint> {
    let surroundings = Surroundings::of_process();
    let empty = Surroundings { variables: BTreeMap::new(), system_file: PathBuf::new(), ..surroundings.clone() };
    let state_dir = Config::load(None, &Surroundings { system_file: PathBuf::new(), ..surroundings })
        .map_or_else(|_| PathBuf::from("/var/tmp/paystand-sync"), |config| config.database.state_dir);
    let state_dir = state_dir.join(format!("demo-{}-{}-{today}", arguments.seed, arguments.payments));
    let mut variables = empty.variables.clone();
    let start_date = today - chrono::Days::new(u64::from(DAYS) + 400);
    for (key, value) in [
        ("DATABASE__STATE_DIR", path_text(&state_dir)),
        ("MERCHANTS__DEMO__ENVIRONMENT", "sandbox".to_owned()),
        ("MERCHANTS__DEMO__BASE_URL", base_url.to_owned()),
        ("MERCHANTS__DEMO__CLIENT_ID", CLIENT_ID.to_owned()),
        ("MERCHANTS__DEMO__CLIENT_SECRET", CLIENT_SECRET.to_owned()),
        ("MERCHANTS__DEMO__CUSTOMER_ID", CUSTOMER_ID.to_owned()),
        ("MERCHANTS__DEMO__TIMEZONE", "America/Los_Angeles".to_owned()),
        ("MERCHANTS__DEMO__REQUESTS_PER_MINUTE", "3000".to_owned()),
        ("MERCHANTS__DEMO__START_DATE", start_date.to_string()),
    ] {
        variables.insert(format!("PAYSTAND_SYNC__{key}"), value);
    }
    Ok(Config::load(None, &Surroundings { variables, ..empty })?)
}

fn path_text(path: &Path) -> String {
    path.display().to_string()
}

/// Prints what the ERP's tables hold and whether the simulated Paystand holds the same; true if every line agrees.
async fn compare(world: &World, store: &Store) -> Result<bool, Complaint> {
    let progress = Progress::of(store).await?;
    let mut lines = Vec::new();
    let mut all_match = true;
    for resource in READ {
        let (rows_source, sums_source) =
            (world.rows_now(resource).len(), in_shown_currency(resource, world.sums(resource)));
        let (rows_erp, sums_erp) = staged(store.pool(), resource).await?;
        let matches = i64::try_from(rows_source).is_ok_and(|rows| rows == rows_erp) && sums_source == sums_erp;
        all_match &= matches;
        lines.push(vec![
            resource.to_string(),
            rows_erp.to_string(),
            sums_text(&sums_erp),
            if matches { "the same".to_owned() } else { format!("{rows_source} rows, {}", sums_text(&sums_source)) },
            progress.read_through(CUSTOMER_ID, resource.name()),
            progress.lag(CUSTOMER_ID, resource.name()),
        ]);
    }
    let head = ["resource", "rows", "sum", "at Paystand", "read through", "lag"];
    tell::print(&table(&head, &[1, 2, 5], lines));
    Ok(all_match)
}

/// Rows of a staging table and their sums per currency.
async fn staged(pool: &PgPool, resource: Resource) -> Result<(i64, BTreeMap<String, Decimal>), Complaint> {
    let table = resource.singular();
    let failed = |error: sqlx::Error| Complaint::new(Exit::Erp, format!("erp.{table} cannot be read: {error}"));
    let count = format!("select count(*) from erp.{table}");
    let rows = sqlx::query_scalar(sqlx::AssertSqlSafe(count)).fetch_one(pool).await.map_err(failed)?;
    let sums = format!(
        "select coalesce(currency, ''), sum(amount) from erp.{table} where amount is not null group by currency"
    );
    let sums: Vec<(String, Decimal)> =
        sqlx::query_as(sqlx::AssertSqlSafe(sums)).fetch_all(pool).await.map_err(failed)?;
    Ok((rows, sums.into_iter().collect()))
}

/// Lines of a transfer's report do not say their currency: only their transfer does.
fn in_shown_currency(resource: Resource, sums: BTreeMap<String, Decimal>) -> BTreeMap<String, Decimal> {
    match resource {
        Resource::TransferEntries if !sums.is_empty() => BTreeMap::from([(String::new(), sums.into_values().sum())]),
        _ => sums,
    }
}

fn sums_text(sums: &BTreeMap<String, Decimal>) -> String {
    sums.iter().map(|(currency, sum)| format!("{sum} {currency}")).collect::<Vec<_>>().join("\n")
}
