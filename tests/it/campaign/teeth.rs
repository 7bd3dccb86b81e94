//! The campaign has teeth: each rule that is taken away loses rows in a scene that is clean with it.

use std::time::Duration;

use chrono::TimeDelta;
use paystand_sync::model::resource::Resource;
use paystand_sync::sandbox::quirks::{ListQuirks, OrderRule};
use paystand_sync::sandbox::{Edit, Quirks};
use paystand_sync::scan::rules::Rules;

use super::stage::{Settings, Stage, play};

const MINUTE: Duration = Duration::from_mins(1);

/// Plays a scene with all rules, which must be clean, and with the rules that `take` leaves, which must not.
fn bites(settings: &Settings, take: impl Fn(&mut Rules), scene: &impl AsyncFn(&mut Stage)) {
    let failures = |rules: Rules| {
        play(async {
            let mut stage = Stage::new(Settings { rules, ..settings.clone() }).await;
            scene(&mut stage).await;
            let report = stage.judged().await;
            stage.strike().await;
            report.failures
        })
    };
    let with = failures(Rules::default());
    assert!(with.is_empty(), "with all rules: {}", with.join("\n"));
    let mut rules = Rules::default();
    take(&mut rules);
    assert!(!failures(rules).is_empty(), "nothing was lost without the rule");
}

fn settings(quirks: Quirks) -> Settings {
    Settings { page_rows: 25, quirks, ..Settings::default() }
}

/// Rows are removed while a tail of several pages is read, so that the rest moves up past the edges.
#[test]
fn without_page_overlap_rows_are_lost() {
    bites(&settings(Quirks::default()), |rules| rules.page_overlap = false, &async |stage: &mut Stage| {
        stage.polled(Resource::Receivables).await;
        stage.create_rows(Resource::Receivables, 120, Duration::from_secs(2));
        stage.advance(MINUTE);
        stage.change_quirks(|quirks| quirks.changes.removes_per_page = 4);
        stage.polled(Resource::Receivables).await;
    });
}

/// An old invoice changes behind a list that is always sorted by `created`.
#[test]
fn without_order_proof_rows_are_lost() {
    let lists = ListQuirks { order: OrderRule::Ignored, ..ListQuirks::default() };
    bites(
        &settings(Quirks { lists, ..Quirks::default() }),
        |rules| rules.order_proof = false,
        &async |stage: &mut Stage| {
            stage.create_rows(Resource::Receivables, 60, Duration::from_secs(2));
            stage.polled(Resource::Receivables).await;
            stage.advance(30 * MINUTE);
            let old = stage.world.rows_now(Resource::Receivables)[0].id.clone();
            stage.touch(Resource::Receivables, old.as_str());
            stage.advance(MINUTE);
            stage.polled(Resource::Receivables).await;
        },
    );
}

/// The machine's clock is a day ahead for one poll; after it more changes than fit on a page.
#[test]
fn without_the_second_clock_rows_are_lost() {
    bites(&settings(Quirks::default()), |rules| rules.second_clock = false, &async |stage: &mut Stage| {
        stage.touch_mixed(Resource::Receivables, 10, Duration::from_secs(5));
        stage.polled(Resource::Receivables).await;
        stage.machine.set_offset(TimeDelta::hours(24));
        stage.advance(5 * MINUTE);
        stage.polled(Resource::Receivables).await;
        stage.machine.set_offset(TimeDelta::zero());
        stage.touch_mixed(Resource::Receivables, 60, Duration::from_secs(5));
        stage.advance(MINUTE);
        stage.polled(Resource::Receivables).await;
    });
}

/// After a second write within the second, a lagging replica answers with the first one.
#[test]
fn without_the_second_look_at_equal_seconds_rows_are_stale() {
    bites(&settings(Quirks::default()), |rules| rules.equal_second = false, &async |stage: &mut Stage| {
        let id = stage.create_rows(Resource::Refunds, 1, MINUTE).remove(0);
        stage.polled(Resource::Refunds).await;
        stage.edit(Resource::Refunds, id.as_str(), Edit { unbumped: true, ..Edit::default() });
        stage.advance(MINUTE);
        stage.polled(Resource::Refunds).await;
        stage.advance(MINUTE);
        stage.change_quirks(|quirks| quirks.lists.old_body_per_mille = 1_000);
        stage.polled(Resource::Refunds).await;
    });
}

/// An update of an old invoice becomes visible three hours late.
#[test]
fn without_the_freshness_pass_rows_are_stale() {
    bites(&settings(Quirks::default()), |rules| rules.freshness = false, &async |stage: &mut Stage| {
        stage.create_rows(Resource::Receivables, 60, Duration::from_secs(2));
        stage.polled(Resource::Receivables).await;
        let old = stage.world.rows_now(Resource::Receivables)[0].id.clone();
        stage.edit(Resource::Receivables, old.as_str(), Edit { lag_seconds: Some(10_800), ..Edit::default() });
        stage.advance(MINUTE);
        stage.touch_mixed(Resource::Receivables, 50, Duration::from_secs(5));
        for _ in 0..5 {
            stage.advance(60 * MINUTE);
            stage.polled(Resource::Receivables).await;
        }
        stage.deep_night().await;
    });
}

/// A payment is applied to an invoice that does not move.
#[test]
fn without_the_children_rule_rows_are_lost() {
    bites(&settings(Quirks::default()), |rules| rules.children = false, &async |stage: &mut Stage| {
        stage.poll_all().await;
        let (invoice, payment) = stage.invoice_and_payment();
        stage.advance(MINUTE);
        stage.poll_all().await;
        stage.apply_silently(&invoice, &payment);
        stage.deep_night().await;
        stage.deep_night().await;
    });
}
