//! What the battery does to our own tables that nobody else may: an old backup is restored, and what was sent is changed.

use sqlx::FromRow;

use super::report::Failure;
use crate::model::event::Fact;
use crate::model::ids::{AdapterName, MerchantId};
use crate::store::{Settlement, Store};

/// How a ledger entry stands.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub(super) struct Standing {
    pub state: String,
    pub receipt: Option<String>,
}

pub(super) async fn standing(
    store: &Store,
    adapter: &AdapterName,
    merchant: &MerchantId,
    key: &str,
) -> Result<Standing, Failure> {
    const SELECT: &str = "select state, receipt from ledger_entry where merchant = $1 and key = $2 and adapter = $3";
    let select = sqlx::query_as(SELECT).bind(merchant.as_str()).bind(key).bind(adapter.as_str());
    Ok(select.fetch_one(store.pool()).await?)
}

/// Classes of the open exceptions about an entry, with their evidence.
pub(super) async fn exceptions(
    store: &Store,
    adapter: &AdapterName,
    merchant: &MerchantId,
    key: &str,
) -> Result<Vec<(String, Option<Vec<u8>>)>, Failure> {
    const SELECT: &str = "
        select class, evidence from exception where merchant = $1 and subject = $2 and resolved_at is null order by id";
    let subject = Settlement::subject(adapter, key);
    let select = sqlx::query_as(SELECT).bind(merchant.as_str()).bind(subject);
    Ok(select.fetch_all(store.pool()).await?)
}

/// A backup from before any of the adapter's entries was tried: elections, attempts and receipts are gone.
pub(super) async fn restore(store: &Store, adapter: &AdapterName) -> Result<(), Failure> {
    const RESTORE: [&str; 4] = [
        "delete from election where adapter = $1",
        "delete from attempt where adapter = $1",
        "delete from claim where adapter = $1",
        "update ledger_entry set state = 'pending', reason = null, receipt = null, settled_at = null, attempts = 0,
             payload_sha256 = null, generation = 1
         where adapter = $1",
    ];
    let mut transaction = store.pool().begin().await?;
    for statement in RESTORE {
        sqlx::query(statement).bind(adapter.as_str()).execute(&mut *transaction).await?;
    }
    Ok(transaction.commit().await?)
}

/// Doubles the amounts of a journal entry.
pub(super) async fn change_entry(store: &Store, merchant: &MerchantId, key: &str) -> Result<(), Failure> {
    const UPDATE: &str = "update journal_line set amount = amount * 2 where merchant = $1 and entry_key = $2";
    sqlx::query(UPDATE).bind(merchant.as_str()).bind(key).execute(store.pool()).await?;
    Ok(())
}

/// Has an event say something else.
pub(super) async fn change_event(store: &Store, merchant: &MerchantId, key: &str, fact: &Fact) -> Result<(), Failure> {
    const UPDATE: &str = "update event set fact = $3 where merchant = $1 and event_key = $2";
    let fact = serde_json::to_string(fact).map_err(|error| Failure::Claim(error.to_string()))?;
    sqlx::query(UPDATE).bind(merchant.as_str()).bind(key).bind(fact).execute(store.pool()).await?;
    Ok(())
}

/// Has the first version of a payment say something else.
pub(super) async fn change_version(store: &Store, merchant: &MerchantId, id: &str, body: &str) -> Result<(), Failure> {
    const UPDATE: &str = "
        update record_version set body = $3 where merchant = $1 and resource = 'payments' and source_id = $2 and version = 1";
    sqlx::query(UPDATE).bind(merchant.as_str()).bind(id).bind(body.as_bytes()).execute(store.pool()).await?;
    Ok(())
}
