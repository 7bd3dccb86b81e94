//! The campaign: seeds that try to make the scan lose, age or double a row, and an auditor that compares what the lists showed
//! with what the tables hold.
//!
//! A seed decides everything: the world, its quirks, faults, crashes and jumps of the clocks. Everything happens in one task, on
//! a clock that only waits and the driver move, with real HTTP on loopback and a real Postgres; so a seed that fails can be
//! played again:
//!
//! ```text
//! CAMPAIGN_SEED=123 cargo test --test it campaign::seeds_lose_nothing -- --nocapture
//! PAYSTAND_SYNC_TESTS=long CAMPAIGN_FROM=1500 cargo test --test it campaign::seeds_lose_nothing -- --nocapture
//! ```
//!
//! `draw` is what a seed draws, `stage` the installation on which it is played, `run` how; `audit` judges.

#![expect(clippy::large_futures, reason = "a whole installation is driven as one future, once per seed")]

mod adversity;
mod audit;
mod cost;
mod dice;
mod draw;
mod machine;
mod regressions;
mod run;
mod scanning;
mod scenes;
mod stage;
mod storm;
mod tally;
mod teeth;

use std::sync::atomic::{AtomicU64, Ordering};

use self::stage::play;
use self::tally::Tally;

const SEEDS: u64 = 24;
const SEEDS_LONG: u64 = 3_000;

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} must be a number")))
}

#[test]
fn seeds_lose_nothing() {
    let is_long = std::env::var("PAYSTAND_SYNC_TESTS").is_ok_and(|tests| tests == "long");
    let (from, to) = match variable("CAMPAIGN_SEED") {
        Some(seed) => (seed, seed),
        None => (
            variable("CAMPAIGN_FROM").unwrap_or(1),
            variable("CAMPAIGN_TO").unwrap_or(if is_long { SEEDS_LONG } else { SEEDS }),
        ),
    };
    let threads = std::thread::available_parallelism().map_or(2, std::num::NonZero::get).min(8);
    let next = AtomicU64::new(from);
    let tally = Tally::default();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::SeqCst);
                    if seed > to {
                        break;
                    }
                    tally.take(play(run::run(seed)));
                }
            });
        }
    });
    tally.finish(to - from + 1);
}
