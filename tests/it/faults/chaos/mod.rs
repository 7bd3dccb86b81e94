//! A business of weeks into a real Tryton, by two real daemons, while everything breaks: daemons and Tryton are killed, a daemon is
//! stopped for longer than its lease, answers are dropped after the commit, calls arrive late, sessions end, a period is closed, and
//! people edit and delete drafts. In the end each entry of the ledger is one posted move, and Tryton's books are what happened.
//!
//! `ordeal` is the installation and its business, `scenes` what breaks round by round, `persons` what people do in Tryton and at the
//! command line, `verdict` what must be true in the end.

#![expect(clippy::print_stderr, reason = "what broke how often is worth reading")]

mod ordeal;
mod persons;
mod scenes;
mod verdict;

use chrono::TimeDelta;
use rand::seq::SliceRandom as _;

use super::{is_long, play, seed};
use crate::tryton::acme::Acme;
use ordeal::{Ordeal, Size};
use scenes::Scene;

const SEED: u64 = 20_261_121;
/// A hundred entries and more.
const SHORT: Size = Size { rounds: Scene::ALL.len(), round: TimeDelta::days(2), payments_per_day: 2, posted_min: 100 };
/// A thousand and more.
const LONG: Size = Size { rounds: 36, round: TimeDelta::days(2), payments_per_day: 4, posted_min: 1000 };

#[test]
fn whatever_breaks_each_entry_is_one_posted_move_and_trytons_books_are_what_happened() {
    let (seed, size) = (seed(SEED), if is_long() { LONG } else { SHORT });
    play(async {
        let Some(acme) = Acme::open().await else { return };
        eprintln!("FAULT_SEED={seed}");
        let mut ordeal = Ordeal::begin(acme, seed, size).await;
        let mut deck: Vec<Scene> = Vec::new();
        for round in 0..size.rounds {
            if deck.is_empty() {
                deck = Scene::ALL.to_vec();
                deck.shuffle(&mut ordeal.dice);
            }
            let scene = deck.pop().expect("it was filled");
            eprintln!("seed {seed}, round {round}: {scene:?}");
            ordeal.play(scene).await;
        }
        ordeal.end().await;
        ordeal.assert_exact().await;
        ordeal.assert_three_layers_agree().await;
        eprintln!("seed {seed}: {}", ordeal.told().await);
        ordeal.assert_all_occurred().await;
        ordeal.assert_replays_change_nothing().await;
    });
}
