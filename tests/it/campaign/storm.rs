//! Twenty updates and two creates before every single page, whatever the server makes of ties, counts, caps and order: one quiet
//! poll later nothing is missing and nothing is stale. And what becomes visible late arrives.

use std::time::Duration;

use paystand_sync::model::resource::Resource;
use paystand_sync::sandbox::quirks::{ChangeQuirks, CountMeaning, ListQuirks, OrderRule, RowQuirks};
use paystand_sync::sandbox::{Edit, Quirks, Seeding};

use super::stage::{End, Settings, Stage, play};

const MINUTE: Duration = Duration::from_mins(1);
/// Polls during the storm, of which some may fail: a list that moves faster than it can be read is never taken for read.
const STORMY_POLLS: usize = 3;

/// Ties stay in one order, or come in another one at every request; a tie is a second or a minute long.
const TIES: [(bool, u32); 3] = [(false, 0), (true, 0), (true, 60)];
const COUNTS: [CountMeaning; 3] = [CountMeaning::Total, CountMeaning::Page, CountMeaning::Absent];

fn storms(order: OrderRule, caps: &[usize]) {
    for page_cap in caps {
        for (unstable_ties, grain_seconds) in TIES {
            for count in COUNTS {
                let lists = ListQuirks { page_cap: *page_cap, count, order, unstable_ties, ..ListQuirks::default() };
                let rows = RowQuirks { grain_seconds, ..RowQuirks::default() };
                let what = format!("cap {page_cap}, {count:?}, shuffled {unstable_ties}, ties of {grain_seconds} s");
                play(storm(Quirks { lists, rows, ..Quirks::default() }, &what));
            }
        }
    }
}

async fn storm(quirks: Quirks, what: &str) {
    let seeding = Seeding { payments: 60, days: 20, frozen: true, ..Seeding::default() };
    let page_rows = 1_000;
    let mut stage = Stage::new(Settings { seeding, quirks, page_rows, ..Settings::default() }).await;
    let changes = ChangeQuirks { updates_per_page: 20, creates_per_page: 2, ..ChangeQuirks::default() };
    stage.change_quirks(|quirks| quirks.changes = changes);
    for _ in 0..STORMY_POLLS {
        stage.poll(Resource::Receivables).await;
        stage.advance(MINUTE);
    }
    stage.change_quirks(|quirks| quirks.changes = ChangeQuirks::default());
    stage.advance(MINUTE);
    assert_eq!(stage.poll(Resource::Receivables).await, End::Complete, "{what}: {:?}", stage.complaint);
    let report = stage.judged().await;
    assert!(report.failures.is_empty(), "{what}:\n{}", report.failures.join("\n"));
    assert_eq!(stage.records(Resource::Receivables).await, stage.world.rows_now(Resource::Receivables).len(), "{what}");
    stage.strike().await;
}

#[test]
fn a_storm_over_an_ordered_list_loses_nothing() {
    storms(OrderRule::Honoured, &[25, 100, 1_000]);
}

#[test]
fn a_storm_over_a_list_sorted_by_created_loses_nothing() {
    storms(OrderRule::Ignored, &[25, 100, 1_000]);
}

/// The lag of a row, and whether it is new or an old one that changed.
#[test]
fn rows_that_appear_within_the_overlap_are_found_by_the_next_poll() {
    for lag_seconds in [30, 300, 570] {
        play(async {
            let mut stage = Stage::new(Settings { page_rows: 25, ..Settings::default() }).await;
            stage.touch_mixed(Resource::Receivables, 30, Duration::from_secs(20));
            stage.polled(Resource::Receivables).await;
            stage.change_quirks(|quirks| {
                quirks.changes.lag_new_per_mille = 1_000;
                quirks.changes.lag_seconds_max = lag_seconds;
            });
            stage.create_rows(Resource::Receivables, 10, Duration::from_secs(1));
            let old = stage.world.rows_now(Resource::Receivables)[0].id.clone();
            stage.edit(Resource::Receivables, old.as_str(), Edit { lag_seconds: Some(lag_seconds), ..Edit::default() });
            // Polls go on meanwhile, and each moves the high water.
            for _ in 0..lag_seconds.div_ceil(30) {
                stage.advance(Duration::from_secs(30));
                stage.polled(Resource::Receivables).await;
            }
            stage.advance(Duration::from_secs(15));
            stage.polled(Resource::Receivables).await;
            stage.ends_clean().await;
        });
    }
}

#[test]
fn rows_that_appear_up_to_six_days_late_are_found_by_night() {
    for lag_hours in [1, 26, 100, 144] {
        play(async {
            let lag_seconds = Some(lag_hours * 3_600);
            let mut stage = Stage::new(Settings { page_rows: 25, ..Settings::default() }).await;
            stage.touch_mixed(Resource::Receivables, 30, Duration::from_secs(20));
            stage.polled(Resource::Receivables).await;
            let draft = Edit { lag_seconds, ..Edit::default() };
            let new = stage.create_late(Resource::Receivables, draft.clone());
            let old = stage.world.rows_now(Resource::Receivables)[0].id.clone();
            stage.edit(Resource::Receivables, old.as_str(), draft);
            for _ in 0..lag_hours.div_ceil(12) {
                stage.advance(Duration::from_hours(12));
                stage.polled(Resource::Receivables).await;
            }
            stage.advance(Duration::from_hours(1));
            stage.deep_night().await;
            assert_eq!(stage.versions_of(Resource::Receivables, new.as_str()).await, ["1 list"], "{lag_hours} h");
            let versions = stage.versions_of(Resource::Receivables, old.as_str()).await;
            assert_eq!(versions.iter().filter(|version| version.ends_with("list")).count(), 2, "{lag_hours} h");
        });
    }
}
