//! Our side of the receivers: a database with events to be told, adapters that are known, and couriers.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeZone as _, Utc};
use paystand_sync::clock::{Clock as _, ManualClock};
use paystand_sync::config::Environment;
use paystand_sync::engine::deliver::{Bench, Courier};
use paystand_sync::erp::{Delivery, Erp};
use paystand_sync::journal::Told;
use paystand_sync::ledger::state::State;
use paystand_sync::model::event::{Event, Fact, Kind};
use paystand_sync::model::ids::{AdapterName, MerchantId, SourceId};
use paystand_sync::model::journal::{Entry, Line, Links, Role};
use paystand_sync::model::money::Currency;
use paystand_sync::model::resource::Resource;
use paystand_sync::store::lease::{Held, Presence};
use paystand_sync::store::{Books, Bounds, Enrollment, Finding, Outgoing, Store};
use rust_decimal::Decimal;
use secrecy::SecretString;

use crate::harness::Database;

pub const HOOK: &str = "hook";

pub struct Desk {
    pub database: Database,
    pub store: Store,
    pub clock: Arc<ManualClock>,
    pub merchant: MerchantId,
    presence: Presence,
}

/// An event about the money of a payment.
#[derive(Debug, Clone)]
pub struct Tale {
    pub root: String,
    pub number: usize,
}

impl Tale {
    pub fn new(root: impl Into<String>, number: usize) -> Self {
        Self { root: root.into(), number }
    }

    fn event(&self) -> Event {
        let id = SourceId::new(format!("{}-{}", self.root, self.number));
        Event::nth(1, Kind::PaymentPosted, (Resource::Payments, &id), noon(), Fact::Plain)
    }

    pub fn key(&self) -> String {
        self.event().key
    }

    fn entry(&self) -> Entry {
        let amount = Decimal::new(100, 2);
        let links = Links { payment_id: Some(SourceId::new(&self.root)), ..Links::default() };
        let event = self.event();
        Entry {
            key: format!("{}/1", event.key),
            event_key: event.key,
            date: noon().date_naive(),
            currency: Currency::parse("USD").expect("three letters"),
            memo: "an entry".to_owned(),
            reverses: None,
            lines: vec![Line::new(Role::Clearing, amount, &links), Line::new(Role::Receivable, -amount, &links)],
        }
    }
}

impl Desk {
    pub async fn open() -> Self {
        let database = Database::fresh().await;
        let url = SecretString::from(database.url.clone());
        let clock = Arc::new(ManualClock::new(noon()));
        let bounds = Bounds { connections_max: 6, lease: Duration::from_secs(150) };
        let store = Store::open(&url, bounds, Environment::Sandbox, clock.now()).await.expect("our database");
        let presence = Presence::announce(&url, bounds, "desk".to_owned()).await.expect("our database");
        Self { database, store, clock, merchant: MerchantId::new("mr1"), presence }
    }

    pub async fn held(&self, name: &str) -> Held {
        let held = self.store.acquire(name, &self.presence, &*self.clock).await.expect("our database");
        held.expect("one process takes its own lease from itself")
    }

    /// Makes an adapter known, as its first start does.
    pub async fn enroll(&self, adapter: &str, erp: &dyn Erp) {
        let (name, wants, target) = (AdapterName::new(adapter), erp.capabilities().wants, erp.target());
        let enrollment = Enrollment {
            adapter: &name,
            target: &target,
            documents: wants.documents,
            events: wants.events,
            entries: wants.entries,
            notices: wants.notices,
            post_from: None,
            zones: &[],
        };
        let held = self.held(&format!("deliver/{adapter}")).await;
        self.store.enroll(&held, &enrollment, self.clock.now()).await.expect("enrolled");
    }

    /// A courier who takes over from whoever was at work.
    pub async fn courier(&self, adapter: &str, erp: &Arc<dyn Erp>) -> Courier {
        let held = self.held(&format!("deliver/{adapter}")).await;
        let bench = Bench { store: self.store.clone(), clock: self.clock.clone(), environment: Environment::Sandbox };
        Courier::new(AdapterName::new(adapter), Arc::clone(erp), bench, held)
    }

    /// Books events for the webhook, and an entry of each for the adapters named.
    pub async fn tell(&self, all: &[Tale], entries_for: &[&str]) {
        self.book(all, entries_for, &[]).await;
    }

    pub async fn book(&self, all: &[Tale], entries_for: &[&str], findings: &[Finding]) {
        let root = |it: &Tale| SourceId::new(&it.root);
        let told: Vec<Told> = all.iter().map(|it| Told { event: it.event(), root: Some(root(it)) }).collect();
        let entries: Vec<(SourceId, Entry)> = all.iter().map(|it| (root(it), it.entry())).collect();
        let mut ledger: Vec<Outgoing> = all.iter().map(|it| outgoing(HOOK, "event", it.key(), it)).collect();
        for adapter in entries_for {
            ledger.extend(all.iter().map(|it| outgoing(adapter, "entry", it.entry().key, it)));
        }
        let books = Books {
            merchant: &self.merchant,
            booked: &[],
            told: &told,
            moved: &[],
            homes: &[],
            entries: &entries,
            findings,
            settles: (&[], &[]),
            ledger: &ledger,
            now: self.clock.now(),
        };
        let held = self.held("book").await;
        self.store.book(&held, &books).await.expect("booked");
    }

    pub fn world_key(&self, key: &str) -> String {
        Delivery::world_key(Environment::Sandbox.name(), &self.merchant, key, 1)
    }
}

fn outgoing(adapter: &str, what: &'static str, key: String, told: &Tale) -> Outgoing {
    Outgoing {
        adapter: AdapterName::new(adapter),
        what,
        key,
        resource: Resource::Payments,
        id: told.event().id,
        root: Some(SourceId::new(&told.root)),
        state: State::Pending,
        baseline: None,
        nets: None,
        text: None,
    }
}

pub fn noon() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 5, 12, 12, 0, 0).single().expect("an instant")
}
