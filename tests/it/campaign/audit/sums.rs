//! The sums that are kept of records are what counting them comes to.

use sqlx::PgPool;

/// What is wrong with the sums.
pub async fn wrong(pool: &PgPool) -> Vec<String> {
    const DIFFERENT: &str = "
        with counted as (
            select merchant, resource, coalesce(currency, '') as currency, count(*) as rows, sum(amount) as amount
            from paystand_sync.record group by 1, 2, 3
        )
        select format('%s of %s in %s: kept are %s rows of %s, and stored %s of %s', resource, merchant, currency, k.rows, k.amount,
            c.rows, c.amount)
        from paystand_sync.record_sum k full join counted c using (merchant, resource, currency)
        where coalesce(k.rows, 0) <> coalesce(c.rows, 0) or coalesce(k.amount, 0) <> coalesce(c.amount, 0)";
    crate::harness::column(pool, DIFFERENT).await
}
