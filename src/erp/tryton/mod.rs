//! The adapter `tryton`: journal entries as moves of a Tryton server (8.x) over its JSON-RPC.
//!
//! Tryton has no idempotency key, so a move is drafted under our key as its description, elected in our database, and posted. What
//! a line says about an invoice is done with the same release: money on an invoice becomes one of its payment lines, money taken
//! back from it an additional move, and an invoice that is paid is reconciled. Invoices and parties belong to the ERP: they are
//! found and checked, never changed otherwise, and an invoice is never created.

mod amounts;
mod chart;
mod examine;
mod find;
mod invoices;
mod parties;
mod plan;
mod read_back;
mod release;
mod rpc;
mod settings;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use serde_json::json;
use tokio::sync::OnceCell;

use crate::erp::{
    Asked, BookedDocument, Capabilities, Delivery, Draft, Drafted, Elected, Erp, ErpError, Found, OtherLine, Posting,
    ReadBack, Refusal, Shortcoming, Step, Wants,
};
use crate::model::journal::Role;
use amounts::datetime;
use chart::Chart;
use rpc::{Failure, Rpc};
pub use settings::{ClosedPeriod, Settings};

/// Moves in one call.
const BATCH_MAX: usize = 50;
/// A request that Tryton has not answered within this is cut off by us; the server ends it soon after.
const SETTLES_WITHIN: Duration = Duration::from_mins(10);
/// Drafts that one sweep looks at.
const DRAFTS_MAX: u32 = 1000;
/// What every key begins with.
const KEY_START: &str = "psx1:";

/// One company of one Tryton database.
#[derive(Debug)]
pub struct Tryton {
    rpc: Rpc,
    settings: Arc<Settings>,
    chart: OnceCell<Chart>,
}

impl Tryton {
    /// Sends nothing yet.
    pub fn connect(settings: Settings) -> Result<Self, ErpError> {
        let settings = Arc::new(settings);
        Ok(Self { rpc: Rpc::new(Arc::clone(&settings))?, settings, chart: OnceCell::new() })
    }

    /// Company, journal and accounts, read once.
    async fn chart(&self) -> Result<&Chart, ErpError> {
        self.chart.get_or_try_init(|| Chart::read(&self.rpc, &self.settings)).await
    }
}

#[async_trait]
impl Erp for Tryton {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            wants: Wants { documents: false, events: false, entries: true, notices: false },
            atomic_batch: false,
            searches: true,
            batch_max: BATCH_MAX,
            settles_within: SETTLES_WITHIN,
        }
    }

    fn target(&self) -> String {
        let Settings { url, database, company, .. } = &*self.settings;
        format!("tryton {url} database {database} company {}", company.as_deref().unwrap_or("of the user"))
    }

    fn posting(&self) -> Posting<'_> {
        Posting::Drafted(self)
    }

    fn read_back(&self) -> Option<&dyn ReadBack> {
        Some(self)
    }

    async fn prepare(&self) -> Result<(), ErpError> {
        self.chart().await.map(drop)
    }

    async fn examine(&self, today: NaiveDate) -> Result<Vec<Shortcoming>, ErpError> {
        examine::examine(&self.rpc, self.chart().await?, &self.settings, today).await
    }
}

#[async_trait]
impl ReadBack for Tryton {
    async fn documents(&self, prefix: &str, after: Option<&str>) -> Result<Vec<BookedDocument>, ErpError> {
        read_back::documents(&self.rpc, self.chart().await?, prefix, after).await
    }

    async fn others(&self, role: Role, limit: u32) -> Result<Vec<OtherLine>, ErpError> {
        read_back::others(&self.rpc, self.chart().await?, role, limit).await
    }
}

#[async_trait]
impl Drafted for Tryton {
    /// Descriptions have no limit of length.
    fn key(&self, delivery: &Delivery) -> String {
        delivery.erp_key.clone()
    }

    async fn find(&self, asked: &[Asked<'_>]) -> Result<Vec<Vec<Found>>, ErpError> {
        find::find(&self.rpc, self.chart().await?, &self.settings, asked).await
    }

    /// All in one call, which Tryton carries out or not as a whole; where it refuses, one by one.
    async fn draft(&self, deliveries: &[&Delivery]) -> Result<Vec<Step>, ErpError> {
        let chart = self.chart().await?;
        let plans = plan::plan(&self.rpc, chart, &self.settings, deliveries).await?;
        let wanted: Vec<_> = plans.iter().filter_map(|plan| plan.as_ref().ok().cloned()).collect();
        let together = if wanted.is_empty() { Ok(Vec::new()) } else { create(&self.rpc, &wanted).await };
        let mut ids = match together {
            Ok(ids) => ids.into_iter().map(Ok).collect::<Vec<_>>().into_iter(),
            Err(Failure::Call(error)) => return Err(error),
            Err(Failure::Refused(_)) => {
                let mut singly = Vec::with_capacity(wanted.len());
                for values in &wanted {
                    singly.push(match create(&self.rpc, std::slice::from_ref(values)).await {
                        Ok(ids) => Ok(ids.into_iter().next().unwrap_or_default()),
                        Err(Failure::Call(error)) => return Err(error),
                        Err(Failure::Refused(message)) => Err(rpc::refusal(message)),
                    });
                }
                singly.into_iter()
            }
        };
        let step = |plan: Result<_, Refusal>| {
            plan.and_then(|_| ids.next().expect("one answer per move")).map(|id: i64| Some(find::reference(id)))
        };
        Ok(plans.into_iter().map(step).collect())
    }

    async fn release(&self, elected: &[Elected<'_>]) -> Result<Vec<Step>, ErpError> {
        release::release(&self.rpc, self.chart().await?, elected).await
    }

    async fn drafts(&self, before: DateTime<Utc>) -> Result<Vec<Draft>, ErpError> {
        let company = self.chart().await?.company;
        let domain = json!([
            ["state", "=", "draft"],
            ["company", "=", company],
            ["description", "like", format!("{KEY_START}%")],
            ["create_date", "<", datetime(before)],
        ]);
        let params = vec![domain, json!(0), json!(DRAFTS_MAX), json!([["id", "ASC"]]), json!(["description"])];
        let rows: Vec<find::Described> = self.rpc.read("model.account.move.search_read", params).await?;
        Ok(rows.into_iter().map(|row| Draft { key: row.description, reference: find::reference(row.id) }).collect())
    }

    async fn discard(&self, references: &[&str]) -> Result<(), ErpError> {
        for id in references.iter().filter_map(|reference| find::id_in(reference)) {
            match self.rpc.write("model.account.move.delete", vec![json!([id])]).await {
                Ok(_) => {}
                // Gone, or posted by somebody in the meantime.
                Err(Failure::Refused(message)) => tracing::debug!(move_id = id, message, "a draft was not deleted"),
                Err(Failure::Call(error)) => return Err(error),
            }
        }
        Ok(())
    }
}

async fn create(rpc: &Rpc, values: &[serde_json::Value]) -> Result<Vec<i64>, Failure> {
    let ids = rpc.write("model.account.move.create", vec![json!(values)]).await?;
    Ok(serde_json::from_value(ids).map_err(rpc::unreadable)?)
}
