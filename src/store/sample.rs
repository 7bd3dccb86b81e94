//! The table `sample`: rows and lag of the last day, a row for each quarter of an hour.

use chrono::{DateTime, TimeDelta, Timelike as _, Utc};
use sqlx::FromRow;

use super::lease::Held;
use super::{Store, StoreError};

/// One resource at one time.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Sample {
    pub merchant: String,
    pub resource: String,
    pub at: DateTime<Utc>,
    pub rows: i64,
    pub lag_s: i64,
}

impl Store {
    /// Keeps samples of now in place of those of a day ago.
    pub async fn keep_samples(&self, held: &Held, samples: &[Sample], now: DateTime<Utc>) -> Result<(), StoreError> {
        const UPSERT: &str = "
            insert into sample (merchant, resource, slot, at, rows, lag_s)
            select t.merchant, t.resource, $1, $2, t.rows, t.lag_s
            from unnest($3::text[], $4::text[], $5::int8[], $6::int8[]) as t (merchant, resource, rows, lag_s)
            on conflict (merchant, resource, slot)
            do update set at = excluded.at, rows = excluded.rows, lag_s = excluded.lag_s";
        let mut transaction = self.begin(held).await?;
        sqlx::query(UPSERT)
            .bind(slot(now))
            .bind(now)
            .bind(samples.iter().map(|it| it.merchant.as_str()).collect::<Vec<_>>())
            .bind(samples.iter().map(|it| it.resource.as_str()).collect::<Vec<_>>())
            .bind(samples.iter().map(|it| it.rows).collect::<Vec<_>>())
            .bind(samples.iter().map(|it| it.lag_s).collect::<Vec<_>>())
            .execute(&mut *transaction)
            .await?;
        Ok(transaction.commit().await?)
    }

    /// The samples of the day before `now`, oldest first.
    pub async fn samples(&self, now: DateTime<Utc>) -> Result<Vec<Sample>, StoreError> {
        const SELECT: &str = "
            select merchant, resource, at, rows, lag_s from sample where at > $1 and at <= $2 order by at, merchant, resource";
        Ok(sqlx::query_as(SELECT).bind(now - TimeDelta::days(1)).bind(now).fetch_all(&self.pool).await?)
    }
}

/// The quarter of an hour within the day.
fn slot(at: DateTime<Utc>) -> i32 {
    i32::try_from(at.hour() * 4 + at.minute() / 15).expect("a day has 96 quarters of an hour")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_has_ninety_six_slots() {
        let at = |text: &str| slot(text.parse().expect("an instant"));
        assert_eq!(at("2026-05-12T00:14:59Z"), 0);
        assert_eq!(at("2026-05-12T00:15:00Z"), 1);
        assert_eq!(at("2026-05-12T23:59:59Z"), 95);
    }
}
