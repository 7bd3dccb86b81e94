//! Transactions that fail at their COMMIT, in every way in which they may.

#![expect(clippy::print_stderr, reason = "which faults struck is worth reading")]

use std::collections::BTreeMap;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use rustix::process::Signal;

use super::{ROUND, SEED, Side, business, recovers, started};
use crate::faults::audit::watch_target;
use crate::faults::exact::{DELIVERED, await_delivery};
use crate::faults::plant::{Detour, Kind, Plant};
use crate::faults::proxy::{Fault, Proxy};
use crate::faults::{is_long, play, seed};
use crate::harness::{Database, eventually};

const ROUNDS: usize = 8;
const ROUNDS_LONG: usize = 80;
const FAULTS: [Fault; 5] =
    [Fault::LostBefore, Fault::LostAfter, Fault::Refused("40001"), Fault::Refused("40P01"), Fault::Refused("53100")];
/// Commits of a daemon before one of them hangs.
const HELD_FROM: usize = 20;

async fn commits_break(side: Side) {
    let seed = seed(SEED);
    let rounds = if is_long() { ROUNDS_LONG } else { ROUNDS };
    let paystand = business(rounds);
    let (own, other) = (Database::fresh().await, Database::fresh().await);
    let proxy = Proxy::before(if side == Side::Own { &own } else { &other });
    let detour = match side {
        Side::Own => Detour { own: Some(proxy.url.clone()), target: None },
        Side::Target => Detour { own: None, target: Some(proxy.url.clone()) },
    };
    let plant = Plant::in_databases(&paystand, Kind::StagingThere, own, &other, &detour);
    let daemon = started(&plant).await;
    let mut dice = StdRng::seed_from_u64(seed);
    // Deliveries are few.
    let rarity = if side == Side::Own { 8 } else { 4 };
    proxy
        .break_commits(move || (dice.random_range(0..rarity) == 0).then(|| FAULTS[dice.random_range(0..FAULTS.len())]));
    eprintln!("seed {seed}: commits break on the side {side:?}");
    for _ in 0..rounds {
        paystand.pass(ROUND);
        await_delivery(&paystand, &plant, &[&daemon]).await;
    }
    proxy.mend();
    recovers(&paystand, &plant, daemon).await;
    let mut toll: BTreeMap<Fault, usize> = BTreeMap::new();
    proxy.struck().into_iter().for_each(|fault| *toll.entry(fault).or_default() += 1);
    eprintln!("seed {seed}: commits broke on the side {side:?}: {toll:?}");
    assert!(toll.len() >= 3, "seed {seed}: {toll:?}");
}

#[test]
fn commits_that_break_in_any_way_lose_nothing_and_double_nothing() {
    play(commits_break(Side::Own));
}

#[test]
fn commits_that_break_in_any_way_at_the_target_lose_nothing_and_double_nothing() {
    play(commits_break(Side::Target));
}

#[test]
fn a_daemon_that_is_stopped_in_the_middle_of_a_transaction_does_not_keep_its_work_for_ever() {
    play(async {
        let paystand = business(1);
        let (own, other) = (Database::fresh().await, Database::fresh().await);
        let proxy = Proxy::before(&own);
        let plant = Plant::in_databases(&paystand, Kind::StagingThere, own, &other, &Detour::default());
        plant.site.check_but_the_clock();
        watch_target(&plant.target).await;
        let mut beside = plant.site.beside();
        beside.set_variable("DATABASE_URL", &proxy.url);
        let mut commits = 0;
        proxy.break_commits(move || {
            commits += 1;
            (commits > HELD_FROM).then_some(Fault::Held)
        });
        let zombie = beside.start(&[]);
        eventually("it hangs in transactions", DELIVERED, async || proxy.struck().len() > 2).await;
        zombie.signal(Signal::STOP);
        let heir = plant.site.start(&[]);
        recovers(&paystand, &plant, heir).await;
        zombie.kill();
    });
}
