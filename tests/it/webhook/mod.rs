//! The adapter `webhook` before receivers that know nothing of us: the battery, another language's verification, ten thousand events
//! through every failure, addresses that are not meant, and what is told of the other adapters.

mod battery;
mod desk;
mod notices;
mod outside;
mod program;
mod receiver;
mod refused;
mod storm;
mod target;
mod verify;

use std::sync::Arc;
use std::time::Duration;

use paystand_sync::clock::SystemClock;
use paystand_sync::erp::Erp;
use paystand_sync::erp::webhook::{RETRY_DEFAULT, Secret, Settings, Webhook};
use paystand_sync::model::{event, notice};
use secrecy::SecretString;

pub const OLD: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
pub const NEW: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oDc2FVsBQIhrs=";

pub fn secret(text: &str) -> Secret {
    Secret::parse(&SecretString::from(text)).expect("a secret")
}

#[test]
fn the_page_for_the_receiver_names_everything_that_is_told() {
    let page = include_str!("../../../docs/webhook.md");
    let notices = [notice::Kind::PostingConfirmed, notice::Kind::PostingFailed, notice::Kind::ReconciliationException];
    for name in event::Kind::ALL.iter().map(|kind| kind.name()).chain(notices.map(notice::Kind::name)) {
        assert!(page.contains(&format!("`{name}`")), "{name} is not told of");
    }
}

/// As a person would configure it for a receiver on this machine.
pub fn settings(url: &str, secrets: &[&str]) -> Settings {
    Settings {
        url: url.parse().expect("a URL"),
        secrets: secrets.iter().map(|text| secret(text)).collect(),
        allow_private: true,
        retry: RETRY_DEFAULT.to_vec(),
        request_timeout: Duration::from_secs(10),
    }
}

/// Stamped by the clock of this machine, by which receivers go.
pub fn webhook(settings: Settings) -> Arc<dyn Erp> {
    Arc::new(Webhook::connect(settings, Arc::new(SystemClock::new())).expect("an endpoint"))
}
