//! Deliveries as rows, and the two statements that touch them.
//!
//! The order of versions is (`updated_at`, `version`), an absent `updated_at` lowest. Both statements hold by it, so that calls may be
//! repeated, reordered and made by several daemons at once.

use std::collections::BTreeMap;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use sqlx::{AssertSqlSafe, PgConnection};

use crate::erp::staging::Holding;
use crate::erp::staging::columns::{cells, columns, instant};
use crate::erp::staging::schema::SchemaName;
use crate::erp::{Delivery, Version};
use crate::model::resource::Resource;
use crate::normalize::mask;

/// Rows in one statement.
const ROWS_MAX: usize = 500;

/// Which version of which record a delivery is. The order of the first fields is the order in which rows are locked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Key<'a> {
    pub(super) resource: Resource,
    merchant: &'a str,
    id: &'a str,
    updated_at: Option<DateTime<Utc>>,
    version: i64,
    body: &'a Bytes,
}

/// One delivery, ready for its table.
#[derive(Debug, Clone)]
pub(super) struct Row<'a> {
    pub(super) key: Key<'a>,
    /// In the order of [`all_columns`].
    cells: Vec<Option<String>>,
}

/// The columns beside those that the document fills.
const BEFORE: [(&str, &str); 1] = [("merchant", "text")];
const AFTER: [(&str, &str); 4] =
    [("version", "bigint"), ("raw", "jsonb"), ("raw_sha256", "text"), ("delivery_key", "text")];

fn all_columns(resource: Resource) -> Vec<(&'static str, &'static str)> {
    [&BEFORE[..], &columns(resource), &AFTER].concat()
}

impl<'a> Key<'a> {
    pub(super) fn of(delivery: &'a Delivery, version: &'a Version) -> Self {
        Self {
            resource: version.document.resource(),
            merchant: delivery.merchant.as_str(),
            id: version.document.id.as_str(),
            updated_at: version.document.updated_at,
            version: version.number,
            body: &version.body,
        }
    }
}

impl<'a> Row<'a> {
    pub(super) fn of(delivery: &'a Delivery, version: &'a Version) -> Self {
        let mut row = vec![Some(delivery.merchant.as_str().to_owned())];
        row.extend(cells(&version.document));
        row.extend([
            Some(version.number.to_string()),
            Some(mask(&version.body)),
            Some(sha256(&version.body)),
            Some(delivery.key.clone()),
        ]);
        Self { key: Key::of(delivery, version), cells: row }
    }
}

/// The newest row of each record, by table and then by key: two writers lock the same rows in the same order.
pub(super) fn newest<'r>(rows: &[&'r Row<'_>]) -> BTreeMap<Resource, Vec<&'r Row<'r>>> {
    let mut newest: BTreeMap<(Resource, &str, &str), &Row<'_>> = BTreeMap::new();
    for row in rows.iter().copied() {
        let held = newest.entry((row.key.resource, row.key.merchant, row.key.id)).or_insert(row);
        if (held.key.updated_at, held.key.version) < (row.key.updated_at, row.key.version) {
            *held = row;
        }
    }
    let mut tables: BTreeMap<Resource, Vec<&Row<'_>>> = BTreeMap::new();
    for ((resource, _, _), row) in newest {
        tables.entry(resource).or_default().push(row);
    }
    tables
}

/// Writes rows of one table, at most one per record; what the table holds of the same or a later version stays untouched. Whether all
/// were written.
pub(super) async fn upsert(
    connection: &mut PgConnection,
    schema: &SchemaName,
    resource: Resource,
    rows: &[&Row<'_>],
) -> Result<bool, sqlx::Error> {
    let statement = upsert_sql(schema, resource);
    let mut written = 0;
    for rows in rows.chunks(ROWS_MAX) {
        let mut query = sqlx::query(AssertSqlSafe(statement.clone()));
        for column in 0..all_columns(resource).len() {
            query = query.bind(rows.iter().map(|row| row.cells[column].as_deref()).collect::<Vec<_>>());
        }
        written += query.execute(&mut *connection).await?.rows_affected();
    }
    Ok(usize::try_from(written) == Ok(rows.len()))
}

/// Rows that change nothing are left out before the insert, since a conflict costs a row lock and WAL even where nothing is
/// updated; the condition on the conflict holds against whoever wrote in between.
fn upsert_sql(schema: &SchemaName, resource: Resource) -> String {
    let table = schema.table(resource.singular());
    let columns = all_columns(resource);
    let join = |part: &dyn Fn(usize, &str, &str) -> String| {
        columns.iter().enumerate().map(|(at, (name, kind))| part(at, name, kind)).collect::<Vec<_>>().join(", ")
    };
    let names = join(&|_, name, _| name.to_owned());
    let arrays = join(&|at, _, _| format!("${}::text[]", at + 1));
    let values = join(&|_, name, kind| format!("new.{name}::{kind}"));
    let changes = join(&|_, name, _| format!("{name} = excluded.{name}"));
    format!(
        "insert into {table} as held ({names}, written_at)
         select {values}, now()
         from unnest({arrays}) as new ({names})
         where not exists (
             select from {table} as held
             where held.merchant = new.merchant
               and held.id = new.id
               and (coalesce(held.updated_at, '-infinity'), held.version)
                   >= (coalesce(new.updated_at::timestamptz, '-infinity'), new.version::bigint))
         on conflict (merchant, id) do update set {changes}, written_at = excluded.written_at
         where (coalesce(held.updated_at, '-infinity'), held.version)
             < (coalesce(excluded.updated_at, '-infinity'), excluded.version)"
    )
}

fn sha256(body: &Bytes) -> String {
    format!("{:x}", Sha256::digest(body))
}

/// For each key of one table whether the table holds that version or a later one, or another body as that version.
pub(super) async fn held(
    connection: &mut PgConnection,
    schema: &SchemaName,
    resource: Resource,
    keys: &[Key<'_>],
) -> Result<Vec<Holding>, sqlx::Error> {
    let table = schema.table(resource.singular());
    let statement = format!(
        "select held.id is not null,
             case when held.version = new.version and held.updated_at is not distinct from new.updated_at::timestamptz
                 and held.raw_sha256 <> new.sha256 then held.raw::text end
         from unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::text[]) with ordinality
             as new (merchant, id, updated_at, version, sha256, place)
         left join {table} as held
             on held.merchant = new.merchant
            and held.id = new.id
            and (coalesce(held.updated_at, '-infinity'), held.version)
                >= (coalesce(new.updated_at::timestamptz, '-infinity'), new.version)
         order by new.place"
    );
    let mut answers = Vec::with_capacity(keys.len());
    for keys in keys.chunks(ROWS_MAX) {
        let chunk: Vec<(bool, Option<String>)> = sqlx::query_as(AssertSqlSafe(statement.clone()))
            .bind(keys.iter().map(|key| key.merchant).collect::<Vec<_>>())
            .bind(keys.iter().map(|key| key.id).collect::<Vec<_>>())
            .bind(keys.iter().map(|key| key.updated_at.map(instant)).collect::<Vec<_>>())
            .bind(keys.iter().map(|key| key.version).collect::<Vec<_>>())
            .bind(keys.iter().map(|key| sha256(key.body)).collect::<Vec<_>>())
            .fetch_all(&mut *connection)
            .await?;
        answers.extend(chunk.into_iter().map(|(held, other)| match other {
            Some(other) => Holding::Other(other),
            None if held => Holding::Same,
            None => Holding::Nothing,
        }));
    }
    Ok(answers)
}
