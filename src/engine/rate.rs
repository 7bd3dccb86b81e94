//! Shows the other processes of one database that this one is alive, and divides the request rate of each API key among them.

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

    /// Shows that we are here, and renews our shares, for as long as it is polled.
    pub(super) async fn stay_for_ever(&self) -> std::convert::Infallible {
        loop {
            self.circumstances.clock.sleep(SHARE_INTERVAL.min(self.config.sync.lease / 3)).await;
            if let Err(error) = self.presence.keep().await {
                tracing::warn!(%error, "the database does not know that this process is alive");
                self.outlook.note_presence(false);
                continue;
            }
            self.outlook.note_presence(true);
            self.share_rates().await;
        }
    }
}
