//! What the database holds, read by the auditor's own SQL.

use std::collections::{HashMap, HashSet};
use std::str::FromStr as _;

use chrono::{DateTime, Utc};
use paystand_sync::model::resource::Resource;
use rust_decimal::Decimal;
use sqlx::{AssertSqlSafe, FromRow, PgPool};

pub type Key = (Resource, String);

#[derive(Debug, Clone, FromRow)]
pub struct Stored {
    resource: String,
    source_id: String,
    pub version: i64,
    pub list_fingerprint: Option<Vec<u8>>,
    pub decodable: bool,
    pub status: Option<String>,
    pub amount: Option<Decimal>,
    pub currency: Option<String>,
    pub updated_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone, FromRow)]
pub struct Archived {
    resource: String,
    source_id: String,
    pub version: i64,
    pub shape: String,
    pub fingerprint: Vec<u8>,
    pub body: Vec<u8>,
}

#[derive(Debug, Clone, FromRow)]
pub struct Staged {
    id: String,
    pub version: i64,
    pub status: Option<String>,
    pub amount: Option<Decimal>,
}

#[derive(Debug)]
pub struct Tables {
    pub records: HashMap<Key, Stored>,
    /// In order of arrival.
    pub archive: HashMap<Key, Vec<Archived>>,
    pub staged: HashMap<Key, Staged>,
    /// Bytes kept by exceptions.
    pub evidence: HashSet<Vec<u8>>,
    /// Entries that are not final: key, state, reason.
    pub unfinished: Vec<(String, String, Option<String>)>,
}

impl Tables {
    pub async fn read(pool: &PgPool) -> Self {
        const RECORDS: &str = "
            select resource, source_id, version, list_fingerprint, content is not null as decodable, status, amount, currency, updated_at
            from paystand_sync.record";
        const ARCHIVE: &str = "
            select resource, source_id, version, shape, fingerprint, body from paystand_sync.record_version order by arrival";
        const EVIDENCE: &str = "select evidence from paystand_sync.exception where evidence is not null";
        const UNFINISHED: &str = "
            select key, state, reason from paystand_sync.ledger_entry
            where state not in ('posted', 'superseded', 'baseline', 'not_applicable', 'resolved') order by key";
        let records: Vec<Stored> = sqlx::query_as(RECORDS).fetch_all(pool).await.expect("the database answers");
        let bodies: Vec<Archived> = sqlx::query_as(ARCHIVE).fetch_all(pool).await.expect("the database answers");
        let evidence: Vec<Vec<u8>> = sqlx::query_scalar(EVIDENCE).fetch_all(pool).await.expect("the database answers");
        let unfinished = sqlx::query_as(UNFINISHED).fetch_all(pool).await.expect("the database answers");
        let mut staged = HashMap::new();
        for resource in Resource::ALL {
            let select = format!("select id, version, status, amount from erp.{}", resource.singular());
            let rows: Vec<Staged> =
                sqlx::query_as(AssertSqlSafe(select)).fetch_all(pool).await.expect("the database answers");
            staged.extend(rows.into_iter().map(|row| ((resource, row.id.clone()), row)));
        }
        let mut archive: HashMap<Key, Vec<Archived>> = HashMap::new();
        for body in bodies {
            archive.entry((known(&body.resource), body.source_id.clone())).or_default().push(body);
        }
        Self {
            records: records.into_iter().map(|it| ((known(&it.resource), it.source_id.clone()), it)).collect(),
            archive,
            staged,
            evidence: evidence.into_iter().collect(),
            unfinished,
        }
    }

    pub fn bodies(&self, key: &Key) -> &[Archived] {
        self.archive.get(key).map_or(&[], Vec::as_slice)
    }

    pub fn versions(&self) -> usize {
        let numbers = |bodies: &Vec<Archived>| bodies.iter().map(|body| body.version).collect::<HashSet<_>>().len();
        self.archive.values().map(numbers).sum()
    }
}

fn known(resource: &str) -> Resource {
    Resource::from_str(resource).expect("a resource")
}
