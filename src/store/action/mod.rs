//! What persons may do: pause and resume, try again, post anew, settle, replay, and name adapters. Each is one transaction with its
//! row in the audit trail, and none needs a lease: what is under way at the time commits before or after, and meets the change.

mod entry;
mod naming;
mod replay;

use chrono::{DateTime, Utc};
use sqlx::{FromRow, PgConnection};

use super::audit::{self, Act, Actor};
use super::{Store, StoreError, target};
use crate::model::ids::AdapterName;
use crate::model::resource::Resource;

pub use entry::EntryKey;

/// What a person stops or lets go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    Adapter(AdapterName),
    /// Of all merchants.
    Resource(Resource),
}

impl std::fmt::Display for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Scope::Adapter(name) => write!(f, "adapter/{name}"),
            Scope::Resource(resource) => write!(f, "resource/{resource}"),
        }
    }
}

/// Work that is stopped, by a person or because its target is gone.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Pause {
    /// As [`Scope`] is written.
    pub scope: String,
    pub since: DateTime<Utc>,
    pub actor: String,
    pub reason: String,
}

/// Stops work, in the transaction that has a reason to. False where it is stopped already.
pub(in crate::store) async fn pause(
    connection: &mut PgConnection,
    scope: &Scope,
    actor: Actor<'_>,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    const INSERT: &str =
        "insert into pause (scope, since, actor, reason) values ($1, $2, $3, $4) on conflict do nothing";
    let scope = scope.to_string();
    let insert = sqlx::query(INSERT).bind(&scope).bind(now).bind(actor.name).bind(actor.reason);
    let is_new = insert.execute(&mut *connection).await?.rows_affected() > 0;
    if is_new {
        audit::record(connection, Act { actor, action: "pause", object: &scope, detail: "" }, now).await?;
    }
    Ok(is_new)
}

impl Store {
    /// Everything that is stopped.
    pub async fn pauses(&self) -> Result<Vec<Pause>, StoreError> {
        const SELECT: &str = "select scope, since, actor, reason from pause order by scope";
        Ok(sqlx::query_as(SELECT).fetch_all(&self.pool).await?)
    }

    /// Stops work until it is resumed. False where it is stopped already.
    pub async fn pause(&self, scope: &Scope, actor: Actor<'_>, now: DateTime<Utc>) -> Result<bool, StoreError> {
        let mut transaction = self.pool.begin().await?;
        let is_new = pause(&mut transaction, scope, actor, now).await?;
        transaction.commit().await?;
        Ok(is_new)
    }

    /// Lets work go on; of an adapter, with everything that waits for it. False where it is not stopped.
    pub async fn resume(&self, scope: &Scope, actor: Actor<'_>, now: DateTime<Utc>) -> Result<bool, StoreError> {
        const DELETE: &str = "delete from pause where scope = $1";
        let name = scope.to_string();
        let mut transaction = self.pool.begin().await?;
        let resumed = sqlx::query(DELETE).bind(&name).execute(&mut *transaction).await?.rows_affected();
        if resumed > 0 {
            if let Scope::Adapter(adapter) = scope {
                let resolution = format!("resumed by {}: {}", actor.name, actor.reason);
                target::let_go_on(&mut transaction, adapter, &resolution, now).await?;
            }
            audit::record(&mut transaction, Act { actor, action: "resume", object: &name, detail: "" }, now).await?;
        }
        transaction.commit().await?;
        Ok(resumed > 0)
    }

    /// Whether a person has stopped it.
    pub async fn is_paused(&self, scope: &Scope) -> Result<bool, StoreError> {
        const SELECT: &str = "select exists (select from pause where scope = $1)";
        Ok(sqlx::query_scalar(SELECT).bind(scope.to_string()).fetch_one(&self.pool).await?)
    }
}
