//! The names of adapters and where they write.

use chrono::{DateTime, Utc};

use crate::model::ids::AdapterName;
use crate::store::audit::{self, Act, Actor};
use crate::store::{Store, StoreError};

impl Store {
    /// Gives an adapter that is known another name, with everything that was posted under the old one.
    ///
    /// # Errors
    /// [`StoreError::NotPossible`] where there is no adapter of the old name, or one of the new.
    pub async fn rename_adapter(
        &self,
        (old, new): (&AdapterName, &AdapterName),
        actor: Actor<'_>,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        const KNOWN: &str = "select name from adapter where name in ($1, $2) for update";
        const RENAME: [&str; 9] = [
            "update adapter set name = $2 where name = $1",
            "update ledger_entry set adapter = $2 where adapter = $1",
            "update claim set adapter = $2 where adapter = $1",
            "update election set adapter = $2 where adapter = $1",
            "update attempt set adapter = $2 where adapter = $1",
            "update pause set scope = 'adapter/' || $2 where scope = 'adapter/' || $1",
            "update exception set subject = $2 || substr(subject, length($1) + 1)
             where resolved_at is null and starts_with(subject, $1 || '/')",
            "update exception set subject = 'adapter/' || $2 where resolved_at is null and subject = 'adapter/' || $1",
            // Whoever delivers under the old name is to notice.
            "update lease set epoch = epoch + 1 where name = 'deliver/' || $1 and $2 <> ''",
        ];
        let mut transaction = self.pool.begin().await?;
        let known: Vec<String> =
            sqlx::query_scalar(KNOWN).bind(old.as_str()).bind(new.as_str()).fetch_all(&mut *transaction).await?;
        if known != [old.as_str()] {
            let known = known.iter().any(|name| name == new.as_str());
            let why =
                if known { format!("there is an adapter {new} already") } else { format!("there is no adapter {old}") };
            return Err(StoreError::NotPossible(why));
        }
        for statement in RENAME {
            sqlx::query(statement).bind(old.as_str()).bind(new.as_str()).execute(&mut *transaction).await?;
        }
        let (object, detail) = (format!("adapter/{old}"), format!("now {new}"));
        audit::record(&mut transaction, Act { actor, action: "rename", object: &object, detail: &detail }, now).await?;
        Ok(transaction.commit().await?)
    }

    /// Says that an adapter writes elsewhere from now on, where everything that it posted is as well.
    ///
    /// # Errors
    /// [`StoreError::NotPossible`] where the adapter is not known, or another one writes there.
    pub async fn rebind_adapter(
        &self,
        adapter: &AdapterName,
        target: &str,
        actor: Actor<'_>,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        const TAKEN: &str = "select name from adapter where target = $1 and name <> $2";
        const KNOWN: &str = "select coalesce(target, '') from adapter where name = $1 for update";
        const UPDATE: &str = "update adapter set target = $2 where name = $1";
        let mut transaction = self.pool.begin().await?;
        let taken: Option<String> =
            sqlx::query_scalar(TAKEN).bind(target).bind(adapter.as_str()).fetch_optional(&mut *transaction).await?;
        if let Some(other) = taken {
            return Err(StoreError::NotPossible(format!("the adapter {other} writes to `{target}`")));
        }
        let known: Option<String> =
            sqlx::query_scalar(KNOWN).bind(adapter.as_str()).fetch_optional(&mut *transaction).await?;
        let before = known.ok_or_else(|| StoreError::NotPossible(format!("there is no adapter {adapter}")))?;
        sqlx::query(UPDATE).bind(adapter.as_str()).bind(target).execute(&mut *transaction).await?;
        let (object, detail) = (format!("adapter/{adapter}"), format!("{before} → {target}"));
        audit::record(&mut transaction, Act { actor, action: "rebind", object: &object, detail: &detail }, now).await?;
        Ok(transaction.commit().await?)
    }

    /// Keeps who had a file dropped again.
    pub async fn note_redrop(
        &self,
        adapter: &AdapterName,
        file: &str,
        actor: Actor<'_>,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let mut transaction = self.pool.begin().await?;
        let object = format!("adapter/{adapter}");
        audit::record(&mut transaction, Act { actor, action: "redrop", object: &object, detail: file }, now).await?;
        Ok(transaction.commit().await?)
    }
}
