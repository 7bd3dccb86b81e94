//! How the program speaks: results on stdout, logs and complaints on stderr.

use std::io::{IsTerminal, Write};

use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _, Registry, reload};

use super::progress::AboveTheBars;
use crate::config::{Config, ConfigError};
use crate::engine::error::{Exit, StepError};
use crate::store::{ClusterError, StoreError};

/// Why the program ends without having done what was asked.
#[derive(Debug)]
pub struct Complaint {
    pub exit: Exit,
    sentence: String,
}

impl Complaint {
    pub fn new(exit: Exit, sentence: impl Into<String>) -> Self {
        Self { exit, sentence: sentence.into() }
    }

    #[expect(clippy::print_stderr, reason = "complaints go to stderr")]
    pub fn print(&self) {
        for line in self.sentence.lines() {
            eprintln!("paystand-sync: {line}");
        }
    }
}

impl From<ConfigError> for Complaint {
    fn from(error: ConfigError) -> Self {
        Self::new(Exit::Usage, error.to_string())
    }
}

impl From<StepError> for Complaint {
    fn from(error: StepError) -> Self {
        Self::new(error.exit(), error.with_next_step())
    }
}

impl From<StoreError> for Complaint {
    fn from(error: StoreError) -> Self {
        StepError::from(error).into()
    }
}

impl From<ClusterError> for Complaint {
    fn from(error: ClusterError) -> Self {
        Self::new(Exit::Database, error.to_string())
    }
}

/// What is logged where nobody says it.
const LOG_DEFAULT: &str = "info,sqlx=warn";

/// What is logged, to be changed while the program runs.
#[derive(Clone)]
pub struct Logging {
    /// What the command line says, which wins.
    told: Option<String>,
    handle: reload::Handle<EnvFilter, Registry>,
}

impl Logging {
    /// Starts to log: text on a terminal, JSON elsewhere.
    pub fn start(told: Option<&str>) -> Self {
        let (filter, handle) = reload::Layer::new(filter(told.unwrap_or(LOG_DEFAULT)));
        let format = tracing_subscriber::fmt::layer().with_target(false);
        let format = if std::io::stderr().is_terminal() {
            format.with_writer(AboveTheBars).compact().boxed()
        } else {
            format.with_writer(std::io::stderr).json().flatten_event(true).boxed()
        };
        tracing_subscriber::registry().with(filter).with(format).init();
        Self { told: told.map(str::to_owned), handle }
    }

    /// Logs from now on what the configuration says, unless the command line did.
    pub fn follow(&self, config: &Config) {
        if self.told.is_none() {
            let text = config.ops.log.as_deref().unwrap_or(LOG_DEFAULT);
            // The layer is there for as long as the program runs.
            let _ = self.handle.reload(filter(text));
        }
    }
}

fn filter(text: &str) -> EnvFilter {
    EnvFilter::try_new(text).unwrap_or_else(|_| EnvFilter::new(LOG_DEFAULT))
}

/// Prints a result. A closed pipe is not worth a complaint.
pub fn print(text: &str) {
    let mut stdout = std::io::stdout().lock();
    let _ = stdout.write_all(text.trim_end().as_bytes()).and_then(|()| stdout.write_all(b"\n"));
}

/// Prints a result for machines.
pub fn print_json(value: &serde_json::Value) {
    print(&serde_json::to_string_pretty(value).expect("a JSON value is printable"));
}
