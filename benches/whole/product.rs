//! The program as its users run it: all of it, nothing switched off.

use std::path::{Path, PathBuf};

use paystand_sync::clock::{Clock as _, SystemClock};
use tokio::process::Command;

use crate::cost::{Cost, Running};
use crate::paystand::{DAYS, PAGE_ROWS, Paystand};
use crate::postgres::Postgres;

const DATABASE: &str = "product";

/// Whether as many payments as there are were booked and posted.
const POSTED: &str = "
    select not exists (select from paystand_sync.booking where booked is null)
        and not exists (select from paystand_sync.ledger_entry where settled_at is null)
        and (select count(*) from erp.payment) >= $1";
/// Whether payments were asked for since.
const POLLED: &str = "select polled_at > $1 from paystand_sync.cursor where resource = 'payments'";

/// A first reading by a daemon, and another daemon that finds no news.
pub async fn all(postgres: &Postgres, paystand: &Paystand, scratch: &Path, records: u64) -> anyhow::Result<Vec<Cost>> {
    let config = configure(postgres, paystand, scratch).await?;
    let mut connection = postgres.connect(DATABASE).await?;
    let wanted = i64::try_from(records)?;
    let posted = async || {
        // Before there are tables nothing is done.
        Ok(sqlx::query_scalar(POSTED).bind(wanted).fetch_one(&mut connection).await.unwrap_or(false))
    };
    let what = "first reading, booked and posted";
    let first = Running::start(what, (postgres, DATABASE), daemon(&config)).await?.stop(records, posted).await?;
    let (mut connection, restarted) = (postgres.connect(DATABASE).await?, SystemClock::new().now());
    let polled = async || Ok(sqlx::query_scalar(POLLED).bind(restarted).fetch_one(&mut connection).await?);
    let what = "a restart and the next poll, without news";
    let again = Running::start(what, (postgres, DATABASE), daemon(&config)).await?.stop(0, polled).await?;
    Ok(vec![first, again])
}

fn daemon(config: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_paystand-sync"));
    command.args(["run", "--resource", "payments", "--config"]).arg(config);
    command
}

async fn configure(postgres: &Postgres, paystand: &Paystand, scratch: &Path) -> anyhow::Result<PathBuf> {
    let url = postgres.fresh(DATABASE).await?;
    let Paystand { base_url, client_id, client_secret, customer_id, .. } = paystand;
    let start = SystemClock::new().now().date_naive() - chrono::Days::new(u64::from(DAYS) + 5);
    let config = scratch.join("config.toml");
    let text = format!(
        "[database]\nurl = \"{url}\"\n[merchants.bench]\nenvironment = \"sandbox\"\nbase_url = \"{base_url}\"\n\
             client_id = \"{client_id}\"\nclient_secret = \"{client_secret}\"\ncustomer_id = \"{customer_id}\"\n\
             timezone = \"America/Los_Angeles\"\nrequests_per_minute = 1000000\nstart_date = \"{start}\"\n\
             [sync]\npage_rows = {PAGE_ROWS}\n[erp.books]\nkind = \"staging\"\n[ops]\nlisten = \"\"\n"
    );
    std::fs::write(&config, text)?;
    Ok(config)
}
