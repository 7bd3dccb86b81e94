//! What a seed draws: the world, its quirks, and what happens when.

use std::time::Duration;

use chrono::{DateTime, Days, TimeDelta, Utc};
use chrono_tz::Tz;
use paystand_sync::sandbox::quirks::{
    AccessQuirks, ChangeQuirks, CountMeaning, Envelope, FaultQuirks, LimitWindow, ListQuirks, MoneyStyle, OrderRule,
    PaymentRows, RateHeaders, RateLimit, ReceivableRows, RefusalBody, ReportAnswer, RowQuirks,
};
use paystand_sync::sandbox::{Business, Quirks, Seeding};
use paystand_sync::scan::rules::Rules;

use super::audit::Promise;
use super::dice::Dice;
use super::stage::Settings;

const DAY: Duration = Duration::from_hours(24);

/// What happens to an installation besides its polls.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The process dies at its so-many-th question to its clock from now.
    Die(u64),
    /// The process ends and stays away for so long.
    StayAway(Duration),
    RevokeTokens,
    /// The server answers 503 to everything for so long.
    Outage(Duration),
    /// The machine's wall clock is wrong by this much.
    Clock(TimeDelta),
    /// The server's `Date` header is.
    DateHeader(i64),
    Fees {
        closed: bool,
    },
    Reports(ReportAnswer),
    Order(OrderRule),
}

/// All that a seed decides.
#[derive(Debug, Clone)]
pub struct Plan {
    pub settings: Settings,
    pub interval: Duration,
    pub rounds: u32,
    /// By the time since the start.
    pub events: Vec<(Duration, Event)>,
    pub promise: Promise,
    /// How long changes may lag behind when the faults stop.
    pub lag: Duration,
}

impl Plan {
    pub fn of(seed: u64) -> Self {
        let mut dice = Dice::of(seed, 1);
        let interval = Duration::from_secs(dice.pick(&[30, 30, 120, 600, 1_800, 3_600, 10_800, 21_600]));
        let rounds = u32::try_from(dice.between(18, 32)).expect("a small number");
        let span = interval * rounds;
        let quirks = Quirks {
            rows: rows(&mut dice),
            lists: lists(&mut dice),
            changes: changes(&mut dice, span),
            access: access(&mut dice),
            faults: faults(&mut dice),
        };
        let (events, fees_closed, steady) = events(&mut dice, span, &quirks);
        let zone = dice.pick(&ZONES);
        let started: DateTime<Utc> = dice.pick(&STARTS).parse().expect("an instant");
        let days = dice.between(5, 40);
        let seeding = Seeding {
            business: Business::Generator,
            seed,
            payments: usize::try_from(dice.between(15, 70)).expect("a small number"),
            customers: usize::try_from(dice.between(3, 9)).expect("a small number"),
            days: u32::try_from(days).expect("a small number"),
            old_parents_per_mille: dice.rate(50, 20, 300),
            live_payments_per_day: u32::try_from(dice.between(3, 15)).expect("a small number"),
            frozen: false,
            one_currency: false,
        };
        let lists = &quirks.lists;
        let promise = Promise {
            replicas_agree: lists.old_body_per_mille == 0 && lists.old_detail_per_mille == 0 && steady,
            fees_closed,
            reports_open: true,
            whole_lists: lists.date_filter_ignored,
        };
        let lag = Duration::from_secs(quirks.changes.lag_seconds_max.into());
        let settings = Settings {
            seed,
            started,
            zone,
            seeding,
            quirks,
            start_date: (started - Days::new(dice.between(2, days + 20))).with_timezone(&zone).date_naive(),
            page_rows: u32::try_from(dice.pick(&[20, 25, 50, 100, 200, 1_000])).expect("a small number"),
            overlap: Duration::from_mins(dice.pick(&[10, 10, 10, 30])),
            rules: Rules::default(),
            post_from: None,
        };
        Self { settings, interval, rounds, events, promise, lag }
    }
}

/// Far apart, with half hours, both sides of the date line, and daylight saving of three kinds.
const ZONES: [Tz; 9] = [
    Tz::America__Los_Angeles,
    Tz::America__Los_Angeles,
    Tz::America__New_York,
    Tz::Europe__Berlin,
    Tz::Asia__Kolkata,
    Tz::Pacific__Kiritimati,
    Tz::Pacific__Pago_Pago,
    Tz::Australia__Lord_Howe,
    Tz::UTC,
];

/// Ordinary days, both changes of the clocks in America, the end of a year, a leap day.
const STARTS: [&str; 6] = [
    "2026-05-12T16:00:00Z",
    "2026-03-08T04:00:00Z",
    "2026-10-31T22:30:00Z",
    "2026-12-30T11:00:00Z",
    "2028-02-27T09:15:00Z",
    "2026-07-05T23:50:00Z",
];

fn rows(dice: &mut Dice) -> RowQuirks {
    RowQuirks {
        money: dice.pick(&[MoneyStyle::Text, MoneyStyle::Text, MoneyStyle::Number, MoneyStyle::Mixed]),
        receivable_rows: dice.pick(&[ReceivableRows::New, ReceivableRows::New, ReceivableRows::Older]),
        payment_rows: dice.pick(&[PaymentRows::Plain, PaymentRows::Plain, PaymentRows::Full]),
        null_for_absent: dice.chance(30),
        capital_status: dice.chance(25),
        entry_ids: dice.chance(40),
        missing_optional_per_mille: dice.rate(30, 20, 300),
        extra_fields_per_mille: dice.rate(30, 50, 500),
        unknown_status_per_mille: dice.rate(25, 10, 80),
        unknown_fee_type_per_mille: dice.rate(20, 10, 80),
        undecodable_per_mille: dice.rate(30, 5, 40),
        nul_note_per_mille: dice.rate(30, 10, 100),
        late_field_from: dice.chance(25).then(|| "2026-05-13T00:00:00Z".parse().expect("an instant")),
        milliseconds: dice.chance(25),
        grain_seconds: dice.pick(&[0, 0, 0, 60, 300, 3_600]),
    }
}

fn lists(dice: &mut Dice) -> ListQuirks {
    let order = dice.between(1, 10);
    ListQuirks {
        page_cap: dice.pick(&[25, 25, 37, 50, 100, 250, 1_000]),
        count: dice.pick(&[CountMeaning::Total, CountMeaning::Page, CountMeaning::Absent]),
        envelope: dice.pick(&[Envelope::Full, Envelope::Full, Envelope::NoSettings, Envelope::BareArray]),
        order: match order {
            1 | 2 => OrderRule::Ignored,
            3 | 4 => OrderRule::CreatedOnly,
            _ => OrderRule::Honoured,
        },
        date_filter_ignored: dice.chance(12),
        zone_override: dice.chance(25).then(|| dice.pick(&ZONES)),
        unstable_ties: dice.chance(50),
        repeated_page_per_mille: dice.rate(35, 5, 60),
        doubled_row_per_mille: dice.rate(35, 5, 60),
        empty_page_per_mille: dice.rate(35, 5, 60),
        short_page_per_mille: dice.rate(35, 5, 100),
        old_body_per_mille: dice.rate(30, 5, 60),
        old_detail_per_mille: dice.rate(30, 5, 60),
        old_body_breaks_order: dice.chance(30),
        ..ListQuirks::default()
    }
}

fn changes(dice: &mut Dice, span: Duration) -> ChangeQuirks {
    let seconds = u32::try_from(span.as_secs()).expect("weeks at most");
    let lags = dice.chance(60);
    let lag_seconds_max = if lags { dice.pick(&[60, 500, 500, 3_600, 40_000, 86_400, 300_000]) } else { 0 };
    ChangeQuirks {
        lag_new_per_mille: dice.rate(70, 20, 400),
        lag_update_per_mille: dice.rate(70, 20, 400),
        lag_seconds_max,
        same_second_per_mille: dice.rate(40, 20, 300),
        unbumped_per_mille: dice.rate(30, 10, 100),
        children_bump_parent: dice.chance(40),
        applications_bump_receivable: dice.chance(60),
        updates_per_page: u32::from(dice.rate(60, 1, 4)),
        creates_per_page: u32::from(dice.rate(40, 1, 1)),
        removes_per_page: u32::from(dice.rate(25, 1, 1)),
        every_pages: dice.pick(&[10, 20, 40]),
        timer_seconds: if dice.chance(70) { (seconds / dice.pick(&[60, 150, 300])).max(5) } else { 0 },
        timer_updates: dice.pick(&[1, 2, 5]),
        timer_creates: dice.pick(&[0, 1, 1]),
        timer_removes: dice.pick(&[0, 0, 1]),
    }
}

fn access(dice: &mut Dice) -> AccessQuirks {
    let limit = dice.chance(35).then(|| RateLimit {
        per_minute: 3_000,
        window: LimitWindow::Sliding,
        retry_after: dice.chance(50),
        headers: dice.pick(&[RateHeaders::Absent, RateHeaders::Plain, RateHeaders::Prefixed]),
    });
    AccessQuirks {
        report: if dice.chance(20) { ReportAnswer::Pending } else { ReportAnswer::Normal },
        token_requests_max: dice.chance(35).then(|| u32::try_from(dice.between(20, 200)).expect("a small number")),
        expires_in_text: dice.chance(30),
        refusal_body: dice.pick(&[RefusalBody::Envelope, RefusalBody::Text, RefusalBody::Empty, RefusalBody::Html]),
        constant_ref: dice.chance(15),
        rate_limit: limit,
        ..AccessQuirks::default()
    }
}

fn faults(dice: &mut Dice) -> FaultQuirks {
    FaultQuirks {
        throttled_per_mille: dice.rate(30, 1, 15),
        throttled_retry_after: dice.chance(50).then(|| u32::try_from(dice.between(1, 20)).expect("a small number")),
        server_error_per_mille: dice.rate(40, 2, 30),
        unavailable_per_mille: dice.rate(40, 2, 30),
        error_body: dice.pick(&[RefusalBody::Envelope, RefusalBody::Text, RefusalBody::Empty, RefusalBody::Html]),
        reset_before_per_mille: dice.rate(40, 2, 30),
        reset_inside_per_mille: dice.rate(40, 2, 30),
        truncated_per_mille: dice.rate(40, 2, 30),
        html_per_mille: dice.rate(40, 2, 30),
        empty_body_per_mille: dice.rate(40, 2, 30),
        slow_body_per_mille: dice.rate(30, 2, 20),
        slow_start_per_mille: dice.rate(30, 2, 20),
        hang_per_mille: dice.rate(40, 2, 20),
        ..FaultQuirks::default()
    }
}

/// The events, whether `/fees` stays closed, and whether the server keeps to one order and tells its time.
fn events(dice: &mut Dice, span: Duration, quirks: &Quirks) -> (Vec<(Duration, Event)>, bool, bool) {
    let mut events = Vec::new();
    let mut fees_closed = false;
    let mut steady = true;
    let moment = |dice: &mut Dice| Duration::from_secs(dice.between(1, span.as_secs()));
    for _ in 0..dice.between(0, 4) {
        events.push((moment(dice), Event::Die(dice.between(1, 90))));
    }
    for _ in 0..dice.between(0, 2) {
        events.push((moment(dice), Event::RevokeTokens));
    }
    if dice.chance(20) {
        events.push((moment(dice), Event::StayAway(Duration::from_mins(dice.between(10, 1_200)))));
    }
    if dice.chance(25) {
        events.push((moment(dice), Event::Outage(Duration::from_mins(dice.between(5, 1_440)))));
    }
    // One clock at a time is wrong: with both, nobody can know the time.
    match dice.between(1, 6) {
        1 | 2 => {
            let (from, to) = (moment(dice), moment(dice));
            let minutes = dice.pick(&[-1_440, 1_440, 1_440, -600, 45]);
            events.push((from, Event::Clock(TimeDelta::minutes(minutes))));
            events.push((from + to, Event::Clock(TimeDelta::zero())));
        }
        3 | 4 => {
            let (from, to) = (moment(dice), moment(dice));
            events.push((from, Event::DateHeader(dice.pick(&[-86_400, 86_400, 86_400, 7_200]))));
            events.push((from + to, Event::DateHeader(0)));
        }
        _ => {}
    }
    if dice.chance(40) {
        events.push((moment(dice), Event::Fees { closed: true }));
        fees_closed = dice.chance(30);
        if !fees_closed {
            events.push((span, Event::Fees { closed: false }));
        }
    }
    if quirks.access.report == ReportAnswer::Normal && dice.chance(15) {
        events.push((moment(dice), Event::Reports(ReportAnswer::Disabled)));
    }
    if dice.chance(12) {
        steady = false;
        events.push((moment(dice), Event::Order(dice.pick(&[OrderRule::Ignored, OrderRule::CreatedOnly]))));
        events.push((moment(dice), Event::Order(OrderRule::Honoured)));
    }
    events.sort_by_key(|(at, _)| *at);
    events.retain(|(at, _)| *at <= span + DAY);
    (events, fees_closed, steady)
}
