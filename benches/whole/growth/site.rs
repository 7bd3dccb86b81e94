//! A simulated Paystand, a daemon and its database, and changes that go all the way.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use sqlx::PgConnection;
use tokio::process::Command;

use super::counts;
use crate::cost::{Cost, Running};
use crate::daemon::{Setting, configure, daemon};
use crate::paystand::{PAGE_ROWS, Paystand, plain, requests};
use crate::postgres::Postgres;

const REQUESTS_PER_MINUTE: u64 = 1_000_000;
/// Polled often, and tied out five seconds after the start, so that nobody waits long. What is posted is posted by then: while a query runs,
/// rows that are dead are passed again and again. The first line belongs to the last section of what there is.
const OFTEN: &str = "tie_out_interval = \"5m\"\n[sync.resources.payments]\ninterval = \"1s\"\n";
/// Bound on all waiting.
const PATIENCE: Duration = Duration::from_mins(30);

/// Whether the history is read and certified, and nothing waits.
const READ: &str = "
    select exists (select from cursor where resource = 'payments' and backfilled_at is not null
            and freshened_at is not null and sealed_at is not null)
        and not exists (select from booking where booked is null)
        and not exists (select from ledger_entry where state in ('pending', 'in_doubt', 'held'))";
/// Versions of these payments.
const VERSIONS: &str = "
    select coalesce(sum(version), 0)::int8 from record where merchant = $1 and resource = 'payments' and source_id = any($2)";
/// Whether the looks that come by themselves were taken once.
const LOOKED: &str = "
    select exists (select from pg_stat_statements where query like '%from sample where%')
        and exists (select from pg_stat_statements where query like '%select distinct root from event%')";

pub struct Site<'a> {
    pub connection: PgConnection,
    config: PathBuf,
    postgres: &'a Postgres,
    database: &'static str,
    paystand: Paystand,
    client: reqwest::Client,
}

impl<'a> Site<'a> {
    /// A business whose history is read, booked and posted.
    pub async fn open(
        postgres: &'a Postgres,
        scratch: &Path,
        database: &'static str,
        payments: usize,
    ) -> anyhow::Result<Self> {
        let paystand = Paystand::start(payments).await?;
        let url = postgres.fresh(database).await?;
        let setting = Setting {
            base_url: &paystand.base_url,
            database: &url,
            requests_per_minute: REQUESTS_PER_MINUTE,
            page_rows: PAGE_ROWS,
            posts: true,
        };
        let config = configure(scratch.join(format!("{database}.toml")), &paystand, setting)?;
        std::fs::write(&config, std::fs::read_to_string(&config)? + OFTEN)?;
        let mut connection = postgres.connect(database).await?;
        counts::watch(&mut connection).await?;
        let mut site = Self { connection, config, postgres, database, paystand, client: plain()? };
        site.work("first reading", &[], 0).await?;
        Ok(site)
    }

    /// Payments that count as money, at most so many, in the order of their ids.
    pub async fn posted(&mut self, most: i64) -> anyhow::Result<Vec<String>> {
        const SELECT: &str = "
            select source_id from record where merchant = $1 and resource = 'payments' and status in ('posted', 'paid')
            order by source_id limit $2";
        let select = sqlx::query_scalar(SELECT).bind(&self.paystand.customer_id).bind(most);
        Ok(select.fetch_all(&mut self.connection).await?)
    }

    /// Gives each payment another amount.
    pub async fn change(&self, ids: &[String], cents: usize) -> anyhow::Result<()> {
        for (place, id) in ids.iter().enumerate() {
            let amount = format!("{}.{:02}", 100 + place % 400, cents % 100);
            let edit = json!({ "op": "edit", "resource": "payments", "id": id, "edit": { "amount": amount } });
            self.mutate(edit).await?;
        }
        Ok(())
    }

    /// Makes new payments; returns their ids.
    pub async fn create(&self, payments: usize) -> anyhow::Result<Vec<String>> {
        let mut ids = Vec::new();
        for _ in 0..payments {
            let made = self.mutate(json!({ "op": "create", "resource": "payments" })).await?;
            ids.push(made["id"].as_str().context("an id")?.to_owned());
        }
        Ok(ids)
    }

    async fn mutate(&self, mutation: Value) -> anyhow::Result<Value> {
        let address = format!("http://{}/_sandbox/mutate", self.paystand.place()?.0);
        let answer = self.client.post(address).json(&mutation).send().await?;
        Ok(answer.error_for_status()?.json().await?)
    }

    /// Versions of these payments so far.
    pub async fn versions(&mut self, ids: &[String]) -> anyhow::Result<i64> {
        let select = sqlx::query_scalar(VERSIONS).bind(&self.paystand.customer_id).bind(ids);
        Ok(select.fetch_one(&mut self.connection).await?)
    }

    /// A daemon until these payments have so many versions, nothing waits any more, it has looked at how all stands, and two more
    /// polls have begun, of which the first is over then.
    pub async fn work(&mut self, what: &'static str, ids: &[String], versions: i64) -> anyhow::Result<Cost> {
        let running = Running::start(what, (self.postgres, self.database), daemon(&self.config, "payments")).await?;
        let (started, mut posted_by) = (Instant::now(), None);
        running
            .stop(0, async || {
                ensure!(started.elapsed() < PATIENCE, "{what}: it is not done after {} s", PATIENCE.as_secs());
                let (requests, _) = requests(&self.client, self.paystand.place()?.0).await?;
                match posted_by {
                    None if self.is_done(ids, versions).await? => posted_by = Some(requests),
                    Some(by) if requests >= by + 2 => return Ok(true),
                    _ => {}
                }
                Ok(false)
            })
            .await
    }

    async fn is_done(&mut self, ids: &[String], versions: i64) -> anyhow::Result<bool> {
        // Before there are tables nothing is done.
        let read = sqlx::query_scalar(READ).fetch_one(&mut self.connection).await.unwrap_or(false);
        Ok(read
            && sqlx::query_scalar(LOOKED).fetch_one(&mut self.connection).await?
            && self.versions(ids).await? >= versions)
    }

    /// Shows how all stands, as a process of its own; returns the seconds it took.
    pub async fn status(&self) -> anyhow::Result<f64> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_paystand-sync"));
        let started = Instant::now();
        let output = command.args(["status", "--config"]).arg(&self.config).output().await?;
        // With open exceptions it says so by its code.
        ensure!(matches!(output.status.code(), Some(0 | 5)), "{}", String::from_utf8_lossy(&output.stderr));
        Ok(started.elapsed().as_secs_f64())
    }
}
