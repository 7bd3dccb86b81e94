//! The table `adapter`: who entries are derived for, and where each of them writes.

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;

use super::super::lease::Held;
use super::super::{Store, StoreError};
use crate::crash::{Point, crash_point};
use crate::model::ids::{AdapterName, MerchantId};

/// An adapter that comes, and what it wants.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "four kinds of things, each wanted or not")]
pub struct Enrollment<'a> {
    pub adapter: &'a AdapterName,
    /// Where it writes.
    pub target: &'a str,
    pub documents: bool,
    pub events: bool,
    pub entries: bool,
    pub notices: bool,
    /// What happened before this day is not posted.
    pub post_from: Option<NaiveDate>,
    /// Where each merchant's days are cut.
    pub zones: &'a [(MerchantId, Tz)],
}

// All take the same arguments.
const ENROLL_DOCUMENTS: &str = "
    insert into ledger_entry (merchant, resource, key, adapter, source_id, version, state, due_at, recorded_at)
    select merchant, resource, resource || ':' || source_id || ':v' || version, $1, source_id, version, 'pending', $2, $2
    from record where content is not null and ($3::date is null or $3::date is not null) and $4::text[] is not null and $5::text[] is not null
    order by recorded_at, resource, source_id
    on conflict do nothing";
const ENROLL_EVENTS: &str = "
    insert into ledger_entry (merchant, resource, key, adapter, source_id, version, what, root, state, due_at, recorded_at, settled_at)
    select merchant, resource, event_key, $1, source_id, 0, 'event', root, case when early then 'baseline' else 'pending' end, $2, $2,
        case when early then $2 end
    from (
        select e.*, coalesce((e.occurred_at at time zone z.zone)::date < $3::date, false) as early
        from event e left join unnest($4::text[], $5::text[]) as z (merchant, zone) on z.merchant = e.merchant
    ) e
    order by position
    on conflict do nothing";
const ENROLL_ENTRIES: &str = "
    insert into ledger_entry (merchant, resource, key, adapter, source_id, version, what, root, state, due_at, recorded_at, settled_at)
    select merchant, resource, entry_key, $1, source_id, 0, 'entry', root, case when early then 'baseline' else 'pending' end, $2, $2,
        case when early then $2 end
    from (
        select j.merchant, e.resource, j.entry_key, e.source_id, j.root, j.position,
            coalesce((e.occurred_at at time zone z.zone)::date < $3::date, false) as early
        from journal_entry j
        join event e on e.merchant = j.merchant and e.event_key = j.event_key
        left join unnest($4::text[], $5::text[]) as z (merchant, zone) on z.merchant = j.merchant
    ) j
    order by position
    on conflict do nothing";

const ENROLL_NOTICES: &str = "
    insert into ledger_entry (merchant, resource, key, adapter, source_id, version, what, root, state, due_at, recorded_at, settled_at)
    select merchant, resource, key, $1, source_id, 0, 'notice', root, case when early then 'baseline' else 'pending' end, $2, $2,
        case when early then $2 end
    from (
        select n.*, coalesce((n.occurred_at at time zone coalesce(z.zone, 'UTC'))::date < $3::date, false) as early
        from notice n left join unnest($4::text[], $5::text[]) as z (merchant, zone) on z.merchant = n.merchant
    ) n
    order by position
    on conflict do nothing";

/// Whether an adapter was here before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acquaintance {
    /// With this name and this target.
    Known,
    /// With this name, before targets were recorded.
    ByName,
    New,
}

impl Store {
    /// Whether an adapter of this name writes to this target, and no other one does.
    ///
    /// # Errors
    /// [`StoreError::OtherTarget`] where the name is known with another target, [`StoreError::OtherName`] where the target is known
    /// under another name: everything would be sent again.
    pub async fn recognize(&self, adapter: &AdapterName, target: &str) -> Result<Acquaintance, StoreError> {
        const SELECT: &str = "select name, target from adapter where name = $1 or target = $2";
        let known: Vec<(String, Option<String>)> =
            sqlx::query_as(SELECT).bind(adapter.as_str()).bind(target).fetch_all(&self.pool).await?;
        if let Some((other, _)) = known.iter().find(|(name, _)| name != adapter.as_str()) {
            return Err(StoreError::OtherName { name: adapter.to_string(), other: other.clone() });
        }
        match known.into_iter().next() {
            None => Ok(Acquaintance::New),
            Some((_, None)) => Ok(Acquaintance::ByName),
            Some((_, Some(recorded))) if recorded == target => Ok(Acquaintance::Known),
            Some((_, Some(recorded))) => {
                Err(StoreError::OtherTarget { name: adapter.to_string(), recorded, configured: target.to_owned() })
            }
        }
    }

    /// Gives an adapter that is new an entry for the version in effect of every record, and for every event and journal entry that
    /// it wants. The next times nothing happens.
    pub async fn enroll(&self, held: &Held, enrollment: &Enrollment<'_>, now: DateTime<Utc>) -> Result<(), StoreError> {
        const ENROLL: &str = "insert into adapter (name, target, enrolled_at, notices) values ($1, $2, $3, $4)";
        const ADOPT: &str = "update adapter set target = $2 where name = $1 and target is null";
        let (adapter, target) = (enrollment.adapter, enrollment.target);
        match self.recognize(adapter, target).await? {
            Acquaintance::Known => return Ok(()),
            Acquaintance::ByName => {
                let mut transaction = self.begin(held).await?;
                sqlx::query(ADOPT).bind(adapter.as_str()).bind(target).execute(&mut *transaction).await?;
                return Ok(transaction.commit().await?);
            }
            Acquaintance::New => {}
        }
        let mut transaction = self.begin(held).await?;
        sqlx::query(ENROLL)
            .bind(adapter.as_str())
            .bind(target)
            .bind(now)
            .bind(enrollment.notices)
            .execute(&mut *transaction)
            .await?;
        for (wanted, statement) in [
            (enrollment.documents, ENROLL_DOCUMENTS),
            (enrollment.events, ENROLL_EVENTS),
            (enrollment.entries, ENROLL_ENTRIES),
            (enrollment.notices, ENROLL_NOTICES),
        ] {
            if wanted {
                sqlx::query(statement)
                    .bind(enrollment.adapter.as_str())
                    .bind(now)
                    .bind(enrollment.post_from)
                    .bind(enrollment.zones.iter().map(|(merchant, _)| merchant.as_str()).collect::<Vec<_>>())
                    .bind(enrollment.zones.iter().map(|(_, zone)| zone.name()).collect::<Vec<_>>())
                    .execute(&mut *transaction)
                    .await?;
            }
        }
        crash_point(Point::Enrolling);
        transaction.commit().await?;
        crash_point(Point::Enrolled);
        Ok(())
    }
}
