//! Ties the books out without holding them: reads them account by account.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Engine;
use super::error::StepError;
use super::reconcile::{apart, overapplied};
use crate::config::MerchantConfig;
use crate::model::ids::SourceId;
use crate::model::resource::Resource;
use crate::reconcile::{Fold, Reconciliation};

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
        let mut fold = Fold::new(self.store.entries_of(id, &transfers).await?, transfers);
        let (mut over, mut last) = (Vec::new(), SourceId::new(""));
        loop {
            let accounts = self.store.accounts(id, &last, ACCOUNTS).await?;
            let Some(end) = accounts.last() else { break };
            last = end.clone();
            let told = self.store.account_events(id, &accounts.into_iter().collect()).await?;
            // What transfers caused is in hand since the beginning.
            let others = told.iter().map(|told| &told.event).filter(|event| event.resource != Resource::Transfers);
            let entries = self.store.entries_of(id, others).await?;
            over.extend(overapplied(entries.iter().map(|(_, entry)| entry), today));
            fold.take(entries, told);
            if fold.held() > most {
                return Ok(None);
            }
        }
        let answer = apart(move || fold.finish()).await?;
        self.judge_books(id, &answer, over, Some(suspects)).await?;
        Ok(Some(answer))
    }
}
