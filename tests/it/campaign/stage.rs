//! One simulated installation: a world with its server, a database, and the machine with the daemon's engine on it.
//!
//! Everything happens in one task after the other: one request is in flight at a time, waits advance the clock at once, and only
//! the driver lets time pass otherwise. So a seed decides the order of all that happens, with real HTTP and a real Postgres.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use paystand_sync::clock::{Clock as _, ManualClock};
use paystand_sync::config::{
    Config, DatabaseConfig, Environment, ErpConfig, ErpKind, MerchantConfig, OpsConfig, SyncConfig,
};
use paystand_sync::engine::book::Bookkeeper;
use paystand_sync::engine::deliver::Courier;
use paystand_sync::engine::error::StepError;
use paystand_sync::engine::job::Job;
use paystand_sync::engine::read::Progress;
use paystand_sync::engine::reconcile::TieOut;
use paystand_sync::engine::{Circumstances, Engine};
use paystand_sync::model::ids::{AdapterName, MerchantId};
use paystand_sync::model::journal::Role;
use paystand_sync::model::resource::Resource;
use paystand_sync::paystand::Priority;
use paystand_sync::sandbox::{
    CLIENT_ID, CLIENT_SECRET, CUSTOMER_ID, Call, MerchantProfile, Quirks, Seeding, Server, World, WorldConfig,
};
use paystand_sync::scan::rules::Rules;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tokio_util::sync::CancellationToken;

use super::machine::Machine;
use crate::harness::Database;

/// Real time that a dead process may take to let go of the database.
const GONE: Duration = Duration::from_mins(1);

/// What an installation is made of.
#[derive(Debug, Clone)]
pub struct Settings {
    pub seed: u64,
    pub started: DateTime<Utc>,
    pub zone: Tz,
    pub seeding: Seeding,
    pub quirks: Quirks,
    pub start_date: NaiveDate,
    pub page_rows: u32,
    pub overlap: Duration,
    pub rules: Rules,
    /// The adapter's first day.
    pub post_from: Option<NaiveDate>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            seed: 1,
            started: "2026-05-12T16:00:00Z".parse().expect("an instant"),
            zone: Tz::America__Los_Angeles,
            seeding: Seeding { payments: 40, customers: 6, days: 20, frozen: true, ..Seeding::default() },
            quirks: Quirks::default(),
            start_date: NaiveDate::from_ymd_opt(2025, 1, 1).expect("a date"),
            page_rows: 200,
            overlap: Duration::from_mins(10),
            rules: Rules::default(),
            post_from: None,
        }
    }
}

/// One poll that was tried, in the world's right time.
#[derive(Debug, Clone, Copy)]
pub struct Poll {
    pub resource: Resource,
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
    pub end: End,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Complete,
    Failed,
    Died,
}

pub struct Stage {
    pub settings: Settings,
    pub clock: Arc<ManualClock>,
    pub machine: Arc<Machine>,
    pub world: Arc<World>,
    pub database: Database,
    pub polls: Vec<Poll>,
    pub deaths: u64,
    /// When the last round of polls began that came a day after the one before, so that everything nightly was due.
    pub night: Option<DateTime<Utc>>,
    /// What the last failed step said.
    pub complaint: Option<String>,
    server: Server,
    process: Option<Process>,
    lives: u64,
}

/// One life of the daemon.
struct Process {
    engine: Engine,
    jobs: BTreeMap<Resource, Job>,
    bookkeeper: Option<Bookkeeper>,
    courier: Option<Courier>,
}

impl Stage {
    pub async fn new(settings: Settings) -> Self {
        let clock = Arc::new(ManualClock::new(settings.started));
        let hung = Arc::clone(&clock);
        let config = WorldConfig {
            seeding: settings.seeding.clone(),
            quirks: settings.quirks.clone(),
            merchants: vec![MerchantProfile { timezone: settings.zone, ..MerchantProfile::main() }],
            history: true,
            on_hang: Arc::new(move || hung.hang()),
        };
        let world = World::new(config, Arc::clone(&clock) as _);
        let server = Server::start(Arc::clone(&world), (Ipv4Addr::LOCALHOST, 0).into()).await.expect("works in a test");
        Self {
            machine: Machine::new(Arc::clone(&clock)),
            clock,
            world,
            database: Database::fresh().await,
            polls: Vec::new(),
            deaths: 0,
            night: None,
            complaint: None,
            server,
            process: None,
            lives: 0,
            settings,
        }
    }

    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    pub fn advance(&self, by: Duration) {
        self.clock.advance(by);
        self.world.advance();
    }

    /// Lets time pass up to `instant`, if it lies ahead.
    pub fn advance_to(&self, instant: DateTime<Utc>) {
        if let Ok(by) = (instant - self.now()).to_std() {
            self.advance(by);
        }
    }

    pub fn change_quirks(&self, change: impl FnOnce(&mut Quirks)) {
        let mut quirks = self.world.quirks();
        change(&mut quirks);
        self.world.set_quirks(quirks);
    }

    /// One poll of one resource, as the daemon does it.
    pub async fn poll(&mut self, resource: Resource) -> End {
        let from = self.now();
        let end = self.step(Step::Poll(resource)).await;
        self.polls.push(Poll { resource, from, to: self.now(), end });
        end
    }

    /// One poll of every resource, parents first.
    pub async fn poll_all(&mut self) {
        for resource in Resource::ALL {
            self.poll(resource).await;
        }
    }

    /// A poll that must succeed.
    pub async fn polled(&mut self, resource: Resource) {
        let end = self.poll(resource).await;
        assert_eq!(end, End::Complete, "{resource}: {:?}", self.complaint);
    }

    /// Books what waits, and delivers everything that is due.
    pub async fn deliver(&mut self) -> End {
        self.step(Step::Deliver).await
    }

    /// Booking and delivery that must succeed.
    pub async fn delivered(&mut self) {
        let end = self.deliver().await;
        assert_eq!(end, End::Complete, "delivery: {:?}", self.complaint);
    }

    /// The tie-out of the one merchant.
    pub async fn tie_out(&self) -> TieOut {
        let process = self.process.as_ref().expect("something was polled");
        process.engine.tie_out().await.expect("works in a test").remove(0)
    }

    /// The process ends without a word, as by `kill -9`; the next step starts another one.
    pub async fn kill(&mut self) {
        if self.process.take().is_some() {
            self.await_gone().await;
        }
    }

    /// Asks the world itself, past the network: status and body.
    pub fn ask(&self, target: &str) -> (u16, String) {
        let login = format!(
            r#"{{"grant_type":"client_credentials","client_id":"{CLIENT_ID}","client_secret":"{CLIENT_SECRET}","scope":"auth"}}"#
        );
        let answer = |method, target: &str, bearer, body| {
            let (path, query) = target.split_once('?').unwrap_or((target, ""));
            let answer = self.world.answer(Call { method, path, query, bearer, customer_id: Some(CUSTOMER_ID), body });
            (answer.status, String::from_utf8_lossy(&answer.body).into_owned())
        };
        let (_, token) = answer("POST", "/oauth/token", None, login.as_bytes());
        let token: serde_json::Value = serde_json::from_str(&token).expect("works in a test");
        answer("GET", target, token["access_token"].as_str(), &[])
    }

    /// The archived bodies of a record in order of arrival: version and shape.
    pub async fn versions_of(&self, resource: Resource, id: &str) -> Vec<String> {
        const SELECT: &str = "
            select version || ' ' || shape from paystand_sync.record_version
            where resource = $1 and source_id = $2 order by arrival";
        let select = sqlx::query_scalar(SELECT).bind(resource.name()).bind(id);
        select.fetch_all(&self.database.pool).await.expect("works in a test")
    }

    /// How many records of a resource are stored.
    pub async fn records(&self, resource: Resource) -> usize {
        const COUNT: &str = "select count(*) from paystand_sync.record where resource = $1";
        let count = sqlx::query_scalar(COUNT).bind(resource.name());
        let count: i64 = count.fetch_one(&self.database.pool).await.expect("works in a test");
        usize::try_from(count).expect("works in a test")
    }

    /// How many of them have this status in effect.
    pub async fn records_in(&self, resource: Resource, status: &str) -> usize {
        const COUNT: &str = "select count(*) from paystand_sync.record where resource = $1 and status = $2";
        let count = sqlx::query_scalar(COUNT).bind(resource.name()).bind(status);
        let count: i64 = count.fetch_one(&self.database.pool).await.expect("works in a test");
        usize::try_from(count).expect("works in a test")
    }

    /// How far the tail of a resource is read.
    pub async fn high_water(&self, resource: Resource) -> DateTime<Utc> {
        const SELECT: &str = "select high_water from paystand_sync.cursor where resource = $1";
        sqlx::query_scalar(SELECT).bind(resource.name()).fetch_one(&self.database.pool).await.expect("works in a test")
    }

    /// Open exceptions about clocks that differ, which `status` tells.
    pub async fn clocks_told(&self) -> i64 {
        const COUNT: &str =
            "select count(*) from paystand_sync.exception where class = 'clocks_apart' and resolved_at is null";
        sqlx::query_scalar(COUNT).fetch_one(&self.database.pool).await.expect("works in a test")
    }

    /// Since when a list is noted as closed to our credentials.
    pub async fn unavailable_since(&self, resource: Resource) -> Option<DateTime<Utc>> {
        const SELECT: &str = "select unavailable_since from paystand_sync.cursor where resource = $1";
        sqlx::query_scalar(SELECT).bind(resource.name()).fetch_one(&self.database.pool).await.expect("works in a test")
    }

    /// A day passes and everything nightly is done; then one more poll, and delivery.
    pub async fn deep_night(&mut self) {
        self.advance(Duration::from_hours(25));
        self.night = Some(self.now());
        self.poll_all().await;
        self.advance(Duration::from_mins(1));
        self.poll_all().await;
        self.deliver().await;
    }

    async fn step(&mut self, step: Step) -> End {
        if self.process.is_none() {
            match self.start().await {
                Ok(process) => self.process = Some(process),
                Err(error) => {
                    self.complaint = Some(error.to_string());
                    return End::Failed;
                }
            }
        }
        let process = self.process.as_mut().expect("just started");
        let result = self.machine.run(process.step(step)).await;
        if self.machine.take_death() || result.is_none() {
            self.deaths += 1;
            self.kill().await;
            return End::Died;
        }
        match result.expect("looked at above") {
            Ok(()) => End::Complete,
            Err(error) => {
                self.complaint = Some(format!("{error:?}"));
                End::Failed
            }
        }
    }

    async fn start(&mut self) -> Result<Process, StepError> {
        self.lives += 1;
        let circumstances = Circumstances {
            clock: Arc::clone(&self.machine) as _,
            seed: self.settings.seed,
            holder: format!("life {}", self.lives),
            rules: self.settings.rules,
        };
        let url = self.database.url.clone().into();
        let engine = Engine::start(self.config(), &url, circumstances, CancellationToken::new()).await?;
        Ok(Process { engine, jobs: BTreeMap::new(), bookkeeper: None, courier: None })
    }

    fn config(&self) -> Config {
        let Settings { zone, start_date, page_rows, overlap, .. } = self.settings;
        let merchant = MerchantConfig {
            label: "main".to_owned(),
            environment: Environment::Sandbox,
            base_url: self.server.base_url.parse().expect("a URL"),
            client_id: CLIENT_ID.to_owned(),
            client_secret: CLIENT_SECRET.to_owned().into(),
            customer_id: MerchantId::new(CUSTOMER_ID),
            timezone: zone,
            requests_per_minute: 2_400,
            start_date,
            refunds_reopen_invoice: true,
            dispute_losses: Role::DisputeLosses,
        };
        let sync = SyncConfig {
            interval: Duration::from_secs(30),
            overlap,
            page_rows,
            pages_in_flight_max: 1,
            request_timeout: Duration::from_mins(1),
            answer_bytes_max: 32 << 20,
            attempts_max: 6,
            open_item_max: Duration::from_hours(30 * 24),
            lease: Duration::from_secs(150),
            resources: BTreeMap::new(),
        };
        let kind = ErpKind::Staging { url: None, schema: "erp".to_owned() };
        let erp = ErpConfig { kind, post_from: self.settings.post_from, accounts: BTreeMap::new() };
        Config {
            database: DatabaseConfig { url: None, connections_max: 3, state_dir: "/nonexistent".into() },
            merchants: BTreeMap::from([("main".to_owned(), merchant)]),
            sync,
            erp: BTreeMap::from([(AdapterName::new("staging"), erp)]),
            ops: OpsConfig::nowhere(),
        }
    }

    /// Waits until the database has noticed that the process is gone, so that what it had sent is done or undone.
    async fn await_gone(&self) {
        const LEFT: &str = "
            select count(*) from pg_stat_activity
            where datname = current_database() and application_name like 'paystand-sync%'";
        let started = std::time::Instant::now();
        loop {
            let left: i64 = sqlx::query_scalar(LEFT).fetch_one(&self.database.pool).await.expect("works in a test");
            if left == 0 {
                return;
            }
            assert!(started.elapsed() < GONE, "a dead process still has {left} connections");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Removes the database: hundreds of them would fill the disk.
    pub async fn strike(mut self) {
        self.kill().await;
        let mut url: url::Url = self.database.url.parse().expect("a URL");
        let name = url.path().trim_start_matches('/').to_owned();
        url.set_path("/postgres");
        self.database.pool.close().await;
        let mut connection = PgConnection::connect(url.as_str()).await.expect("works in a test");
        let drop = format!("drop database {name} with (force)");
        sqlx::query(AssertSqlSafe(drop)).execute(&mut connection).await.expect("works in a test");
    }
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Poll(Resource),
    Deliver,
}

impl Process {
    async fn step(&mut self, step: Step) -> Result<(), StepError> {
        match step {
            Step::Poll(resource) => {
                let result = match self.job(resource).await {
                    Ok(job) => job.poll().await,
                    Err(error) => Err(error),
                };
                self.after(resource, result)
            }
            Step::Deliver => self.deliver().await,
        }
    }

    async fn job(&mut self, resource: Resource) -> Result<&mut Job, StepError> {
        if !self.jobs.contains_key(&resource) {
            let job = self.engine.job(&MerchantId::new(CUSTOMER_ID), resource, Priority::Tail).await?;
            self.jobs.insert(resource, job);
        }
        Ok(self.jobs.get_mut(&resource).expect("just put there"))
    }

    /// A job that failed is begun anew now and then, as after a lost lease, so that both ways are taken.
    fn after(&mut self, resource: Resource, result: Result<Progress, StepError>) -> Result<(), StepError> {
        if matches!(result, Err(StepError::Store(_))) {
            self.jobs.remove(&resource);
        }
        result.map(drop)
    }

    async fn deliver(&mut self) -> Result<(), StepError> {
        if self.bookkeeper.is_none() {
            self.bookkeeper = Some(self.engine.bookkeeper_of(&MerchantId::new(CUSTOMER_ID)).await?);
        }
        let bookkeeper = self.bookkeeper.as_ref().expect("just put there");
        while bookkeeper.book().await? > 0 {}
        if self.courier.is_none() {
            self.courier = self.engine.courier_of(&AdapterName::new("staging")).await?;
        }
        let courier = self.courier.as_ref().expect("the adapter is configured");
        while courier.deliver().await? > 0 {}
        Ok(())
    }
}

/// Runs a test's future on one thread, as every seed is run.
pub fn play<T>(scene: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("works in a test").block_on(scene)
}
