//! Plays a seed: polls as the daemon would, lets happen what was drawn, calms down, audits.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use paystand_sync::model::resource::Resource;
use paystand_sync::sandbox::Quirks;
use paystand_sync::sandbox::quirks::{ChangeQuirks, FaultQuirks, ReportAnswer};

use super::audit::{Report, audit};
use super::dice::Dice;
use super::draw::{Event, Plan};
use super::stage::{End, Stage};

/// A resource that fails is asked for again after doubling pauses up to this.
const PAUSE_MAX: Duration = Duration::from_hours(6);

/// What one seed came to.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    pub seed: u64,
    pub polls: usize,
    pub polls_failed: usize,
    pub requests: u64,
    pub changes: usize,
    pub faults: u64,
    pub crashes: u64,
    pub versions: usize,
    pub looked_at: usize,
    pub virtual_hours: i64,
    pub hits: BTreeMap<&'static str, u64>,
    pub failures: Vec<String>,
    /// Requests that the rate limit refused: our own doing.
    pub over_limit: u64,
}

/// Plays one seed to its end.
pub async fn run(seed: u64) -> Outcome {
    let plan = Plan::of(seed);
    let mut run = Run {
        stage: Stage::new(plan.settings.clone()).await,
        agenda: BTreeMap::new(),
        sequence: 0,
        failures_in_a_row: HashMap::new(),
        high_waters: BTreeMap::new(),
        versions: 0,
        broken: Vec::new(),
        plan,
    };
    run.play().await;
    run.calm_down().await;
    let report = audit(&run.stage, run.plan.promise).await;
    run.outcome(seed, report).await
}

#[derive(Debug, Clone)]
enum Task {
    Poll(Resource),
    Deliver,
    Event(Event),
    /// The outage is over.
    Recover,
}

struct Run {
    plan: Plan,
    stage: Stage,
    agenda: BTreeMap<(DateTime<Utc>, u64), Task>,
    sequence: u64,
    failures_in_a_row: HashMap<Resource, u32>,
    /// As last sampled.
    high_waters: BTreeMap<String, DateTime<Utc>>,
    versions: i64,
    /// What must never happen, and did.
    broken: Vec<String>,
}

impl Run {
    fn at(&mut self, instant: DateTime<Utc>, task: Task) {
        self.sequence += 1;
        self.agenda.insert((instant, self.sequence), task);
    }

    async fn play(&mut self) {
        let mut dice = Dice::of(self.plan.settings.seed, 2);
        let start = self.stage.now();
        let end = start + self.plan.interval * self.plan.rounds;
        for resource in Resource::ALL {
            self.at(start, Task::Poll(resource));
        }
        self.at(start + Duration::from_secs(20), Task::Deliver);
        for (after, event) in self.plan.events.clone() {
            self.at(start + after, Task::Event(event));
        }
        while let Some(((due, _), task)) = self.agenda.pop_first() {
            if due > end {
                break;
            }
            self.stage.advance_to(due);
            match task {
                Task::Poll(resource) => {
                    let ended = self.stage.poll(resource).await;
                    let pause = self.pause_after(resource, ended, &mut dice);
                    let next = self.stage.now() + pause;
                    self.at(next, Task::Poll(resource));
                    if resource == Resource::CreditMemos || ended == End::Died {
                        self.sample().await;
                    }
                }
                Task::Deliver => {
                    self.stage.deliver().await;
                    let next = self.stage.now() + self.plan.interval * 2;
                    self.at(next, Task::Deliver);
                }
                Task::Event(event) => self.happen(event).await,
                Task::Recover => self.stage.change_quirks(|quirks| quirks.faults.outage_until = None),
            }
        }
        self.agenda.clear();
    }

    /// The interval with some jitter; longer while polls fail.
    fn pause_after(&mut self, resource: Resource, ended: End, dice: &mut Dice) -> Duration {
        let failures = self.failures_in_a_row.entry(resource).or_default();
        *failures = if ended == End::Failed { *failures + 1 } else { 0 };
        let pause = self.plan.interval * 2_u32.pow((*failures).min(10));
        let jitter = dice.between(90, 110);
        pause.min(PAUSE_MAX.max(self.plan.interval)) * u32::try_from(jitter).expect("a small number") / 100
    }

    async fn happen(&mut self, event: Event) {
        match event {
            Event::Die(questions) => self.stage.machine.die_after(questions),
            Event::StayAway(away) => {
                self.stage.kill().await;
                // What changes every few seconds would fill the world meanwhile.
                let pause = self.stage.world.quirks().changes.timer_seconds;
                self.stage.change_quirks(|quirks| quirks.changes.timer_seconds = 0);
                self.stage.advance(away);
                self.stage.change_quirks(|quirks| quirks.changes.timer_seconds = pause);
            }
            Event::RevokeTokens => self.stage.world.revoke_tokens(),
            Event::Outage(lasts) => {
                let until = self.stage.now() + lasts;
                self.stage.change_quirks(|quirks| quirks.faults.outage_until = Some(until));
                self.at(until, Task::Recover);
            }
            Event::Clock(offset) => self.stage.machine.set_offset(offset),
            Event::DateHeader(seconds) => {
                self.stage.change_quirks(|quirks| quirks.faults.date_offset_seconds = seconds);
            }
            Event::Fees { closed } => self.stage.change_quirks(|quirks| quirks.access.fees_unauthorized = closed),
            Event::Reports(answer) => self.stage.change_quirks(|quirks| quirks.access.report = answer),
            Event::Order(order) => self.stage.change_quirks(|quirks| quirks.lists.order = order),
        }
    }

    /// The faults stop, what lags becomes visible, and the rules get their night.
    async fn calm_down(&mut self) {
        let fees_closed = self.plan.promise.fees_closed;
        self.stage.change_quirks(|quirks| calm(quirks, fees_closed));
        self.stage.machine.set_offset(TimeDelta::zero());
        self.stage.machine.die_after(u64::MAX / 2);
        let visible = self.stage.now() + self.plan.lag + Duration::from_secs(5);
        while self.stage.now() < visible {
            let next = (self.stage.now() + TimeDelta::hours(20)).min(visible);
            self.stage.advance_to(next);
            self.stage.poll_all().await;
        }
        // A clock that was a day ahead has put everything that waits for its time off by a day.
        for _ in 0..3 {
            self.stage.advance(Duration::from_hours(25));
            self.stage.night = Some(self.stage.now());
            self.stage.poll_all().await;
            self.stage.deliver().await;
        }
        for round in 0..2 {
            self.stage.advance(self.plan.interval.max(Duration::from_mins(30)));
            for resource in Resource::ALL {
                let ended = self.stage.poll(resource).await;
                if ended != End::Complete {
                    let complaint = self.stage.complaint.take();
                    self.broken.push(format!("{resource} cannot be polled in quiet round {round}: {complaint:?}"));
                }
            }
        }
        if self.stage.deliver().await != End::Complete {
            self.broken.push(format!("delivery fails in quiet times: {:?}", self.stage.complaint));
        }
        self.sample().await;
    }

    /// What may never go back has not.
    async fn sample(&mut self) {
        const HIGH_WATERS: &str = "select resource, high_water from paystand_sync.cursor";
        const VERSIONS: &str = "select count(*) from paystand_sync.record_version";
        let pool = &self.stage.database.pool;
        let Ok(rows) = sqlx::query_as::<_, (String, DateTime<Utc>)>(HIGH_WATERS).fetch_all(pool).await else {
            return;
        };
        for (resource, high_water) in rows {
            let before = self.high_waters.insert(resource.clone(), high_water);
            if before.is_some_and(|before| before > high_water) {
                self.broken.push(format!("the high water of {resource} went back from {before:?} to {high_water}"));
            }
            if high_water > self.stage.now() {
                self.broken.push(format!("the high water of {resource} lies in the future: {high_water}"));
            }
        }
        let versions: i64 = sqlx::query_scalar(VERSIONS).fetch_one(pool).await.expect("works in a test");
        if versions < self.versions {
            self.broken.push(format!("the archive shrank from {} to {versions}", self.versions));
        }
        self.versions = versions;
    }

    /// For whoever looks into a failure: `CAMPAIGN_ASK` is a query whose rows are printed after the audit,
    /// `CAMPAIGN_GET` a route of the server whose answer is, `CAMPAIGN_PLAN` asks for what the seed drew.
    async fn answer_questions(&self) {
        if let Ok(target) = std::env::var("CAMPAIGN_GET") {
            super::tally::say(&format!("{:?}", self.stage.ask(&target)));
        }
        if std::env::var("CAMPAIGN_PLAN").is_ok() {
            super::tally::say(&format!("{:#?}", self.plan));
        }
        let Ok(question) = std::env::var("CAMPAIGN_ASK") else { return };
        let query = format!("select to_jsonb(t)::text from ({question}) t");
        for row in crate::harness::column(&self.stage.database.pool, &query).await {
            super::tally::say(&row);
        }
    }

    async fn outcome(self, seed: u64, report: Report) -> Outcome {
        self.answer_questions().await;
        let hits = self.stage.world.hits();
        let faults = FAULTS.iter().filter_map(|name| hits.get(name)).sum();
        let requests = self.stage.world.requests();
        let mut failures = self.broken;
        failures.extend(report.failures);
        let polls_failed = self.stage.polls.iter().filter(|poll| poll.end == End::Failed).count();
        let outcome = Outcome {
            seed,
            polls: self.stage.polls.len(),
            polls_failed,
            requests: requests.total,
            changes: report.changes,
            faults,
            crashes: self.stage.deaths,
            versions: report.versions,
            looked_at: report.looked_at,
            virtual_hours: (self.stage.now() - self.plan.settings.started).num_hours(),
            hits,
            failures,
            over_limit: requests.over_limit,
        };
        self.stage.strike().await;
        outcome
    }
}

/// What stays is the nature of the server; what goes is what goes wrong.
pub fn calm(quirks: &mut Quirks, fees_closed: bool) {
    quirks.faults = FaultQuirks::default();
    quirks.changes = ChangeQuirks {
        applications_bump_receivable: quirks.changes.applications_bump_receivable,
        children_bump_parent: quirks.changes.children_bump_parent,
        ..ChangeQuirks::default()
    };
    let lists = &mut quirks.lists;
    lists.repeated_page_per_mille = 0;
    lists.doubled_row_per_mille = 0;
    lists.empty_page_per_mille = 0;
    lists.short_page_per_mille = 0;
    lists.old_body_per_mille = 0;
    lists.old_detail_per_mille = 0;
    quirks.access.token_requests_max = None;
    quirks.access.fees_unauthorized = fees_closed;
    quirks.access.report = ReportAnswer::Normal;
}

/// Hits that are faults on the way, as against the shape of rows and lists.
const FAULTS: [&str; 21] = [
    "repeated_page_per_mille",
    "doubled_row_per_mille",
    "empty_page_per_mille",
    "short_page_per_mille",
    "old_body_per_mille",
    "old_detail_per_mille",
    "fees_unauthorized",
    "token_requests_max",
    "throttled_per_mille",
    "server_error_per_mille",
    "unavailable_per_mille",
    "reset_before_per_mille",
    "reset_inside_per_mille",
    "truncated_per_mille",
    "html_per_mille",
    "empty_body_per_mille",
    "slow_body_per_mille",
    "slow_start_per_mille",
    "hang_per_mille",
    "outage_until",
    "date_offset_seconds",
];
