//! A simulated business through the engine into drop folders, one of each form.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::NaiveDate;
use paystand_sync::clock::ManualClock;
use paystand_sync::config::{
    Config, DatabaseConfig, Environment, ErpConfig, ErpKind, FilesConfig, FilesFormat, MerchantConfig, OpsConfig,
    StatementConfig, SyncConfig,
};
use paystand_sync::engine::{Circumstances, Engine};
use paystand_sync::erp::files::{Content, Dialect};
use paystand_sync::model::ids::{AdapterName, MerchantId};
use paystand_sync::model::journal::Role;
use paystand_sync::model::money::Currency;
use paystand_sync::model::resource::Resource;
use paystand_sync::paystand::Priority;
use paystand_sync::sandbox::{
    BooksTruth, Business, CLIENT_ID, CLIENT_SECRET, CUSTOMER_ID, MerchantProfile, Quirks, Seeding, Server, World,
    WorldConfig,
};
use paystand_sync::scan::rules::Rules;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::harness::Database;

pub const OPENING: &str = "1000.50";

/// Name of the adapter and of its folder, and what it drops.
pub const DIALECTS: [(&str, Dialect); 3] =
    [("ofx", Dialect::Ofx), ("camt053", Dialect::Camt053), ("mt940", Dialect::Mt940)];

/// Account numbers of their own, so that an importer can tell them apart.
pub fn number(dialect: &str) -> String {
    format!("PS{dialect}1")
}

pub struct Town {
    pub world: Arc<World>,
    pub database: Database,
    pub folders: TempDir,
    clock: Arc<ManualClock>,
    engine: Engine,
    _server: Server,
}

impl Town {
    pub async fn open(seed: u64) -> Self {
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
        let server = Server::start(Arc::clone(&world), (Ipv4Addr::LOCALHOST, 0).into()).await.expect("a port");
        let (database, folders) = (Database::fresh().await, tempfile::tempdir().expect("a temporary directory"));
        let circumstances = Circumstances {
            clock: Arc::clone(&clock) as _,
            seed,
            holder: "daemon".to_owned(),
            rules: Rules::default(),
        };
        let config = config_of(&server.base_url, &folders);
        let url = database.url.clone().into();
        let engine = Engine::start(config, &url, circumstances, CancellationToken::new()).await.expect("started");
        Self { world, database, folders, clock, engine, _server: server }
    }

    pub fn folder(&self, adapter: &str) -> PathBuf {
        self.folders.path().join(adapter)
    }

    pub async fn day(&self) {
        self.clock.advance(Duration::from_hours(24));
        self.world.advance();
        let merchant = MerchantId::new(CUSTOMER_ID);
        for resource in Resource::ALL {
            let mut job = self.engine.job(&merchant, resource, Priority::Tail).await.expect("a lease");
            job.poll().await.expect("read");
        }
        let bookkeeper = self.engine.bookkeeper_of(&merchant).await.expect("a lease");
        while bookkeeper.book().await.expect("booked") > 0 {}
        for adapter in self.engine.adapters() {
            let courier = self.engine.courier_of(adapter).await.expect("a lease").expect("configured");
            while courier.deliver().await.expect("delivered") > 0 {}
            courier.tend().await.expect("tended");
        }
    }

    /// Two days on which nobody looks at Paystand: all that was delivered is of days that are over.
    pub async fn weekend(&self) {
        self.clock.advance(Duration::from_hours(48));
        for adapter in self.engine.adapters() {
            let courier = self.engine.courier_of(adapter).await.expect("a lease").expect("configured");
            courier.tend().await.expect("tended");
        }
    }

    pub fn truth(&self) -> BooksTruth {
        self.world.books_truth(CUSTOMER_ID)
    }
}

fn config_of(base_url: &str, folders: &TempDir) -> Config {
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
    let plain = [("csv", FilesFormat::Csv), ("jsonl", FilesFormat::JsonLines(Content::Entries))];
    let statements = DIALECTS.map(|(name, dialect)| (name, FilesFormat::Statement(dialect, Box::new(statement(name)))));
    let adapter = |(name, format): (&str, FilesFormat)| {
        let folder = folders.path().join(name);
        std::fs::create_dir(&folder).expect("own directory");
        let files = FilesConfig { folder, format, label: None, ack_within: None };
        let erp = ErpConfig { kind: ErpKind::Files(Box::new(files)), post_from: None, accounts: BTreeMap::new() };
        (AdapterName::new(name), erp)
    };
    Config {
        database: DatabaseConfig { url: None, connections_max: 3, state_dir: "/nonexistent".into() },
        merchants: BTreeMap::from([("main".to_owned(), merchant)]),
        sync,
        erp: plain.into_iter().chain(statements).map(adapter).collect(),
        ops: OpsConfig::nowhere(),
    }
}

fn statement(name: &str) -> StatementConfig {
    StatementConfig {
        number: number(name),
        bank: String::new(),
        currency: Currency::parse("USD").expect("three letters"),
        opening_balance: OPENING.parse().expect("a decimal"),
        account_key: None,
        timezone: None,
        after: Duration::from_hours(6),
    }
}
