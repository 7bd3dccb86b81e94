//! The table `audit`: what persons changed, each row chained to the one before.

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use sqlx::{FromRow, PgConnection};

use super::{Store, StoreError};

/// Who does something, and why.
#[derive(Debug, Clone, Copy)]
pub struct Actor<'a> {
    pub name: &'a str,
    pub reason: &'a str,
}

/// What somebody does.
#[derive(Debug, Clone, Copy)]
pub(super) struct Act<'a> {
    pub actor: Actor<'a>,
    /// `pause`, `retry` and the like.
    pub action: &'static str,
    /// To what.
    pub object: &'a str,
    /// What it came to.
    pub detail: &'a str,
}

/// One row as stored.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct AuditRow {
    pub number: i64,
    pub at: DateTime<Utc>,
    pub actor: String,
    pub action: String,
    pub object: String,
    pub reason: String,
    pub detail: String,
    pub sha256: Vec<u8>,
}

impl AuditRow {
    /// The hash of this row after one with the hash `before`: over both, each field with its length in front.
    #[must_use]
    pub fn chained(&self, before: &[u8]) -> Vec<u8> {
        let (number, at) = (self.number.to_string(), self.at.timestamp_micros().to_string());
        let mut hash = Sha256::new();
        for field in [
            before,
            number.as_bytes(),
            at.as_bytes(),
            self.actor.as_bytes(),
            self.action.as_bytes(),
            self.object.as_bytes(),
            self.reason.as_bytes(),
            self.detail.as_bytes(),
        ] {
            hash.update(u64::try_from(field.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(field);
        }
        hash.finalize().to_vec()
    }
}

impl Store {
    /// All rows, oldest first.
    pub async fn audit(&self) -> Result<Vec<AuditRow>, StoreError> {
        const SELECT: &str =
            "select number, at, actor, action, object, reason, detail, sha256 from audit order by number";
        Ok(sqlx::query_as(SELECT).fetch_all(&self.pool).await?)
    }
}

/// Adds a row, in the transaction that does what it tells.
pub(super) async fn record(connection: &mut PgConnection, act: Act<'_>, now: DateTime<Utc>) -> Result<(), StoreError> {
    // One after the other: the number and the hash of a row need the row before.
    const LOCK: &str = "select pg_advisory_xact_lock(hashtextextended('paystand_sync/audit', 0))";
    const LAST: &str = "select number, sha256 from audit order by number desc limit 1";
    const INSERT: &str = "
        insert into audit (number, at, actor, action, object, reason, detail, sha256) values ($1, $2, $3, $4, $5, $6, $7, $8)";
    sqlx::query(LOCK).execute(&mut *connection).await?;
    let last: Option<(i64, Vec<u8>)> = sqlx::query_as(LAST).fetch_optional(&mut *connection).await?;
    let (number, before) = last.unwrap_or_default();
    let row = AuditRow {
        number: number + 1,
        // Postgres keeps microseconds.
        at: DateTime::from_timestamp_micros(now.timestamp_micros()).unwrap_or(now),
        actor: act.actor.name.to_owned(),
        action: act.action.to_owned(),
        object: act.object.to_owned(),
        reason: act.actor.reason.to_owned(),
        detail: act.detail.to_owned(),
        sha256: Vec::new(),
    };
    sqlx::query(INSERT)
        .bind(row.number)
        .bind(row.at)
        .bind(&row.actor)
        .bind(&row.action)
        .bind(&row.object)
        .bind(&row.reason)
        .bind(&row.detail)
        .bind(row.chained(&before))
        .execute(connection)
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> AuditRow {
        AuditRow {
            number: 1,
            at: DateTime::UNIX_EPOCH,
            actor: "ana".to_owned(),
            action: "retry".to_owned(),
            object: "books/k".to_owned(),
            reason: "period open".to_owned(),
            detail: String::new(),
            sha256: Vec::new(),
        }
    }

    #[test]
    fn the_hash_tells_every_field_and_the_row_before() {
        let hash = row().chained(b"before");
        let moved = AuditRow { actor: "an".to_owned(), action: "aretry".to_owned(), ..row() };
        for changed in [AuditRow { number: 2, ..row() }, AuditRow { reason: "period".to_owned(), ..row() }, moved] {
            assert_ne!(changed.chained(b"before"), hash);
        }
        assert_ne!(row().chained(b"other"), hash);
        assert_eq!(row().chained(b"before"), hash);
    }
}
