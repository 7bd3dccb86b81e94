//! The table `audit`: what persons changed and what the daemon stopped by itself, each row chained to the one before.

use std::fmt;
use std::str::FromStr;

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

/// The last row of the trail: noted elsewhere, it shows later whether rows up to it are still as they were.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct AuditHead {
    pub number: i64,
    pub sha256: Vec<u8>,
}

/// `<number>:<hash in hex>`.
impl fmt::Display for AuditHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.number)?;
        self.sha256.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The text is no head of a trail.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a head is written NUMBER:HASH with 64 hex digits, as `paystand-sync audit verify` prints it")]
pub struct NoHead;

impl FromStr for AuditHead {
    type Err = NoHead;

    fn from_str(text: &str) -> Result<Self, NoHead> {
        let (number, hash) = text.split_once(':').ok_or(NoHead)?;
        let digits: Vec<u8> = hash
            .chars()
            .map(|c| c.to_digit(16).and_then(|it| u8::try_from(it).ok()))
            .collect::<Option<_>>()
            .ok_or(NoHead)?;
        if digits.len() != 64 {
            return Err(NoHead);
        }
        let sha256 = digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect();
        Ok(Self { number: number.parse().map_err(|_| NoHead)?, sha256 })
    }
}

/// Where a trail is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    #[error("row {0} is missing, or one was put in beside it")]
    Gap(i64),
    #[error("row {0} was changed")]
    Changed(i64),
    #[error("the last row was number {expected}, and the trail ends with {found}")]
    Cut { expected: i64, found: i64 },
    #[error("row {0} is not the one that was noted")]
    OtherHead(i64),
}

/// Checks rows from the first one on against each other, and against heads that were noted: the one in the database, and any other.
///
/// # Errors
/// The first row that is not as it was written.
pub fn verify(rows: &[AuditRow], heads: &[AuditHead]) -> Result<(), Broken> {
    let mut before: &[u8] = &[];
    for (expected, row) in (1..).zip(rows) {
        if row.number != expected {
            return Err(Broken::Gap(expected));
        }
        if row.chained(before) != row.sha256 {
            return Err(Broken::Changed(row.number));
        }
        before = &row.sha256;
    }
    let found = rows.last().map_or(0, |row| row.number);
    for head in heads {
        match rows.iter().find(|row| row.number == head.number) {
            None => return Err(Broken::Cut { expected: head.number, found }),
            Some(row) if row.sha256 != head.sha256 => return Err(Broken::OtherHead(head.number)),
            Some(_) => {}
        }
    }
    Ok(())
}

impl Store {
    /// The last row, as it was noted when it was written; none where nobody did anything yet.
    pub async fn audit_head(&self) -> Result<Option<AuditHead>, StoreError> {
        const SELECT: &str = "select number, sha256 from audit_head";
        Ok(sqlx::query_as(SELECT).fetch_optional(&self.pool).await?)
    }

    /// Notes that evidence was written, by the hash of the packet.
    pub async fn note_packet(&self, sha256: &str, actor: Actor<'_>, now: DateTime<Utc>) -> Result<(), StoreError> {
        let object = format!("packet/{sha256}");
        let mut transaction = self.pool.begin().await?;
        record(&mut transaction, Act { actor, action: "packet", object: &object, detail: "written" }, now).await?;
        Ok(transaction.commit().await?)
    }

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
    const HEAD: &str = "
        insert into audit_head (number, sha256) values ($1, $2)
        on conflict (singleton) do update set number = excluded.number, sha256 = excluded.sha256";
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
    let chained = row.chained(&before);
    sqlx::query(INSERT)
        .bind(row.number)
        .bind(row.at)
        .bind(&row.actor)
        .bind(&row.action)
        .bind(&row.object)
        .bind(&row.reason)
        .bind(&row.detail)
        .bind(&chained)
        .execute(&mut *connection)
        .await?;
    sqlx::query(HEAD).bind(row.number).bind(&chained).execute(connection).await?;
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

    fn trail() -> Vec<AuditRow> {
        let mut rows: Vec<AuditRow> = Vec::new();
        for number in 1..=4 {
            let mut row = AuditRow { number, reason: format!("reason {number}"), ..row() };
            row.sha256 = row.chained(rows.last().map_or(&[], |before| &before.sha256));
            rows.push(row);
        }
        rows
    }

    fn head(rows: &[AuditRow]) -> [AuditHead; 1] {
        let last = rows.last().expect("a row");
        [AuditHead { number: last.number, sha256: last.sha256.clone() }]
    }

    #[test]
    fn a_row_that_was_changed_put_in_or_taken_away_is_found_also_the_last() {
        let rows = trail();
        let heads = head(&rows);
        assert_eq!(verify(&rows, &heads), Ok(()));
        for place in 0..rows.len() {
            let number = rows[place].number;
            let mut changed = rows.clone();
            changed[place].reason.push('!');
            assert_eq!(verify(&changed, &heads), Err(Broken::Changed(number)));
            let mut removed = rows.clone();
            removed.remove(place);
            assert!(verify(&removed, &heads).is_err(), "without {number}");
            let mut inserted = rows.clone();
            inserted.insert(place, rows[place].clone());
            assert!(verify(&inserted, &heads).is_err(), "twice {number}");
        }
        let mut forged = rows.clone();
        let last = forged.last_mut().expect("a row");
        last.reason = "forged".to_owned();
        last.sha256 = last.chained(&rows[2].sha256);
        assert_eq!(verify(&forged, &heads), Err(Broken::OtherHead(4)));
        assert!(
            verify(&forged, &head(&forged)).is_ok(),
            "whoever rewrites the head too is found by one noted elsewhere"
        );
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
