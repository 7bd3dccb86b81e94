//! The command line.

use std::path::PathBuf;

use chrono::NaiveDate;
use clap::{Args, CommandFactory, Parser, Subcommand};

use crate::model::resource::Resource;
use crate::store::AuditHead;

/// Polls the Paystand X API and writes what happened into an ERP, exactly once in effect.
#[derive(Debug, Parser)]
#[command(name = "paystand-sync", version, after_help = EXIT_CODES)]
pub struct Arguments {
    #[command(subcommand)]
    pub verb: Option<Verb>,

    #[command(flatten)]
    pub run: RunArguments,

    /// Configuration file, over /etc/paystand-sync/config.toml
    #[arg(long, global = true, value_name = "FILE", env = "PAYSTAND_SYNC_CONFIG")]
    pub config: Option<PathBuf>,

    /// What to log to stderr: error, warn, info, debug or trace, or a filter such as `paystand_sync::engine=debug`;
    /// over `ops.log` of the configuration [default: info,sqlx=warn]
    #[arg(long, global = true, value_name = "FILTER", env = "PAYSTAND_SYNC_LOG")]
    pub log: Option<String>,
}

const EXIT_CODES: &str = "\
Exit codes: 0 clean, 1 internal, 2 usage or configuration, 3 source unreachable or unauthorized,
4 ERP unreachable or unauthorized, 5 finished with open exceptions, 6 reconciliation mismatch,
7 database unreachable. If several apply: 2, 7, 3, 4, 1, 6, 5.";

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Poll and deliver: until told to stop, or once (the default verb)
    Run(RunArguments),
    /// On an empty machine: sandbox, database, sync, summary
    Demo(DemoArguments),
    /// Preflight: each finding with its fix
    Check {
        /// Only ask the running daemon whether it is alive, for health checks
        #[arg(long, conflicts_with = "json")]
        live: bool,
        #[arg(long)]
        json: bool,
    },
    /// How far each resource is read and what is still to be delivered
    Status {
        #[arg(long)]
        json: bool,
    },
    /// Tie the books to the payouts: proven, unproven or wrong, and what is in transit
    Reconcile {
        /// Only the payouts and movements booked on this day
        #[arg(long, value_name = "DATE")]
        date: Option<NaiveDate>,
        #[arg(long)]
        json: bool,
    },
    /// Print the journal for a program of plain text accounting
    Export {
        #[arg(value_enum)]
        format: super::books::Format,
        /// Name accounts by the chart of this adapter
        #[arg(long, value_name = "NAME")]
        adapter: Option<String>,
    },
    /// What a person must see
    Exceptions {
        #[command(subcommand)]
        verb: ExceptionsVerb,
    },
    /// What became of a payment, an invoice, a fee, a payout or a document of the ERP
    Explain {
        /// A Paystand id, an invoice number, an event key, or a document as the ERP names it
        id: String,
        /// Write an evidence packet that can be checked without access to anything
        #[arg(long, value_name = "FILE")]
        packet: Option<PathBuf>,
        #[arg(long, conflicts_with = "packet")]
        json: bool,
    },
    /// What persons did
    Audit {
        #[command(subcommand)]
        verb: AuditVerb,
    },
    /// Read or deliver again; what is posted stays posted
    Replay {
        #[command(flatten)]
        what: Replayed,
        /// Why; kept in the audit trail
        #[arg(long)]
        reason: String,
    },
    /// Stop reading a resource, or delivering to an adapter
    Pause {
        #[arg(value_enum)]
        what: Pausable,
        name: String,
        /// Why; kept in the audit trail
        #[arg(long)]
        reason: String,
    },
    /// Go on with what was paused
    Resume {
        #[arg(value_enum)]
        what: Pausable,
        name: String,
        /// Why; kept in the audit trail
        #[arg(long)]
        reason: String,
    },
    /// The names of adapters and where they write
    Adapter {
        #[command(subcommand)]
        verb: AdapterVerb,
    },
    /// The configuration in effect
    Config {
        #[command(subcommand)]
        verb: ConfigVerb,
    },
    /// Bring the database's schema up to date and stop
    Migrate,
    /// Print a completion script
    Completions { shell: clap_complete::Shell },
}

#[derive(Debug, Clone, Subcommand)]
pub enum ExceptionsVerb {
    /// All that are open, oldest first
    List {
        #[arg(long)]
        json: bool,
    },
    /// One of them with its evidence and what to do first
    Show {
        /// The number that `list` shows
        id: i64,
        #[arg(long)]
        json: bool,
    },
    /// Say who takes care of one
    Assign {
        /// The number that `list` shows
        id: i64,
        owner: String,
        /// Why; kept in the audit trail
        #[arg(long)]
        reason: String,
    },
    /// Have the entry that one is about tried again
    Retry {
        /// The number that `list` shows
        id: i64,
        /// Post it under a new key, because the document is gone from the ERP
        #[arg(long)]
        new_generation: bool,
        /// Why; kept in the audit trail
        #[arg(long)]
        reason: String,
    },
    /// Settle one by hand, and with it the entry that it is about: nothing more is done about that
    Resolve {
        /// The number that `list` shows
        id: i64,
        /// Why; kept with the exception and in the audit trail
        #[arg(long)]
        reason: String,
    },
}

#[derive(Debug, Clone, Subcommand)]
pub enum AuditVerb {
    /// Check that no row was changed, put in or removed
    Verify {
        /// A head that was noted elsewhere, as the log and packets name it: NUMBER:HASH
        #[arg(long, value_name = "HEAD")]
        head: Option<AuditHead>,
        /// Check a packet instead, without a database
        #[arg(long, value_name = "FILE", conflicts_with = "head")]
        packet: Option<PathBuf>,
    },
    /// Print every row as JSON, one a line
    Export,
}

/// What is stopped or goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Pausable {
    Resource,
    Adapter,
}

#[derive(Debug, Clone, Subcommand)]
pub enum AdapterVerb {
    /// Give it another name, with everything that was posted under the old one
    Rename {
        old: String,
        new: String,
        /// Why; kept in the audit trail
        #[arg(long)]
        reason: String,
    },
    /// Drop a file again that its consumer lost, byte for byte
    Redrop {
        name: String,
        /// The number in the file's name
        sequence: u64,
        /// Why; kept in the audit trail
        #[arg(long)]
        reason: String,
    },
    /// Say that its target moved to where it is configured now, with everything that was posted there
    Rebind {
        name: String,
        /// Why; kept in the audit trail
        #[arg(long)]
        reason: String,
    },
}

/// What is replayed.
#[derive(Debug, Clone, Args)]
pub struct Replayed {
    /// One event: what is held or parked of it is delivered again
    #[arg(long, value_name = "KEY", conflicts_with_all = ["resource", "from", "to"])]
    pub event: Option<String>,

    /// A resource: its records are read again, and what was refused of them is delivered again
    #[arg(long, value_name = "NAME")]
    pub resource: Option<Resource>,

    /// Only records created from this day on
    #[arg(long, value_name = "DATE", requires = "resource")]
    pub from: Option<NaiveDate>,

    /// Only records created up to this day
    #[arg(long, value_name = "DATE", requires = "resource")]
    pub to: Option<NaiveDate>,
}

#[derive(Debug, Clone, Copy, Subcommand)]
pub enum ConfigVerb {
    /// Print it as TOML, secrets as `***`
    Show,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct RunArguments {
    /// Read and deliver everything there is, then exit
    #[arg(long)]
    pub once: bool,

    /// Only this resource; may be repeated
    #[arg(long = "resource", value_name = "NAME")]
    pub resources: Vec<Resource>,

    /// Bound backfill windows not yet read to days from this one on; moves no cursor
    #[arg(long, value_name = "DATE")]
    pub since: Option<NaiveDate>,
}

#[derive(Debug, Clone, Args)]
pub struct DemoArguments {
    /// Payments in the simulated books
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub payments: u32,

    /// Seed of the simulated books
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

#[expect(clippy::print_stdout, reason = "a completion script is this verb's result")]
pub fn print_completions(shell: clap_complete::Shell) {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "paystand-sync", &mut script);
    print!("{}", String::from_utf8_lossy(&script));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn run_is_the_default_verb() {
        let arguments = Arguments::parse_from(["paystand-sync", "--once", "--resource", "fees"]);
        assert!(arguments.verb.is_none() && arguments.run.once);
        assert_eq!(arguments.run.resources, [Resource::Fees]);
    }
}
