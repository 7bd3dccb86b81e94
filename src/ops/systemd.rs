//! Notifications to systemd; without `NOTIFY_SOCKET` they go nowhere.

use std::sync::Arc;

use sd_notify::NotifyState;
use tokio_util::sync::CancellationToken;

use super::heartbeat::Heartbeat;
use crate::clock::Clock;

/// Everything is connected and the first steps begin.
pub fn notify_ready() {
    notify(&[NotifyState::Ready, NotifyState::Status("polling")]);
}

/// Told to stop; steps under way come to their end.
pub fn notify_stopping() {
    notify(&[NotifyState::Stopping]);
}

/// Feeds the watchdog while there is progress, until told to stop.
pub async fn watch(heartbeat: Arc<Heartbeat>, clock: Arc<dyn Clock>, stop: CancellationToken) {
    let Some(timeout) = sd_notify::watchdog_enabled() else { return };
    while !stop.is_cancelled() {
        if heartbeat.is_alive() {
            notify(&[NotifyState::Watchdog]);
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = clock.sleep(timeout / 3) => {}
        }
    }
}

fn notify(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "systemd was not notified");
    }
}
