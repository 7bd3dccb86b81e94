//! Sixty days of a simulated business through the engine into Tryton: its trial balance, what is open per invoice, and clearing are
//! what happened, to the cent.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use chrono::NaiveDate;
use paystand_sync::clock::ManualClock;
use paystand_sync::config::{
    Config, DatabaseConfig, Environment, ErpConfig, ErpKind, MerchantConfig, OpsConfig, SyncConfig, TrytonConfig,
};
use paystand_sync::engine::{Circumstances, Engine};
use paystand_sync::model::ids::{AdapterName, MerchantId};
use paystand_sync::model::journal::Role;
use paystand_sync::model::resource::Resource;
use paystand_sync::paystand::Priority;
use paystand_sync::sandbox::{
    Business, CLIENT_ID, CLIENT_SECRET, CUSTOMER_ID, MerchantProfile, Quirks, Seeding, World, WorldConfig,
};
use paystand_sync::scan::rules::Rules;
use rust_decimal::Decimal;
use tokio_util::sync::CancellationToken;

use super::acme::{ACCOUNTS, Acme, GUEST};
use super::server::{PASSWORD, USER};
use super::truth::assert_as_it_happened;
use crate::harness::{Database, column};

const DAYS: usize = 60;
const SEED: u64 = 1;
/// What must have happened in these days for the books to mean something.
const OCCURRED: [&str; 7] = [
    "payment.failed",
    "refund.paid",
    "dispute.opened",
    "dispute.lost",
    "dispute.won",
    "transfer.failed",
    "fee.adjusted",
];
/// Fees that were known on a later day than their payment.
const LATE_FEE: &str = "
    select fee.entry_key from paystand_sync.journal_entry fee
    join paystand_sync.journal_line line using (merchant, entry_key)
    join paystand_sync.journal_entry paid on paid.entry_key = 'payment:' || line.payment_id || ':posted/1'
    where fee.entry_key like 'fee:%:finalized/1' and fee.entry_date > paid.entry_date";

struct Business60 {
    acme: Acme,
    clock: Arc<ManualClock>,
    world: Arc<World>,
    _server: paystand_sync::sandbox::Server,
    engine: Engine,
    database: Database,
    /// Versions of the world that the ERP's people have seen.
    seen: usize,
    /// Invoice key → amount, of those in Tryton.
    invoices: BTreeMap<String, (String, Decimal)>,
}

impl Business60 {
    async fn open(acme: Acme, seed: u64) -> Self {
        acme.party(GUEST).await;
        let clock = Arc::new(ManualClock::new("2026-05-12T16:00:00Z".parse().expect("an instant")));
        let seeding = Seeding {
            seed,
            business: Business::Economy,
            payments: 0,
            days: 1,
            customers: 8,
            live_payments_per_day: 1,
            one_currency: true,
            ..Seeding::default()
        };
        let config = WorldConfig {
            seeding,
            quirks: Quirks::default(),
            merchants: vec![MerchantProfile::main()],
            history: true,
            on_hang: Arc::new(|| ()),
        };
        let world = World::new(config, Arc::clone(&clock) as _);
        let server = paystand_sync::sandbox::Server::start(Arc::clone(&world), (Ipv4Addr::LOCALHOST, 0).into());
        let server = server.await.expect("a port");
        let database = Database::fresh().await;
        let circumstances = Circumstances {
            clock: Arc::clone(&clock) as _,
            seed,
            holder: "daemon".to_owned(),
            rules: Rules::default(),
        };
        let config = config_of(&acme, &server.base_url);
        let url = database.url.clone().into();
        let engine = Engine::start(config, &url, circumstances, CancellationToken::new()).await.expect("started");
        let (seen, invoices) = (0, BTreeMap::new());
        Self { acme, clock, world, _server: server, engine, database, seen, invoices }
    }

    /// The ERP issues the invoices that Paystand shows from today on.
    async fn issue_invoices(&mut self) {
        let shown = self.world.shown_since(CUSTOMER_ID, self.seen);
        self.seen += shown.len();
        self.invoices.extend(self.acme.issue(&shown).await);
    }

    async fn day(&mut self) {
        self.clock.advance(Duration::from_hours(24));
        self.world.advance();
        self.issue_invoices().await;
        let merchant = MerchantId::new(CUSTOMER_ID);
        for resource in Resource::ALL {
            let mut job = self.engine.job(&merchant, resource, Priority::Tail).await.expect("a lease");
            job.poll().await.expect("read");
        }
        let bookkeeper = self.engine.bookkeeper_of(&merchant).await.expect("a lease");
        while bookkeeper.book().await.expect("booked") > 0 {}
        let courier = self.engine.courier_of(&AdapterName::new("books")).await.expect("a lease").expect("configured");
        while courier.deliver().await.expect("delivered") > 0 {}
        courier.sweep().await.expect("swept");
    }
}

fn config_of(acme: &Acme, base_url: &str) -> Config {
    let merchant = MerchantConfig {
        label: "main".to_owned(),
        environment: Environment::Sandbox,
        base_url: base_url.parse().expect("a URL"),
        client_id: CLIENT_ID.to_owned(),
        client_secret: CLIENT_SECRET.to_owned().into(),
        customer_id: MerchantId::new(CUSTOMER_ID),
        timezone: chrono_tz::Tz::America__Los_Angeles,
        requests_per_minute: 2_400,
        start_date: NaiveDate::from_ymd_opt(2025, 1, 1).expect("a date"),
        refunds_reopen_invoice: true,
        dispute_losses: Role::DisputeLosses,
    };
    let sync = SyncConfig {
        interval: Duration::from_secs(30),
        overlap: Duration::from_mins(10),
        page_rows: 200,
        pages_in_flight_max: 1,
        request_timeout: Duration::from_mins(1),
        answer_bytes_max: 32 << 20,
        attempts_max: 6,
        open_item_max: Duration::from_hours(30 * 24),
        lease: Duration::from_secs(150),
        resources: BTreeMap::new(),
    };
    let tryton = TrytonConfig {
        url: acme.server.url(),
        database: acme.server.books.clone(),
        user: USER.to_owned(),
        password: PASSWORD.to_owned().into(),
        company: None,
        journal: "PAYST".to_owned(),
        next_open_period: false,
        create_customers: false,
        default_customer: Some(GUEST.to_owned()),
    };
    let accounts = ACCOUNTS.map(|(role, code)| (role.name().to_owned(), code.to_owned())).into();
    let post_from = NaiveDate::from_ymd_opt(2025, 1, 1);
    let erp = ErpConfig { kind: ErpKind::Tryton(Box::new(tryton)), post_from, accounts };
    Config {
        database: DatabaseConfig { url: None, connections_max: 3, state_dir: "/nonexistent".into() },
        merchants: BTreeMap::from([("main".to_owned(), merchant)]),
        sync,
        erp: BTreeMap::from([(AdapterName::new("books"), erp)]),
        ops: OpsConfig::nowhere(),
    }
}

#[tokio::test]
async fn sixty_days_of_a_business_are_in_tryton_as_they_happened() {
    let Some(acme) = Acme::open().await else { return };
    let mut business = Business60::open(acme, SEED).await;
    for _ in 0..DAYS {
        business.day().await;
    }
    // What was read last, and what waited for it.
    for _ in 0..3 {
        business.day().await;
    }
    let open = "select state || ' ' || key || ' ' || coalesce(reason, '') from paystand_sync.ledger_entry
                where state not in ('posted', 'baseline', 'not_applicable') order by position";
    assert_eq!(column(&business.database.pool, open).await, Vec::<String>::new());
    assert_as_it_happened(&business.acme, &business.world, &business.invoices).await;
    let kinds = column(&business.database.pool, "select distinct kind from paystand_sync.event").await;
    let never: Vec<&&str> = OCCURRED.iter().filter(|kind| !kinds.iter().any(|it| it == *kind)).collect();
    assert_eq!(never, Vec::<&&str>::new(), "never happened");
    assert_ne!(column(&business.database.pool, LATE_FEE).await, Vec::<String>::new(), "no fee was late");
    let (posted, drafts) = business.acme.moves().await;
    let doubled: Vec<_> = posted.iter().filter(|(_, times)| **times > 1).collect();
    assert!(doubled.is_empty() && drafts == 0, "{doubled:?}, {drafts} drafts");
}
