//! `run`: until told to stop, or once.

use std::path::Path;
use std::sync::Arc;

use secrecy::ExposeSecret as _;
use tokio::task::JoinSet;

use super::args::RunArguments;
use super::host::{Database, Signals, circumstances};
use super::progress;
use super::show::resource_table;
use super::tell::{self, Complaint, Logging};
use crate::config::{Config, DatabaseConfig};
use crate::engine::error::{Exit, StepError};
use crate::engine::{Engine, Outcome, Scope};
use crate::ops;

pub async fn run(
    config: Config,
    file: Option<&Path>,
    arguments: RunArguments,
    logging: &Logging,
) -> Result<Exit, Complaint> {
    let scope = Scope { resources: arguments.resources, since: arguments.since };
    let signals = Signals::listen()?;
    let database = Database::open(&config.database).await?;
    let exit = if arguments.once {
        Box::pin(once(config, &database, &scope, &signals)).await?
    } else {
        daemon(config, (file, logging), &database, &scope, &signals).await?
    };
    database.close().await?;
    Ok(exit)
}

async fn once(config: Config, database: &Database, scope: &Scope, signals: &Signals) -> Result<Exit, Complaint> {
    let engine = Engine::start(config, &database.url, circumstances()?, signals.stop.clone()).await?;
    let outcome = tokio::select! {
        outcome = engine.catch_up(scope) => outcome,
        never = progress::draw(&engine) => match never {},
    };
    tell::print(&resource_table(engine.store()).await?);
    report(&outcome);
    engine.close().await;
    Ok(outcome.exit())
}

/// Works until told to stop. A reload lets the steps under way finish and starts anew with the configuration as it is then; one
/// that does not fit is reported and the old one stays in effect.
async fn daemon(
    mut config: Config,
    (file, logging): (Option<&Path>, &Logging),
    database: &Database,
    scope: &Scope,
    signals: &Signals,
) -> Result<Exit, Complaint> {
    let used = config.database.clone();
    loop {
        let stop = signals.stop.child_token();
        let circumstances = circumstances()?;
        let clock = Arc::clone(&circumstances.clock);
        let engine = Arc::new(Engine::start(config.clone(), &database.url, circumstances, stop.clone()).await?);
        let mut beside = JoinSet::new();
        let desk: Arc<dyn ops::Desk> = Arc::clone(&engine) as _;
        if let Some(port) = ops::open(&config.ops).await.map_err(|error| Complaint::new(Exit::Usage, error))? {
            let (desk, clock, config) = (Arc::clone(&desk), Arc::clone(&clock), config.ops.clone());
            let front = ops::Front { heartbeat: engine.heartbeat(), desk, clock, config };
            beside.spawn(ops::serve(port, Arc::new(front)));
        }
        beside.spawn(ops::watch(engine.heartbeat(), desk, Arc::clone(&clock), stop.clone()));
        ops::notify_ready();
        let mut running = std::pin::pin!(Arc::clone(&engine).run(scope));
        let reloaded = tokio::select! {
            () = &mut running => None,
            reloaded = next_configuration(file, &used, signals) => Some(reloaded),
            never = database.keep(&*clock) => match never {},
            never = progress::draw(&engine) => match never {},
        };
        let Some(reloaded) = reloaded else { break };
        ops::notify_reloading();
        stop.cancel();
        running.await;
        logging.follow(&reloaded);
        config = reloaded;
        tracing::info!("the configuration was reloaded");
    }
    ops::notify_stopping();
    Ok(Exit::Clean)
}

/// The configuration of the next reload that can be used.
async fn next_configuration(file: Option<&Path>, used: &DatabaseConfig, signals: &Signals) -> Config {
    loop {
        signals.reload.notified().await;
        match super::load_with_merchant(file) {
            Ok(config) => {
                if is_moved(&config.database, used) {
                    tracing::warn!("database.url and database.state_dir are the old ones until a restart");
                }
                return config;
            }
            Err(error) => tracing::error!(%error, "the configuration stays as it was"),
        }
    }
}

/// Whether another database is meant than the one that was opened at the start.
fn is_moved(config: &DatabaseConfig, used: &DatabaseConfig) -> bool {
    let url = |config: &DatabaseConfig| config.url.as_ref().map(|url| url.expose_secret().to_owned());
    url(config) != url(used) || config.state_dir != used.state_dir
}

/// What did not come to its end, each with its next step.
pub fn report(outcome: &Outcome) {
    for failure in &outcome.failures {
        if !matches!(failure.error, StepError::Stopped) {
            Complaint::new(failure.error.exit(), format!("{}: {}", failure.step, failure.error.with_next_step()))
                .print();
        }
    }
    if outcome.open_exceptions > 0 {
        let sentence = format!(
            "{} open exception(s) need a person; `paystand-sync exceptions list` shows them",
            outcome.open_exceptions
        );
        Complaint::new(Exit::OpenExceptions, sentence).print();
    }
}
