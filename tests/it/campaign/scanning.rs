//! The counterexamples of scanning: each a case in which a simpler rule lost or doubled something, and which must not.

use std::time::Duration;

use chrono::TimeDelta;
use paystand_sync::model::resource::Resource;
use paystand_sync::sandbox::quirks::{
    AccessQuirks, ChangeQuirks, LimitWindow, ListQuirks, OrderRule, RateLimit, RowQuirks,
};
use paystand_sync::sandbox::{CUSTOMER_ID, Draft, Edit, Quirks, Seeding};

use super::stage::{Settings, Stage, play};

const MINUTE: Duration = Duration::from_mins(1);

fn small_pages(quirks: Quirks) -> Settings {
    Settings { page_rows: 25, quirks, ..Settings::default() }
}

#[test]
fn an_old_invoice_behind_a_list_sorted_by_created_is_read() {
    for order in [OrderRule::Ignored, OrderRule::CreatedOnly] {
        play(async {
            let lists = ListQuirks { order, ..ListQuirks::default() };
            let mut stage = Stage::new(small_pages(Quirks { lists, ..Quirks::default() })).await;
            stage.create_rows(Resource::Receivables, 60, Duration::from_secs(2));
            stage.polled(Resource::Receivables).await;
            stage.advance(30 * MINUTE);
            let old = stage.world.rows_now(Resource::Receivables)[0].id.clone();
            stage.touch(Resource::Receivables, old.as_str());
            stage.advance(MINUTE);
            stage.polled(Resource::Receivables).await;
            stage.ends_clean().await;
        });
    }
}

#[test]
fn one_bad_date_header_does_not_move_the_high_water_into_the_future() {
    for seconds in [86_400, -86_400] {
        play(async {
            let mut stage = Stage::new(small_pages(Quirks::default())).await;
            stage.touch_mixed(Resource::Receivables, 10, Duration::from_secs(5));
            stage.polled(Resource::Receivables).await;
            stage.change_quirks(|quirks| quirks.faults.date_offset_seconds = seconds);
            stage.advance(5 * MINUTE);
            stage.polled(Resource::Receivables).await;
            assert!(stage.high_water(Resource::Receivables).await <= stage.now());
            stage.change_quirks(|quirks| quirks.faults.date_offset_seconds = 0);
            stage.touch_mixed(Resource::Receivables, 60, Duration::from_secs(5));
            stage.advance(MINUTE);
            stage.polled(Resource::Receivables).await;
            stage.ends_clean().await;
        });
    }
}

#[test]
fn a_clock_two_days_behind_does_not_close_the_right_edge() {
    play(async {
        let mut stage = Stage::new(small_pages(Quirks::default())).await;
        stage.machine.set_offset(TimeDelta::hours(-48));
        stage.polled(Resource::Receivables).await;
        stage.create_rows(Resource::Receivables, 40, Duration::from_secs(2));
        stage.advance(MINUTE);
        stage.polled(Resource::Receivables).await;
        stage.ends_clean().await;
    });
}

/// The server cuts days in its own zone, which may be 25 hours away from ours.
#[test]
fn a_zone_that_is_ignored_closes_no_edge() {
    for (ours, theirs) in [
        (chrono_tz::Pacific::Pago_Pago, chrono_tz::Pacific::Kiritimati),
        (chrono_tz::Pacific::Kiritimati, chrono_tz::Pacific::Pago_Pago),
        (chrono_tz::America::Los_Angeles, chrono_tz::Pacific::Honolulu),
    ] {
        for hour in 0..24 {
            play(async {
                let lists = ListQuirks { zone_override: Some(theirs), ..ListQuirks::default() };
                let started = Settings::default().started + TimeDelta::hours(hour) + TimeDelta::minutes(3);
                let seeding = Seeding { payments: 30, days: 4, frozen: true, ..Seeding::default() };
                let start_date = (started - TimeDelta::days(2)).with_timezone(&ours).date_naive();
                let settings = Settings { zone: ours, started, seeding, start_date, ..Settings::default() };
                let mut stage =
                    Stage::new(Settings { quirks: Quirks { lists, ..Quirks::default() }, ..settings }).await;
                stage.polled(Resource::Receivables).await;
                stage.create_rows(Resource::Receivables, 5, MINUTE);
                stage.advance(MINUTE);
                stage.polled(Resource::Receivables).await;
                stage.ends_clean().await;
            });
        }
    }
}

/// A backfill pages through closed windows of created days while rows vanish before it.
#[test]
fn rows_that_leave_a_closed_window_push_no_other_past_the_edge() {
    for seed in 1..=4 {
        play(async {
            let changes = ChangeQuirks { removes_per_page: 2, updates_per_page: 5, ..ChangeQuirks::default() };
            let seeding = Seeding { seed, payments: 120, days: 90, frozen: true, ..Seeding::default() };
            let settings = small_pages(Quirks { changes, ..Quirks::default() });
            let mut stage = Stage::new(Settings { seeding, ..settings }).await;
            stage.polled(Resource::Receivables).await;
            stage.change_quirks(|quirks| quirks.changes = ChangeQuirks::default());
            stage.advance(MINUTE);
            stage.deep_night().await;
            stage.ends_clean().await;
        });
    }
}

#[test]
fn a_late_update_of_an_old_row_is_found_by_night() {
    play(async {
        let mut stage = Stage::new(small_pages(Quirks::default())).await;
        stage.create_rows(Resource::Receivables, 60, Duration::from_secs(2));
        stage.polled(Resource::Receivables).await;
        let old = stage.world.rows_now(Resource::Receivables)[0].id.clone();
        stage.edit(Resource::Receivables, old.as_str(), Edit { lag_seconds: Some(10_800), ..Edit::default() });
        stage.touch_mixed(Resource::Receivables, 50, Duration::from_secs(5));
        for _ in 0..5 {
            stage.advance(60 * MINUTE);
            stage.polled(Resource::Receivables).await;
        }
        stage.deep_night().await;
        stage.ends_clean().await;
    });
}

#[test]
fn two_shapes_of_one_payment_do_not_flip_its_version() {
    play(async {
        let mut stage = Stage::new(Settings::default()).await;
        let payment = stage.create_rows(Resource::Payments, 1, MINUTE).remove(0);
        for _ in 0..6 {
            stage.advance(MINUTE);
            stage.polled(Resource::Payments).await;
        }
        assert_eq!(stage.versions_of(Resource::Payments, payment.as_str()).await, ["1 list", "1 detail"]);
        stage.touch(Resource::Payments, payment.as_str());
        for _ in 0..3 {
            stage.advance(MINUTE);
            stage.polled(Resource::Payments).await;
        }
        let versions = stage.versions_of(Resource::Payments, payment.as_str()).await;
        assert_eq!(versions, ["1 list", "1 detail", "2 list", "2 detail"]);
    });
}

#[test]
fn a_stale_body_of_an_equal_second_changes_nothing() {
    play(async {
        let mut stage = Stage::new(Settings::default()).await;
        let refund = stage.create_rows(Resource::Refunds, 1, MINUTE).remove(0);
        stage.polled(Resource::Refunds).await;
        stage.edit(Resource::Refunds, refund.as_str(), Edit { unbumped: true, ..Edit::default() });
        stage.advance(MINUTE);
        stage.polled(Resource::Refunds).await;
        let versions = stage.versions_of(Resource::Refunds, refund.as_str()).await;
        stage.change_quirks(|quirks| quirks.lists.old_body_per_mille = 1_000);
        stage.advance(MINUTE);
        stage.polled(Resource::Refunds).await;
        assert_eq!(stage.versions_of(Resource::Refunds, refund.as_str()).await, versions);
        stage.ends_clean().await;
    });
}

#[test]
fn an_empty_200_in_the_middle_is_no_end() {
    play(async {
        let lists = ListQuirks { empty_page_per_mille: 400, ..ListQuirks::default() };
        let seeding = Seeding { payments: 150, frozen: true, ..Seeding::default() };
        let settings = small_pages(Quirks { lists, ..Quirks::default() });
        let mut stage = Stage::new(Settings { seeding, ..settings }).await;
        for resource in [Resource::Receivables, Resource::Payments, Resource::Customers, Resource::Fees] {
            while stage.poll(resource).await != super::stage::End::Complete {
                stage.advance(MINUTE);
            }
            assert_eq!(stage.records(resource).await, stage.world.rows_now(resource).len(), "{resource}");
        }
        assert!(stage.world.hits()["empty_page_per_mille"] > 10);
    });
}

#[test]
fn applications_that_do_not_bump_their_receivable_are_found() {
    play(async {
        let mut stage = Stage::new(Settings::default()).await;
        stage.poll_all().await;
        let (invoice, payment) = stage.invoice_and_payment();
        stage.advance(MINUTE);
        stage.poll_all().await;
        let application = stage.apply_silently(&invoice, &payment);
        for _ in 0..3 {
            stage.advance(15 * MINUTE);
            stage.poll_all().await;
        }
        let versions = stage.versions_of(Resource::ReceivableTransactions, application.as_str()).await;
        assert_eq!(versions, ["1 list"]);
        stage.ends_clean().await;
    });
}

#[test]
fn a_refund_of_a_payment_before_start_date_gets_its_parent() {
    play(async {
        let start_date = Settings::default().started.date_naive();
        let mut stage = Stage::new(Settings { start_date, ..Settings::default() }).await;
        let old = stage.world.rows_now(Resource::Payments)[0].id.clone();
        stage.polled(Resource::Payments).await;
        assert!(stage.versions_of(Resource::Payments, old.as_str()).await.is_empty(), "older than the start date");
        let draft = Draft { parent: Some(old.as_str().to_owned()), ..Draft::default() };
        stage.world.create(CUSTOMER_ID, Resource::Refunds, draft).expect("works in a test");
        stage.advance(MINUTE);
        stage.polled(Resource::Refunds).await;
        stage.advance(15 * MINUTE);
        stage.polled(Resource::Payments).await;
        assert_eq!(stage.versions_of(Resource::Payments, old.as_str()).await, ["1 detail"]);
    });
}

/// Fifty requests in the first second of a minute would pass a fixed window and fail a sliding one.
#[test]
fn a_backfill_does_not_burst_through_a_sliding_limit() {
    for window in [LimitWindow::Fixed, LimitWindow::Sliding] {
        play(async {
            let limit = RateLimit { per_minute: 2_400, window, ..RateLimit::default() };
            let access = AccessQuirks { rate_limit: Some(limit), ..AccessQuirks::default() };
            let rows = RowQuirks { grain_seconds: 60, ..RowQuirks::default() };
            let seeding = Seeding { payments: 120, days: 60, frozen: true, ..Seeding::default() };
            let settings =
                Settings { seeding, quirks: Quirks { access, rows, ..Quirks::default() }, ..Settings::default() };
            let mut stage = Stage::new(Settings { page_rows: 10, ..settings }).await;
            stage.poll_all().await;
            stage.advance(20 * MINUTE);
            stage.poll_all().await;
            let requests = stage.world.requests();
            assert_eq!(requests.over_limit, 0, "{} requests", requests.total);
            assert!(requests.peak_per_minute > 200, "the limit was never near: {}", requests.peak_per_minute);
        });
    }
}
