//! What became of tables and their indexes.

use std::collections::BTreeMap;

use serde::Serialize;
use sqlx::{AssertSqlSafe, PgConnection};

use crate::statements;

/// Has everything counted, but what this connection itself does.
pub async fn watch(connection: &mut PgConnection) -> anyhow::Result<()> {
    const WATCH: &str = "
        create extension if not exists pageinspect;
        set pg_stat_statements.track = none;
        set enable_seqscan = off;
        set search_path = paystand_sync, public";
    statements::show(&mut *connection).await?;
    sqlx::raw_sql(WATCH).execute(connection).await?;
    Ok(())
}

/// Sequential scans of each of our tables so far, with those of this connection, which it would tell later.
pub async fn scans(connection: &mut PgConnection) -> anyhow::Result<BTreeMap<String, i64>> {
    const TELL: &str = "select pg_stat_force_next_flush()";
    const SELECT: &str =
        "select relname::text, coalesce(seq_scan, 0) from pg_stat_user_tables where schemaname = 'paystand_sync'";
    sqlx::query(TELL).execute(&mut *connection).await?;
    let rows: Vec<(String, i64)> = sqlx::query_as(SELECT).fetch_all(connection).await?;
    Ok(rows.into_iter().collect())
}

/// Blocks from the root of each b-tree of ours to a leaf, the root not counted.
pub async fn depths(connection: &mut PgConnection) -> anyhow::Result<BTreeMap<String, i64>> {
    const SELECT: &str = "
        select c.relname::text, (bt_metap('paystand_sync.' || quote_ident(c.relname))).level
        from pg_class c join pg_am a on a.oid = c.relam
        where c.relnamespace = 'paystand_sync'::regnamespace and c.relkind = 'i' and a.amname = 'btree'";
    let rows: Vec<(String, i64)> = sqlx::query_as(SELECT).fetch_all(connection).await?;
    Ok(rows.into_iter().collect())
}

/// A table or an index.
#[derive(Debug, Clone, Serialize)]
pub struct Size {
    /// Those in it; of an index, as Postgres last saw it.
    pub rows: i64,
    pub bytes: i64,
    #[serde(skip)]
    pub is_table: bool,
}

/// Each of our tables with what it keeps beside, and each of their indexes.
pub async fn sizes(connection: &mut PgConnection) -> anyhow::Result<BTreeMap<String, Size>> {
    const SELECT: &str = "
        select c.relname::text, c.relkind = 'r', greatest(c.reltuples, 0)::int8, pg_table_size(c.oid) from pg_class c
        where c.relnamespace = 'paystand_sync'::regnamespace and c.relkind in ('r', 'i')";
    let found: Vec<(String, bool, i64, i64)> = sqlx::query_as(SELECT).fetch_all(&mut *connection).await?;
    let mut sizes = BTreeMap::new();
    for (name, is_table, seen, bytes) in found {
        let rows = if is_table { count(connection, &name).await? } else { seen };
        sizes.insert(name, Size { rows, bytes, is_table });
    }
    Ok(sizes)
}

async fn count(connection: &mut PgConnection, table: &str) -> anyhow::Result<i64> {
    let count = AssertSqlSafe(format!("select count(*) from {table}"));
    Ok(sqlx::query_scalar(count).fetch_one(connection).await?)
}
