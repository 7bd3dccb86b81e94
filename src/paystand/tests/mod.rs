//! The client against a small server that answers as scripted.

mod answers;
mod secrets;
mod server;
mod tokens;

use std::sync::Arc;
use std::time::Duration;

use chrono::{NaiveDate, TimeZone, Utc};
use secrecy::SecretString;

use crate::clock::ManualClock;
use crate::config::{Environment, MerchantConfig};
use crate::model::ids::{MerchantId, SourceId};
use crate::model::journal::Role;
use crate::model::page::{Direction, Order, PageRequest, Stamp};
use crate::model::resource::Resource;
use crate::paystand::{Budget, Client, Limits};
use server::Server;

pub(in crate::paystand) fn merchant(base_url: &str) -> MerchantConfig {
    MerchantConfig {
        label: "main".to_owned(),
        environment: Environment::Sandbox,
        base_url: base_url.parse().unwrap(),
        client_id: "cid_1".to_owned(),
        client_secret: SecretString::from("cs_very_secret"),
        customer_id: MerchantId::new("mr1"),
        timezone: chrono_tz::America::Los_Angeles,
        requests_per_minute: 2400,
        start_date: NaiveDate::from_ymd_opt(2026, 1, 1).unwrap(),
        refunds_reopen_invoice: true,
        dispute_losses: Role::DisputeLosses,
    }
}

const LIMITS: Limits = Limits {
    request_timeout: Duration::from_mins(1),
    answer_bytes_max: 64 * 1024,
    attempts_max: 4,
    second_clock: true,
};

/// A client, the server it talks to, and the clock and budget it goes by.
struct Bench {
    server: Server,
    client: Client,
    clock: Arc<ManualClock>,
    budget: Arc<Budget>,
}

impl Bench {
    async fn start() -> Self {
        let clock = Arc::new(ManualClock::new(Utc.with_ymd_and_hms(2026, 5, 12, 10, 0, 0).single().unwrap()));
        let server = Server::start(Arc::clone(&clock)).await;
        let budget = Arc::new(Budget::new(2400, clock.clone()));
        let client = client(&server.base_url(), &budget, &clock);
        Self { server, client, clock, budget }
    }
}

fn client(base_url: &str, budget: &Arc<Budget>, clock: &Arc<ManualClock>) -> Client {
    Client::new(&merchant(base_url), LIMITS, Arc::clone(budget), clock.clone(), 7).unwrap()
}

fn payments() -> PageRequest {
    PageRequest {
        resource: Resource::Payments,
        parent: None,
        window: None,
        order: Order { stamp: Stamp::LastUpdated, direction: Direction::NewestFirst },
        offset: 0,
        limit: 200,
    }
}

fn payment_id() -> SourceId {
    SourceId::new("pm1")
}
