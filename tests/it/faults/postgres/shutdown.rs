//! A server that stops at once, as if its machine lost its power, and comes again.

#![expect(clippy::print_stderr, reason = "the seed is worth reading")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use paystand_sync::store::{Durability, PrivateCluster};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use rustix::process::{Pid, Signal, kill_process};
use secrecy::ExposeSecret as _;
use sqlx::postgres::PgPoolOptions;

use super::{ROUND, SEED, Side, business, recovers, started};
use crate::faults::exact::{DELIVERED, await_delivery};
use crate::faults::plant::{Detour, Kind, Plant};
use crate::faults::{play, seed};
use crate::harness::{Database, eventually};

/// How often a server stops.
const SHUTDOWNS: usize = 5;

/// A server of its own that a test may stop at once. What it committed it must keep, so nothing is saved on durability.
struct Mortal {
    directory: tempfile::TempDir,
    clusters: Vec<PrivateCluster>,
}

impl Mortal {
    async fn new() -> (Self, Database) {
        let directory = tempfile::tempdir_in("/tmp").expect("a temporary directory");
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).expect("own directory");
        let mut mortal = Self { directory, clusters: Vec::new() };
        mortal.revive().await;
        let url = mortal.clusters[0].url().expose_secret().to_owned();
        let pool = PgPoolOptions::new().connect(&url).await.expect("the server answers");
        (mortal, Database { url, pool })
    }

    /// Starts the server, if it does not run.
    async fn revive(&mut self) {
        self.clusters.push(PrivateCluster::open(self.directory.path(), Durability::Durable).await.expect("a cluster"));
    }

    /// SIGQUIT is an immediate shutdown: nothing is finished, nothing is written.
    fn stop_at_once(&self) {
        let path = self.directory.path().join("postgres/data/postmaster.pid");
        let text = fs::read_to_string(path).expect("a server runs");
        let pid = text.lines().next().and_then(|line| line.parse().ok()).and_then(Pid::from_raw).expect("a pid");
        kill_process(pid, Signal::QUIT).expect("a server of our own");
        await_end(pid);
    }

    async fn close(mut self) {
        let last = self.clusters.pop().expect("it was started");
        self.clusters.clear();
        last.close().await.expect("closed");
    }
}

fn await_end(pid: Pid) {
    let process = format!("/proc/{}/cwd", pid.as_raw_nonzero());
    let started = std::time::Instant::now();
    while fs::read_link(Path::new(&process)).is_ok() {
        assert!(started.elapsed() < DELIVERED, "the server does not stop");
        std::thread::sleep(Duration::from_millis(5));
    }
}

async fn server_stops_at_once(side: Side) {
    let seed = seed(SEED);
    eprintln!("seed {seed}: the server of the side {side:?} stops at once");
    let mut dice = StdRng::seed_from_u64(seed);
    let paystand = business(SHUTDOWNS);
    let (mut mortal, fragile) = Mortal::new().await;
    let steady = Database::fresh().await;
    let (own, other) = if side == Side::Own { (fragile, steady) } else { (steady, fragile) };
    let plant = Plant::in_databases(&paystand, Kind::StagingThere, own, &other, &Detour::default());
    let daemon = started(&plant).await;
    for _ in 0..SHUTDOWNS {
        paystand.pass(ROUND);
        let until = paystand.world.requests().total + dice.random_range(0..40);
        eventually("it is at work", DELIVERED, async || paystand.world.requests().total > until).await;
        mortal.stop_at_once();
        mortal.revive().await;
        await_delivery(&paystand, &plant, &[&daemon]).await;
    }
    recovers(&paystand, &plant, daemon).await;
    plant.own().close().await;
    plant.target.close().await;
    mortal.close().await;
}

#[test]
fn a_server_that_stops_at_once_and_starts_again_is_found_again() {
    play(server_stops_at_once(Side::Own));
}

#[test]
fn a_target_that_stops_at_once_and_starts_again_is_found_again() {
    play(server_stops_at_once(Side::Target));
}

#[test]
fn a_private_cluster_that_dies_under_the_daemon_is_started_again() {
    play(async {
        let paystand = business(SHUTDOWNS);
        let (mortal, own) = Mortal::new().await;
        let mut plant =
            Plant::in_databases(&paystand, Kind::StagingHere, own, &Database::fresh().await, &Detour::default());
        plant.site.unset_variable("DATABASE_URL");
        plant.site.set("DATABASE__STATE_DIR", &mortal.directory.path().to_string_lossy());
        let daemon = started(&plant).await;
        for _ in 0..SHUTDOWNS {
            paystand.pass(ROUND);
            await_delivery(&paystand, &plant, &[&daemon]).await;
            mortal.stop_at_once();
        }
        recovers(&paystand, &plant, daemon).await;
        mortal.close().await;
    });
}
