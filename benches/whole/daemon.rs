//! The program as its users run it: all of it, nothing switched off.

use std::path::{Path, PathBuf};

use paystand_sync::clock::{Clock as _, SystemClock};
use tokio::process::Command;

use crate::paystand::{DAYS, Paystand};

/// What differs from one measurement to the next.
#[derive(Debug, Clone, Copy)]
pub struct Setting<'a> {
    /// Where the simulated Paystand is reached.
    pub base_url: &'a str,
    /// The address of a database of its own.
    pub database: &'a str,
    pub requests_per_minute: u64,
    pub page_rows: usize,
    /// Whether there is an ERP to post to: staging tables.
    pub posts: bool,
}

/// Writes the configuration of a daemon.
pub fn configure(file: PathBuf, paystand: &Paystand, setting: Setting<'_>) -> anyhow::Result<PathBuf> {
    let Paystand { client_id, client_secret, customer_id, .. } = paystand;
    let Setting { base_url, database, requests_per_minute, page_rows, posts } = setting;
    let erp = if posts { "[erp.books]\nkind = \"staging\"\n" } else { "" };
    let start = SystemClock::new().now().date_naive() - chrono::Days::new(u64::from(DAYS) + 5);
    let text = format!(
        "[database]\nurl = \"{database}\"\n[merchants.bench]\nenvironment = \"sandbox\"\nbase_url = \"{base_url}\"\n\
         client_id = \"{client_id}\"\nclient_secret = \"{client_secret}\"\ncustomer_id = \"{customer_id}\"\n\
         timezone = \"America/Los_Angeles\"\nrequests_per_minute = {requests_per_minute}\nstart_date = \"{start}\"\n\
         [sync]\npage_rows = {page_rows}\n{erp}[ops]\nlisten = \"\"\n"
    );
    std::fs::write(&file, text)?;
    Ok(file)
}

/// A daemon for one resource.
pub fn daemon(config: &Path, resource: &str) -> Command {
    let mut command = everything(config);
    command.args(["--resource", resource]);
    command
}

/// A single run over one resource, which reads all of it before it books.
pub fn once(config: &Path, resource: &str) -> Command {
    let mut command = daemon(config, resource);
    command.arg("--once");
    command
}

/// A daemon for all resources.
pub fn everything(config: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_paystand-sync"));
    command.args(["run", "--config"]).arg(config);
    command
}
