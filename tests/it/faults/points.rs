//! The process dies at every place that has a name, at the first passing and at later ones, and again while it recovers: the next run
//! ends where an undisturbed one does.

#![expect(clippy::print_stderr, reason = "what was killed where is worth reading")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use paystand_sync::crash::Point;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};
use rustix::process::Signal;

use super::paystand::Paystand;
use super::plant::{Kind, Plant};
use super::state::{assert_same, stamped, state};
use super::{is_long, play, seed};
use crate::harness::column;

const SEED: u64 = 20_260_601;
const BUSINESS: u64 = 3;
/// Installations that are killed side by side; half of their time they keep the pace of requests.
const ABREAST: usize = 5;
/// Pairs of places, in the short form.
const PAIRS: usize = 10;
const PASSINGS_MAX: u64 = 12;
const CRASH_AT: &str = "PAYSTAND_SYNC_CRASH_AT";

/// A place and which passing of it.
type Place = (Point, u64);

fn points(kind: Kind) -> Vec<Point> {
    Point::ALL.iter().copied().filter(|point| !kind.skips().contains(&point.name())).collect()
}

fn text(place: Place) -> String {
    format!("{}:{}", place.0.name(), place.1)
}

/// One run that is to die at a place. Whether it came there.
fn killed(plant: &mut Plant, place: Place) -> bool {
    plant.site.set_variable(CRASH_AT, &text(place));
    let finished = plant.site.once();
    plant.site.unset_variable(CRASH_AT);
    let died = finished.signal == Some(Signal::KILL.as_raw());
    assert!(died || finished.code == Some(0), "{}: {finished}", text(place));
    died
}

/// Runs to the end twice: the first one mends everything, the second one finds nothing to do.
async fn recovered(plant: &Plant, expected: &[String], what: &str) {
    let finished = plant.site.once();
    assert_eq!(finished.code, Some(0), "after {what}: {finished}");
    assert_same(expected, &state(plant).await, what);
    let before = stamped(plant).await;
    plant.site.once_clean();
    assert_same(&before, &stamped(plant).await, &format!("a further run after {what}"));
}

/// The state that an undisturbed run comes to.
async fn undisturbed(paystand: &Paystand, kind: Kind) -> Vec<String> {
    let plant = Plant::new(paystand, kind).await;
    plant.site.once_clean();
    let expected = state(&plant).await;
    for what in ["event ", "entry ", "line ", "ledger ", "journal_entry "] {
        assert!(expected.iter().any(|line| line.starts_with(what)), "the business yields no {what}");
    }
    recovered(&plant, &expected, "nothing").await;
    expected
}

/// Kills an installation at one place after the other and lets it recover. Returns how many of them were reached.
async fn killed_at(paystand: &Paystand, kind: Kind, places: &[Place], expected: &[String]) -> usize {
    let mut plant = Plant::new(paystand, kind).await;
    let reached = places.iter().filter(|place| killed(&mut plant, **place)).count();
    let what = places.iter().map(|place| text(*place)).collect::<Vec<_>>().join(" and ");
    recovered(&plant, expected, &format!("{kind:?} killed at {what}")).await;
    reached
}

/// One test at a time: the server has only so many connections.
static TURN: Mutex<()> = Mutex::new(());

/// All of them, several abreast. Returns how many places of each case were reached.
fn all_killed(paystand: &Paystand, kind: Kind, cases: &[Vec<Place>]) -> Vec<usize> {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let expected = play(undisturbed(paystand, kind));
    let next = AtomicUsize::new(0);
    let reached = Mutex::new(vec![0; cases.len()]);
    std::thread::scope(|scope| {
        for _ in 0..ABREAST {
            scope.spawn(|| {
                while let Some((number, places)) =
                    Some(next.fetch_add(1, Ordering::SeqCst)).and_then(|n| Some((n, cases.get(n)?)))
                {
                    let count = play(killed_at(paystand, kind, places, &expected));
                    reached.lock().expect("nobody panicked")[number] = count;
                }
            });
        }
    });
    reached.into_inner().expect("nobody panicked")
}

/// The first passing of every place, and a later one.
fn singles(kind: Kind, dice: &mut StdRng) -> Vec<Vec<Place>> {
    let later = |point| (point, dice.random_range(2..=PASSINGS_MAX));
    let laters: Vec<Place> = points(kind).into_iter().map(later).collect();
    points(kind).into_iter().map(|point| (point, 1)).chain(laters).map(|place| vec![place]).collect()
}

fn pairs(kind: Kind, dice: &mut StdRng) -> Vec<Vec<Place>> {
    let points = points(kind);
    let pair = |first: &Point, second: &Point| vec![(*first, 1), (*second, 1)];
    if is_long() {
        return points.iter().flat_map(|first| points.iter().map(|second| pair(first, second))).collect();
    }
    let draw = |dice: &mut StdRng| pair(points.choose(dice).expect("some"), points.choose(dice).expect("some"));
    (0..PAIRS).map(|_| draw(dice)).collect()
}

fn dies_anywhere(kind: Kind) {
    let seed = seed(SEED);
    let mut dice = StdRng::seed_from_u64(seed);
    let paystand = Paystand::still(BUSINESS);
    let cases = singles(kind, &mut dice);
    let reached = all_killed(&paystand, kind, &cases);
    let missed =
        |(places, reached): (&Vec<Place>, &usize)| (places[0].1 == 1 && *reached == 0).then(|| text(places[0]));
    let missed: Vec<String> = cases.iter().zip(&reached).filter_map(missed).collect();
    assert_eq!(missed, Vec::<String>::new(), "places that no run of {kind:?} comes by");
    let deaths: usize = reached.iter().sum();
    eprintln!("seed {seed}: {kind:?} died {deaths} times at {} places", points(kind).len());
}

fn dies_twice(kind: Kind) {
    let seed = seed(SEED);
    let mut dice = StdRng::seed_from_u64(seed);
    let paystand = Paystand::still(BUSINESS);
    let cases = pairs(kind, &mut dice);
    let reached = all_killed(&paystand, kind, &cases);
    assert!(
        reached.iter().all(|deaths| *deaths > 0),
        "the first place of each pair is one that every first run comes by"
    );
    let twice = reached.iter().filter(|deaths| **deaths == 2).count();
    eprintln!("seed {seed}: {kind:?} died at {} pairs of places, {twice} times at both", cases.len());
}

#[test]
fn killed_at_any_place_the_next_run_ends_as_an_undisturbed_one() {
    dies_anywhere(Kind::StagingHere);
}

#[test]
fn killed_at_any_place_the_next_run_ends_as_an_undisturbed_one_with_the_target_elsewhere() {
    dies_anywhere(Kind::StagingThere);
}

#[test]
fn killed_again_while_it_recovers_it_still_comes_to_the_same_end() {
    Kind::ALL.into_iter().for_each(dies_twice);
}

/// What stands on each account, and on each invoice.
const MONEY: &str = "
    select concat_ws(' ', e.currency, l.role, l.receivable_id, sum(l.debit - l.credit))
    from erp.journal_line l join erp.journal_entry e using (merchant, entry_key)
    group by e.currency, l.role, l.receivable_id having sum(l.debit - l.credit) <> 0 order by 1";

/// A task that is gone would leave its work to nobody, and the others would hide that.
#[test]
fn a_panic_in_one_task_ends_the_daemon_and_the_next_one_goes_on() {
    play(async {
        let paystand = Paystand::still(BUSINESS);
        let undisturbed = Plant::new(&paystand, Kind::StagingThere).await;
        undisturbed.site.once_clean();
        let mut plant = Plant::new(&paystand, Kind::StagingThere).await;
        plant.site.set_variable("PAYSTAND_SYNC_PANIC_AT", Point::Written.name());
        let finished = plant.site.start(&[]).finish(Duration::from_secs(30));
        assert_eq!(finished.code, Some(101), "{finished}");
        plant.site.unset_variable("PAYSTAND_SYNC_PANIC_AT");
        plant.site.once_clean();
        // Which of two records books what they say together is a matter of which came first.
        let expected = column(&undisturbed.target, MONEY).await;
        assert!(expected.len() > 10, "{expected:#?}");
        assert_same(&expected, &column(&plant.target, MONEY).await, "what is booked after a panic");
    });
}
