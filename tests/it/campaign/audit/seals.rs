//! Seals of every resource: none overlaps another, and a final one counts exactly what is stored of its slot. What a reading for a
//! seal did not find is gone indeed.

use std::collections::HashSet;

use paystand_sync::model::resource::Resource;
use paystand_sync::sandbox::Shown;
use sqlx::PgPool;

use super::{Audit, text};

/// What is wrong with the seals.
pub async fn wrong(pool: &PgPool) -> Vec<String> {
    const OVERLAPPING: &str = "
        select format('%s is sealed twice from %s', a.resource, b.from_at)
        from paystand_sync.seal a join paystand_sync.seal b
            on b.merchant = a.merchant and b.resource = a.resource and b.from_at > a.from_at and b.from_at < a.to_at";
    // A line of a report has no date of its own but that of its transfer.
    const COUNTED: &str = "
        select format('%s is sealed from %s with %s rows, and %s are stored', s.resource, s.from_at, s.rows, stored.rows)
        from paystand_sync.seal s cross join lateral (
            select count(*) as rows from paystand_sync.record r left join paystand_sync.record t
                on t.merchant = r.merchant and t.resource = 'transfers' and t.source_id = r.parent_id
            where r.merchant = s.merchant and r.resource = s.resource
                and coalesce(r.created_at, case when r.resource = 'transfer_entries' then t.created_at end) >= s.from_at
                and coalesce(r.created_at, case when r.resource = 'transfer_entries' then t.created_at end) < s.to_at
        ) as stored
        where s.final_at is not null and s.rows <> stored.rows";
    let mut wrong = Vec::new();
    for query in [OVERLAPPING, COUNTED] {
        wrong.extend(crate::harness::column(pool, query).await);
    }
    wrong
}

/// Records that are told to be gone from the source, as exceptions name them.
pub async fn told_vanished(pool: &PgPool) -> Vec<String> {
    crate::harness::column(
        pool,
        "select subject from paystand_sync.exception where class = 'record_vanished' and resolved_at is null",
    )
    .await
}

impl Audit<'_> {
    /// Nothing is told to be gone that its list shows. What is listed under a record is gone with it.
    pub(super) fn vanished(&mut self, told: &[String]) {
        let now: Vec<Shown> = self.truth.iter().filter(|it| it.visible_until.is_none()).cloned().collect();
        let there: HashSet<(Resource, &str)> = now.iter().map(|it| (it.resource, it.id.as_str())).collect();
        for row in &now {
            let has_parent = row.resource.parent().is_none_or(|above| {
                let named = if above == Resource::Transfers { "transferId" } else { "receivableId" };
                text(&row.body, named).is_some_and(|id| there.contains(&(above, id.as_str())))
            });
            if has_parent && told.contains(&format!("{}:{}", row.resource, row.id)) {
                self.fail(row, "is told to be gone");
            }
        }
    }
}
