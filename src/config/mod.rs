//! Configuration: parsed once at the boundary, typed from then on.
//!
//! Built-in defaults < `/etc/paystand-sync/config.toml` < `--config FILE` < environment (`PAYSTAND_SYNC__SECTION__KEY`;
//! `DATABASE_URL` also sets `database.url`). Unknown keys are refused, and one run reports everything that is wrong.
//!
//! `layers` merges what is written, `schema` knows which keys exist, `section` reads typed values, `read` applies the
//! rules, `show` writes the result without its secrets.

mod erp;
mod error;
mod files;
mod layers;
mod ops;
mod read;
mod schema;
mod section;
mod show;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::NaiveDate;
use chrono_tz::Tz;
use secrecy::SecretString;
use serde::Deserialize;
use url::Url;

use crate::erp::webhook::Secret;
use crate::model::ids::{AdapterName, MerchantId};
use crate::model::journal::Role;
use crate::model::resource::Resource;

pub use error::{ConfigError, Problem};
pub use files::{FilesConfig, FilesFormat, StatementConfig};
pub use layers::{SYSTEM_FILE, Surroundings};

/// The whole configuration, checked.
#[derive(Debug, Clone)]
pub struct Config {
    pub database: DatabaseConfig,
    /// By label. The label is for people; every table uses [`MerchantConfig::customer_id`].
    pub merchants: BTreeMap<String, MerchantConfig>,
    pub sync: SyncConfig,
    pub erp: BTreeMap<AdapterName, ErpConfig>,
    pub ops: OpsConfig,
}

impl Config {
    /// Reads all layers. `file` is what `--config` names and must exist.
    pub fn load(file: Option<&Path>, surroundings: &Surroundings) -> Result<Self, ConfigError> {
        let merged = layers::merge(file, surroundings)?;
        read::config(&merged, surroundings)
    }

    /// The environment that every merchant is of; absent without merchants. A database serves one environment.
    #[must_use]
    pub fn environment(&self) -> Option<Environment> {
        self.merchants.values().next().map(|merchant| merchant.environment)
    }

    /// What the verbs that talk to Paystand need on top: someone whose data is read.
    pub fn require_merchant(&self) -> Result<(), ConfigError> {
        if self.merchants.is_empty() { Err(read::no_merchant()) } else { Ok(()) }
    }

    /// The configuration in effect as TOML, defaults included, secrets as `***`.
    #[must_use]
    pub fn redacted_toml(&self) -> String {
        show::redacted_toml(self)
    }
}

#[derive(Debug, Clone)]
pub struct DatabaseConfig {
    /// Absent: a private cluster under [`DatabaseConfig::state_dir`].
    pub url: Option<SecretString>,
    /// Connections held at most. Default 8.
    pub connections_max: u32,
    /// Where the private cluster keeps its data. Default: `$STATE_DIRECTORY`, else `/var/lib/paystand-sync` as root or as
    /// its owner, else `$XDG_STATE_HOME/paystand-sync` or `~/.local/state/paystand-sync`.
    pub state_dir: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Environment {
    Sandbox,
    Production,
}

impl Environment {
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Environment::Sandbox => "sandbox",
            Environment::Production => "production",
        }
    }
}

/// One Paystand entity with its own credentials.
#[derive(Debug, Clone)]
pub struct MerchantConfig {
    pub label: String,
    pub environment: Environment,
    /// With the version path and no trailing slash, such as `https://api.paystand.co/v3`.
    pub base_url: Url,
    pub client_id: String,
    pub client_secret: SecretString,
    pub customer_id: MerchantId,
    /// The zone in which the merchant's calendar days are cut.
    pub timezone: Tz,
    /// Default 2400; at most the API's 3000.
    pub requests_per_minute: u32,
    /// The first created day that is read; older rows come when they change or a newer row names them.
    pub start_date: NaiveDate,
    /// `refunds.reopen_invoice`: a refund that shows on an invoice opens it again. Default true.
    pub refunds_reopen_invoice: bool,
    /// `disputes.losses`: what bears a lost dispute. Default [`Role::DisputeLosses`]; else [`Role::Receivable`].
    pub dispute_losses: Role,
}

#[derive(Debug, Clone)]
pub struct SyncConfig {
    /// Between two polls of a resource. Default 30 s.
    pub interval: Duration,
    /// How far behind its high water a tail reads again. Default 10 min.
    pub overlap: Duration,
    /// Rows asked for per page. Default 200.
    pub page_rows: u32,
    /// List pages, or details, that one job has in flight: with 150 ms for an answer and 3,000 requests a minute, eight and what it takes to
    /// store them. Default 14.
    pub pages_in_flight_max: usize,
    /// Bound on one request, connect to last byte. Default 60 s.
    pub request_timeout: Duration,
    /// Bound on the bytes of one answer. Default 32 MiB.
    pub answer_bytes_max: usize,
    /// Attempts of one request before the step fails. Default 6.
    pub attempts_max: u32,
    /// For how long an open item is read again before it becomes an exception. Default 30 d.
    pub open_item_max: Duration,
    /// How long a process that is silent keeps its work before another one takes over. Default 150 s.
    pub lease: Duration,
    pub resources: BTreeMap<Resource, ResourceConfig>,
}

#[derive(Debug, Clone, Copy)]
pub struct ResourceConfig {
    pub enabled: bool,
    pub interval: Duration,
}

/// One ERP adapter by name.
#[derive(Debug, Clone)]
pub struct ErpConfig {
    pub kind: ErpKind,
    /// `post_from`: events before it are baseline.
    pub post_from: Option<NaiveDate>,
    /// Account role → the ERP's account.
    pub accounts: BTreeMap<String, String>,
}

#[derive(Debug, Clone)]
pub enum ErpKind {
    Staging {
        /// Absent: our own database.
        url: Option<SecretString>,
        /// Default `erp`.
        schema: String,
    },
    Tryton(Box<TrytonConfig>),
    /// Files in a folder.
    Files(Box<FilesConfig>),
    Webhook(Box<WebhookConfig>),
}

/// One company of one Tryton database.
#[derive(Debug, Clone)]
pub struct TrytonConfig {
    /// Without the name of the database, such as `http://127.0.0.1:8000/`.
    pub url: Url,
    pub database: String,
    pub user: String,
    pub password: SecretString,
    /// Name of the company. Absent: that of the user.
    pub company: Option<String>,
    /// Code of the journal. Default `PAYST`.
    pub journal: String,
    /// `closed_period = "next_open"`: what falls into a closed period is booked on the first day of the next open one. Default
    /// `"hold"`: it waits.
    pub next_open_period: bool,
    /// A party that is not there is created under the customer's key. Default false.
    pub create_customers: bool,
    /// Code of the party for money of nobody.
    pub default_customer: Option<String>,
}

/// One endpoint that takes messages.
#[derive(Debug, Clone)]
pub struct WebhookConfig {
    pub url: Url,
    pub secret: Secret,
    /// The secret from before a rotation: until it is removed every message has a signature by each.
    pub previous_secret: Option<Secret>,
    /// The endpoint may lie in the own network or on this machine. Default false.
    pub allow_private: bool,
    /// How long a message waits after each failure. Default 5 s, 5 min, 30 min, 2 h, 5 h, 10 h.
    pub retry: Vec<Duration>,
    /// Bound on one request, connect to last byte. Default 15 s.
    pub request_timeout: Duration,
}

#[derive(Debug, Clone)]
pub struct OpsConfig {
    /// Default `127.0.0.1:9464`; absent where `ops.listen = ""`.
    pub listen: Option<SocketAddr>,
    /// What a person must know to act on the status page. Absent: the page is for reading only.
    pub token: Option<SecretString>,
    /// Certificate chain and key; absent where the port is plain http.
    pub tls: Option<TlsConfig>,
    /// A proxy in front ends TLS and decides who may read. Default false.
    pub trusted_proxy: bool,
    /// What is logged, where neither `--log` nor `PAYSTAND_SYNC_LOG` says it.
    pub log: Option<String>,
    /// Between two tie-outs of the books by the daemon. Default 1 h.
    pub tie_out_interval: Duration,
    /// Journal entries of one merchant that a tie-out by the daemon holds at most: those of payments that do not agree with their
    /// payouts. Where there are more it is left to `reconcile`. Default 25,000.
    pub tie_out_entries_max: usize,
}

impl OpsConfig {
    /// Served nowhere, everything else by default.
    #[must_use]
    pub const fn nowhere() -> Self {
        Self {
            listen: None,
            token: None,
            tls: None,
            trusted_proxy: false,
            log: None,
            tie_out_interval: Duration::from_hours(1),
            tie_out_entries_max: 25_000,
        }
    }
}

/// PEM files, read at each start and reload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsConfig {
    pub cert: PathBuf,
    pub key: PathBuf,
}
