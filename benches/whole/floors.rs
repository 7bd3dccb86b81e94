//! What no correct program can beat: the pages as such, the rows copied, and one upsert a page without anything else.

use std::path::Path;

use anyhow::{Context as _, ensure};
use serde::Deserialize;
use serde_json::value::RawValue;
use sqlx::{Connection as _, PgConnection};
use tokio::process::Command;

use crate::cost::{Cost, Running, cpu_s};
use crate::paystand::{PAGE_ROWS, Paystand, client, page};
use crate::postgres::Postgres;

pub const STRAIGHT: &str = "straight-line upsert";

const TABLE: &str = "create table payment (id text primary key, body jsonb not null)";

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    results: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct Id<'a> {
    id: &'a str,
}

fn id(row: &RawValue) -> anyhow::Result<&str> {
    Ok(serde_json::from_str::<Id<'_>>(row.get())?.id)
}

/// All pages, one after the other, written as rows for a copy.
pub async fn network(paystand: &Paystand, rows: &Path) -> anyhow::Result<Cost> {
    let client = client(&paystand.base_url).await?;
    let (own, mut text, mut records) = (std::process::id(), String::new(), 0);
    let (started, before) = (std::time::Instant::now(), cpu_s(own, false)?);
    let mut bodies = Vec::new();
    loop {
        let address = page(&paystand.base_url, bodies.len() * PAGE_ROWS);
        let body = client.get(address).send().await?.error_for_status()?.bytes().await?;
        let envelope: Envelope<'_> = serde_json::from_slice(&body)?;
        if envelope.results.is_empty() {
            break;
        }
        bodies.push(body);
    }
    let (seconds, client_cpu_s) = (started.elapsed().as_secs_f64(), cpu_s(own, false)? - before);
    for body in &bodies {
        for row in serde_json::from_slice::<Envelope<'_>>(body)?.results {
            let escaped = row.get().replace('\\', "\\\\").replace(['\n', '\t'], " ");
            text.extend([id(row)?, "\t", &escaped, "\n"]);
            records += 1;
        }
    }
    std::fs::write(rows, text)?;
    let (postgres_cpu_s, peak_rss_mib, wal_mb) = (0.0, 0.0, 0.0);
    Ok(Cost {
        what: "pages read, one by one",
        records,
        seconds,
        client_cpu_s,
        postgres_cpu_s,
        peak_rss_mib,
        wal_mb,
        commits: 0,
        statements: 0,
    })
}

/// `\copy` of the same rows.
pub async fn copy(postgres: &Postgres, rows: &Path, records: u64) -> anyhow::Result<Cost> {
    postgres.fresh("copy_floor").await?;
    sqlx::raw_sql(TABLE).execute(&mut postgres.connect("copy_floor").await?).await?;
    let mut command = postgres.psql("copy_floor")?;
    command.arg("--command").arg(format!("\\copy payment from '{}'", rows.display()));
    let cost = Running::start("\\copy", (postgres, "copy_floor"), command).await?.end(records).await?;
    postgres.drop("copy_floor").await?;
    Ok(cost)
}

/// The rows that a reading left in `from`, all of them and nothing else, copied into the same tables with the same indexes: what no program
/// can beat that leaves these rows. `from` is dropped.
pub async fn rows_again(
    postgres: &Postgres,
    scratch: &Path,
    (from, what): (&str, &'static str),
    records: u64,
) -> anyhow::Result<Cost> {
    postgres.fresh("rows_floor").await?;
    let (schema, data) = (scratch.join("schema.sql"), scratch.join("data.sql"));
    for (what, file) in [("--schema-only", &schema), ("--data-only", &data)] {
        let mut dump = postgres.client("pg_dump", from)?;
        let status = dump.args([what, "--file"]).arg(file).status().await?;
        ensure!(status.success(), "pg_dump: {status}");
    }
    postgres.drop(from).await?;
    let read = |file: &Path| -> anyhow::Result<Command> {
        let mut command = postgres.psql("rows_floor")?;
        command.args(["--set", "ON_ERROR_STOP=1", "--output", "/dev/null", "--file"]).arg(file);
        Ok(command)
    };
    let status = read(&schema)?.status().await?;
    ensure!(status.success(), "the schema: {status}");
    let cost = Running::start(what, (postgres, "rows_floor"), read(&data)?).await?.end(records).await?;
    postgres.drop("rows_floor").await?;
    std::fs::remove_file(data)?;
    Ok(cost)
}

pub async fn straight_process(postgres: &Postgres, paystand: &Paystand, records: u64) -> anyhow::Result<Cost> {
    let url = postgres.fresh("straight_floor").await?;
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["straight", &paystand.base_url, &url]);
    let cost = Running::start(STRAIGHT, (postgres, "straight_floor"), command).await?.end(records).await?;
    postgres.drop("straight_floor").await?;
    Ok(cost)
}

/// Each page read and upserted, the next one read meanwhile; nothing is checked, kept or remembered.
pub async fn straight(base_url: &str, database: &str) -> anyhow::Result<()> {
    const UPSERT: &str = "
        insert into payment (id, body) select * from unnest($1::text[], $2::text[]::jsonb[])
        on conflict (id) do update set body = excluded.body";
    let client = client(base_url).await?;
    let mut connection = PgConnection::connect(database).await?;
    sqlx::raw_sql(TABLE).execute(&mut connection).await?;
    let fetch = async |number: usize| -> anyhow::Result<bytes::Bytes> {
        let answer = client.get(page(base_url, number * PAGE_ROWS)).send().await?;
        Ok(answer.error_for_status()?.bytes().await?)
    };
    let mut body = fetch(0).await?;
    for next in 1.. {
        let envelope: Envelope<'_> = serde_json::from_slice(&body).context("a list")?;
        if envelope.results.is_empty() {
            break;
        }
        let ids: Vec<&str> = envelope.results.iter().map(|row| id(row)).collect::<anyhow::Result<_>>()?;
        let bodies: Vec<&str> = envelope.results.iter().map(|row| row.get()).collect();
        let write = sqlx::query(UPSERT).bind(ids).bind(bodies).execute(&mut connection);
        let (written, fetched) = tokio::join!(write, fetch(next));
        written?;
        body = fetched?;
    }
    Ok(())
}
