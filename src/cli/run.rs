//! `run`: until told to stop, or once.

use std::path::Path;
use std::sync::Arc;

use tokio::task::JoinSet;

use super::args::RunArguments;
use super::host::{Database, Signals, circumstances};
use super::show::resource_table;
use super::tell::{self, Complaint, with_next_step};
use crate::config::Config;
use crate::engine::error::{Exit, StepError};
use crate::engine::{Engine, Outcome, Scope};
use crate::ops;

pub async fn run(config: Config, file: Option<&Path>, arguments: RunArguments) -> Result<Exit, Complaint> {
    let scope = Scope { resources: arguments.resources, since: arguments.since };
    let signals = Signals::listen()?;
    let database = Database::open(&config.database).await?;
    let exit = if arguments.once {
        once(config, &database, &scope, &signals).await?
    } else {
        daemon(config, file, &database, &scope, &signals).await?
    };
    database.close().await?;
    Ok(exit)
}

async fn once(config: Config, database: &Database, scope: &Scope, signals: &Signals) -> Result<Exit, Complaint> {
    let engine = Engine::start(config, &database.url, circumstances()?, signals.stop.clone()).await?;
    let outcome = engine.catch_up(scope).await;
    tell::print(&resource_table(engine.store()).await?);
    report(&outcome);
    engine.close().await;
    Ok(outcome.exit())
}

/// Works until told to stop. A reload lets the steps under way finish and starts anew with the configuration as it is then; one
/// that does not fit is reported and the old one stays in effect.
async fn daemon(
    mut config: Config,
    file: Option<&Path>,
    database: &Database,
    scope: &Scope,
    signals: &Signals,
) -> Result<Exit, Complaint> {
    loop {
        let stop = signals.stop.child_token();
        let circumstances = circumstances()?;
        let clock = Arc::clone(&circumstances.clock);
        let engine = Arc::new(Engine::start(config.clone(), &database.url, circumstances, stop.clone()).await?);
        let mut beside = JoinSet::new();
        if let Some(address) = config.ops.listen {
            let listener = ops::listen(address).await.map_err(|error| {
                let sentence = format!("ops.listen = \"{address}\" cannot be used: {error}; choose a free port");
                Complaint::new(Exit::Usage, sentence)
            })?;
            beside.spawn(ops::serve(listener, engine.heartbeat()));
        }
        beside.spawn(ops::watch(engine.heartbeat(), Arc::clone(&clock), stop.clone()));
        ops::notify_ready();
        let mut running = std::pin::pin!(engine.run(scope));
        let reloaded = tokio::select! {
            () = &mut running => None,
            reloaded = next_configuration(file, signals) => Some(reloaded),
            never = database.keep(&*clock) => match never {},
        };
        let Some(reloaded) = reloaded else { break };
        stop.cancel();
        running.await;
        config = reloaded;
        tracing::info!("the configuration was reloaded");
    }
    ops::notify_stopping();
    Ok(Exit::Clean)
}

/// The configuration of the next reload that can be used.
async fn next_configuration(file: Option<&Path>, signals: &Signals) -> Config {
    loop {
        signals.reload.notified().await;
        match super::load_with_merchant(file) {
            Ok(config) => return config,
            Err(error) => tracing::error!(%error, "the configuration stays as it was"),
        }
    }
}
/// What did not come to its end, each with its next step.
pub fn report(outcome: &Outcome) {
    for failure in &outcome.failures {
        if !matches!(failure.error, StepError::Stopped) {
            Complaint::new(failure.error.exit(), format!("{}: {}", failure.step, with_next_step(&failure.error)))
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
