//! Bugs that the campaign found, each as the smallest case that shows it.

use std::time::Duration;

use paystand_sync::model::resource::Resource;
use paystand_sync::sandbox::quirks::{CountMeaning, ListQuirks, ReceivableRows, RowQuirks};
use paystand_sync::sandbox::{CUSTOMER_ID, Draft, Edit, Quirks, Seeding};

use super::stage::{End, Settings, Stage, play};

/// An open item reads the new state by id; an hour later the list shows it too. That is one version and not two.
#[test]
fn a_state_read_by_id_before_its_list_shows_it_is_one_version() {
    play(async {
        let mut stage = Stage::new(Settings::default()).await;
        let draft = Draft { edit: Edit { status: Some("created".to_owned()), ..Edit::default() }, ..Draft::default() };
        let id = stage.world.create(CUSTOMER_ID, Resource::Refunds, draft).expect("works in a test");
        stage.polled(Resource::Refunds).await;
        stage.advance(Duration::from_mins(1));
        let edit = Edit { status: Some("paid".to_owned()), lag_seconds: Some(3_600), ..Edit::default() };
        stage.world.edit(CUSTOMER_ID, Resource::Refunds, id.as_str(), edit).expect("works in a test");
        stage.advance(Duration::from_mins(11));
        stage.polled(Resource::Refunds).await;
        assert_eq!(stage.versions_of(Resource::Refunds, id.as_str()).await, ["1 list", "2 detail"]);
        stage.advance(Duration::from_hours(1));
        stage.polled(Resource::Refunds).await;
        stage.deep_night().await;
        assert_eq!(stage.versions_of(Resource::Refunds, id.as_str()).await, ["1 list", "2 detail", "2 list"]);
        stage.ends_clean().await;
    });
}

/// Small pages whose ties come in another order at every request, and no count to check against.
fn shuffled() -> Quirks {
    let lists = ListQuirks { page_cap: 25, unstable_ties: true, count: CountMeaning::Absent, ..ListQuirks::default() };
    let rows = RowQuirks { entry_ids: true, ..RowQuirks::default() };
    Quirks { lists, rows, ..Quirks::default() }
}

/// The lines of a report carry no timestamps, so nothing tells that they change places between two pages.
#[test]
fn a_long_report_whose_lines_change_places_is_read_whole() {
    for seed in 1..=6 {
        play(async {
            let mut stage = Stage::new(Settings { seed, quirks: shuffled(), ..Settings::default() }).await;
            let transfer = stage.world.rows_now(Resource::Transfers).pop().expect("works in a test").id;
            for _ in 0..50 {
                let parent = Some(transfer.as_str().to_owned());
                let id = Some(format!("te{seed}{}", stage.world.rows_now(Resource::TransferEntries).len()));
                let draft = Draft { parent, id, ..Draft::default() };
                stage.world.create(CUSTOMER_ID, Resource::TransferEntries, draft).expect("works in a test");
            }
            stage.world.set_report(CUSTOMER_ID, transfer.as_str(), "completed", None).expect("works in a test");
            stage.polled(Resource::Transfers).await;
            stage.polled(Resource::TransferEntries).await;
            stage.deep_night().await;
            stage.ends_clean().await;
        });
    }
}

/// Hundred and twenty invoices are issued within one second, and their order is another one at every request.
#[test]
fn a_tie_of_several_pages_that_is_shuffled_is_read_whole() {
    for seed in 1..=6 {
        play(async {
            let mut stage = Stage::new(Settings { seed, quirks: shuffled(), ..Settings::default() }).await;
            stage.polled(Resource::Receivables).await;
            stage.advance(Duration::from_mins(1));
            for _ in 0..120 {
                stage.world.create(CUSTOMER_ID, Resource::Receivables, Draft::default()).expect("works in a test");
            }
            stage.advance(Duration::from_mins(1));
            stage.polled(Resource::Receivables).await;
            let stored = stage.records(Resource::Receivables).await;
            assert_eq!(stored, stage.world.rows_now(Resource::Receivables).len(), "seed {seed}");
            stage.strike().await;
        });
    }
}

/// A row changes without a new `lastUpdated`, and the replica that is asked by id still has the old state, in another shape than the
/// list's: nothing is decided, and the next reading asks again.
#[test]
fn a_change_within_the_second_is_found_once_the_replica_has_caught_up() {
    play(async {
        let rows = RowQuirks { receivable_rows: ReceivableRows::Older, ..RowQuirks::default() };
        let quirks = Quirks { rows, ..Quirks::default() };
        let mut stage = Stage::new(Settings { quirks, ..Settings::default() }).await;
        let id = stage.world.create(CUSTOMER_ID, Resource::Receivables, Draft::default()).expect("works in a test");
        stage.poll_all().await;
        stage.advance(Duration::from_mins(1));
        let edit = Edit { status: Some("paid".to_owned()), unbumped: true, ..Edit::default() };
        stage.world.edit(CUSTOMER_ID, Resource::Receivables, id.as_str(), edit).expect("works in a test");
        stage.change_quirks(|quirks| quirks.lists.old_detail_per_mille = 1_000);
        stage.polled(Resource::Receivables).await;
        stage.change_quirks(|quirks| quirks.lists.old_detail_per_mille = 0);
        stage.deep_night().await;
        stage.ends_clean().await;
    });
}

/// The list shows a paid invoice; the replica that is asked by id for the rest of it still has it open, of the same second. The two
/// contradict each other, so it is asked again.
#[test]
fn a_detail_that_contradicts_its_row_is_asked_for_again() {
    play(async {
        let rows = RowQuirks { receivable_rows: ReceivableRows::Older, ..RowQuirks::default() };
        let lists = ListQuirks { old_detail_per_mille: 200, ..ListQuirks::default() };
        let quirks = Quirks { rows, lists, ..Quirks::default() };
        let mut stage = Stage::new(Settings { quirks, ..Settings::default() }).await;
        stage.polled(Resource::Receivables).await;
        stage.advance(Duration::from_mins(1));
        for _ in 0..20 {
            let id = stage.world.create(CUSTOMER_ID, Resource::Receivables, Draft::default()).expect("works in a test");
            let edit = Edit { status: Some("paid".to_owned()), unbumped: true, ..Edit::default() };
            stage.world.edit(CUSTOMER_ID, Resource::Receivables, id.as_str(), edit).expect("works in a test");
        }
        stage.polled(Resource::Receivables).await;
        stage.change_quirks(|quirks| quirks.lists.old_detail_per_mille = 0);
        stage.deep_night().await;
        let paid = stage.world.rows_now(Resource::Receivables).iter().filter(|row| row.status == "paid").count();
        assert_eq!(stage.records_in(Resource::Receivables, "paid").await, paid);
    });
}

/// A server that ignores date filters shows it only once a list holds more old rows than new ones, by when the nightly seal asks for
/// single days: then it is read whole instead, and goes on so.
#[test]
fn a_filter_that_turns_out_to_be_ignored_by_night_stops_no_poll() {
    play(async {
        let lists = ListQuirks { date_filter_ignored: true, ..ListQuirks::default() };
        let seeding = Seeding { payments: 40, days: 6, frozen: true, ..Seeding::default() };
        let quirks = Quirks { lists, ..Quirks::default() };
        let mut stage = Stage::new(Settings { seeding, quirks, ..Settings::default() }).await;
        stage.poll_all().await;
        for _ in 0..16 {
            stage.advance(Duration::from_hours(25));
            stage.create_rows(Resource::Payments, 1, Duration::from_secs(1));
            // Another process knows nothing of what the one before has found out.
            stage.kill().await;
            stage.poll_all().await;
            assert!(stage.polls.iter().all(|poll| poll.end == End::Complete), "{:?}", stage.complaint);
        }
        stage.ends_clean().await;
    });
}

/// Answers of a few rows in the middle of a report, whose lines are read once.
#[test]
fn short_answers_do_not_cut_a_report() {
    for seed in 1..=12 {
        play(async {
            let lists = ListQuirks { count: CountMeaning::Absent, ..ListQuirks::default() };
            let quirks = Quirks { lists, ..Quirks::default() };
            let seeding = Seeding { seed, payments: 40, frozen: true, ..Seeding::default() };
            let settings = Settings { seed, seeding, quirks, page_rows: 10, ..Settings::default() };
            let mut stage = Stage::new(settings).await;
            stage.polled(Resource::Transfers).await;
            stage.change_quirks(|quirks| quirks.lists.short_page_per_mille = 300);
            stage.polled(Resource::TransferEntries).await;
            let shown = stage.world.rows_now(Resource::TransferEntries).len();
            assert_eq!(stage.records(Resource::TransferEntries).await, shown, "seed {seed}");
            stage.strike().await;
        });
    }
}

/// Customers come in a list without dates, of which a poll reads two pages; but on to the end of what is new once the order is proven.
#[test]
fn more_news_than_two_pages_of_an_undated_list_are_found_by_the_next_poll() {
    play(async {
        let mut stage = Stage::new(Settings { page_rows: 10, ..Settings::default() }).await;
        stage.create_rows(Resource::Customers, 80, Duration::from_secs(1));
        stage.polled(Resource::Customers).await;
        stage.touch_mixed(Resource::Customers, 60, Duration::from_secs(3));
        stage.touch_mixed(Resource::Customers, 5, Duration::from_secs(3));
        stage.advance(Duration::from_mins(1));
        stage.polled(Resource::Customers).await;
        let mut again = 0;
        for row in stage.world.rows_now(Resource::Customers) {
            again += stage.versions_of(Resource::Customers, row.id.as_str()).await.len() - 1;
        }
        assert_eq!(again, 60);
        stage.strike().await;
    });
}

/// The invoice that a refund shows on need not change with it, and nothing else points there.
#[test]
fn a_refund_that_does_not_touch_its_invoice_is_found_on_it() {
    play(async {
        let mut stage = Stage::new(Settings::default()).await;
        let (invoice, payment) = stage.invoice_and_payment();
        stage.apply_silently(&invoice, &payment);
        stage.poll_all().await;
        stage.advance(Duration::from_mins(20));
        stage.poll_all().await;
        let draft = Draft { parent: Some(payment.id.as_str().to_owned()), ..Draft::default() };
        let refund = stage.world.create(CUSTOMER_ID, Resource::Refunds, draft).expect("works in a test");
        stage.advance(Duration::from_mins(1));
        stage.poll_all().await;
        let row = stage.apply_refund_silently(&invoice, &payment, &refund);
        for _ in 0..3 {
            stage.advance(Duration::from_mins(30));
            stage.poll_all().await;
        }
        assert_eq!(stage.versions_of(Resource::ReceivableTransactions, row.as_str()).await, ["1 list"]);
        stage.ends_clean().await;
    });
}
