//! Our side of the scripted ERP: a database with journal entries to be posted, and couriers who post them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use chrono::{DateTime, TimeZone as _, Utc};
use paystand_sync::clock::{Clock as _, ManualClock};
use paystand_sync::config::Environment;
use paystand_sync::engine::deliver::{Bench, Courier, class_of};
use paystand_sync::engine::error::StepError;
use paystand_sync::erp::Erp;
use paystand_sync::journal::Told;
use paystand_sync::ledger::retry;
use paystand_sync::ledger::state::State;
use paystand_sync::model::event::{Event, Fact, Kind};
use paystand_sync::model::ids::{AdapterName, MerchantId, SourceId};
use paystand_sync::model::journal::{Entry, Line, Links, Role};
use paystand_sync::model::money::Currency;
use paystand_sync::model::resource::Resource;
use paystand_sync::store::lease::{Held, Presence};
use paystand_sync::store::{Books, Bounds, Outgoing, Store};
use rust_decimal::Decimal;
use secrecy::SecretString;

use tokio::sync::Mutex;

use crate::harness::Database;

/// Entries about one payment.
pub const LEGS: usize = 3;

pub struct Office {
    pub database: Database,
    pub store: Store,
    pub clock: Arc<ManualClock>,
    pub adapter: AdapterName,
    pub merchant: MerchantId,
    presence: Presence,
    /// Entries so far.
    entries: AtomicUsize,
    booking: Mutex<()>,
}

impl Office {
    pub async fn open() -> Self {
        let database = Database::fresh().await;
        let url = SecretString::from(database.url.clone());
        let clock = Arc::new(ManualClock::new(noon()));
        let bounds = Bounds { connections_max: 6, lease: Duration::from_secs(150) };
        let store = Store::open(&url, bounds, Environment::Sandbox, clock.now()).await.expect("our database");
        let presence = Presence::announce(&url, bounds, "office".to_owned()).await.expect("our database");
        let (adapter, merchant) = (AdapterName::new("books"), MerchantId::new("mr1"));
        Self {
            database,
            store,
            clock,
            adapter,
            merchant,
            presence,
            entries: AtomicUsize::new(0),
            booking: Mutex::new(()),
        }
    }

    pub fn entries(&self) -> usize {
        self.entries.load(Ordering::SeqCst)
    }

    /// The key of an entry, counted from 0 in the order in which they are to be posted.
    pub fn key(number: usize) -> String {
        format!("{}/1", event(number).key)
    }

    pub fn root(number: usize) -> SourceId {
        SourceId::new(format!("pm{}", number / LEGS))
    }

    /// Books so many entries more; the last of each payment pays an invoice of its name where there are `invoices`.
    pub async fn add(&self, count: usize, invoices: bool) {
        let _one_at_a_time = self.booking.lock().await;
        let held = self.lease("book").await;
        let first = self.entries.fetch_add(count, Ordering::SeqCst);
        let numbers = first..first + count;
        let told: Vec<Told> =
            numbers.clone().map(|number| Told { event: event(number), root: Some(Self::root(number)) }).collect();
        let entries: Vec<_> = numbers.clone().map(|number| (Self::root(number), entry(number, invoices))).collect();
        let ledger: Vec<_> = numbers.map(|number| self.outgoing(number)).collect();
        let books = Books {
            merchant: &self.merchant,
            booked: &[],
            told: &told,
            moved: &[],
            homes: &[],
            entries: &entries,
            findings: &[],
            settles: (&[], &[]),
            ledger: &ledger,
            now: self.clock.now(),
        };
        self.store.book(&held, &books).await.expect("booked");
    }

    fn outgoing(&self, number: usize) -> Outgoing {
        Outgoing {
            adapter: self.adapter.clone(),
            what: "entry",
            key: Self::key(number),
            resource: Resource::Payments,
            id: event(number).id,
            root: Some(Self::root(number)),
            state: State::Pending,
            baseline: None,
            nets: None,
            text: None,
        }
    }

    /// A courier who takes over from whoever was at work.
    pub async fn courier(&self, erp: &Arc<dyn Erp>) -> Courier {
        let held = self.lease("deliver").await;
        let bench = Bench { store: self.store.clone(), clock: self.clock.clone(), environment: Environment::Sandbox };
        Courier::new(self.adapter.clone(), Arc::clone(erp), bench, held)
    }

    async fn lease(&self, work: &str) -> Held {
        let name = format!("{work}/{}", self.adapter);
        let held = self.store.acquire(&name, &self.presence, &*self.clock).await.expect("our database");
        held.expect("one process takes its own lease from itself")
    }

    /// Delivers until nothing is due; the target is left alone for as long as the retry table says, and for no longer than `within`.
    pub async fn work_off(&self, courier: &Courier, within: Duration) {
        let (end, mut failures) = (self.clock.monotonic() + within, 0);
        while self.clock.monotonic() < end {
            match courier.deliver().await {
                Ok(0) => return,
                Ok(_) => failures = 0,
                Err(StepError::Erp(error)) => {
                    failures += 1;
                    self.clock.advance(retry::pause(class_of(&error), failures));
                }
                Err(error) => panic!("{error}"),
            }
        }
    }
}

fn noon() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 5, 12, 12, 0, 0).single().expect("an instant")
}

fn event(number: usize) -> Event {
    let id = SourceId::new(format!("{}-{}", Office::root(number), number % LEGS));
    Event::nth(1, Kind::PaymentPosted, (Resource::Payments, &id), noon(), Fact::Plain)
}

fn entry(number: usize, invoices: bool) -> Entry {
    let amount = Decimal::new(i64::try_from(number).expect("small") + 1, 2);
    let pays = invoices && number % LEGS == LEGS - 1;
    let invoice_ref = pays.then(|| format!("INV-{}", Office::root(number)));
    let links = Links { payment_id: Some(Office::root(number)), invoice_ref, ..Links::default() };
    Entry {
        key: Office::key(number),
        event_key: event(number).key,
        date: noon().date_naive(),
        currency: Currency::parse("USD").expect("three letters"),
        memo: format!("entry {number}"),
        reverses: None,
        lines: vec![Line::new(Role::Clearing, amount, &links), Line::new(Role::Receivable, -amount, &links)],
    }
}
