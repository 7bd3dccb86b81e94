//! The staging schema: its name, its versions, and how it comes to be.
//!
//! Versions only move forward and are recorded in the schema itself. A role that may not create anything works once somebody else
//! has brought the schema up to date.

use std::fmt;

use sqlx::{AssertSqlSafe, PgConnection};

use crate::erp::ErpError;
use crate::erp::staging::failure::Failure;

/// Each script runs once, in order, in the transaction that records it.
const SCRIPTS: [&str; 2] =
    [include_str!("schema/0001_documents.sql"), include_str!("schema/0002_events_and_journal.sql")];

/// Postgres cuts longer names off in silence.
const NAME_BYTES_MAX: usize = 63;

/// The name of the schema: `[a-z_][a-z0-9_]*`, so that it reads the same quoted and unquoted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SchemaName(String);

impl SchemaName {
    pub(super) fn parse(name: &str) -> Result<Self, ErpError> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        let fits = !name.is_empty()
            && name.len() <= NAME_BYTES_MAX
            && name.bytes().all(plain)
            && !name.starts_with(|c: char| c.is_ascii_digit());
        if fits {
            Ok(Self(name.to_owned()))
        } else {
            Err(ErpError::Misfit {
                reason:
                    "the schema's name must be lower-case letters, digits and `_`, not begin with a digit, and have \
                         at most 63 characters"
                        .to_owned(),
            })
        }
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// `"schema".table`, safe in a statement.
    pub(super) fn table(&self, name: &'static str) -> String {
        format!("{self}.{name}")
    }
}

/// Quoted, as it stands in a statement.
impl fmt::Display for SchemaName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0)
    }
}

/// One daemon at a time: the others wait and then find nothing left to do.
const LOCK: &str = "select pg_advisory_xact_lock(hashtextextended('paystand_sync staging ' || $1, 0))";

const SCHEMA_EXISTS: &str = "select to_regnamespace(quote_ident($1)) is not null";

const VERSIONS_EXIST: &str = "select to_regclass(quote_ident($1) || '.paystand_sync_schema') is not null";

/// Brings the schema up to date within the caller's transaction.
pub(super) async fn prepare(connection: &mut PgConnection, schema: &SchemaName) -> Result<(), Failure> {
    sqlx::query(LOCK).bind(schema.as_str()).execute(&mut *connection).await?;
    let exists: bool = sqlx::query_scalar(SCHEMA_EXISTS).bind(schema.as_str()).fetch_one(&mut *connection).await?;
    if !exists {
        run(connection, format!("create schema {schema}")).await?;
    }
    let versions_exist: bool =
        sqlx::query_scalar(VERSIONS_EXIST).bind(schema.as_str()).fetch_one(&mut *connection).await?;
    let versions = schema.table("paystand_sync_schema");
    if !versions_exist {
        run(
            connection,
            format!(
                "create table {versions} (version integer primary key, applied_at timestamptz not null);
                 comment on table {versions} is 'Which scripts of paystand-sync built this schema.';
                 comment on column {versions}.version is 'Number of the script.';
                 comment on column {versions}.applied_at is 'When it ran.'"
            ),
        )
        .await?;
    }
    let newest = format!("select coalesce(max(version), 0) from {versions}");
    let newest: i32 = sqlx::query_scalar(AssertSqlSafe(newest)).fetch_one(&mut *connection).await?;
    let applied = usize::try_from(newest).unwrap_or(usize::MAX);
    let Some(missing) = SCRIPTS.get(applied..) else {
        return Err(Failure::Call(ErpError::Misfit {
            reason: format!(
                "schema {schema} is at version {newest}, this program knows {}: use the newer program",
                SCRIPTS.len()
            ),
        }));
    };
    for (version, script) in (newest + 1..).zip(missing) {
        run(connection, format!("set local search_path = {schema}")).await?;
        sqlx::raw_sql(*script).execute(&mut *connection).await?;
        let record = format!("insert into {versions} (version, applied_at) values ($1, now())");
        sqlx::query(AssertSqlSafe(record)).bind(version).execute(&mut *connection).await?;
    }
    Ok(())
}

/// Runs DDL. Its only variable part is a [`SchemaName`].
async fn run(connection: &mut PgConnection, ddl: String) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(AssertSqlSafe(ddl)).execute(connection).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_would_need_care_is_refused() {
        for name in ["erp", "_erp2", "paystand_staging"] {
            assert_eq!(SchemaName::parse(name).expect("plain").to_string(), format!("\"{name}\""));
        }
        let long = "a".repeat(64);
        for name in ["", "Erp", "2erp", "er-p", "e\"p", "erp;drop", "erp.x", "é", &long] {
            assert!(SchemaName::parse(name).is_err(), "{name}");
        }
    }
}
