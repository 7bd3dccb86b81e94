//! The table `rate_share`: how processes divide the request rate of one API key.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::lease::Presence;
use super::{Store, StoreError};

/// How often a process looks whether others have come or gone.
pub const SHARE_INTERVAL: Duration = Duration::from_secs(5);

impl Store {
    /// Claims a fair share of `per_minute_max` for this process and returns it: at most what the others leave, so the sum of all
    /// shares never exceeds the rate. A newcomer finds little at first; the others make room when they next look. A share lasts for as
    /// long as a lease does, and is renewed as often.
    pub async fn share_rate(
        &self,
        environment: &str,
        client_id: &str,
        presence: &Presence,
        per_minute_max: u32,
        now: DateTime<Utc>,
    ) -> Result<u32, StoreError> {
        const LOCK: &str =
            "select pg_advisory_xact_lock(hashtextextended('paystand_sync/rate/' || $1 || '/' || $2, 0))";
        const LEFT: &str = "
            delete from rate_share where environment = $1 and client_id = $2 and holder <> $3
                and (seen_at < $4 or pg_try_advisory_xact_lock(hashtextextended('paystand_sync/holder/' || holder, 0)))";
        const OTHERS: &str = "
            select count(*), coalesce(sum(per_minute), 0) from rate_share
            where environment = $1 and client_id = $2 and holder <> $3";
        const CLAIM: &str = "
            insert into rate_share (environment, client_id, holder, per_minute, seen_at) values ($1, $2, $3, $4, $5)
            on conflict (environment, client_id, holder)
            do update set per_minute = excluded.per_minute, seen_at = excluded.seen_at
            where rate_share.per_minute <> excluded.per_minute or rate_share.seen_at < $6";
        let mut transaction = self.pool().begin().await?;
        sqlx::query(LOCK).bind(environment).bind(client_id).execute(&mut *transaction).await?;
        sqlx::query(LEFT)
            .bind(environment)
            .bind(client_id)
            .bind(presence.holder())
            .bind(now - self.lease)
            .execute(&mut *transaction)
            .await?;
        let (others, claimed): (i64, i64) = sqlx::query_as(OTHERS)
            .bind(environment)
            .bind(client_id)
            .bind(presence.holder())
            .fetch_one(&mut *transaction)
            .await?;
        let fair = i64::from(per_minute_max) / (others + 1);
        let share = fair.min(i64::from(per_minute_max) - claimed).max(0);
        sqlx::query(CLAIM)
            .bind(environment)
            .bind(client_id)
            .bind(presence.holder())
            .bind(i32::try_from(share).expect("a share is part of a configured rate"))
            .bind(now)
            .bind(now - self.lease * 2 / 5)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(u32::try_from(share).expect("a share is not negative"))
    }

    /// Gives the share back, so that the others need not wait for our silence.
    pub async fn leave_rate(&self, presence: &Presence) -> Result<(), StoreError> {
        const DELETE: &str = "delete from rate_share where holder = $1";
        sqlx::query(DELETE).bind(presence.holder()).execute(self.pool()).await?;
        Ok(())
    }
}
