//! The verbs. Results go to stdout, logs and errors to stderr; every failure is one sentence, its next step and an exit code.

mod args;
mod audit;
mod books;
mod demo;
mod doctor;
mod exceptions;
mod explain;
mod host;
mod packet;
mod person;
mod progress;
mod run;
mod show;
mod table;
mod tell;

use std::process::ExitCode;

use clap::Parser;

use crate::config::{Config, ConfigError, Surroundings};
use crate::engine::error::Exit;
use args::{Arguments, AuditVerb, ConfigVerb, ExceptionsVerb, RunArguments, Verb};
use tell::{Complaint, Logging};

/// Everything `main` does.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let _ = error.print();
            let usage = if error.use_stderr() { Exit::Usage } else { Exit::Clean };
            return ExitCode::from(usage.code());
        }
    };
    host::keep_memory_private();
    let logging = Logging::start(arguments.log.as_deref());
    let exit = match serve(arguments, &logging) {
        Ok(exit) => exit,
        Err(complaint) => {
            complaint.print();
            complaint.exit
        }
    };
    ExitCode::from(exit.code())
}

fn serve(arguments: Arguments, logging: &Logging) -> Result<Exit, Complaint> {
    let Arguments { verb, config, run, .. } = arguments;
    match verb.unwrap_or(Verb::Run(RunArguments::default())) {
        Verb::Completions { shell } => {
            args::print_completions(shell);
            Ok(Exit::Clean)
        }
        Verb::Config { verb: ConfigVerb::Show } => {
            tell::print(&load(config.as_deref())?.redacted_toml());
            Ok(Exit::Clean)
        }
        Verb::Demo(demo) => block_on(demo::demo(demo)),
        Verb::Run(own) => {
            let loaded = load_with_merchant(config.as_deref())?;
            let run = if own == RunArguments::default() { run } else { own };
            logging.follow(&loaded);
            block_on(run::run(loaded, config.as_deref(), run, logging))
        }
        Verb::Check { live, json } => {
            let config = load(config.as_deref())?;
            block_on(doctor::check(config, live, json))
        }
        Verb::Status { json } => {
            let config = load_with_merchant(config.as_deref())?;
            block_on(show::status(config, json))
        }
        Verb::Exceptions { verb: ExceptionsVerb::List { json } } => {
            let config = load_with_merchant(config.as_deref())?;
            block_on(exceptions::list(config, json))
        }
        Verb::Exceptions { verb: ExceptionsVerb::Show { id, json } } => {
            let config = load_with_merchant(config.as_deref())?;
            block_on(exceptions::show(config, id, json))
        }
        Verb::Exceptions { verb: ExceptionsVerb::Assign { id, owner, reason } } => {
            let config = load_with_merchant(config.as_deref())?;
            block_on(person::assign(config, id, owner, reason))
        }
        Verb::Explain { id, packet, json } => {
            let config = load_with_merchant(config.as_deref())?;
            block_on(explain::explain(config, &id, packet.as_deref(), json))
        }
        Verb::Audit { verb: AuditVerb::Verify { packet: Some(packet), .. } } => audit::verify_packet(&packet),
        Verb::Audit { verb: AuditVerb::Verify { packet: None, head } } => {
            let config = load_with_merchant(config.as_deref())?;
            block_on(audit::verify(config, head))
        }
        Verb::Audit { verb: AuditVerb::Export } => {
            let config = load_with_merchant(config.as_deref())?;
            block_on(audit::export(config))
        }
        Verb::Exceptions { verb: ExceptionsVerb::Resolve { id, reason } } => {
            let config = load_with_merchant(config.as_deref())?;
            block_on(person::resolve(config, id, reason))
        }
        Verb::Exceptions { verb: ExceptionsVerb::Retry { id, new_generation, reason } } => {
            let config = load_with_merchant(config.as_deref())?;
            block_on(person::retry(config, id, new_generation, reason))
        }
        Verb::Pause { what, name, reason } => {
            let config = load_with_merchant(config.as_deref())?;
            block_on(person::pause(config, what, name, reason))
        }
        Verb::Resume { what, name, reason } => {
            let config = load_with_merchant(config.as_deref())?;
            block_on(person::resume(config, what, name, reason))
        }
        Verb::Adapter { verb } => {
            let config = load_with_merchant(config.as_deref())?;
            block_on(person::adapter(config, verb))
        }
        Verb::Replay { what, reason } => {
            let config = load_with_merchant(config.as_deref())?;
            block_on(person::replay(config, what, reason))
        }
        Verb::Reconcile { date, json } => {
            let config = load_with_merchant(config.as_deref())?;
            block_on(books::reconcile(config, date, json))
        }
        Verb::Export { format, adapter } => {
            let config = load_with_merchant(config.as_deref())?;
            block_on(books::export(config, format, adapter))
        }
        Verb::Migrate => {
            let config = load_with_merchant(config.as_deref())?;
            block_on(show::migrate(config))
        }
    }
}

fn load(file: Option<&std::path::Path>) -> Result<Config, ConfigError> {
    Config::load(file, &Surroundings::of_process())
}

fn load_with_merchant(file: Option<&std::path::Path>) -> Result<Config, ConfigError> {
    let config = load(file)?;
    config.require_merchant()?;
    Ok(config)
}

fn block_on(work: impl Future<Output = Result<Exit, Complaint>>) -> Result<Exit, Complaint> {
    // The client's TLS needs its provider chosen before the first connection.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Complaint::new(Exit::Internal, format!("the runtime cannot be started: {error}")))?;
    runtime.block_on(work)
}
