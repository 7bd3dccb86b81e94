//! What a person may do that needs more than our database: the ERP is asked first.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::deliver::concrete;
use super::error::StepError;
use super::{Engine, adapters, files_settings};
use crate::clock::{Clock, SystemClock};
use crate::config::{Config, Environment, ErpConfig, ErpKind};
use crate::erp::files::Files;
use crate::erp::{Asked, Delivery, Erp, ErpError, Found, Posting, Stage};
use crate::model::ids::{AdapterName, MerchantId};
use crate::store::{Actor, EntryKey, OpenException, Store, StoreError};

impl Engine {
    /// Has an entry posted under a new key because its document is gone from the ERP.
    ///
    /// # Errors
    /// As [`post_anew`].
    pub async fn post_anew(&self, entry: EntryKey<'_>, actor: Actor<'_>) -> Result<(), StepError> {
        let erp = self.adapters.get(entry.adapter);
        let erp = erp.ok_or_else(|| not_possible(format!("no adapter {} is configured", entry.adapter)))?;
        let environment = self.config.environment().ok_or(StepError::NoMerchant)?;
        post_anew(&self.store, (&**erp, environment), entry, actor, self.circumstances.clock.now()).await
    }
}

/// Has an entry posted under a new key because its document is gone from the ERP.
///
/// # Errors
/// [`StoreError::NotPossible`] where the ERP still holds it, or a request of before may still take effect there: two documents of one
/// effect would be live.
pub async fn post_anew(
    store: &Store,
    (erp, environment): (&dyn Erp, Environment),
    entry: EntryKey<'_>,
    actor: Actor<'_>,
    now: DateTime<Utc>,
) -> Result<(), StepError> {
    if !erp.capabilities().searches {
        let why = format!(
            "{} cannot be asked whether it still holds {}; `exceptions retry` sends it again under its key",
            entry.adapter, entry.key
        );
        return Err(not_possible(why));
    }
    let stored = store.entry(entry).await?;
    let mut stored = stored.ok_or_else(|| not_possible(format!("{} has no entry {}", entry.adapter, entry.key)))?;
    let delivery = concrete(&mut stored, environment).map_err(not_possible)?;
    if let Some(until) = unsettled_until(store, erp, entry).await?.filter(|until| now < *until) {
        let why = format!("a request about {} may still be under way; try again after {until}", entry.key);
        return Err(not_possible(why));
    }
    if is_held(erp, &delivery, stored.elected.as_deref()).await? {
        return Err(not_possible(format!("{} still holds {}; remove it there first", entry.adapter, entry.key)));
    }
    let given_up = match erp.posting() {
        Posting::Keyed(_) => None,
        Posting::Drafted(erp) => Some(erp.key(&delivery)),
    };
    Ok(store.post_anew(entry, given_up.as_deref(), actor, now).await?)
}

/// Until when the target may write what was sent before. Of a target that takes drafts, what comes late is a draft and no more.
async fn unsettled_until(
    store: &Store,
    erp: &dyn Erp,
    entry: EntryKey<'_>,
) -> Result<Option<DateTime<Utc>>, StoreError> {
    match erp.posting() {
        Posting::Drafted(_) => Ok(None),
        Posting::Keyed(_) => {
            let settles_within = TimeDelta::from_std(erp.capabilities().settles_within).unwrap_or(TimeDelta::MAX);
            let last = store.last_attempt(entry).await?;
            Ok(last.map(|last| last.checked_add_signed(settles_within).unwrap_or(DateTime::<Utc>::MAX_UTC)))
        }
    }
}

/// Whether the target holds a document that is in the books, or that may still come to be.
async fn is_held(erp: &dyn Erp, delivery: &Delivery, elected: Option<&str>) -> Result<bool, ErpError> {
    let is_live = |found: &Found| match found.stage {
        Stage::Released | Stage::Unfinished => true,
        Stage::Draft => elected == Some(&*found.reference),
        Stage::Void => false,
    };
    Ok(match erp.posting() {
        Posting::Keyed(erp) => erp.find(std::slice::from_ref(delivery)).await?.into_iter().flatten().next().is_some(),
        Posting::Drafted(erp) => {
            erp.find(&[Asked { delivery, reference: elected }]).await?.iter().flatten().any(is_live)
        }
    })
}

/// Adapters that are only asked need no other.
fn clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock::new())
}

fn not_possible(why: String) -> StepError {
    StepError::Store(StoreError::NotPossible(why))
}

/// The same with the adapter as it is configured, where no engine is at work.
pub async fn post_anew_at(
    config: &Config,
    store: &Store,
    entry: EntryKey<'_>,
    actor: Actor<'_>,
    now: DateTime<Utc>,
) -> Result<(), StepError> {
    let adapters = adapters(config, store, &clock())?;
    let unknown = || not_possible(format!("no adapter {} is configured", entry.adapter));
    let erp = adapters.get(entry.adapter).ok_or_else(unknown)?;
    let environment = config.environment().ok_or(StepError::NoMerchant)?;
    post_anew(store, (&**erp, environment), entry, actor, now).await
}

/// Says that an adapter writes from now on where it is configured to.
pub async fn rebind(
    config: &Config,
    store: &Store,
    name: &AdapterName,
    actor: Actor<'_>,
    now: DateTime<Utc>,
) -> Result<String, StepError> {
    let adapters = adapters(config, store, &clock())?;
    let unknown = || StoreError::NotPossible(format!("no adapter {name} is configured; add a section [erp.{name}]"));
    let target = adapters.get(name).ok_or_else(unknown)?.target();
    store.rebind_adapter(name, &target, actor, now).await?;
    Ok(target)
}

/// Has a file dropped again that its consumer lost, byte for byte. Returns its name.
///
/// # Errors
/// [`crate::erp::ErpError::Misfit`] where it is still there, or its bytes are not kept any more.
pub async fn drop_again(
    config: &Config,
    store: &Store,
    (name, sequence): (&AdapterName, u64),
    actor: Actor<'_>,
    now: DateTime<Utc>,
) -> Result<String, StepError> {
    let Some(ErpConfig { kind: ErpKind::Files(files), .. }) = config.erp.get(name) else {
        return Err(not_possible(format!("no adapter {name} of kind \"files\" is configured")));
    };
    let settings = files_settings(config, (name, files), BTreeMap::new());
    let file = Files::new(settings, clock()).drop_again(sequence).await?;
    store.note_redrop(name, &file, actor, now).await?;
    Ok(file)
}

/// Has the entry that an exception is about tried again, or posted under a new key. Returns what it came to.
///
/// # Errors
/// [`StoreError::NoException`] where no such exception is open, [`StoreError::NotPossible`] where it is about no entry.
pub async fn retry_exception(
    config: &Config,
    store: &Store,
    (id, anew): (i64, bool),
    actor: Actor<'_>,
    now: DateTime<Utc>,
) -> Result<String, StepError> {
    let exception = open_exception(store, id).await?;
    let merchant = MerchantId::new(&exception.merchant);
    let Some((adapter, key)) = entry_of(store, &exception).await? else {
        let subject = &exception.subject;
        let why =
            format!("exception {id} is about {subject}, which no adapter holds back; `exceptions resolve` settles it");
        return Err(not_possible(why));
    };
    let entry = EntryKey { adapter: &adapter, merchant: &merchant, key: &key };
    if anew {
        post_anew_at(config, store, entry, actor, now).await?;
        return Ok(format!("{key} is posted anew to {adapter}"));
    }
    store.retry(entry, actor, now).await?;
    Ok(format!("{key} is tried again at {adapter}"))
}

/// Settles an exception by hand, and with it the entry that it is about: nothing more is done about that one.
///
/// # Errors
/// [`StoreError::NoException`] where no such exception is open, [`StoreError::NotPossible`] where its entry is at work.
pub async fn resolve_exception(
    store: &Store,
    id: i64,
    actor: Actor<'_>,
    now: DateTime<Utc>,
) -> Result<String, StepError> {
    let exception = open_exception(store, id).await?;
    let merchant = MerchantId::new(&exception.merchant);
    if let Some((adapter, key)) = entry_of(store, &exception).await? {
        let entry = EntryKey { adapter: &adapter, merchant: &merchant, key: &key };
        store.settle_by_hand(entry, actor, now).await?;
    }
    store.resolve_exception(id, actor, now).await?;
    Ok(format!("exception {id} is resolved"))
}

/// An open exception by its number.
///
/// # Errors
/// [`StoreError::NoException`] where none is open.
pub async fn open_exception(store: &Store, id: i64) -> Result<OpenException, StoreError> {
    store.open_exception(id).await?.ok_or(StoreError::NoException(id))
}

/// The entry that an exception is about: its subject names adapter and key, both of which may hold a slash.
async fn entry_of(store: &Store, exception: &OpenException) -> Result<Option<(AdapterName, String)>, StoreError> {
    let merchant = MerchantId::new(&exception.merchant);
    for (place, _) in exception.subject.match_indices('/') {
        let (adapter, key) = (AdapterName::new(&exception.subject[..place]), &exception.subject[place + 1..]);
        let entry = EntryKey { adapter: &adapter, merchant: &merchant, key };
        if store.entry(entry).await?.is_some() {
            return Ok(Some((adapter.clone(), key.to_owned())));
        }
    }
    Ok(None)
}
