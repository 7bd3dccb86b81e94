//! `paystand-sandbox`: the simulated Paystand X API on a loopback port.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use clap::Parser;
use paystand_sync::clock::{Clock as _, SystemClock};
use paystand_sync::sandbox::{
    Business, CLIENT_ID, CLIENT_SECRET, CUSTOMER_ID, Quirks, SandboxClock, Seeding, Server, World, WorldConfig,
};
use tokio::signal::unix::{SignalKind, signal};

/// Serves a simulated Paystand X API with seeded data until it is stopped.
#[derive(Debug, Parser)]
#[command(name = "paystand-sandbox", version)]
struct Arguments {
    /// Where to listen; port 0 takes any free one.
    #[arg(long, default_value = "127.0.0.1:8970")]
    listen: SocketAddr,
    /// The same seed gives the same data.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Payments created over the last days.
    #[arg(long, default_value_t = 200)]
    payments: usize,
    /// How many days back the data reaches.
    #[arg(long, default_value_t = 30)]
    days: u32,
    /// Checkouts per day from now on.
    #[arg(long, default_value_t = 0)]
    live: u32,
    /// Runs an economy whose books balance, in place of plausible rows.
    #[arg(long)]
    economy: bool,
    /// Nothing happens by itself after the start.
    #[arg(long)]
    frozen: bool,
    /// What the sandbox takes for now; default: the machine's clock.
    #[arg(long, value_name = "RFC3339")]
    now: Option<DateTime<Utc>>,
    /// How many times faster than real time the sandbox's calendar runs; 0 stands still.
    #[arg(long, default_value_t = 1)]
    speed: u32,
    /// A JSON file, or JSON, with the quirks that are on.
    #[arg(long, value_name = "FILE|JSON")]
    quirks: Option<String>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let quirks = arguments.quirks.as_deref().map(read_quirks).transpose()?.unwrap_or_default();
    let clock = Arc::new(SandboxClock::new(arguments.now.unwrap_or_else(|| SystemClock::new().now()), arguments.speed));
    let seeding = Seeding {
        business: if arguments.economy { Business::Economy } else { Business::Generator },
        seed: arguments.seed,
        payments: arguments.payments,
        days: arguments.days,
        live_payments_per_day: arguments.live,
        frozen: arguments.frozen,
        ..Seeding::default()
    };
    // History grows with every change; a program that runs for days does without.
    let config = WorldConfig { seeding, quirks, history: false, ..WorldConfig::default() };
    let world = World::with_movable_clock(config, clock);
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut server = Server::start(world, arguments.listen)
        .await
        .with_context(|| format!("cannot listen on {}", arguments.listen))?;
    announce(&server)?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        () = server.wait() => {}
    }
    Ok(())
}

fn read_quirks(text: &str) -> anyhow::Result<Quirks> {
    let json = if text.trim_start().starts_with('{') {
        text.to_owned()
    } else {
        std::fs::read_to_string(Path::new(text)).with_context(|| format!("cannot read the quirks in {text}"))?
    };
    serde_json::from_str(&json).context("the quirks are not valid")
}

/// One line that says where it is and how to get in; whoever started it may wait for this line.
fn announce(server: &Server) -> anyhow::Result<()> {
    let mut out = std::io::stdout();
    writeln!(
        out,
        "paystand-sandbox base_url={} client_id={CLIENT_ID} client_secret={CLIENT_SECRET} customer_id={CUSTOMER_ID}",
        server.base_url
    )?;
    out.flush()?;
    Ok(())
}
