//! The rules: from merged layers to the typed configuration.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use chrono::NaiveDate;
use chrono_tz::{TZ_VARIANTS, Tz};
use config::Value;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::error::{ConfigError, Problem, Report, Reported};
use super::layers::{SYSTEM_STATE, Surroundings};
use super::schema;
use super::section::Section;
use super::{Config, DatabaseConfig, Environment, MerchantConfig, ResourceConfig, SyncConfig};
use crate::model::ids::MerchantId;
use crate::model::journal::Role;
use crate::model::resource::Resource;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_mins(1);
const DAY: Duration = Duration::from_hours(24);
/// The shortest interval or timeout that is accepted.
const TICK: Duration = Duration::from_millis(10);

const PAYSTAND_DOMAINS: [(Environment, &str); 2] =
    [(Environment::Sandbox, "paystand.co"), (Environment::Production, "paystand.com")];

pub(super) fn config(merged: &Value, surroundings: &Surroundings) -> Result<Config, ConfigError> {
    let report = Report::default();
    schema::check(&schema::ROOT, "", merged, &report);
    let root = Section::new("", Some(merged), &report);

    let database = database(&Section::new("database", root.inner("database"), &report), surroundings);
    let merchants = merchants(&Section::new("merchants", root.inner("merchants"), &report), surroundings);
    let sync = sync(&Section::new("sync", root.inner("sync"), &report));
    let erp = super::erp::adapters(&Section::new("erp", root.inner("erp"), &report), surroundings);
    let ops = super::ops::ops(&Section::new("ops", root.inner("ops"), &report), surroundings);

    if let Some(error) = report.into_error() {
        return Err(error);
    }
    match (database, merchants, sync, erp, ops) {
        (Ok(database), Ok(merchants), Ok(sync), Ok(erp), Ok(ops)) => Ok(Config { database, merchants, sync, erp, ops }),
        _ => unreachable!("whatever could not be read is in the report"),
    }
}

pub(super) fn no_merchant() -> ConfigError {
    let sentence = "`merchants` holds nobody; add a section [merchants.main] with environment, client_id, client_secret, customer_id and \
                timezone to the configuration file";
    ConfigError::Invalid {
        problems: vec![Problem { origin: None, key: "merchants".to_owned(), sentence: sentence.to_owned() }],
    }
}

fn database(section: &Section<'_>, surroundings: &Surroundings) -> Result<DatabaseConfig, Reported> {
    let url = postgres_url(section, surroundings);
    let connections_max = section.number("connections_max", 8, 2..=100);
    let state_dir = section.filled("state_dir").map(|path| match path {
        Some(path) => PathBuf::from(path),
        None => default_state_dir(surroundings),
    });
    Ok(DatabaseConfig { url: url?, connections_max: connections_max?, state_dir: state_dir? })
}

fn default_state_dir(surroundings: &Surroundings) -> PathBuf {
    let variable = |name| surroundings.variable(name).map(PathBuf::from);
    // systemd lists several directories with colons; the first is ours.
    if let Some(first) = surroundings.variable("STATE_DIRECTORY").and_then(|list| list.split(':').next()) {
        return PathBuf::from(first);
    }
    if surroundings.uses_system_state {
        return PathBuf::from(SYSTEM_STATE);
    }
    variable("XDG_STATE_HOME")
        .or_else(|| variable("HOME").map(|home| home.join(".local/state")))
        .map_or_else(|| PathBuf::from(SYSTEM_STATE), |state| state.join("paystand-sync"))
}

pub(super) fn postgres_url(
    section: &Section<'_>,
    surroundings: &Surroundings,
) -> Result<Option<SecretString>, Reported> {
    let Some(url) = section.secret("url", surroundings)? else { return Ok(None) };
    let fits = Url::parse(url.expose_secret()).is_ok_and(|url| matches!(url.scheme(), "postgres" | "postgresql"));
    if fits {
        return Ok(Some(url));
    }
    let key = if section.has("url") { "url" } else { "url_file" };
    Err(section.refuse(key, "is no Postgres URL; write it like \"postgres://user:password@host:5432/database\""))
}

fn merchants(section: &Section<'_>, surroundings: &Surroundings) -> Result<BTreeMap<String, MerchantConfig>, Reported> {
    let mut merchants = BTreeMap::new();
    let mut outcome = Ok(());
    for label in section.sections() {
        let path = section.place(label);
        match merchant(label, &Section::new(&path, section.inner(label), section.report), surroundings) {
            Ok(merchant) => {
                merchants.insert(label.to_owned(), merchant);
            }
            Err(reported) => outcome = Err(reported),
        }
    }
    outcome?;
    apart(section, &merchants)?;
    Ok(merchants)
}

/// No two labels may mean one merchant, and all share one environment.
fn apart(section: &Section<'_>, merchants: &BTreeMap<String, MerchantConfig>) -> Result<(), Reported> {
    let mut outcome = Ok(());
    let mut labels: BTreeMap<&MerchantId, &str> = BTreeMap::new();
    for (label, merchant) in merchants {
        if let Some(other) = labels.insert(&merchant.customer_id, label) {
            let text = format!("has the customer_id of `merchants.{other}`; remove one of the two sections");
            outcome = Err(section.refuse(label, text));
        }
    }
    let first = merchants.iter().next();
    for (label, merchant) in merchants {
        if let Some((other, reference)) = first.filter(|(_, first)| first.environment != merchant.environment) {
            let text = format!(
                "is {} while `merchants.{other}` is {}; a database serves one environment: use a second configuration \
                 with its own database",
                merchant.environment.name(),
                reference.environment.name(),
            );
            outcome = Err(section.refuse(label, text));
        }
    }
    outcome
}

/// Paystand's own limit; a simulated one on this machine has what limit it wants.
const RATE_MAX: i64 = 3_000;
const SIMULATED_RATE_MAX: i64 = 1_000_000;
/// Pages overlap by five rows, so shorter ones would not get on.
const PAGE_ROWS_MIN: i64 = 10;

fn merchant(label: &str, section: &Section<'_>, surroundings: &Surroundings) -> Result<MerchantConfig, Reported> {
    let environment = environment(section);
    let base_url = environment.and_then(|environment| base_url(section, environment));
    let client_id = section.required("client_id");
    let client_secret = section
        .secret("client_secret", surroundings)
        .and_then(|secret| secret.ok_or_else(|| section.missing("client_secret", "")));
    let customer_id = section.required("customer_id");
    let timezone = timezone(section);
    let is_paystand = base_url.as_ref().map_or(true, |url| !is_loopback(url));
    let rate_max = if is_paystand { RATE_MAX } else { SIMULATED_RATE_MAX };
    let requests_per_minute = section.number("requests_per_minute", 2_400, 1..=rate_max);
    let start_date = section.date("start_date");
    let refunds_reopen_invoice = within(section, "refunds", |refunds| refunds.boolean("reopen_invoice", true));
    let dispute_losses = within(section, "disputes", dispute_losses);
    Ok(MerchantConfig {
        label: label.to_owned(),
        environment: environment?,
        base_url: base_url?,
        client_id: client_id?,
        client_secret: client_secret?,
        customer_id: MerchantId::new(customer_id?),
        timezone: timezone?,
        requests_per_minute: requests_per_minute?,
        start_date: start_date?.unwrap_or(NaiveDate::from_ymd_opt(2010, 1, 1).expect("a day that exists")),
        refunds_reopen_invoice: refunds_reopen_invoice?,
        dispute_losses: dispute_losses?,
    })
}

/// Reads a section within a section.
fn within<T>(
    section: &Section<'_>,
    key: &str,
    read: impl FnOnce(&Section<'_>) -> Result<T, Reported>,
) -> Result<T, Reported> {
    let place = section.place(key);
    read(&Section::new(&place, section.inner(key), section.report))
}

fn dispute_losses(section: &Section<'_>) -> Result<Role, Reported> {
    match section.filled("losses")?.as_deref() {
        None | Some("dispute_losses") => Ok(Role::DisputeLosses),
        Some("receivable") => Ok(Role::Receivable),
        Some(other) => {
            let hint = schema::hint(other, &["dispute_losses", "receivable"]);
            Err(section.refuse("losses", format!("bears no lost dispute: `{other}`; {hint}")))
        }
    }
}

fn environment(section: &Section<'_>) -> Result<Environment, Reported> {
    match section.filled("environment")?.as_deref() {
        Some("sandbox") => Ok(Environment::Sandbox),
        Some("production") => Ok(Environment::Production),
        Some(other) => {
            let hint = schema::hint(other, &["sandbox", "production"]);
            Err(section.refuse("environment", format!("is no environment: `{other}`; {hint}")))
        }
        None => Err(section.missing("environment", " = \"sandbox\"")),
    }
}

fn base_url(section: &Section<'_>, environment: Environment) -> Result<Url, Reported> {
    let default = match environment {
        Environment::Sandbox => "https://api.paystand.co/v3",
        Environment::Production => "https://api.paystand.com/v3",
    };
    let given = section.filled("base_url")?;
    let refuse = |text: String| Err(section.refuse("base_url", text));
    let url = plain_url(section, "base_url", given.as_deref().unwrap_or(default), default)?;
    let host = url.host_str().unwrap_or_default();
    for (owner, domain) in PAYSTAND_DOMAINS {
        let belongs = host == domain || host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'));
        if belongs && owner != environment {
            return refuse(format!(
                "is Paystand's {} host while environment is {}; correct one of the two (sandbox credentials never talk to \
                 production and the reverse)",
                owner.name(),
                environment.name(),
            ));
        }
    }
    Ok(url)
}

/// A URL of scheme, host and path, without a slash at its end; plain http only to this machine.
pub(super) fn plain_url(section: &Section<'_>, key: &str, text: &str, example: &str) -> Result<Url, Reported> {
    let refuse = |text: String| Err(section.refuse(key, text));
    let Ok(mut url) = Url::parse(text) else {
        return refuse(format!("is no URL; write it like \"{example}\""));
    };
    let Some(host) = url.host_str().map(str::to_owned) else {
        return refuse(format!("names no host; write it like \"{example}\""));
    };
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
        return refuse(format!("must hold scheme, host and path only; write it like \"{example}\""));
    }
    match url.scheme() {
        "https" => {}
        "http" if is_loopback(&url) => {}
        "http" => return refuse(format!("is plain http to {host}, which would show the credentials; use https")),
        other => return refuse(format!("has the scheme `{other}`; use https")),
    }
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    Ok(url)
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

pub(super) fn timezone(section: &Section<'_>) -> Result<Tz, Reported> {
    let Some(text) = section.filled("timezone")? else {
        return Err(section.missing("timezone", " = \"America/Los_Angeles\""));
    };
    Tz::from_str(&text).map_err(|_| {
        let city = format!("/{}", text.to_lowercase().replace(' ', "_"));
        let names = TZ_VARIANTS.iter().map(|zone| zone.name());
        let meant = schema::nearest(&text, names.clone())
            .or_else(|| names.into_iter().find(|name| name.to_lowercase().ends_with(&city)));
        let hint = match meant {
            Some(name) => format!("did you mean `{name}`?"),
            None => "write an IANA name such as \"America/Los_Angeles\"".to_owned(),
        };
        section.refuse("timezone", format!("is no IANA time zone: `{text}`; {hint}"))
    })
}

fn sync(section: &Section<'_>) -> Result<SyncConfig, Reported> {
    let interval = section.duration("interval", 30 * SECOND, &(TICK..=DAY));
    let overlap = section.duration("overlap", 10 * MINUTE, &(Duration::ZERO..=7 * DAY));
    let page_rows = section.number("page_rows", 200, PAGE_ROWS_MIN..=1_000);
    let pages_in_flight_max = section.number("pages_in_flight_max", 14, 1..=64);
    let request_timeout = section.duration("request_timeout", 60 * SECOND, &(TICK..=10 * MINUTE));
    let answer_bytes_max = section.number("answer_bytes_max", 32 << 20, 64 << 10..=1 << 30);
    let attempts_max = section.number("attempts_max", 6, 1..=20);
    let open_item_max = section.duration("open_item_max", 30 * DAY, &(SECOND..=400 * DAY));
    let lease = section.duration("lease", 150 * SECOND, &(SECOND..=Duration::from_hours(1)));
    let interval = interval?;
    let resources = resources(&Section::new("sync.resources", section.inner("resources"), section.report), interval);
    Ok(SyncConfig {
        interval,
        overlap: overlap?,
        page_rows: page_rows?,
        pages_in_flight_max: pages_in_flight_max?,
        request_timeout: request_timeout?,
        answer_bytes_max: answer_bytes_max?,
        attempts_max: attempts_max?,
        open_item_max: open_item_max?,
        lease: lease?,
        resources: resources?,
    })
}

/// Every resource, each with the interval of `[sync]` unless it has its own.
fn resources(section: &Section<'_>, interval: Duration) -> Result<BTreeMap<Resource, ResourceConfig>, Reported> {
    let mut resources = BTreeMap::new();
    let mut outcome = Ok(());
    for resource in Resource::ALL {
        let path = section.place(resource.name());
        let inner = Section::new(&path, section.inner(resource.name()), section.report);
        let enabled = inner.boolean("enabled", true);
        let interval = inner.duration("interval", interval, &(TICK..=7 * DAY));
        match (enabled, interval) {
            (Ok(enabled), Ok(interval)) => {
                resources.insert(resource, ResourceConfig { enabled, interval });
            }
            (Err(reported), _) | (_, Err(reported)) => outcome = Err(reported),
        }
    }
    outcome.map(|()| resources)
}
