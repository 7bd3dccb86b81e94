//! Ties the books out without holding them: reads them account by account.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use chrono::NaiveDate;

use super::Engine;
use super::error::StepError;
use super::reconcile::{apart, overapplied};
use crate::config::MerchantConfig;
use crate::model::event::Event;
use crate::model::ids::{MerchantId, SourceId};
use crate::model::resource::Resource;
use crate::reconcile::{Fold, Placed, Reconciliation};
use crate::store::{Finding, StoreError};

/// Accounts that are read at once.
const ACCOUNTS: i64 = 500;

impl Engine {
    /// Ties out one merchant as [`Engine::tie_out`] does, without what is at rest; of wrong payouts only those are raised that were
    /// `suspects` before. `None` where more than `most` entries of accounts that are not at rest would have to be held.
    pub(super) async fn tie_out_by_accounts(
        &self,
        merchant: &Arc<MerchantConfig>,
        suspects: &BTreeSet<String>,
        most: usize,
    ) -> Result<Option<Reconciliation>, StepError> {
        let id = &merchant.customer_id;
        let today = self.circumstances.clock.now().with_timezone(&merchant.timezone).date_naive();
        let transfers = self.store.transfer_events(id).await?;
        let mut fold = Fold::new(self.entries_of(id, &transfers).await?, transfers);
        let (mut over, mut last) = (Vec::new(), SourceId::new(""));
        loop {
            let accounts = self.store.accounts(id, &last, ACCOUNTS).await?;
            let Some(end) = accounts.last() else { break };
            last = end.clone();
            let accounts = accounts.into_iter().collect();
            over.extend(self.take_accounts(id, &accounts, today, &mut fold).await?);
            if fold.held() > most {
                return Ok(None);
            }
        }
        let answer = apart(move || fold.finish()).await?;
        self.judge_books(id, &answer, over, Some(suspects)).await?;
        Ok(Some(answer))
    }

    /// Returns what is wrong with them by themselves.
    async fn take_accounts(
        &self,
        merchant: &MerchantId,
        accounts: &HashSet<SourceId>,
        today: NaiveDate,
        fold: &mut Fold,
    ) -> Result<Vec<Finding>, StoreError> {
        let mut over = Vec::new();
        let told = self.store.account_events(merchant, accounts).await?;
        let (mut events, mut roots): (HashMap<SourceId, Vec<Event>>, HashMap<String, SourceId>) = Default::default();
        // A report may name a transfer: its lines are in the account that the transfer's own events are in, with which it began.
        for told in told.into_iter().filter(|told| told.event.resource != Resource::Transfers) {
            let Some(root) = told.root else { continue };
            roots.insert(told.event.key.clone(), root.clone());
            events.entry(root).or_default().push(told.event);
        }
        let keys: Vec<&str> = roots.keys().map(String::as_str).collect();
        let mut entries: HashMap<SourceId, Vec<Placed>> = HashMap::new();
        for (place, entry) in self.store.entries_of(merchant, &keys).await? {
            if let Some(root) = roots.get(&entry.event_key) {
                entries.entry(root.clone()).or_default().push((place, entry));
            }
        }
        for (account, events) in events {
            let entries = entries.remove(&account).unwrap_or_default();
            over.extend(overapplied(entries.iter().map(|(_, entry)| entry), today));
            fold.take(&account, entries, events);
        }
        Ok(over)
    }

    async fn entries_of(&self, merchant: &MerchantId, events: &[Event]) -> Result<Vec<Placed>, StoreError> {
        let keys: Vec<&str> = events.iter().map(|event| event.key.as_str()).collect();
        self.store.entries_of(merchant, &keys).await
    }
}
