//! `check`: tests what a run needs, in the order in which it needs it, each finding with its fix.

use std::time::Duration;

use super::host::{Database, circumstances};
use super::tell::{self, Complaint, with_next_step};
use crate::config::Config;
use crate::engine::Engine;
use crate::engine::error::{Exit, StepError};

/// A health check must answer faster than its caller gives up.
const LIVE_TIMEOUT: Duration = Duration::from_secs(4);

pub async fn check(config: Config, live: bool) -> Result<Exit, Complaint> {
    if live { ask_daemon(&config).await } else { preflight(config).await }
}

async fn ask_daemon(config: &Config) -> Result<Exit, Complaint> {
    let Some(address) = config.ops.listen else {
        return Err(Complaint::new(
            Exit::Usage,
            "ops.listen is empty, so nobody can be asked; set it to 127.0.0.1:9464",
        ));
    };
    let dead = |reason: String| {
        Complaint::new(Exit::Internal, format!("the daemon at {address} {reason}; look into its log and restart it"))
    };
    // Whoever answers at our own address is asked whether it is alive and told nothing, so its certificate need not name that address.
    let client = reqwest::Client::builder().timeout(LIVE_TIMEOUT).no_proxy().danger_accept_invalid_certs(true);
    let client = client.build().map_err(|error| dead(error.to_string()))?;
    let scheme = if config.ops.tls.is_some() { "https" } else { "http" };
    let answer = client
        .get(format!("{scheme}://{address}/livez"))
        .send()
        .await
        .map_err(|_| dead("does not answer".to_owned()))?;
    if !answer.status().is_success() {
        return Err(dead("makes no progress".to_owned()));
    }
    tell::print("alive");
    Ok(Exit::Clean)
}

async fn preflight(config: Config) -> Result<Exit, Complaint> {
    config.require_merchant()?;
    tell::print("configuration: ok");
    let database = Database::open(&config.database).await?;
    let stop = tokio_util::sync::CancellationToken::new();
    let engine = Engine::start(config, &database.url, circumstances()?, stop).await?;
    tell::print("database: ok");
    let mut findings: Vec<(String, Result<(), StepError>)> = Vec::new();
    for (adapter, result) in engine.prepare_adapters().await {
        findings.push((format!("adapter {adapter}"), result));
    }
    for (merchant, result) in engine.authenticate().await {
        findings.push((format!("credentials of {merchant}"), result));
    }
    let mut exits = Vec::new();
    for (what, result) in findings {
        match result {
            Ok(()) => tell::print(&format!("{what}: ok")),
            Err(error) => {
                let complaint = Complaint::new(error.exit(), format!("{what}: {}", with_next_step(&error)));
                complaint.print();
                exits.push(complaint.exit);
            }
        }
    }
    if !exits.contains(&Exit::Source) {
        exits.extend(zones(&engine).await);
    }
    engine.close().await;
    database.close().await?;
    Ok(Exit::worst(exits))
}

/// Days are cut by the configured zone, and totals per day agree with Paystand's only where it is the merchant's.
async fn zones(engine: &Engine) -> Option<Exit> {
    let mut exit = None;
    for (merchant, zone) in engine.zones_at_paystand().await {
        let (label, ours) = (&merchant.label, merchant.timezone);
        match zone {
            None => tell::print(&format!("timezone of {label}: {ours}; Paystand does not tell its own to this token")),
            Some(zone) if zone == ours => tell::print(&format!("timezone of {label}: ok")),
            Some(zone) => {
                let sentence = format!(
                    "timezone of {label}: {ours} is configured and Paystand has {zone}; \
                     set merchants.{label}.timezone = \"{zone}\" unless you mean it"
                );
                Complaint::new(Exit::Usage, sentence).print();
                exit = Some(Exit::Usage);
            }
        }
    }
    exit
}
