//! What a process cost: time, CPU of it and of Postgres, memory, and what was written.

use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use serde::Serialize;
use tokio::process::Command;

use crate::postgres::Postgres;

/// How often the memory of a process is looked at.
const LOOK: Duration = Duration::from_millis(10);
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
}

impl Cost {
    #[expect(clippy::cast_precision_loss, reason = "counts of a benchmark")]
    pub fn records_per_s(&self) -> f64 {
        self.records as f64 / self.seconds
    }
}

/// Runs a process to its end.
pub async fn measure(
    what: &'static str,
    records: u64,
    (postgres, database): (&Postgres, &str),
    mut command: Command,
) -> anyhow::Result<Cost> {
    let before = postgres.usage(database).await?;
    let started = Instant::now();
    let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true).spawn().context(what)?;
    let id = child.id().context("it runs")?;
    let mut peak_kib = 0;
    let ended = loop {
        tokio::select! {
            biased;
            // The process is a zombie until it is waited for, and the kernel still says what it took.
            ended = wait_unreaped(id) => break ended,
            () = tokio::time::sleep(LOOK) => peak_kib = peak_kib.max(peak_rss_kib(id)),
        }
    };
    ended?;
    let seconds = started.elapsed().as_secs_f64();
    let client_cpu_s = cpu_s(id, false).context("a zombie tells")?;
    let output = child.wait_with_output().await?;
    ensure!(output.status.success(), "{what}: {}: {}", output.status, String::from_utf8_lossy(&output.stderr));
    let after = postgres.usage(database).await?;
    Ok(Cost {
        what,
        records,
        seconds,
        client_cpu_s,
        postgres_cpu_s: after.cpu_s - before.cpu_s,
        peak_rss_mib: f64::from(peak_kib) / 1024.0,
        wal_mb: (after.wal_bytes - before.wal_bytes) / 1e6,
        commits: after.commits - before.commits,
    })
}

async fn wait_unreaped(id: u32) -> anyhow::Result<()> {
    loop {
        if state(id)? == 'Z' {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
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
