//! The campaign: seeds that try to make the scan lose, age or double a row, and an auditor that compares what the lists showed
//! with what the tables hold.
//!
//! A seed decides everything: the world, its quirks, faults, crashes and jumps of the clocks. Everything happens in one task, on
//! a clock that only waits and the driver move, with real HTTP on loopback and a real Postgres; so a seed that fails can be
//! played again:
//!
//! ```text
//! CAMPAIGN_SEED=123 cargo test --test it campaign::seeds_lose_nothing -- --nocapture
//! scripts/test long --from 1500
//! ```
//!
//! `draw` is what a seed draws, `stage` the installation on which it is played, `run` how; `audit` judges.

#![expect(clippy::large_futures, reason = "a whole installation is driven as one future, once per seed")]

mod adversity;
mod audit;
mod cost;
mod dice;
mod draw;
mod economies;
mod machine;
mod regressions;
mod run;
mod scanning;
mod scenes;
mod sealing;
mod sealing_children;
mod stage;
mod storm;
mod tally;
mod teeth;

use std::sync::atomic::{AtomicU64, Ordering};

use self::stage::play;
use self::tally::Tally;

const SEEDS: u64 = 200;
const SEEDS_LONG: u64 = 3_000;

/// Which seeds are played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Seeds {
    from: u64,
    to: u64,
}

impl Seeds {
    const USUAL: Self = Self { from: 1, to: SEEDS };

    fn wanted() -> Self {
        let is_long = std::env::var("PAYSTAND_SYNC_TESTS").is_ok_and(|tests| tests == "long");
        if let Some(seed) = variable("CAMPAIGN_SEED") {
            return Self { from: seed, to: seed };
        }
        let last = if is_long { SEEDS_LONG } else { SEEDS };
        Self { from: variable("CAMPAIGN_FROM").unwrap_or(1), to: variable("CAMPAIGN_TO").unwrap_or(last) }
    }
}

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} must be a number")))
}

#[test]
fn seeds_lose_nothing() {
    let seeds = Seeds::wanted();
    let threads = std::thread::available_parallelism().map_or(2, std::num::NonZero::get).min(8);
    let next = AtomicU64::new(seeds.from);
    let tally = Tally::default();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::SeqCst);
                    if seed > seeds.to {
                        break;
                    }
                    tally.take(play(run::run(seed)));
                }
            });
        }
    });
    tally.finish(seeds);
}
