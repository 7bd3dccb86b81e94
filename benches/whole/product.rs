//! The program as its users run it: all of it, nothing switched off.

use std::path::Path;

use paystand_sync::clock::{Clock as _, SystemClock};
use tokio::process::Command;

use crate::cost::{Cost, measure};
use crate::paystand::{DAYS, PAGE_ROWS, Paystand};
use crate::postgres::Postgres;

const DATABASE: &str = "product";

/// A first reading of everything, then the same again without news.
pub async fn all(postgres: &Postgres, paystand: &Paystand, scratch: &Path, records: u64) -> anyhow::Result<Vec<Cost>> {
    let url = postgres.fresh(DATABASE).await?;
    let config = scratch.join("config.toml");
    std::fs::write(&config, configuration(paystand, &url))?;
    let first = measure("first reading, booked and delivered", records, (postgres, DATABASE), once(&config)).await?;
    let again = measure("the same without news", records, (postgres, DATABASE), once(&config)).await?;
    Ok(vec![first, again])
}

fn once(config: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_paystand-sync"));
    command.args(["run", "--once", "--resource", "payments", "--config"]).arg(config);
    command
}

fn configuration(paystand: &Paystand, url: &str) -> String {
    let Paystand { base_url, client_id, client_secret, customer_id, .. } = paystand;
    let start = SystemClock::new().now().date_naive() - chrono::Days::new(u64::from(DAYS) + 5);
    format!(
        "[database]\nurl = \"{url}\"\n[merchants.bench]\nenvironment = \"sandbox\"\nbase_url = \"{base_url}\"\n\
         client_id = \"{client_id}\"\nclient_secret = \"{client_secret}\"\ncustomer_id = \"{customer_id}\"\n\
         timezone = \"America/Los_Angeles\"\nrequests_per_minute = 1000000\nstart_date = \"{start}\"\n\
         [sync]\npage_rows = {PAGE_ROWS}\n[erp.books]\nkind = \"staging\"\n[ops]\nlisten = \"\"\n"
    )
}
