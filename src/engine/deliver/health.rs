//! How the target of an adapter does: one that takes nothing for long is shown to a person, and one that is gone for good is sent
//! nothing more. What is said about it settles itself at the first success, or when a person has it go on.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

use crate::erp::ErpError;
use crate::ledger::retry::FAILING_MAX;
use crate::model::ids::AdapterName;
use crate::store::lease::Held;
use crate::store::{Finding, Scope, Store, StoreError, nobody};

/// A target takes nothing for longer than [`FAILING_MAX`].
pub const TARGET_FAILING: &str = "target_failing";
/// A target said that it is gone for good; its adapter is paused.
pub const TARGET_GONE: &str = "target_gone";

/// Notes a call of which nothing was taken; true where the target fails for so long that a person is told.
pub(in crate::engine) async fn failed(
    store: &Store,
    held: &Held,
    adapter: &AdapterName,
    error: &ErpError,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let Some(failing) = store.target_failed(held, adapter, now).await? else { return Ok(false) };
    let lasts = now - failing.since;
    if lasts < TimeDelta::from_std(FAILING_MAX).expect("the retry table is bounded") {
        return Ok(false);
    }
    let since = failing.since.to_rfc3339_opts(SecondsFormat::Secs, true);
    let (minutes, waiting) = (lasts.num_minutes(), failing.waiting);
    let detail = format!(
        "{adapter} has taken nothing since {since}, for {} h {} min; {waiting} entries wait; the last error: {error}",
        minutes / 60,
        minutes % 60
    );
    store.raise(held, &nobody(), &finding(adapter, TARGET_FAILING, detail), now).await?;
    Ok(true)
}

/// Stops the adapter of a target that is gone for good.
pub(super) async fn gone(
    store: &Store,
    held: &Held,
    adapter: &AdapterName,
    reason: &str,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let detail = format!(
        "{adapter} is paused, for its target is gone: {reason}; `paystand-sync resume adapter {adapter} --reason TEXT` lets it go on"
    );
    store.shut(held, adapter, &finding(adapter, TARGET_GONE, detail), reason, now).await
}

fn finding(adapter: &AdapterName, class: &'static str, detail: String) -> Finding {
    Finding { class, subject: Scope::Adapter(adapter.clone()).to_string(), detail, evidence: None }
}
