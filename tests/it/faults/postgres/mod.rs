//! What Postgres may do to the program in the middle of its work, on our side and on that of the target: the daemon goes on by itself,
//! and nothing is lost or there twice.

mod commits;
mod connections;
mod disk;
mod shutdown;

use std::time::Duration;

use chrono::TimeDelta;

use super::audit::watch_target;
use super::exact::{await_delivery, ends_exact};
use super::paystand::Paystand;
use super::plant::Plant;
use crate::harness::Running;

const SEED: u64 = 20_260_603;
const BUSINESS: u64 = 5;
/// What passes in the business from one round to the next.
const ROUND: TimeDelta = TimeDelta::hours(6);

/// Which of the two databases fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Own,
    Target,
}

/// A daemon whose target has its tables, and witnesses.
async fn started(plant: &Plant) -> Running {
    plant.site.check_but_the_clock();
    watch_target(&plant.target).await;
    plant.site.start(&[])
}

/// The daemon has caught up by itself, ends when it is told to, and everything is there once.
async fn recovers(paystand: &Paystand, plant: &Plant, daemon: Running) {
    await_delivery(paystand, plant, &[&daemon]).await;
    daemon.terminate();
    let finished = daemon.finish(Duration::from_secs(20));
    assert_eq!(finished.code, Some(0), "{finished}");
    ends_exact(paystand, plant).await;
}

/// A business of so many rounds.
fn business(rounds: usize) -> Paystand {
    let rounds = i32::try_from(rounds).expect("a small number");
    Paystand::alive(BUSINESS, ROUND * (rounds + 1))
}
