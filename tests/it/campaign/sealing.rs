//! Seals through the engine: contiguous in instants, whatever the calendar does, and each holds exactly the rows of its instants.

use std::time::Duration;

use chrono::{DateTime, Days, NaiveDate, TimeDelta, TimeZone as _, Utc};
use chrono_tz::Tz;
use paystand_sync::config::Environment;
use paystand_sync::model::resource::Resource;
use paystand_sync::sandbox::{Edit, Quirks, Seeding};
use paystand_sync::store::{Bounds, Store};
use sqlx::FromRow;

use super::stage::{Settings, Stage, play};
use crate::harness::column;

const DATED: [Resource; 3] = [Resource::Receivables, Resource::Refunds, Resource::Disputes];

#[derive(Debug, FromRow)]
pub struct Sealed {
    pub from_at: DateTime<Utc>,
    pub to_at: DateTime<Utc>,
    pub rows: i64,
    pub is_final: bool,
}

impl Stage {
    pub async fn seals(&self, resource: Resource) -> Vec<Sealed> {
        const SELECT: &str = "
            select from_at, to_at, rows, final_at is not null as is_final from paystand_sync.seal
            where resource = $1 order by from_at";
        let select = sqlx::query_as(SELECT).bind(resource.name());
        select.fetch_all(&self.database.pool).await.expect("works in a test")
    }

    /// What `status` says about a resource.
    async fn sealed_through(&self, resource: Resource) -> DateTime<Utc> {
        let url = self.database.url.clone().into();
        let bounds = Bounds { connections_max: 1, lease: Duration::from_secs(150) };
        let store = Store::open(&url, bounds, Environment::Sandbox, self.now()).await.expect("works in a test");
        let sealed = store.sealed_through().await.expect("works in a test");
        store.close().await;
        let of_it = sealed.into_iter().find(|sealed| sealed.resource == resource.name());
        of_it.and_then(|sealed| sealed.provisional).expect("works in a test")
    }

    /// Rows that are there from one instant to before another.
    fn created_between(&self, resource: Resource, from: DateTime<Utc>, to: DateTime<Utc>) -> usize {
        let rows = self.world.rows_now(resource);
        rows.iter().filter(|row| row.created >= from && row.created < to).count()
    }

    /// Seals of every resource reach from the start to at most two days ago without a gap, each with the rows of its instants.
    async fn assert_sealed(&self, begin: DateTime<Utc>, case: &str) {
        for resource in DATED {
            let seals = self.sealed_without_gap(resource, begin, case).await;
            for Sealed { from_at, to_at, rows, .. } in seals {
                let there = self.created_between(resource, from_at, to_at);
                assert_eq!(usize::try_from(rows).ok(), Some(there), "{case}: {resource} from {from_at} to {to_at}");
            }
        }
    }

    /// The seals of a resource, which reach from the start to at most two days ago without a gap.
    pub async fn sealed_without_gap(&self, resource: Resource, begin: DateTime<Utc>, case: &str) -> Vec<Sealed> {
        let seals = self.seals(resource).await;
        assert_eq!(seals.first().map(|seal| seal.from_at), Some(begin), "{case}: {resource}");
        let through = seals.last().expect("works in a test").to_at;
        assert!(self.now() - through < TimeDelta::hours(50), "{case}: {resource} is sealed through {through}");
        for pair in seals.windows(2) {
            assert_eq!(pair[0].to_at, pair[1].from_at, "{case}: {resource}");
        }
        seals
    }

    /// Days about which a person is told that they were sealed incomplete.
    pub async fn told_incomplete(&self) -> Vec<String> {
        let told =
            "select subject from paystand_sync.exception where class = 'sealed_day_incomplete' and resolved_at is null";
        column(&self.database.pool, told).await
    }

    /// One row of each resource.
    fn create_each(&self) {
        for resource in DATED {
            self.create_late(resource, Edit::default());
        }
    }

    /// Rows in the last second before an instant and in the first one after it; everything is polled in between.
    async fn cross(&mut self, edge: DateTime<Utc>) {
        self.advance_to(edge - TimeDelta::seconds(1));
        self.create_each();
        self.advance_to(edge);
        self.create_each();
        self.advance(Duration::from_hours(3));
        for resource in DATED {
            self.polled(resource).await;
        }
    }
}

/// The first instant of a day.
pub fn midnight(day: NaiveDate, zone: Tz) -> DateTime<Utc> {
    let midnight = day.and_hms_opt(0, 0, 0).expect("a time");
    let found =
        (0..120).find_map(|minutes| zone.from_local_datetime(&(midnight + TimeDelta::minutes(minutes))).earliest());
    found.expect("works in a test").to_utc()
}

pub fn date(text: &str) -> NaiveDate {
    text.parse().expect("a date")
}

/// Nothing but what the scene creates.
pub fn from_day(day: NaiveDate, zone: Tz) -> Settings {
    let seeding = Seeding { payments: 12, days: 3, frozen: true, ..Seeding::default() };
    let started = midnight(day, zone) + TimeDelta::hours(1);
    Settings {
        zone,
        seeding,
        started,
        start_date: day - Days::new(4),
        quirks: Quirks::default(),
        ..Settings::default()
    }
}

/// Both changes of the clocks, leap day and year end: days of 23 to 25 hours, half an hour, skipped midnights.
#[test]
fn days_across_every_edge_of_the_calendar_are_sealed_exactly() {
    for (zone, first) in [
        (Tz::America__New_York, "2026-03-07"),
        (Tz::America__New_York, "2026-10-31"),
        (Tz::Europe__Berlin, "2026-03-28"),
        (Tz::Europe__Berlin, "2026-10-24"),
        (Tz::Australia__Lord_Howe, "2026-04-04"),
        (Tz::Australia__Lord_Howe, "2026-10-03"),
        (Tz::Asia__Beirut, "2026-03-28"),
        (Tz::Asia__Kolkata, "2028-02-28"),
        (Tz::Pacific__Kiritimati, "2028-02-28"),
        (Tz::America__Los_Angeles, "2026-12-30"),
        (Tz::Pacific__Pago_Pago, "2026-12-30"),
    ] {
        play(async {
            let settings = from_day(date(first), zone);
            let begin = midnight(settings.start_date, zone);
            let mut stage = Stage::new(settings).await;
            stage.poll_all().await;
            for day in 1..=4 {
                stage.cross(midnight(date(first) + Days::new(day), zone)).await;
            }
            for _ in 0..2 {
                stage.deep_night().await;
            }
            stage.assert_sealed(begin, &format!("{zone} {first}")).await;
            stage.strike().await;
        });
    }
}

/// New York, then Los Angeles, then New York again: the hours between their midnights are sealed, and once.
#[test]
fn a_changed_zone_leaves_no_hour_unsealed() {
    play(async {
        let (east, west) = (Tz::America__New_York, Tz::America__Los_Angeles);
        let first = date("2026-05-10");
        let settings = from_day(first, east);
        let begin = midnight(settings.start_date, east);
        let mut stage = Stage::new(settings).await;
        stage.poll_all().await;
        for (day, zone) in [(1, east), (2, east), (3, west), (4, west), (5, west), (6, east), (7, east), (8, east)] {
            if stage.settings.zone != zone {
                stage.kill().await;
                stage.settings.zone = zone;
            }
            stage.cross(midnight(first + Days::new(day), east)).await;
            stage.cross(midnight(first + Days::new(day), west)).await;
        }
        for _ in 0..2 {
            stage.deep_night().await;
        }
        stage.assert_sealed(begin, "east, west, east").await;
        let lengths: Vec<i64> =
            stage.seals(Resource::Refunds).await.iter().map(|seal| (seal.to_at - seal.from_at).num_hours()).collect();
        assert!(lengths.contains(&3) && lengths.contains(&21), "{lengths:?}");
        stage.strike().await;
    });
}

/// A day becomes final; then a row shows up that was created on it. It is stored, a person is told, and the day is sealed anew.
#[test]
fn a_row_that_turns_up_in_a_final_day_is_told_and_sealed() {
    play(async {
        let zone = Tz::America__New_York;
        let settings = from_day(date("2026-05-10"), zone);
        let begin = midnight(settings.start_date, zone);
        let mut stage = Stage::new(settings).await;
        stage.poll_all().await;
        let lag_seconds = Some(12 * 86_400);
        let late = stage.create_late(Resource::Refunds, Edit { lag_seconds, ..Edit::default() });
        let created = stage.now();
        for _ in 0..12 {
            stage.deep_night().await;
        }
        let holds = |seal: &&Sealed| seal.from_at <= created && created < seal.to_at;
        let seal = |seals: Vec<Sealed>| seals.iter().find(holds).map(|seal| (seal.rows, seal.is_final));
        let (rows, _) = seal(stage.seals(Resource::Refunds).await).expect("works in a test");
        assert_eq!(seal(stage.seals(Resource::Refunds).await), Some((rows, true)));
        stage.touch(Resource::Refunds, late.as_str());
        stage.advance(Duration::from_mins(1));
        stage.polled(Resource::Refunds).await;
        assert_eq!(seal(stage.seals(Resource::Refunds).await), Some((rows, false)), "not final any more");
        assert_eq!(stage.told_incomplete().await.len(), 1);
        for _ in 0..2 {
            stage.deep_night().await;
        }
        assert_eq!(seal(stage.seals(Resource::Refunds).await), Some((rows + 1, true)));
        stage.assert_sealed(begin, "after the late row").await;
        stage.ends_clean().await;
    });
}

/// More days than one night reads: the rest is sealed in the nights after, and until then nobody says that it is.
#[test]
fn a_long_history_is_sealed_without_a_gap_in_the_end() {
    play(async {
        let zone = Tz::America__New_York;
        let first = date("2026-05-10");
        let settings = Settings { start_date: first - Days::new(450), ..from_day(first, zone) };
        let begin = midnight(settings.start_date, zone);
        let mut stage = Stage::new(settings).await;
        stage.poll_all().await;
        stage.advance(Duration::from_mins(1));
        stage.poll_all().await;
        assert!(stage.sealed_through(Resource::Refunds).await < begin + TimeDelta::days(200));
        for _ in 0..3 {
            stage.deep_night().await;
        }
        for resource in DATED.into_iter().chain([Resource::ReceivableTransactions]) {
            let seals = stage.sealed_without_gap(resource, begin, "a long history").await;
            assert_eq!(Some(stage.sealed_through(resource).await), seals.last().map(|seal| seal.to_at), "{resource}");
        }
        stage.strike().await;
    });
}
