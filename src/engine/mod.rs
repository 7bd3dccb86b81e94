//! The only place where the edges meet: builds jobs and couriers, and drives them once or for ever.
//!
//! [`Engine::catch_up`] and the daemon's [`Engine::run`] call the same steps ([`job::Job`], [`deliver::Courier`]).

mod accounts;
pub mod advance;
mod backfill;
mod bell;
pub mod book;
mod certify;
mod certify_children;
pub mod deliver;
pub mod error;
mod follow;
mod freshness;
mod harvest;
pub mod job;
mod once;
mod outlook;
pub mod person;
pub mod preflight;
mod rate;
pub mod read;
pub mod read_back;
mod reader;
mod recheck;
pub mod reconcile;
mod schedule;
pub mod tally;
pub mod trouble;
mod windows;
mod witness;
mod work;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::NaiveDate;
use chrono_tz::Tz;
use secrecy::SecretString;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::config::{
    Config, ErpConfig, ErpKind, FilesConfig, FilesFormat, MerchantConfig, ResourceConfig, StatementConfig,
    TrytonConfig, WebhookConfig,
};
use crate::crash::{Point, crash_point};
use crate::engine::advance::Advances;
use crate::engine::bell::Bell;
use crate::engine::book::Bookkeeper;
use crate::engine::deliver::{Bench, Courier, health};
use crate::engine::error::StepError;
use crate::engine::job::Job;
use crate::engine::outlook::Outlook;
use crate::engine::reader::{BYTES_IN_HAND, Reader};
use crate::engine::tally::Tally;
use crate::erp::Erp;
use crate::erp::files::{self, Files};
use crate::erp::staging::Staging;
use crate::erp::tryton::{self, ClosedPeriod, Tryton};
use crate::erp::webhook::{self, Webhook};
use crate::model::ids::{AdapterName, MerchantId};
use crate::model::journal::Role;
use crate::model::resource::Resource;
use crate::ops::Heartbeat;
use crate::paystand::{Budgets, Client, Limits, Priority};
use crate::scan::rules::Rules;
use crate::store::lease::{Held, Presence};
use crate::store::{Bounds, Enrollment, Store};

pub use once::{Failure, Outcome};

/// The resources that are read, in sync order.
pub const READ: [Resource; 11] = Resource::ALL;

/// What time, chance and identity a process has; injected, so that a run can be repeated.
#[derive(Debug, Clone)]
pub struct Circumstances {
    pub clock: Arc<dyn Clock>,
    /// Seed of all jitter.
    pub seed: u64,
    /// A name that no other process has.
    pub holder: String,
    /// All rules, outside of tests.
    pub rules: Rules,
}

/// Everything that a process needs to work.
#[derive(Debug)]
pub struct Engine {
    config: Config,
    store: Store,
    presence: Presence,
    circumstances: Circumstances,
    budgets: Budgets,
    merchants: Vec<(Arc<MerchantConfig>, Client)>,
    adapters: BTreeMap<AdapterName, Arc<dyn Erp>>,
    documents: Arc<[AdapterName]>,
    readers: Arc<[book::Reader]>,
    /// Versions were stored.
    news: Arc<Bell>,
    /// Events and entries were.
    booked: Bell,
    heartbeat: Arc<Heartbeat>,
    tally: Tally,
    advances: Arc<Advances>,
    outlook: Outlook,
    stop: CancellationToken,
}

/// What a run is about.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    /// Only these; all where empty.
    pub resources: Vec<Resource>,
    /// Backfill windows not yet read begin no earlier.
    pub since: Option<NaiveDate>,
}

impl Engine {
    /// Connects to our database and the ERPs. Does not talk to Paystand yet.
    pub async fn start(
        config: Config,
        database: &SecretString,
        circumstances: Circumstances,
        stop: CancellationToken,
    ) -> Result<Self, StepError> {
        let environment = config.environment().ok_or(StepError::NoMerchant)?;
        let now = circumstances.clock.now();
        let bounds = Bounds::of(&config);
        let store = Store::open(database, bounds, environment, now).await?;
        let presence = Presence::announce(database, bounds, circumstances.holder.clone()).await?;
        let budgets = Budgets::new(Arc::clone(&circumstances.clock));
        let merchants = clients(&config, &circumstances, &budgets)?;
        let adapters = adapters(&config, &store, &circumstances.clock)?;
        let documents = adapters
            .iter()
            .filter(|(_, erp)| erp.capabilities().wants.documents)
            .map(|(name, _)| name.clone())
            .collect();
        let readers = readers(&config, &adapters);
        let news = Arc::new(Bell::new());
        let heartbeat = Arc::new(Heartbeat::new(Arc::clone(&circumstances.clock)));
        for (name, erp) in &adapters {
            store.recognize(name, &erp.target()).await?;
        }
        store.want_notices(&listeners(&adapters)).await?;
        let engine = Self {
            config,
            store,
            presence,
            circumstances,
            budgets,
            merchants,
            adapters,
            documents,
            readers,
            news,
            booked: Bell::new(),
            heartbeat,
            tally: Tally::default(),
            advances: Arc::default(),
            outlook: Outlook::new(),
            stop,
        };
        engine.share_rates().await;
        Ok(engine)
    }

    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// How far backfills have come.
    #[must_use]
    pub fn advances(&self) -> &Advances {
        &self.advances
    }

    /// Where the scheduler reports its progress.
    #[must_use]
    pub fn heartbeat(&self) -> Arc<Heartbeat> {
        Arc::clone(&self.heartbeat)
    }

    /// Gives the connections back.
    pub async fn close(self) {
        // A share that is not given back lapses by itself.
        let _ = self.store.leave_rate(&self.presence).await;
        self.store.close().await;
    }

    /// The jobs of one merchant that the configuration and the choice of resources leave, in sync order.
    fn resources(&self, scope: &Scope) -> Vec<Resource> {
        READ.into_iter()
            .filter(|resource| scope.resources.is_empty() || scope.resources.contains(resource))
            .filter(|resource| self.resource_config(*resource).enabled)
            .collect()
    }

    fn resource_config(&self, resource: Resource) -> ResourceConfig {
        let default = ResourceConfig { enabled: true, interval: self.config.sync.interval };
        self.config.sync.resources.get(&resource).copied().unwrap_or(default)
    }

    /// The merchants at work.
    pub fn merchants(&self) -> impl Iterator<Item = &Arc<MerchantConfig>> {
        self.merchants.iter().map(|(merchant, _)| merchant)
    }

    /// The adapters at work.
    pub fn adapters(&self) -> impl Iterator<Item = &AdapterName> {
        self.adapters.keys()
    }

    /// Takes the lease of a resource of a merchant and begins work on it: what the daemon's scheduler does, for those who
    /// drive the steps themselves.
    pub async fn job(&self, merchant: &MerchantId, resource: Resource, priority: Priority) -> Result<Job, StepError> {
        let known = self.merchants.iter().find(|(config, _)| config.customer_id == *merchant);
        let (merchant, client) = known.ok_or(StepError::NoMerchant)?;
        self.begin(merchant, client, resource, priority, None).await
    }

    /// Takes the lease of a merchant's books by its id.
    pub async fn bookkeeper_of(&self, merchant: &MerchantId) -> Result<Bookkeeper, StepError> {
        let known = self.merchants().find(|config| config.customer_id == *merchant);
        self.bookkeeper(known.ok_or(StepError::NoMerchant)?).await
    }

    /// Takes the lease of an adapter by its name.
    pub async fn courier_of(&self, adapter: &AdapterName) -> Result<Option<Courier>, StepError> {
        match self.adapters.get(adapter) {
            Some(erp) => self.courier(adapter, erp).await.map(Some),
            None => Ok(None),
        }
    }

    /// Takes the lease of a resource and begins work on it.
    async fn begin(
        &self,
        merchant: &Arc<MerchantConfig>,
        client: &Client,
        resource: Resource,
        priority: Priority,
        since: Option<NaiveDate>,
    ) -> Result<Job, StepError> {
        let held = self.lease(&format!("scan/{}/{resource}", merchant.customer_id)).await?;
        let reader = Reader {
            merchant: Arc::clone(merchant),
            resource,
            client: client.clone(),
            store: self.store.clone(),
            clock: Arc::clone(&self.circumstances.clock),
            sync: Arc::new(self.config.sync.clone()),
            adapters: Arc::clone(&self.documents),
            priority,
            rules: self.circumstances.rules,
            thorough: false,
            granted: Arc::default(),
            bytes_in_hand: Arc::new(Semaphore::new(BYTES_IN_HAND as usize)),
            stop: self.stop.clone(),
            advances: Arc::clone(&self.advances),
            news: Arc::clone(&self.news),
            held: Arc::new(tokio::sync::Mutex::new(held)),
        };
        Job::begin(reader, since).await
    }

    /// Takes the lease of an adapter.
    async fn courier(&self, adapter: &AdapterName, erp: &Arc<dyn Erp>) -> Result<Courier, StepError> {
        let held = self.lease(&format!("deliver/{adapter}")).await?;
        if let Err(error) = erp.prepare().await {
            health::failed(&self.store, &held, adapter, &error, self.circumstances.clock.now()).await?;
            return Err(error.into());
        }
        self.enroll(&held, adapter, &**erp).await?;
        let bench = Bench {
            store: self.store.clone(),
            clock: Arc::clone(&self.circumstances.clock),
            environment: self.config.environment().ok_or(StepError::NoMerchant)?,
        };
        Ok(Courier::new(adapter.clone(), Arc::clone(erp), bench, held))
    }

    async fn enroll(&self, held: &Held, adapter: &AdapterName, erp: &dyn Erp) -> Result<(), StepError> {
        let (wants, target) = (erp.capabilities().wants, erp.target());
        let zones: Vec<_> = self.merchants().map(|it| (it.customer_id.clone(), it.timezone)).collect();
        let enrollment = Enrollment {
            adapter,
            target: &target,
            documents: wants.documents,
            events: wants.events,
            entries: wants.entries,
            notices: wants.notices,
            post_from: self.config.erp.get(adapter).and_then(|erp| erp.post_from),
            zones: &zones,
        };
        Ok(self.store.enroll(held, &enrollment, self.circumstances.clock.now()).await?)
    }

    /// Takes the lease of a merchant's books.
    async fn bookkeeper(&self, merchant: &Arc<MerchantConfig>) -> Result<Bookkeeper, StepError> {
        let held = self.lease(&format!("book/{}", merchant.customer_id)).await?;
        Ok(Bookkeeper {
            merchant: Arc::clone(merchant),
            store: self.store.clone(),
            clock: Arc::clone(&self.circumstances.clock),
            readers: Arc::clone(&self.readers),
            held: tokio::sync::Mutex::new(held),
        })
    }

    async fn lease(&self, name: &str) -> Result<Held, StepError> {
        let held = self.store.acquire(name, &self.presence, &*self.circumstances.clock).await?;
        if held.is_some() {
            crash_point(Point::Leased);
        }
        held.ok_or_else(|| StepError::Leased { name: name.to_owned() })
    }
}

fn clients(
    config: &Config,
    circumstances: &Circumstances,
    budgets: &Budgets,
) -> Result<Vec<(Arc<MerchantConfig>, Client)>, StepError> {
    let limits = Limits { second_clock: circumstances.rules.second_clock, ..Limits::from(&config.sync) };
    let client = |merchant: &MerchantConfig| {
        let budget = budgets.for_merchant(merchant);
        let clock = Arc::clone(&circumstances.clock);
        let client = Client::new(merchant, limits, budget, clock, circumstances.seed)?;
        Ok((Arc::new(merchant.clone()), client))
    };
    config.merchants.values().map(client).collect()
}

fn adapters(
    config: &Config,
    store: &Store,
    clock: &Arc<dyn Clock>,
) -> Result<BTreeMap<AdapterName, Arc<dyn Erp>>, StepError> {
    let adapter = |(name, erp): (&AdapterName, &ErpConfig)| {
        let adapter: Arc<dyn Erp> = match &erp.kind {
            ErpKind::Staging { url: Some(url), schema } => {
                Arc::new(Staging::connect(url, schema)?.with_accounts(accounts(erp)))
            }
            ErpKind::Staging { url: None, schema } => {
                Arc::new(Staging::with_pool(store.pool().clone(), schema)?.with_accounts(accounts(erp)))
            }
            ErpKind::Tryton(tryton) => Arc::new(Tryton::connect(tryton_settings(tryton, accounts(erp)))?),
            ErpKind::Files(files) => {
                Arc::new(Files::new(files_settings(config, (name, files), accounts(erp)), Arc::clone(clock)))
            }
            ErpKind::Webhook(webhook) => Arc::new(Webhook::connect(webhook_settings(webhook), Arc::clone(clock))?),
        };
        Ok((name.clone(), adapter))
    };
    config.erp.iter().map(adapter).collect()
}

fn tryton_settings(tryton: &TrytonConfig, accounts: BTreeMap<Role, String>) -> tryton::Settings {
    let TrytonConfig { url, database, user, password, company, journal, next_open_period, .. } = tryton.clone();
    let closed_period = if next_open_period { ClosedPeriod::NextOpen } else { ClosedPeriod::Hold };
    let (create_customers, default_customer) = (tryton.create_customers, tryton.default_customer.clone());
    tryton::Settings {
        url,
        database,
        user,
        password,
        company,
        journal,
        accounts,
        closed_period,
        create_customers,
        default_customer,
    }
}

fn files_settings(
    config: &Config,
    (name, files): (&AdapterName, &FilesConfig),
    accounts: BTreeMap<Role, String>,
) -> files::Settings {
    let form = match &files.format {
        FilesFormat::Csv => files::Form::Csv,
        FilesFormat::JsonLines(content) => files::Form::JsonLines(*content),
        FilesFormat::Statement(dialect, statement) => {
            let first = config.merchants.values().next().map(|merchant| merchant.timezone);
            let StatementConfig { number, bank, currency, opening_balance, account_key, timezone, after } =
                (**statement).clone();
            let account = files::Account {
                number,
                bank,
                currency,
                opening_balance,
                role: Role::Bank,
                account_key,
                zone: timezone.or(first).unwrap_or(Tz::UTC),
                after,
            };
            files::Form::Statement(*dialect, Box::new(account))
        }
    };
    let label = files.label.clone().unwrap_or_else(|| name.to_string());
    files::Settings { folder: files.folder.clone(), label, form, ack_within: files.ack_within, accounts }
}

fn webhook_settings(webhook: &WebhookConfig) -> webhook::Settings {
    let WebhookConfig { url, secret, previous_secret, allow_private, retry, request_timeout } = webhook.clone();
    let secrets = std::iter::once(secret).chain(previous_secret).collect();
    webhook::Settings { url, secrets, allow_private, retry, request_timeout }
}

/// The accounts of an adapter by role; the configuration knows no other names.
fn accounts(erp: &ErpConfig) -> BTreeMap<Role, String> {
    let account = |role: &Role| Some((*role, erp.accounts.get(role.name())?.clone()));
    Role::ALL.iter().filter_map(account).collect()
}

/// The adapters that want notices.
fn listeners(adapters: &BTreeMap<AdapterName, Arc<dyn Erp>>) -> Vec<&str> {
    let wants = adapters.iter().filter(|(_, erp)| erp.capabilities().wants.notices);
    wants.map(|(name, _)| name.as_str()).collect()
}

fn readers(config: &Config, adapters: &BTreeMap<AdapterName, Arc<dyn Erp>>) -> Arc<[book::Reader]> {
    let reader = |(name, erp): (&AdapterName, &Arc<dyn Erp>)| book::Reader {
        adapter: name.clone(),
        wants: erp.capabilities().wants,
        post_from: config.erp.get(name).and_then(|erp| erp.post_from),
    };
    adapters.iter().map(reader).collect()
}

/// A step under way when the process is told to stop may take this long to come to its end.
const DRAIN: Duration = Duration::from_secs(8);
