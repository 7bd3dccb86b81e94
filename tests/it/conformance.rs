//! The battery on the adapters that are here, and on one that must not pass.

#![expect(clippy::print_stderr, reason = "a report is worth reading")]

use std::sync::Arc;

use async_trait::async_trait;
use paystand_sync::clock::SystemClock;
use paystand_sync::conformance::{Hand, Report, Subject, battery};
use paystand_sync::erp::staging::Staging;
use paystand_sync::erp::{Delivery, Erp, ErpError, Payload};
use secrecy::SecretString;
use sqlx::{AssertSqlSafe, PgPool};

use crate::harness::Database;
use crate::scripted::http::{OverHttp, serve};
use crate::scripted::{Bench, InProcess, Naive, Script, Scripted, Server, Transport, Unique};

/// Calls that pass before a search shows what was written.
const LAG: u64 = 2;

/// As many as many a cloud needs, if one asks fast.
const LONG_LAG: u64 = 60;

async fn judged(subject: &dyn Subject) -> Report {
    let database = Database::fresh().await;
    let report = battery(&SecretString::from(database.url.clone()), "mr1", subject).await.expect("the battery begins");
    eprintln!("{report}");
    report
}

fn server(lag: u64) -> Arc<Server> {
    Server::new(Arc::new(SystemClock::new()), Script::quiet(), lag)
}

fn bench(server: &Arc<Server>, make: impl Fn(Arc<dyn Transport>) -> Arc<dyn Erp> + Send + Sync + 'static) -> Bench {
    let transport: Arc<dyn Transport> = Arc::new(InProcess(Arc::clone(server)));
    Bench { server: Arc::clone(server), make: Box::new(move || make(Arc::clone(&transport))) }
}

#[tokio::test]
async fn the_scripted_erp_passes_by_election() {
    for lag in [LAG, LONG_LAG] {
        let report = judged(&bench(&server(lag), |transport| Arc::new(Scripted::new(transport)))).await;
        assert!(report.has_passed(), "{report}");
    }
}

#[tokio::test]
async fn it_passes_by_a_key_of_its_own() {
    let report = judged(&bench(&server(LAG), |transport| Arc::new(Unique(transport)))).await;
    assert!(report.has_passed(), "{report}");
}

#[tokio::test]
async fn so_it_does_over_http_one_delivery_at_a_time() {
    let server = server(LAG);
    let served = serve(Arc::clone(&server)).await;
    let url = served.url.clone();
    let make =
        move || -> Arc<dyn Erp> { Arc::new(Scripted { batch_max: 1, ..Scripted::new(Arc::new(OverHttp::to(&url))) }) };
    let report = judged(&Bench { server, make: Box::new(make) }).await;
    assert!(report.has_passed(), "{report}");
}

#[tokio::test]
async fn money_keeps_its_order_also_where_a_call_is_all_or_nothing() {
    let make = |transport| -> Arc<dyn Erp> { Arc::new(Scripted { atomic_batch: true, ..Scripted::new(transport) }) };
    let report = judged(&bench(&server(LAG), make)).await;
    assert!(report.has_passed(), "{report}");
}

#[tokio::test]
async fn an_adapter_that_finds_and_then_creates_does_not_pass() {
    let report = judged(&bench(&server(LONG_LAG), |transport| Arc::new(Naive(transport)))).await;
    let failed = report.failed();
    for case in [
        "posted again",
        "eight writers",
        "reply lost",
        "late",
        "late duplicate",
        "partial batch",
        "server error after the body",
        "closed period",
        "death at every step",
        "death after death",
        "sleep at every step",
    ] {
        assert!(failed.contains(&case), "{case} should have failed:\n{report}");
    }
    for case in ["posted", "request lost", "throttled", "refused"] {
        assert!(!failed.contains(&case), "{case} shows nothing of it:\n{report}");
    }
}

/// Staging tables, read by another connection than the adapter's.
#[derive(Debug)]
struct Tables {
    pool: PgPool,
    url: SecretString,
}

impl Tables {
    async fn text(&self, query: &'static str, delivery: &Delivery, key: &str) -> Vec<String> {
        let select = sqlx::query_scalar(query).bind(delivery.merchant.as_str()).bind(key);
        select.fetch_all(&self.pool).await.expect("the query holds")
    }

    async fn execute(&self, statement: String, delivery: &Delivery, key: &str) {
        let execute = sqlx::query(AssertSqlSafe(statement)).bind(delivery.merchant.as_str()).bind(key);
        execute.execute(&self.pool).await.expect("the statement holds");
    }
}

#[async_trait]
impl Subject for Tables {
    async fn adapter(&self) -> Result<Arc<dyn Erp>, ErpError> {
        Ok(Arc::new(Staging::connect(&self.url, "erp")?))
    }

    async fn live(&self, delivery: &Delivery) -> Result<Vec<String>, ErpError> {
        Ok(match &delivery.payload {
            Payload::Document(version) => {
                let query = "select 'erp.payment/' || id from erp.payment where merchant = $1 and id = $2";
                self.text(query, delivery, version.document.id.as_str()).await
            }
            Payload::Event(_) => {
                let query = "select 'erp.event/' || event_key from erp.event where merchant = $1 and event_key = $2";
                self.text(query, delivery, &delivery.key).await
            }
            Payload::Notice(_) => panic!("staging wants no notices"),
            Payload::Entry(_) => {
                let query = "select 'erp.journal_entry/' || entry_key from erp.journal_entry
                             where merchant = $1 and entry_key = $2";
                self.text(query, delivery, &delivery.key).await
            }
        })
    }

    /// Of a record only the newest version is kept, so its row is the ERP side's to change.
    async fn edit(&self, delivery: &Delivery, _: &str) -> Result<Hand, ErpError> {
        let statement = match &delivery.payload {
            Payload::Document(_) => return Ok(Hand::OutOfReach),
            Payload::Event(_) => {
                "update erp.event set envelope = envelope || '{\"data\": {}}' where merchant = $1 and event_key = $2"
            }
            Payload::Notice(_) => panic!("staging wants no notices"),
            Payload::Entry(_) => {
                "update erp.journal_line set debit = debit * 2, credit = credit * 2 where merchant = $1 and entry_key = $2"
            }
        };
        self.execute(statement.to_owned(), delivery, &delivery.key).await;
        Ok(Hand::Done)
    }

    async fn delete(&self, delivery: &Delivery, reference: &str) -> Result<Hand, ErpError> {
        let (table, key) = match &delivery.payload {
            Payload::Document(version) => ("payment", ("id", version.document.id.as_str().to_owned())),
            Payload::Event(_) => ("event", ("event_key", delivery.key.clone())),
            Payload::Notice(_) => panic!("staging wants no notices"),
            Payload::Entry(_) => ("journal_entry", ("entry_key", delivery.key.clone())),
        };
        assert!(reference.starts_with(&format!("erp.{table}/")), "{reference}");
        if table == "journal_entry" {
            let lines = "delete from erp.journal_line where merchant = $1 and entry_key = $2";
            self.execute(lines.to_owned(), delivery, &delivery.key).await;
        }
        self.execute(format!("delete from erp.{table} where merchant = $1 and {} = $2", key.0), delivery, &key.1).await;
        Ok(Hand::Done)
    }
}

#[tokio::test]
async fn staging_passes() {
    let target = Database::fresh().await;
    let report = judged(&Tables { pool: target.pool, url: SecretString::from(target.url) }).await;
    assert!(report.has_passed(), "{report}");
}
