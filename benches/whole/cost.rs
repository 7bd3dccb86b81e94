//! What a process cost: time, CPU of it and of Postgres, memory, and what was written.

use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use serde::Serialize;
use tokio::process::{Child, Command};

use crate::postgres::{Postgres, Usage};

/// How often a process is looked at.
const LOOK: Duration = Duration::from_millis(100);
/// Ticks of `/proc` in a second, on every Linux that there is.
const TICKS: f64 = 100.0;

/// One figure.
#[derive(Debug, Clone, Serialize)]
pub struct Cost {
    pub what: &'static str,
    pub records: u64,
    pub seconds: f64,
    pub client_cpu_s: f64,
    pub postgres_cpu_s: f64,
    pub peak_rss_mib: f64,
    pub wal_mb: f64,
    pub commits: i64,
    pub statements: i64,
}

impl Cost {
    #[expect(clippy::cast_precision_loss, reason = "counts of a benchmark")]
    pub fn records_per_s(&self) -> f64 {
        self.records as f64 / self.seconds
    }
}

/// A process under measurement.
pub struct Running<'a> {
    what: &'static str,
    postgres: &'a Postgres,
    database: &'static str,
    child: Child,
    id: u32,
    before: Usage,
    started: Instant,
    peak_kib: u32,
}

impl<'a> Running<'a> {
    pub async fn start(
        what: &'static str,
        (postgres, database): (&'a Postgres, &'static str),
        mut command: Command,
    ) -> anyhow::Result<Self> {
        let before = postgres.usage(database).await?;
        let started = Instant::now();
        let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true).spawn().context(what)?;
        let id = child.id().context("it runs")?;
        Ok(Self { what, postgres, database, child, id, before, started, peak_kib: 0 })
    }

    /// Until it ends by itself.
    pub async fn end(mut self, records: u64) -> anyhow::Result<Cost> {
        while !self.has_ended()? {
            tokio::time::sleep(LOOK).await;
        }
        let client_cpu_s = cpu_s(self.id, false).context("a zombie tells")?;
        let (seconds, after) = (self.started.elapsed().as_secs_f64(), self.postgres.usage(self.database).await?);
        self.cost(records, (seconds, client_cpu_s, after)).await
    }

    /// Once `is_done` says so, it is told to stop; what that takes is not counted.
    pub async fn stop(
        mut self,
        records: u64,
        mut is_done: impl AsyncFnMut() -> anyhow::Result<bool>,
    ) -> anyhow::Result<Cost> {
        while !is_done().await? {
            ensure!(!self.has_ended()?, "{}: it ended by itself", self.what);
            tokio::time::sleep(LOOK).await;
        }
        let (seconds, client_cpu_s) = (self.started.elapsed().as_secs_f64(), cpu_s(self.id, false)?);
        let after = self.postgres.usage(self.database).await?;
        rustix::process::kill_process(process(self.id)?, rustix::process::Signal::TERM)?;
        while !self.has_ended()? {
            tokio::time::sleep(LOOK).await;
        }
        self.cost(records, (seconds, client_cpu_s, after)).await
    }

    /// The process is a zombie until it is waited for, and the kernel still says what it took.
    fn has_ended(&mut self) -> anyhow::Result<bool> {
        self.peak_kib = self.peak_kib.max(peak_rss_kib(self.id));
        Ok(state(self.id)? == 'Z')
    }

    async fn cost(self, records: u64, (seconds, client_cpu_s, after): (f64, f64, Usage)) -> anyhow::Result<Cost> {
        let Self { what, child, before, peak_kib, .. } = self;
        let output = child.wait_with_output().await?;
        ensure!(output.status.success(), "{what}: {}: {}", output.status, String::from_utf8_lossy(&output.stderr));
        Ok(Cost {
            what,
            records,
            seconds,
            client_cpu_s,
            postgres_cpu_s: after.cpu_s - before.cpu_s,
            peak_rss_mib: f64::from(peak_kib) / 1024.0,
            wal_mb: (after.wal_bytes - before.wal_bytes) / 1e6,
            commits: after.commits - before.commits,
            statements: after.statements - before.statements,
        })
    }
}

fn process(id: u32) -> anyhow::Result<rustix::process::Pid> {
    rustix::process::Pid::from_raw(i32::try_from(id)?).context("a process id")
}

fn stat(id: u32) -> anyhow::Result<Vec<String>> {
    let text = std::fs::read_to_string(format!("/proc/{id}/stat")).context("a process of ours")?;
    let (_, rest) = text.rsplit_once(')').context("the name of a program")?;
    Ok(rest.split_whitespace().map(str::to_owned).collect())
}

fn state(id: u32) -> anyhow::Result<char> {
    stat(id)?.first().and_then(|it| it.chars().next()).context("a state")
}

/// User and system time of a process, and of its children that ended where wanted.
pub fn cpu_s(id: u32, with_children: bool) -> anyhow::Result<f64> {
    let stat = stat(id)?;
    // Fields 14 to 17 of proc(5); the first here is field 3.
    let fields = if with_children { 11..15 } else { 11..13 };
    let ticks: f64 = stat[fields].iter().filter_map(|it| it.parse::<f64>().ok()).sum();
    Ok(ticks / TICKS)
}

fn peak_rss_kib(id: u32) -> u32 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok()).unwrap_or_default()
}
