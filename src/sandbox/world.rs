//! The whole simulated server: all merchants, what will happen, who may ask, what goes wrong.
//!
//! Deterministic: the same configuration, calls and clock give the same bytes. One lock guards everything; nothing waits
//! while it is held.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::Serialize;

use crate::clock::Clock;
use crate::model::resource::Resource;
use crate::sandbox::agenda::{Agenda, Change};
use crate::sandbox::auth::Tokens;
use crate::sandbox::books::{Books, MerchantProfile};
use crate::sandbox::churn::{self, Dose};
use crate::sandbox::clock::SandboxClock;
use crate::sandbox::days::SECOND_MS;
use crate::sandbox::dice::Dice;
use crate::sandbox::economy::{self, Economy};
use crate::sandbox::faults::Faults;
use crate::sandbox::generator::{self, Business, Player, Seeding};
use crate::sandbox::hits::Hits;
use crate::sandbox::limits::Limits;
use crate::sandbox::listing::Memory;
use crate::sandbox::quirks::Quirks;
use crate::sandbox::scene::{Rewrite, Scene};
use crate::sandbox::truth::{self, Shown};

/// Everything that decides what a world is.
#[derive(Clone)]
pub struct WorldConfig {
    pub seeding: Seeding,
    pub quirks: Quirks,
    /// At least one.
    pub merchants: Vec<MerchantProfile>,
    /// Whether every version that lists showed is remembered, for [`World::truth`].
    pub history: bool,
    /// Called when a request hangs. A simulated clock may then skip the client's patience.
    pub on_hang: Arc<dyn Fn() + Send + Sync>,
}

impl Default for WorldConfig {
    fn default() -> Self {
        Self {
            seeding: Seeding::default(),
            quirks: Quirks::default(),
            merchants: vec![MerchantProfile::main()],
            history: true,
            on_hang: Arc::new(|| {}),
        }
    }
}

impl fmt::Debug for WorldConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorldConfig")
            .field("seeding", &self.seeding)
            .field("quirks", &self.quirks)
            .field("merchants", &self.merchants)
            .field("history", &self.history)
            .finish_non_exhaustive()
    }
}

/// What clients have asked so far.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Requests {
    pub total: u64,
    /// By method and route, such as `GET /payments/{id}`.
    pub by_endpoint: BTreeMap<String, u64>,
    /// Requests refused because the rate limit was reached, by the client's own doing.
    pub over_limit: u64,
    /// The most requests granted to one key within any sixty seconds.
    pub peak_per_minute: usize,
}

/// The simulated Paystand X API.
pub struct World {
    state: Mutex<State>,
    clock: Arc<dyn Clock>,
    movable: Option<Arc<SandboxClock>>,
    hits: Arc<Hits>,
    on_hang: Arc<dyn Fn() + Send + Sync>,
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World").field("clock", &self.clock).finish_non_exhaustive()
    }
}

pub(crate) struct State {
    pub books: Vec<Books>,
    pub players: Vec<Player>,
    pub economies: Vec<Economy>,
    pub agenda: Agenda,
    pub dice: Dice,
    pub quirks: Arc<Quirks>,
    pub hits: Arc<Hits>,
    pub tokens: Tokens,
    pub limits: Limits,
    pub faults: Faults,
    pub memory: Memory,
    pub rewrites: Vec<Rewrite>,
    pub requests: Requests,
    pub pages: u32,
    timer_planned: bool,
}

impl World {
    /// Builds the world and plays its past up to the clock's now.
    #[must_use]
    pub fn new(config: WorldConfig, clock: Arc<dyn Clock>) -> Arc<Self> {
        Self::build(config, clock, None)
    }

    /// The same with a clock that the admin routes may move.
    #[must_use]
    pub fn with_movable_clock(config: WorldConfig, clock: Arc<SandboxClock>) -> Arc<Self> {
        Self::build(config, Arc::clone(&clock) as Arc<dyn Clock>, Some(clock))
    }

    fn build(config: WorldConfig, clock: Arc<dyn Clock>, movable: Option<Arc<SandboxClock>>) -> Arc<Self> {
        assert!(!config.merchants.is_empty(), "a world has at least one merchant");
        let hits = Arc::new(Hits::default());
        let state = State::new(&config, &hits, clock.now().timestamp_millis());
        Arc::new(Self { state: Mutex::new(state), clock, movable, hits, on_hang: config.on_hang })
    }

    /// Applies everything that is due.
    pub fn advance(&self) {
        drop(self.state());
    }

    /// The state with everything applied that is due.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.advance(self.now_ms());
        state
    }

    pub(crate) fn now_ms(&self) -> i64 {
        self.clock.now().timestamp_millis()
    }

    #[must_use]
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    pub(crate) fn movable_clock(&self) -> Option<&Arc<SandboxClock>> {
        self.movable.as_ref()
    }

    pub(crate) fn hang(&self) {
        (self.on_hang)();
    }

    #[must_use]
    pub fn quirks(&self) -> Quirks {
        Quirks::clone(&self.state().quirks)
    }

    /// From now on these quirks hold. Rows that look different under them are shown anew, their `lastUpdated` as it was.
    pub fn set_quirks(&self, quirks: Quirks) {
        let now_ms = self.now_ms();
        self.state().set_quirks(quirks, now_ms);
    }

    /// How often each quirk has struck, by the name of its field.
    #[must_use]
    pub fn hits(&self) -> BTreeMap<&'static str, u64> {
        self.hits.all()
    }

    #[must_use]
    pub fn requests(&self) -> Requests {
        let state = self.state();
        Requests {
            over_limit: state.limits.refused,
            peak_per_minute: state.limits.peak_per_minute,
            ..state.requests.clone()
        }
    }

    /// When something will next happen by itself.
    #[must_use]
    pub fn next_change(&self) -> Option<DateTime<Utc>> {
        self.state().agenda.next_ms().and_then(DateTime::from_timestamp_millis)
    }

    /// Every version that lists have shown, by merchant and in the order of appearance. Empty where history is not kept.
    #[must_use]
    pub fn truth(&self) -> Vec<Shown> {
        let state = self.state();
        state.books.iter().flat_map(|books| books.history.all(&books.profile.customer_id)).collect()
    }

    /// The rows that lists of all merchants show now, oldest first.
    #[must_use]
    pub fn rows_now(&self, resource: Resource) -> Vec<Shown> {
        self.state().books.iter_mut().flat_map(|books| truth::rows_now(books, resource)).collect()
    }

    /// Sums by currency over the rows that lists of all merchants show now.
    #[must_use]
    pub fn sums(&self, resource: Resource) -> BTreeMap<String, Decimal> {
        let mut sums = BTreeMap::new();
        self.state().books.iter().for_each(|books| truth::add_sums(books, resource, &mut sums));
        sums
    }

    /// All tokens issued so far stop working.
    pub fn revoke_tokens(&self) {
        self.state().tokens.revoke_all();
    }
}

impl State {
    fn new(config: &WorldConfig, hits: &Arc<Hits>, now_ms: i64) -> Self {
        let seed = config.seeding.seed;
        let mut quirks = config.quirks.clone();
        economy::bend(&mut quirks, &config.seeding);
        let quirks = Arc::new(quirks);
        let number = |merchant: usize| u64::try_from(merchant).unwrap_or(0);
        let books = config.merchants.iter().enumerate().map(|(merchant, profile)| {
            let ids = Dice::of(&[seed, number(merchant), 1]);
            Books::new(profile.clone(), ids, Arc::clone(&quirks), Arc::clone(hits), config.history)
        });
        let mut state = Self {
            books: books.collect(),
            players: (0..config.merchants.len())
                .map(|merchant| Player::new(config.seeding.clone(), merchant))
                .collect(),
            economies: (0..config.merchants.len())
                .map(|merchant| Economy::new(config.seeding.clone(), merchant))
                .collect(),
            agenda: Agenda::default(),
            dice: Dice::of(&[seed, 2]),
            quirks,
            hits: Arc::clone(hits),
            tokens: Tokens::default(),
            limits: Limits::default(),
            faults: Faults::default(),
            memory: Memory::default(),
            rewrites: Vec::new(),
            requests: Requests::default(),
            pages: 0,
            timer_planned: false,
        };
        // One agenda per merchant while the past is played, because each is played to its end before the next.
        let mut ahead = Agenda::default();
        for merchant in 0..config.merchants.len() {
            let mut scene = state.scene(merchant, now_ms);
            match config.seeding.business {
                Business::Generator => generator::play_past(&mut scene, now_ms),
                Business::Economy => economy::play_past(&mut scene, now_ms),
            }
            scene.books.open(now_ms);
            ahead.take_from(&mut state.agenda);
        }
        state.agenda = ahead;
        generator::freeze(&mut state.agenda, &config.seeding);
        state.plan_timer(now_ms);
        state
    }

    /// One merchant at one instant.
    pub(crate) fn scene(&mut self, merchant: usize, at_ms: i64) -> Scene<'_> {
        Scene {
            books: &mut self.books[merchant],
            player: &mut self.players[merchant],
            economy: &mut self.economies[merchant],
            agenda: &mut self.agenda,
            dice: &mut self.dice,
            merchant,
            at_ms,
            draft: None,
            rewrites: &mut self.rewrites,
        }
    }

    pub(crate) fn advance(&mut self, now_ms: i64) {
        while let Some((due_ms, merchant, change)) = self.agenda.due(now_ms) {
            let mut scene = self.scene(merchant, due_ms);
            match change {
                Change::Publish { resource, row, record } => scene.books.publish(resource, row, record, due_ms),
                Change::Rewrite { resource, row, updated_ms } => {
                    let waiting = |rewrite: &Rewrite| {
                        (rewrite.merchant, rewrite.resource, rewrite.row, rewrite.updated_ms)
                            == (merchant, resource, row, updated_ms)
                    };
                    if let Some(position) = scene.rewrites.iter().position(waiting) {
                        scene.rewrites.remove(position);
                        scene.rewrite(resource, row, updated_ms);
                    }
                }
                Change::Play(step) => generator::play(&mut scene, step),
                Change::Deal(step) => economy::play(&mut scene, step),
                Change::Churn => self.tick(merchant, due_ms),
            }
        }
    }

    /// Second writes whose turn has come while time stood still.
    pub(crate) fn rewrite_waiting(&mut self, now_ms: i64) {
        let mut waiting = std::mem::take(&mut self.rewrites);
        for rewrite in &mut waiting {
            rewrite.requests_left = rewrite.requests_left.saturating_sub(1);
        }
        let (due, rest): (Vec<_>, Vec<_>) = waiting.into_iter().partition(|rewrite| rewrite.requests_left == 0);
        self.rewrites = rest;
        for Rewrite { merchant, resource, row, updated_ms, .. } in due {
            self.scene(merchant, now_ms).rewrite(resource, row, updated_ms);
        }
    }

    pub(crate) fn set_quirks(&mut self, quirks: Quirks, now_ms: i64) {
        self.quirks = Arc::new(quirks);
        for books in &mut self.books {
            books.set_quirks(Arc::clone(&self.quirks), now_ms);
        }
        self.plan_timer(now_ms);
    }

    fn plan_timer(&mut self, now_ms: i64) {
        let seconds = i64::from(self.quirks.changes.timer_seconds);
        if seconds > 0 && !self.timer_planned {
            self.timer_planned = true;
            self.agenda.plan(now_ms + seconds * SECOND_MS, 0, Change::Churn);
        }
    }

    /// The churn timer goes off.
    fn tick(&mut self, merchant: usize, due_ms: i64) {
        self.timer_planned = false;
        let changes = &self.quirks.changes;
        let dose =
            Dose { updates: changes.timer_updates, creates: changes.timer_creates, removes: changes.timer_removes };
        if changes.timer_seconds > 0 {
            self.hits.count("timer_seconds");
            churn::churn_any(&mut self.scene(merchant, due_ms), dose);
            let next = (merchant + 1) % self.books.len();
            self.timer_planned = true;
            let pause_ms = i64::from(self.quirks.changes.timer_seconds) * SECOND_MS;
            self.agenda.plan(due_ms + pause_ms, next, Change::Churn);
        }
    }

    /// Rows of the listed resource change before a page is answered.
    pub(crate) fn churn_before_page(&mut self, merchant: usize, resource: Resource, now_ms: i64) {
        let changes = &self.quirks.changes;
        self.pages = self.pages.wrapping_add(1);
        if self.pages.is_multiple_of(changes.every_pages.max(1)) {
            let dose = Dose {
                updates: changes.updates_per_page,
                creates: changes.creates_per_page,
                removes: changes.removes_per_page,
            };
            self.hits.when(dose.updates > 0, "updates_per_page");
            self.hits.when(dose.creates > 0, "creates_per_page");
            self.hits.when(dose.removes > 0, "removes_per_page");
            churn::churn(&mut self.scene(merchant, now_ms), resource, dose);
        }
    }

    /// A fresh 32 hex digits for an error, or always the same.
    pub(crate) fn reference(&mut self) -> String {
        if self.hits.when(self.quirks.access.constant_ref, "constant_ref") {
            return "0f3c9a7714de4b0c8a51d2be90aa6c1e".to_owned();
        }
        format!("{:016x}{:016x}", self.dice.next(), self.dice.next())
    }

    /// The place of a merchant by its `customer_id`.
    pub(crate) fn merchant(&self, customer_id: &str) -> Option<usize> {
        self.books.iter().position(|books| books.profile.customer_id == customer_id)
    }
}
