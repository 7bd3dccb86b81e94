//! First readings by a daemon, and what follows them.

use std::path::Path;

use paystand_sync::clock::{Clock as _, SystemClock};

use crate::cost::{Cost, Running};
use crate::daemon::{Setting, configure, daemon};
use crate::paystand::{PAGE_ROWS, Paystand};
use crate::postgres::Postgres;

const DATABASE: &str = "product";
/// None that is felt.
const REQUESTS_PER_MINUTE: u64 = 1_000_000;

/// Whether as many payments as there are were booked and posted.
pub const POSTED: &str = "
    select not exists (select from paystand_sync.booking where booked is null)
        and not exists (select from paystand_sync.ledger_entry where settled_at is null)
        and (select count(*) from erp.payment) >= $1";
/// Whether payments were asked for since.
const POLLED: &str = "select polled_at > $1 from paystand_sync.cursor where resource = 'payments'";

/// A first reading by a daemon, and another daemon that finds no news.
pub async fn all(postgres: &Postgres, paystand: &Paystand, scratch: &Path, records: u64) -> anyhow::Result<Vec<Cost>> {
    let (base_url, database) = (&paystand.base_url, &postgres.fresh(DATABASE).await?);
    let setting = Setting { base_url, database, requests_per_minute: REQUESTS_PER_MINUTE, page_rows: PAGE_ROWS };
    let config = configure(scratch.join("config.toml"), paystand, setting)?;
    let mut connection = postgres.connect(DATABASE).await?;
    let wanted = i64::try_from(records)?;
    let posted = async || {
        // Before there are tables nothing is done.
        Ok(sqlx::query_scalar(POSTED).bind(wanted).fetch_one(&mut connection).await.unwrap_or(false))
    };
    let what = "first reading, booked and posted";
    let first =
        Running::start(what, (postgres, DATABASE), daemon(&config, "payments")).await?.stop(records, posted).await?;
    let (mut connection, restarted) = (postgres.connect(DATABASE).await?, SystemClock::new().now());
    let polled = async || Ok(sqlx::query_scalar(POLLED).bind(restarted).fetch_one(&mut connection).await?);
    let what = "a restart and the next poll, without news";
    let again = Running::start(what, (postgres, DATABASE), daemon(&config, "payments")).await?.stop(0, polled).await?;
    Ok(vec![first, again])
}
