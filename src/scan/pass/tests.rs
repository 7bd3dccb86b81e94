use std::collections::HashSet;

use super::*;
use proptest::prelude::*;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};

const AT: Duration = Duration::from_secs(1);

/// A list at the source: (id, created, updated), read by offset, newest update first.
#[derive(Debug, Clone)]
struct Source {
    rows: Vec<(u64, i64, i64)>,
    cap: usize,
    counts: bool,
    ties: Option<StdRng>,
}

impl Source {
    fn new(rows: usize, cap: usize) -> Self {
        let rows = (0..rows as u64).map(|id| (id, 100 + id.cast_signed(), 100 + id.cast_signed())).collect();
        Self { rows, cap, counts: false, ties: None }
    }

    fn page(&mut self, request: &PageRequest) -> (Vec<RowSeen>, Option<u64>) {
        if let Some(random) = &mut self.ties {
            self.rows.shuffle(random);
        }
        self.rows.sort_by_key(|row| std::cmp::Reverse(row.2));
        let rows = self.rows.iter().skip(usize::try_from(request.offset).expect("small"));
        let page = rows.take(self.cap.min(request.limit as usize)).map(|&(id, created, updated)| {
            let instant = |second| DateTime::from_timestamp(second, 0);
            RowSeen::new(&id.to_be_bytes(), Stamps { created_at: instant(created), updated_at: instant(updated) })
        });
        (page.collect(), self.counts.then_some(self.rows.len() as u64))
    }
}

fn plan(stop_before: Option<i64>) -> PassPlan {
    PassPlan {
        resource: Resource::Payments,
        parent: None,
        window: None,
        stamp: Stamp::LastUpdated,
        page_rows: 200,
        granted: 0,
        stop_before: stop_before.and_then(|second| DateTime::from_timestamp(second, 0)),
        rules: Rules::default(),
    }
}

/// Reads until the verdict, letting `between` change the source before each page. Returns keys seen, requests and verdict.
fn read(
    source: &mut Source,
    plan: PassPlan,
    mut between: impl FnMut(&mut Source, u32),
) -> (HashSet<u64>, u32, Verdict) {
    let (mut pass, mut proof, mut seen, mut requests) = (Pass::new(plan), OrderProof::default(), HashSet::new(), 0);
    loop {
        between(source, requests);
        requests += 1;
        let (rows, count) = source.page(&pass.request());
        seen.extend(rows.iter().map(|row| row.key));
        let verdict = pass.accept(&rows, count, &mut proof, AT);
        if verdict != Verdict::Continue {
            return (seen, requests, verdict);
        }
        assert!(requests < 10_000, "the pass does not end");
    }
}

const WHOLE: Verdict = Verdict::Ended(Ending::Whole, Evidence::Continuous);

#[test]
fn a_window_of_less_than_a_page_takes_two_requests() {
    for rows in [1, 3, 5, 6, 24, 25, 150, 199] {
        let (seen, requests, verdict) = read(&mut Source::new(rows, 200), plan(None), |_, _| {});
        assert_eq!((seen.len(), requests, verdict), (rows, 2, WHOLE), "{rows} rows");
    }
}

/// Whatever one answer in the middle leaves out, the rows after it are read.
#[test]
fn one_short_answer_is_not_the_end() {
    for (rows, cap) in [(6, 25), (24, 25), (25, 25), (60, 25), (77, 30), (300, 200)] {
        for at in 0..5 {
            for short in 1..20 {
                let plan = PassPlan { granted: cap, ..plan(None) };
                let (seen, _, verdict) = read(&mut Source::new(rows, cap), plan, |source, request| {
                    source.cap = if request == at { short } else { cap };
                });
                assert_eq!((seen.len(), verdict), (rows, WHOLE), "{rows} rows, page {at} with {short}");
            }
        }
    }
}

/// A child list is read once, so a first page that a cap may have cut does not show where it ends.
#[test]
fn a_child_list_ends_where_two_pages_say_so() {
    let plan = || PassPlan { parent: Some(SourceId::new("tr1")), ..plan(None) };
    for (rows, wanted) in [(1, 2), (24, 2), (25, 3), (40, 3)] {
        let (seen, requests, verdict) = read(&mut Source::new(rows, 200), plan(), |_, _| {});
        assert_eq!((seen.len(), requests, verdict), (rows, wanted, WHOLE), "{rows} rows");
    }
    let (seen, _, verdict) = read(&mut Source::new(40, 25), plan(), |source, request| {
        source.cap = if request == 1 { OVERLAP_ROWS } else { 25 };
    });
    assert_eq!((seen.len(), verdict), (40, WHOLE));
}

#[test]
fn an_empty_list_is_believed_when_it_says_so_twice() {
    let (seen, requests, verdict) = read(&mut Source::new(0, 200), plan(None), |_, _| {});
    assert_eq!((seen.len(), requests, verdict), (0, 2, WHOLE));
}

#[test]
fn a_capped_page_is_not_the_end() {
    for cap in [25, 26, 100, 1000] {
        let (seen, _, verdict) = read(&mut Source::new(777, cap), plan(None), |_, _| {});
        assert_eq!((seen.len(), verdict), (777, WHOLE), "cap {cap}");
    }
}

#[test]
fn an_empty_page_in_the_middle_is_asked_for_again() {
    let mut hidden = Vec::new();
    let (seen, _, verdict) = read(&mut Source::new(777, 100), plan(None), |source, request| {
        if request == 3 {
            hidden = std::mem::take(&mut source.rows);
        } else if request == 4 {
            source.rows = std::mem::take(&mut hidden);
        }
    });
    assert_eq!((seen.len(), verdict), (777, WHOLE));
}

#[test]
fn a_list_that_turns_empty_for_good_is_unsafe() {
    let (_, _, verdict) = read(&mut Source::new(777, 100), plan(None), |source, request| {
        if request == 3 {
            source.rows.clear();
        }
    });
    assert_eq!(verdict, Verdict::Unsafe(Contradiction::EmptyInside));
}

#[test]
fn stops_early_only_while_the_order_is_proven() {
    let mut source = Source::new(2000, 100);
    let (_, requests, verdict) = read(&mut source, plan(Some(2050)), |_, _| {});
    assert!(requests > 20 && verdict == WHOLE, "created explains the order as well");
    source.rows[1000].2 = 2095;
    let (_, requests, verdict) = read(&mut source, plan(Some(2050)), |_, _| {});
    assert_eq!((requests, verdict), (1, Verdict::Ended(Ending::Early, Evidence::Continuous)));
}

#[test]
fn rows_removed_before_the_edge_are_noticed() {
    let (seen, _, verdict) = read(&mut Source::new(1000, 100), plan(None), |source, request| {
        if request == 4 {
            source.rows.sort_by_key(|row| std::cmp::Reverse(row.2));
            source.rows.drain(..60);
        }
    });
    assert_eq!((seen.len(), verdict), (1000, WHOLE));
}

#[test]
fn a_tie_longer_than_a_page_whose_order_changes_is_shuffled() {
    let mut source = Source { ties: Some(StdRng::seed_from_u64(7)), ..Source::new(300, 50) };
    source.rows.iter_mut().take(120).for_each(|row| (row.1, row.2) = (5, 5));
    let (_, _, verdict) = read(&mut source, plan(None), |_, _| {});
    assert_eq!(verdict, Verdict::Ended(Ending::Whole, Evidence::Shuffled));
}

#[test]
fn rows_without_stamps_on_several_pages_may_have_changed_places() {
    let mut random = StdRng::seed_from_u64(7);
    let mut source = Source::new(60, 25);
    let mut pass = Pass::new(plan(None));
    let verdict = loop {
        source.rows.shuffle(&mut random);
        let from = usize::try_from(pass.request().offset).expect("small");
        let ids = source.rows.iter().skip(from).take(source.cap);
        let unstamped = Stamps { created_at: None, updated_at: None };
        let rows: Vec<RowSeen> = ids.map(|row| RowSeen::new(&row.0.to_be_bytes(), unstamped)).collect();
        match pass.accept(&rows, None, &mut OrderProof::default(), AT) {
            Verdict::Continue => {}
            ended => break ended,
        }
    };
    assert!(!matches!(verdict, Verdict::Ended(_, Evidence::Continuous)), "{verdict:?}");
}

#[test]
fn a_long_tie_in_the_same_order_at_both_sides_of_an_edge_is_continuous() {
    let mut source = Source::new(300, 50);
    source.rows.iter_mut().for_each(|row| (row.1, row.2) = (100, 100));
    let (seen, _, verdict) = read(&mut source, plan(None), |_, _| {});
    assert_eq!((seen.len(), verdict), (300, WHOLE));
}

#[test]
fn a_total_count_that_was_not_reached_is_doubtful() {
    let mut source = Source { counts: true, ..Source::new(300, 50) };
    let mut pass = Pass::new(plan(None));
    let mut proof = OrderProof::default();
    let (rows, _) = source.page(&pass.request());
    assert_eq!(pass.accept(&rows, Some(400), &mut proof, AT), Verdict::Continue);
    source.rows.truncate(50);
    let verdict = loop {
        let (rows, _) = source.page(&pass.request());
        let verdict = pass.accept(&rows, None, &mut proof, AT);
        if verdict != Verdict::Continue {
            break verdict;
        }
    };
    assert_eq!(verdict, Verdict::Ended(Ending::Whole, Evidence::Doubtful));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// Updates and creates between pages, ties that shuffle with every request: every row that did not move is seen.
    #[test]
    fn no_row_that_stands_still_is_missed(seed: u64, rows in 0..900_usize, cap in 25..400_usize, updates in 0..20_usize,
            creates in 0..3_u64, tie in 1..12_i64, counts: bool) {
        let mut random = StdRng::seed_from_u64(seed);
        let mut source = Source { counts, ties: Some(StdRng::seed_from_u64(seed ^ 1)), ..Source::new(rows, cap) };
        source.rows.iter_mut().for_each(|row| { row.1 -= row.1 % tie; row.2 -= row.2 % tie; });
        let mut clock = 10_000;
        let mut next_id = 1_000_000;
        let mut moved = HashSet::new();
        let (seen, _, verdict) = read(&mut source, plan(None), |source, request| {
            if request == 0 { return }
            clock += 1;
            for _ in 0..updates.min(source.rows.len()) {
                let at = random.random_range(0..source.rows.len());
                source.rows[at].2 = clock;
                moved.insert(source.rows[at].0);
            }
            for _ in 0..creates {
                next_id += 1;
                moved.insert(next_id);
                source.rows.push((next_id, clock, clock));
            }
        });
        if let Verdict::Ended(Ending::Whole, Evidence::Continuous) = verdict {
            let missed: Vec<_> = source.rows.iter().filter(|row| !moved.contains(&row.0))
                .filter(|row| !seen.contains(&RowSeen::new(&row.0.to_be_bytes(), Stamps { created_at: None, updated_at: None }).key))
                .collect();
            prop_assert!(missed.is_empty(), "missed {missed:?}");
        }
    }
}
