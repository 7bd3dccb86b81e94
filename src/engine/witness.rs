//! The log as a witness of the audit trail: whoever can write to the database could cut the end of the trail off and its noted head with
//! it, but the log is elsewhere by then. `paystand-sync audit verify --head` takes what stands there.

use std::time::Duration;

use super::Engine;

const INTERVAL: Duration = Duration::from_hours(1);

impl Engine {
    /// Tells the head now and every hour, for as long as it is polled.
    pub(super) async fn tell_audit_head_for_ever(&self) -> std::convert::Infallible {
        loop {
            match self.store.audit_head().await {
                Ok(Some(head)) => tracing::info!(%head, "the audit trail ends here"),
                Ok(None) => {}
                Err(error) => tracing::warn!(%error, "the head of the audit trail is not known now"),
            }
            self.circumstances.clock.sleep(INTERVAL).await;
        }
    }
}
