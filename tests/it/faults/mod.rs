//! What breaks around the program: the process itself, its other half, its database and its target. Real processes, a real Postgres,
//! real HTTP; and books with money, so that a second posting would show.
//!
//! `paystand` is the business that is mirrored, `plant` an installation of the program, `state` and `exact` what must be true after every
//! fault, `audit` what a target or our own database saw of every writer.

mod audit;
mod chaos;
mod daemons;
pub mod elected;
pub mod exact;
pub mod paystand;
pub mod plant;
mod points;
mod postgres;
pub mod proxy;
mod restore;
mod state;
pub mod trade;

/// Whether the long forms are wanted.
pub fn is_long() -> bool {
    std::env::var("PAYSTAND_SYNC_TESTS").is_ok_and(|tests| tests == "long")
}

/// What the dice of a test begin with: `FAULT_SEED=7` plays one again.
pub fn seed(usual: u64) -> u64 {
    std::env::var("FAULT_SEED").ok().map_or(usual, |seed| seed.parse().expect("FAULT_SEED is a number"))
}

/// Runs a test's future on a thread of its own making.
pub fn play<T>(scene: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(scene)
}
