//! Troubles that last: they lose nothing, a sentence names each while it lasts, and nobody has to do anything afterwards.

use std::time::Duration;

use chrono::TimeDelta;
use paystand_sync::model::resource::Resource;
use paystand_sync::sandbox::{Quirks, Seeding};

use super::run::run;
use super::stage::{End, Settings, Stage, play};

const MINUTE: Duration = Duration::from_mins(1);

fn busy(quirks: Quirks) -> Settings {
    let seeding = Seeding { payments: 40, days: 15, live_payments_per_day: 60, ..Seeding::default() };
    Settings { page_rows: 25, seeding, quirks, ..Settings::default() }
}

async fn polls(stage: &mut Stage, rounds: usize, pause: Duration) {
    for _ in 0..rounds {
        stage.advance(pause);
        stage.poll_all().await;
        stage.deliver().await;
    }
}

#[test]
fn tokens_revoked_in_the_middle_of_a_scan_lose_nothing() {
    play(async {
        let mut quirks = Quirks::default();
        quirks.access.token_requests_max = Some(7);
        let mut stage = Stage::new(busy(quirks)).await;
        polls(&mut stage, 4, 15 * MINUTE).await;
        stage.world.revoke_tokens();
        polls(&mut stage, 2, 15 * MINUTE).await;
        assert!(stage.polls.iter().all(|poll| poll.end == End::Complete), "{:?}", stage.complaint);
        assert!(stage.world.hits()["token_requests_max"] > 20);
        stage.deep_night().await;
        stage.ends_clean().await;
    });
}

#[test]
fn tokens_that_expire_are_renewed_for_weeks() {
    play(async {
        let mut quirks = Quirks::default();
        quirks.access.token_lifetime_seconds = 3_600;
        let mut stage = Stage::new(busy(quirks)).await;
        polls(&mut stage, 12, 50 * MINUTE).await;
        assert!(stage.polls.iter().all(|poll| poll.end == End::Complete), "{:?}", stage.complaint);
        stage.deep_night().await;
        stage.ends_clean().await;
    });
}

#[test]
fn fees_that_are_closed_and_opened_again_lose_nothing() {
    play(async {
        let mut stage = Stage::new(busy(Quirks::default())).await;
        polls(&mut stage, 2, 15 * MINUTE).await;
        stage.change_quirks(|quirks| quirks.access.fees_unauthorized = true);
        polls(&mut stage, 6, 60 * MINUTE).await;
        assert!(stage.unavailable_since(Resource::Fees).await.is_some(), "it is noted that the list is closed");
        stage.change_quirks(|quirks| quirks.access.fees_unauthorized = false);
        polls(&mut stage, 2, 65 * MINUTE).await;
        assert!(stage.unavailable_since(Resource::Fees).await.is_none(), "it is noted that the list is open");
        stage.deep_night().await;
        stage.ends_clean().await;
    });
}

#[test]
fn an_outage_of_a_day_loses_nothing_and_is_named_while_it_lasts() {
    play(async {
        let mut stage = Stage::new(busy(Quirks::default())).await;
        polls(&mut stage, 2, 15 * MINUTE).await;
        let until = stage.now() + TimeDelta::hours(24);
        stage.change_quirks(|quirks| quirks.faults.outage_until = Some(until));
        for _ in 0..4 {
            stage.advance(Duration::from_hours(5));
            assert_eq!(stage.poll(Resource::Payments).await, End::Failed);
            let complaint = stage.complaint.take().unwrap_or_default();
            assert!(complaint.contains("ServerFault") && complaint.contains("503"), "{complaint}");
        }
        stage.advance(Duration::from_hours(5));
        stage.poll_all().await;
        stage.deep_night().await;
        stage.ends_clean().await;
    });
}

/// Either clock, in either direction, for a day; afterwards everything goes on by itself.
#[test]
fn either_clock_a_day_wrong_loses_nothing() {
    for hours in [-24, 24] {
        for is_ours in [true, false] {
            play(async {
                let mut stage = Stage::new(busy(Quirks::default())).await;
                polls(&mut stage, 2, 15 * MINUTE).await;
                let wrong = |stage: &Stage, hours: i64| {
                    if is_ours {
                        stage.machine.set_offset(TimeDelta::hours(hours));
                    } else {
                        stage.change_quirks(|quirks| quirks.faults.date_offset_seconds = hours * 3_600);
                    }
                };
                wrong(&stage, hours);
                polls(&mut stage, 6, Duration::from_hours(4)).await;
                assert!(stage.high_water(Resource::Payments).await <= stage.now(), "{hours} h, ours: {is_ours}");
                assert_eq!(stage.clocks_told().await, 1, "{hours} h, ours: {is_ours}");
                wrong(&stage, 0);
                polls(&mut stage, 2, 15 * MINUTE).await;
                // What was put off by a clock that was ahead comes a day later.
                stage.deep_night().await;
                stage.deep_night().await;
                assert_eq!(stage.clocks_told().await, 0, "{hours} h, ours: {is_ours}");
                let report = stage.judged().await;
                assert!(report.failures.is_empty(), "{hours} h, ours: {is_ours}\n{}", report.failures.join("\n"));
                stage.strike().await;
            });
        }
    }
}

/// A campaign that did not repeat itself could not be debugged.
#[test]
fn a_seed_is_played_the_same_way_twice() {
    let play = || play(run(8));
    let (first, second) = (play(), play());
    assert_eq!(first.hits, second.hits);
    let figures =
        |it: &super::run::Outcome| (it.polls, it.polls_failed, it.requests, it.changes, it.crashes, it.versions);
    assert_eq!(figures(&first), figures(&second));
}
