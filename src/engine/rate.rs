//! Divides the request rate of each API key among the processes of one database.

use super::Engine;
use crate::store::rate_share::SHARE_INTERVAL;

/// Sent at least, so that a newcomer can find out what there is to do.
const TRICKLE_PER_MINUTE: u32 = 30;

impl Engine {
    /// Renews our shares once. Where the database cannot be asked, the shares stay as they are.
    pub(super) async fn share_rates(&self) {
        for (key, budget) in self.budgets.all() {
            let configured = budget.usage().configured_per_minute;
            let now = self.circumstances.clock.now();
            let environment = key.environment.name();
            match self.store.share_rate(environment, &key.client_id, &self.presence, configured, now).await {
                Ok(share) => budget.set_share(share.max(TRICKLE_PER_MINUTE.min(configured))),
                Err(error) => tracing::warn!(%error, "the request rate is not shared anew"),
            }
        }
    }

    /// Renews our shares for as long as it is polled.
    pub(super) async fn share_rates_for_ever(&self) -> std::convert::Infallible {
        loop {
            self.circumstances.clock.sleep(SHARE_INTERVAL).await;
            self.share_rates().await;
        }
    }
}
