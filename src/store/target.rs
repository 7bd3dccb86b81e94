//! How the targets of adapters do: since when one takes nothing, and that one is gone for good.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::audit::Actor;
use super::exception::{self, Finding};
use super::lease::Held;
use super::{Scope, Store, StoreError, action};
use crate::model::ids::{AdapterName, MerchantId};

/// Who stops work that no person stopped.
pub const DAEMON: &str = "paystand-sync";

/// A target that takes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failing {
    pub since: DateTime<Utc>,
    /// Entries that are not posted yet and wait for no person.
    pub waiting: i64,
}

/// The merchant of what is about a target, which serves all of them.
#[must_use]
pub fn nobody() -> MerchantId {
    MerchantId::new("")
}

impl Store {
    /// Notes that a target took nothing; `None` where the adapter is not known yet.
    pub async fn target_failed(
        &self,
        held: &Held,
        adapter: &AdapterName,
        now: DateTime<Utc>,
    ) -> Result<Option<Failing>, StoreError> {
        const UPDATE: &str = "
            update adapter set failing_since = coalesce(failing_since, $2) where name = $1
            returning failing_since, (select count(*) from ledger_entry
                where adapter = $1 and state in ('pending', 'in_doubt', 'held'))";
        let mut transaction = self.begin(held).await?;
        let failing: Option<(DateTime<Utc>, i64)> =
            sqlx::query_as(UPDATE).bind(adapter.as_str()).bind(now).fetch_optional(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(failing.map(|(since, waiting)| Failing { since, waiting }))
    }

    /// Notes that a target takes entries. If that was not so before, the exceptions of `class` about it are settled, and what waits
    /// for a later attempt is due.
    pub async fn target_answered(
        &self,
        held: &Held,
        adapter: &AdapterName,
        class: &str,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        const UPDATE: &str = "update adapter set failing_since = null where name = $1 and failing_since is not null";
        let mut transaction = self.begin(held).await?;
        let failed = sqlx::query(UPDATE).bind(adapter.as_str()).execute(&mut *transaction).await?.rows_affected() > 0;
        let subject = [Scope::Adapter(adapter.clone()).to_string()];
        let settled =
            exception::resolve(&mut transaction, &nobody(), class, &subject, "it takes entries again", now).await?;
        if failed && settled > 0 {
            make_due(&mut transaction, adapter, now).await?;
        }
        Ok(transaction.commit().await?)
    }

    /// Stops deliveries to a target that is gone for good, with an exception that says so, until a person resumes.
    pub async fn shut(
        &self,
        held: &Held,
        adapter: &AdapterName,
        finding: &Finding,
        reason: &str,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let mut transaction = self.begin(held).await?;
        let actor = Actor { name: DAEMON, reason };
        action::pause(&mut transaction, &Scope::Adapter(adapter.clone()), actor, now).await?;
        exception::raise(&mut transaction, &nobody(), std::slice::from_ref(finding), now).await?;
        Ok(transaction.commit().await?)
    }
}

/// A target that goes on is asked about everything that waits for it, and what was said about it is settled.
pub(super) async fn let_go_on(
    connection: &mut PgConnection,
    adapter: &AdapterName,
    resolution: &str,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    const FORGET: &str = "update adapter set failing_since = null where name = $1";
    sqlx::query(FORGET).bind(adapter.as_str()).execute(&mut *connection).await?;
    let subject = Scope::Adapter(adapter.clone()).to_string();
    exception::resolve_all(connection, &nobody(), &subject, resolution, now).await?;
    make_due(connection, adapter, now).await
}

/// Has what waits for a later attempt tried now. What is held waits for something at the target.
async fn make_due(connection: &mut PgConnection, adapter: &AdapterName, now: DateTime<Utc>) -> Result<(), StoreError> {
    const UPDATE: &str =
        "update ledger_entry set due_at = $2 where adapter = $1 and state in ('pending', 'in_doubt') and due_at > $2";
    sqlx::query(UPDATE).bind(adapter.as_str()).bind(now).execute(connection).await?;
    Ok(())
}
