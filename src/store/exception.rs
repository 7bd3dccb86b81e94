//! The table `exception`: what a person must see.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use sqlx::{FromRow, PgConnection};

use super::audit::{self, Act, Actor};
use super::lease::Held;
use super::{Store, StoreError, notice};
use crate::model::ids::MerchantId;

/// Something to be raised. One exception stands open per merchant, class and subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub class: &'static str,
    /// What it is about, such as `payments:<id>`.
    pub subject: String,
    /// One sentence.
    pub detail: String,
    /// The bytes at hand.
    pub evidence: Option<Vec<u8>>,
}

/// An open exception as a person sees it in a list.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct OpenException {
    pub id: i64,
    pub merchant: String,
    pub class: String,
    pub subject: String,
    pub detail: String,
    pub opened_at: DateTime<Utc>,
    pub seen_at: DateTime<Utc>,
    /// Who takes care of it.
    pub owner: Option<String>,
    /// How much money is at stake, where that is known.
    pub amount_at_risk: Option<Decimal>,
    pub currency: Option<String>,
}

/// Exceptions `e` with what is at stake: of an entry its debits, of a record its amount.
macro_rules! open_exception {
    () => {
        "select e.id, e.merchant, e.class, e.subject, e.detail, e.opened_at, e.seen_at, e.owner,
            coalesce(j.amount, r.amount) as amount_at_risk, coalesce(j.currency, r.currency) as currency
        from exception e
        left join lateral (
            select sum(l.amount) filter (where l.amount > 0) as amount, b.currency
            from journal_entry b join journal_line l using (merchant, entry_key)
            where b.merchant = e.merchant and b.entry_key = substr(e.subject, strpos(e.subject, '/') + 1) group by b.currency
        ) j on strpos(e.subject, '/') > 0
        left join record r on r.merchant = e.merchant and r.resource = split_part(substr(e.subject, strpos(e.subject, '/') + 1), ':', 1)
            and r.source_id = split_part(e.subject, ':', 2)"
    };
}

impl Store {
    /// All open exceptions, oldest first, `limit` at most.
    pub async fn open_exceptions(&self, limit: i64) -> Result<Vec<OpenException>, StoreError> {
        const SELECT: &str = concat!(open_exception!(), " where e.resolved_at is null order by e.id limit $1");
        Ok(sqlx::query_as(SELECT).bind(limit).fetch_all(&self.pool).await?)
    }

    pub async fn open_exception_count(&self) -> Result<i64, StoreError> {
        const COUNT: &str = "select count(*) from exception where resolved_at is null";
        Ok(sqlx::query_scalar(COUNT).fetch_one(&self.pool).await?)
    }

    /// Raises one outside a batch of records.
    pub async fn raise(
        &self,
        held: &Held,
        merchant: &MerchantId,
        finding: &Finding,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let mut transaction = self.begin(held).await?;
        raise(&mut transaction, merchant, std::slice::from_ref(finding), now).await?;
        Ok(transaction.commit().await?)
    }

    /// Settles the open exceptions of a class about a subject.
    pub async fn settle_exception(
        &self,
        held: &Held,
        merchant: &MerchantId,
        class: &str,
        subject: &str,
        resolution: &str,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let mut transaction = self.begin(held).await?;
        resolve(&mut transaction, merchant, class, &[subject.to_owned()], resolution, now).await?;
        Ok(transaction.commit().await?)
    }

    /// Subjects of the open exceptions of a class that begin with `prefix`.
    pub async fn open_subjects(
        &self,
        merchant: &MerchantId,
        class: &str,
        prefix: &str,
    ) -> Result<Vec<String>, StoreError> {
        const SELECT: &str = "
            select subject from exception
            where merchant = $1 and class = $2 and starts_with(subject, $3) and resolved_at is null order by id";
        Ok(sqlx::query_scalar(SELECT).bind(merchant.as_str()).bind(class).bind(prefix).fetch_all(&self.pool).await?)
    }

    /// The same of all merchants, each with whose it is.
    pub async fn open_everywhere(&self, class: &str, prefix: &str) -> Result<Vec<(MerchantId, String)>, StoreError> {
        const SELECT: &str = "
            select merchant, subject from exception
            where class = $1 and starts_with(subject, $2) and resolved_at is null order by id";
        let open: Vec<(String, String)> = sqlx::query_as(SELECT).bind(class).bind(prefix).fetch_all(&self.pool).await?;
        Ok(open.into_iter().map(|(merchant, subject)| (MerchantId::new(merchant), subject)).collect())
    }

    /// An open exception by its number.
    pub async fn open_exception(&self, id: i64) -> Result<Option<OpenException>, StoreError> {
        const SELECT: &str = concat!(open_exception!(), " where e.id = $1 and e.resolved_at is null");
        Ok(sqlx::query_as(SELECT).bind(id).fetch_optional(&self.pool).await?)
    }

    /// The bytes that were at hand when an exception was raised. They may hold card or bank data.
    pub async fn evidence(&self, id: i64) -> Result<Option<Vec<u8>>, StoreError> {
        const SELECT: &str = "select evidence from exception where id = $1";
        let evidence: Option<Option<Vec<u8>>> = sqlx::query_scalar(SELECT).bind(id).fetch_optional(&self.pool).await?;
        Ok(evidence.flatten())
    }

    /// Says who takes care of an open exception; false where none with this number is open.
    pub async fn assign_exception(
        &self,
        id: i64,
        owner: &str,
        actor: Actor<'_>,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        const UPDATE: &str = "update exception set owner = $2 where id = $1 and resolved_at is null";
        let mut transaction = self.pool.begin().await?;
        let changed = sqlx::query(UPDATE).bind(id).bind(owner).execute(&mut *transaction).await?;
        if changed.rows_affected() == 0 {
            return Ok(false);
        }
        let object = format!("exception/{id}");
        audit::record(&mut transaction, Act { actor, action: "assign", object: &object, detail: owner }, now).await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// Settles one by its number, by a person; false where none with this number is open.
    pub async fn resolve_exception(&self, id: i64, actor: Actor<'_>, now: DateTime<Utc>) -> Result<bool, StoreError> {
        const UPDATE: &str = "
            update exception set resolved_at = $3, resolution = $2 where id = $1 and resolved_at is null returning subject";
        let resolution = format!("{} (by {})", actor.reason, actor.name);
        let mut transaction = self.pool.begin().await?;
        let subject: Option<String> =
            sqlx::query_scalar(UPDATE).bind(id).bind(&resolution).bind(now).fetch_optional(&mut *transaction).await?;
        let Some(subject) = subject else { return Ok(false) };
        let (object, detail) = (format!("exception/{id}"), subject);
        audit::record(&mut transaction, Act { actor, action: "resolve", object: &object, detail: &detail }, now)
            .await?;
        transaction.commit().await?;
        Ok(true)
    }
}

/// Opens exceptions, which is told to whoever wants notices, or notes about once an hour that an open one is still there.
pub(super) async fn raise(
    connection: &mut PgConnection,
    merchant: &MerchantId,
    findings: &[Finding],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    const UPSERT: &str = "
        insert into exception (merchant, class, subject, detail, evidence, opened_at, seen_at)
        values ($1, $2, $3, $4, $5, $6, $6)
        on conflict (merchant, class, subject) where resolved_at is null
        do update set seen_at = excluded.seen_at, detail = excluded.detail, evidence = excluded.evidence
        where exception.seen_at < excluded.seen_at - interval '1 hour' or exception.detail <> excluded.detail
        returning id, xmax = 0";
    for finding in findings {
        let raised: Option<(i64, bool)> = sqlx::query_as(UPSERT)
            .bind(merchant.as_str())
            .bind(finding.class)
            .bind(&finding.subject)
            .bind(&finding.detail)
            .bind(&finding.evidence)
            .bind(now)
            .fetch_optional(&mut *connection)
            .await?;
        if let Some((id, true)) = raised {
            notice::exception(connection, merchant, id, finding, now).await?;
        }
    }
    Ok(())
}

/// Settles whatever stands open about a subject.
pub(super) async fn resolve_all(
    connection: &mut PgConnection,
    merchant: &MerchantId,
    subject: &str,
    resolution: &str,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    const UPDATE: &str = "
        update exception set resolved_at = $4, resolution = $3
        where merchant = $1 and subject = $2 and resolved_at is null";
    sqlx::query(UPDATE).bind(merchant.as_str()).bind(subject).bind(resolution).bind(now).execute(connection).await?;
    Ok(())
}

/// Settles open exceptions of one class; returns how many.
pub(super) async fn resolve(
    connection: &mut PgConnection,
    merchant: &MerchantId,
    class: &str,
    subjects: &[String],
    resolution: &str,
    now: DateTime<Utc>,
) -> Result<u64, StoreError> {
    const UPDATE: &str = "
        update exception set resolved_at = $5, resolution = $4
        where merchant = $1 and class = $2 and subject = any($3) and resolved_at is null";
    let settled = sqlx::query(UPDATE)
        .bind(merchant.as_str())
        .bind(class)
        .bind(subjects)
        .bind(resolution)
        .bind(now)
        .execute(connection)
        .await?
        .rows_affected();
    Ok(settled)
}
