//! `check`: tests what a run needs, in the order in which it needs it, each finding with its fix.

use std::time::Duration;

use super::host::{Database, circumstances};
use super::tell::{self, Complaint};
use crate::config::Config;
use crate::engine::Engine;
use crate::engine::error::Exit;
use crate::engine::preflight::{Finding, Standing};

/// A health check must answer faster than its caller gives up.
const LIVE_TIMEOUT: Duration = Duration::from_secs(4);

pub async fn check(config: Config, live: bool, json: bool) -> Result<Exit, Complaint> {
    if live { ask_daemon(&config).await } else { preflight(config, json).await }
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

async fn preflight(config: Config, json: bool) -> Result<Exit, Complaint> {
    config.require_merchant()?;
    let mut findings = vec![Finding::good("configuration", "")];
    let database = Database::open(&config.database).await?;
    let stop = tokio_util::sync::CancellationToken::new();
    let engine = Engine::start(config, &database.url, circumstances()?, stop).await?;
    findings.push(Finding::good("database", ""));
    findings.extend(engine.preflight().await);
    engine.close().await;
    database.close().await?;
    if json {
        tell::print_json(&serde_json::json!({ "findings": findings }));
    } else {
        findings.iter().for_each(print);
    }
    Ok(Exit::worst(findings.iter().filter_map(|it| match it.standing {
        Standing::Good | Standing::Note => None,
        Standing::Failed(exit) => Some(exit),
    })))
}

fn print(it: &Finding) {
    let Finding { what, standing, detail } = it;
    match standing {
        Standing::Good if detail.is_empty() => tell::print(&format!("{what}: ok")),
        Standing::Good => tell::print(&format!("{what}: ok, {detail}")),
        Standing::Note => tell::print(&format!("{what}: note: {detail}")),
        Standing::Failed(exit) => Complaint::new(*exit, format!("{what}: {detail}")).print(),
    }
}
