//! What a person may do that needs more than our database: the ERP is asked first.

use chrono::{DateTime, Utc};

use super::deliver::concrete;
use super::error::StepError;
use super::{Engine, adapters};
use crate::config::Config;
use crate::erp::{Asked, Found, Posting, Stage};
use crate::model::ids::AdapterName;
use crate::store::{Actor, EntryKey, Store, StoreError};

impl Engine {
    /// Has an entry posted under a new key because its document is gone from the ERP.
    ///
    /// # Errors
    /// [`StoreError::NotPossible`] where the ERP still holds it: two documents of one effect would be live.
    pub async fn post_anew(&self, entry: EntryKey<'_>, actor: Actor<'_>) -> Result<(), StepError> {
        let not_possible = |why: String| StepError::Store(StoreError::NotPossible(why));
        let erp = self.adapters.get(entry.adapter);
        let erp = erp.ok_or_else(|| not_possible(format!("no adapter {} is configured", entry.adapter)))?;
        let stored = self.store.entry(entry).await?;
        let mut stored = stored.ok_or_else(|| not_possible(format!("{} has no entry {}", entry.adapter, entry.key)))?;
        let environment = self.config.environment().ok_or(StepError::NoMerchant)?;
        let delivery = concrete(&mut stored, environment).map_err(not_possible)?;
        let held = match erp.posting() {
            Posting::Keyed(erp) => erp.find(&[delivery]).await?.into_iter().flatten().next().is_some(),
            Posting::Drafted(erp) => {
                let asked = Asked { delivery: &delivery, reference: stored.elected.as_deref() };
                let elected = |reference: &str| stored.elected.as_deref() == Some(reference);
                let is_live = |found: &Found| match found.stage {
                    Stage::Released => true,
                    Stage::Draft => elected(&found.reference),
                    Stage::Void => false,
                };
                erp.find(&[asked]).await?.iter().flatten().any(is_live)
            }
        };
        if held {
            return Err(not_possible(format!("{} still holds {}; remove it there first", entry.adapter, entry.key)));
        }
        Ok(self.store.post_anew(entry, actor, self.circumstances.clock.now()).await?)
    }
}

/// Says that an adapter writes from now on where it is configured to.
pub async fn rebind(
    config: &Config,
    store: &Store,
    name: &AdapterName,
    actor: Actor<'_>,
    now: DateTime<Utc>,
) -> Result<String, StepError> {
    let adapters = adapters(config, store)?;
    let unknown = || StoreError::NotPossible(format!("no adapter {name} is configured; add a section [erp.{name}]"));
    let target = adapters.get(name).ok_or_else(unknown)?.target();
    store.rebind_adapter(name, &target, actor, now).await?;
    Ok(target)
}
