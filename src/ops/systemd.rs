//! Notifications to systemd; without `NOTIFY_SOCKET` they go nowhere.

use std::sync::Arc;
use std::time::Duration;

use sd_notify::NotifyState;
use tokio_util::sync::CancellationToken;

use super::desk::Desk;
use super::heartbeat::Heartbeat;
use super::view::{Overview, Reading};
use super::words::age;
use crate::clock::Clock;

/// How often the status line is written where no watchdog asks for more.
const STATUS_INTERVAL: Duration = Duration::from_secs(20);

/// Everything is connected and the first steps begin.
pub fn notify_ready() {
    notify(&[NotifyState::Ready, NotifyState::Status("reading and delivering")]);
}

/// The configuration is read anew.
pub fn notify_reloading() {
    notify(&[NotifyState::Status("reading the configuration anew")]);
}

/// Told to stop; steps under way come to their end.
pub fn notify_stopping() {
    notify(&[NotifyState::Stopping, NotifyState::Status("finishing the steps under way")]);
}

/// Feeds the watchdog while there is progress and says in one line how it stands, until told to stop.
pub async fn watch(heartbeat: Arc<Heartbeat>, desk: Arc<dyn Desk>, clock: Arc<dyn Clock>, stop: CancellationToken) {
    let watchdog = sd_notify::watchdog_enabled();
    let interval = watchdog.map_or(STATUS_INTERVAL, |timeout| STATUS_INTERVAL.min(timeout / 3));
    while !stop.is_cancelled() {
        if watchdog.is_some() && heartbeat.is_alive() {
            notify(&[NotifyState::Watchdog]);
        }
        if let Some(overview) = desk.overview() {
            notify(&[NotifyState::Status(&line(&overview))]);
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = clock.sleep(interval) => {}
        }
    }
}

/// What `systemctl status` shows.
fn line(overview: &Overview) -> String {
    let resources = || overview.merchants.iter().flat_map(|merchant| &merchant.resources);
    let late = resources().filter(|it| it.reading == Reading::Late).count();
    let through = resources().filter(|it| it.reading == Reading::Current).filter_map(|it| it.high_water).min();
    let open: i64 = overview.adapters.iter().map(|it| it.open + it.parked).sum();
    let lag = through.map_or_else(|| "first reading".to_owned(), |at| format!("lag {}", age(overview.at - at)));
    let late = if late > 0 { format!(", {late} late") } else { String::new() };
    format!("{lag}{late}, {open} to deliver, {} open exceptions", overview.open_exceptions)
}

fn notify(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "systemd was not notified");
    }
}
