//! Seals of what is listed under other records: the child lists of a day are read again with it.

use std::time::Duration;

use chrono::{DateTime, Days, TimeDelta, Utc};
use chrono_tz::Tz;
use paystand_sync::model::ids::SourceId;
use paystand_sync::model::resource::Resource;
use paystand_sync::sandbox::{CUSTOMER_ID, Draft, Edit, Shown};
use paystand_sync::scan::rules::Rules;
use rust_decimal::Decimal;

use super::sealing::{date, from_day, midnight};
use super::stage::{Settings, Stage, play};

const CHILDREN: [Resource; 2] = [Resource::ReceivableTransactions, Resource::TransferEntries];

impl Stage {
    /// An invoice of which something is paid, so that it may have transactions.
    fn create_paid(&self, draft: Draft) -> SourceId {
        let edit = Edit { amount_paid: Some(Decimal::ONE), ..draft.edit };
        self.world.create(CUSTOMER_ID, Resource::Receivables, Draft { edit, ..draft }).expect("works in a test")
    }

    /// A transaction of an invoice that touches nothing else and is listed `lag` later.
    fn create_application(&self, invoice: &SourceId, lag: Duration) -> SourceId {
        let lag_seconds = Some(u32::try_from(lag.as_secs()).expect("works in a test"));
        let edit = Edit { lag_seconds, ..Edit::default() };
        let draft = Draft { parent: Some(invoice.as_str().to_owned()), edit, ..Draft::default() };
        self.world.create(CUSTOMER_ID, Resource::ReceivableTransactions, draft).expect("works in a test")
    }

    /// A transfer with one line in its report, which is completed.
    fn create_reported(&self) {
        let transfer = self.world.create(CUSTOMER_ID, Resource::Transfers, Draft::default()).expect("works in a test");
        let draft = Draft { parent: Some(transfer.as_str().to_owned()), ..Draft::default() };
        self.world.create(CUSTOMER_ID, Resource::TransferEntries, draft).expect("works in a test");
        self.world.set_report(CUSTOMER_ID, transfer.as_str(), "completed", None).expect("works in a test");
    }

    /// How many records the seal counts that holds an instant, and whether it is final.
    async fn seal_at(&self, resource: Resource, at: DateTime<Utc>) -> Option<(i64, bool)> {
        let seals = self.seals(resource).await;
        let seal = seals.iter().find(|seal| seal.from_at <= at && at < seal.to_at);
        seal.map(|seal| (seal.rows, seal.is_final))
    }

    async fn is_stored(&self, resource: Resource, id: &SourceId) -> bool {
        !self.versions_of(resource, id.as_str()).await.is_empty()
    }

    /// Transactions by their own day, lines of reports by that of their transfer.
    fn children_between(&self, resource: Resource, from: DateTime<Utc>, to: DateTime<Utc>) -> usize {
        let transfers = self.world.rows_now(Resource::Transfers);
        let belongs_to = |row: &Shown| {
            let body: serde_json::Value = serde_json::from_slice(&row.body).expect("works in a test");
            let transfer = transfers.iter().find(|transfer| body["transferId"] == transfer.id.as_str());
            transfer.map_or(row.created, |transfer| transfer.created)
        };
        let rows = self.world.rows_now(resource);
        rows.iter().map(belongs_to).filter(|at| *at >= from && *at < to).count()
    }
}

fn quiet(first: &str, zone: Tz) -> Settings {
    // Nothing but a seal has a reason to read the list of an invoice again.
    Settings { rules: Rules { children: false, ..Rules::default() }, ..from_day(date(first), zone) }
}

/// Both changes of the clocks: the days of child lists are those of all other records.
#[test]
fn child_lists_are_sealed_day_by_day_without_a_gap() {
    for (zone, first) in [(Tz::America__New_York, "2026-03-07"), (Tz::Australia__Lord_Howe, "2026-10-03")] {
        play(async {
            let settings = from_day(date(first), zone);
            let begin = midnight(settings.start_date, zone);
            let mut stage = Stage::new(settings).await;
            // Before anything is known of what they are listed under, nothing is sealed.
            for resource in CHILDREN {
                stage.polled(resource).await;
                assert!(stage.seals(resource).await.is_empty());
            }
            stage.poll_all().await;
            for day in 1..=4 {
                let edge = midnight(date(first) + Days::new(day), zone);
                for at in [edge - TimeDelta::seconds(1), edge] {
                    stage.advance_to(at);
                    let invoice = stage.create_paid(Draft::default());
                    stage.create_application(&invoice, Duration::ZERO);
                    stage.create_reported();
                }
                stage.advance(Duration::from_hours(3));
                stage.poll_all().await;
            }
            for _ in 0..10 {
                stage.deep_night().await;
            }
            for resource in CHILDREN {
                let seals = stage.sealed_without_gap(resource, begin, first).await;
                for seal in &seals {
                    let there = stage.children_between(resource, seal.from_at, seal.to_at);
                    assert_eq!(usize::try_from(seal.rows).ok(), Some(there), "{resource} from {}", seal.from_at);
                }
                let edge = midnight(date(first) + Days::new(4), zone);
                assert!(seals.iter().all(|seal| seal.is_final || seal.to_at > edge), "{seals:?}");
            }
            assert_eq!(stage.told_incomplete().await, [""; 0]);
            stage.ends_clean().await;
        });
    }
}

/// An application appears days after its invoice was paid, and the invoice does not move: the day's last reading finds it.
#[test]
fn a_child_that_is_listed_late_arrives_with_the_seal_of_its_day() {
    play(async {
        let mut stage = Stage::new(quiet("2026-05-10", Tz::America__New_York)).await;
        stage.poll_all().await;
        let invoice = stage.create_paid(Draft::default());
        let at_once = stage.create_application(&invoice, Duration::ZERO);
        let late = stage.create_application(&invoice, Duration::from_hours(5 * 24));
        let created = stage.now();
        let kind = Resource::ReceivableTransactions;
        for _ in 0..5 {
            stage.deep_night().await;
        }
        let (rows, is_final) = stage.seal_at(kind, created).await.expect("works in a test");
        assert!(stage.is_stored(kind, &at_once).await && !stage.is_stored(kind, &late).await && !is_final);
        for _ in 0..5 {
            stage.deep_night().await;
        }
        assert!(stage.is_stored(kind, &late).await);
        assert_eq!(stage.seal_at(kind, created).await, Some((rows + 1, true)));
        assert_eq!(stage.told_incomplete().await, [""; 0], "the day was not final yet");
        stage.ends_clean().await;
    });
}

/// A day becomes final; then its invoice shows another application of that day. A person is told, and the day is sealed anew.
#[test]
fn a_child_that_turns_up_in_a_final_day_is_told_and_sealed() {
    play(async {
        let mut stage = Stage::new(quiet("2026-05-10", Tz::America__New_York)).await;
        stage.poll_all().await;
        let invoice = stage.create_paid(Draft::default());
        let late = stage.create_application(&invoice, Duration::from_hours(12 * 24));
        let created = stage.now();
        let kind = Resource::ReceivableTransactions;
        for _ in 0..12 {
            stage.deep_night().await;
        }
        let (rows, is_final) = stage.seal_at(kind, created).await.expect("works in a test");
        assert!(is_final && !stage.is_stored(kind, &late).await);
        stage.touch(Resource::Receivables, invoice.as_str());
        stage.advance(Duration::from_mins(1));
        stage.polled(Resource::Receivables).await;
        stage.polled(kind).await;
        assert_eq!(stage.seal_at(kind, created).await, Some((rows, false)), "not final any more");
        assert_eq!(stage.told_incomplete().await.len(), 1);
        for _ in 0..2 {
            stage.deep_night().await;
        }
        assert_eq!(stage.seal_at(kind, created).await, Some((rows + 1, true)));
        stage.ends_clean().await;
    });
}

/// An invoice from before the first day comes in when it changes, and with it what was paid on it meanwhile. No seal spoke of its list.
#[test]
fn children_of_an_older_parent_raise_no_alarm() {
    play(async {
        let mut stage = Stage::new(quiet("2026-05-10", Tz::America__New_York)).await;
        let before = Some(stage.now() - TimeDelta::days(30));
        let invoice = stage.create_paid(Draft { created: before, ..Draft::default() });
        stage.poll_all().await;
        let old = stage.create_application(&invoice, Duration::ZERO);
        let created = stage.now();
        let kind = Resource::ReceivableTransactions;
        for _ in 0..10 {
            stage.deep_night().await;
        }
        let (rows, is_final) = stage.seal_at(kind, created).await.expect("works in a test");
        assert!(is_final && !stage.is_stored(kind, &old).await);
        stage.touch(Resource::Receivables, invoice.as_str());
        for _ in 0..2 {
            stage.deep_night().await;
        }
        assert_eq!(stage.seal_at(kind, created).await, Some((rows + 1, true)));
        assert_eq!(stage.told_incomplete().await, [""; 0]);
        stage.ends_clean().await;
    });
}

/// A report that is not completed leaves its day unsealed, and no other; the day is sealed when it is.
#[test]
fn a_report_that_is_not_there_yet_leaves_its_day_unsealed() {
    play(async {
        let mut stage = Stage::new(quiet("2026-05-10", Tz::America__New_York)).await;
        stage.poll_all().await;
        stage.create_reported();
        let created = stage.now();
        let transfer = stage.world.rows_now(Resource::Transfers).pop().expect("works in a test").id;
        let report = |status| stage.world.set_report(CUSTOMER_ID, transfer.as_str(), status, None);
        report("processing").expect("works in a test");
        let kind = Resource::TransferEntries;
        for _ in 0..3 {
            stage.deep_night().await;
        }
        assert_eq!(stage.seal_at(kind, created).await, None);
        assert_eq!(stage.seal_at(kind, created + TimeDelta::days(1)).await, Some((0, false)));
        stage.world.set_report(CUSTOMER_ID, transfer.as_str(), "completed", None).expect("works in a test");
        for _ in 0..2 {
            stage.deep_night().await;
        }
        assert_eq!(stage.seal_at(kind, created).await.map(|(rows, _)| rows > 0), Some(true));
        assert_eq!(stage.told_incomplete().await, [""; 0]);
        stage.ends_clean().await;
    });
}

/// A transaction is gone from its list: the day is sealed with it, and a person is told.
#[test]
fn a_child_that_is_gone_from_its_list_is_told() {
    const VANISHED: &str = "select subject from paystand_sync.exception where class = 'record_vanished'";
    play(async {
        let mut stage = Stage::new(quiet("2026-05-10", Tz::America__New_York)).await;
        stage.poll_all().await;
        let invoice = stage.create_paid(Draft::default());
        let gone = stage.create_application(&invoice, Duration::ZERO);
        stage.advance(Duration::from_mins(1));
        stage.poll_all().await;
        let kind = Resource::ReceivableTransactions;
        assert!(stage.is_stored(kind, &gone).await);
        stage.world.remove(CUSTOMER_ID, kind, gone.as_str()).expect("works in a test");
        stage.deep_night().await;
        let told = crate::harness::column(&stage.database.pool, VANISHED).await;
        assert_eq!(told, [format!("{kind}:{gone}")]);
        stage.ends_clean().await;
    });
}
