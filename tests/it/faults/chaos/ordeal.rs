//! An installation of two daemons between a simulated Paystand and a real Tryton.

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use super::super::audit::{as_role, watch_own};
use super::super::elected::section;
use super::super::plant::configuration;
use super::super::trade::Trade;
use crate::harness::{Database, Running, Site, column};
use crate::tryton::acme::Acme;
use crate::tryton::between::{Between, Fault};
use crate::tryton::server::PASSWORD;

/// How much business there is.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    pub rounds: usize,
    /// What passes in the business from one round to the next.
    pub round: TimeDelta,
    pub payments_per_day: u32,
    /// Entries that must have been posted in the end.
    pub posted_min: usize,
}

/// The user as whom the daemons log in.
const LOGIN: &str = "paystand";
/// Within this time everything is where it belongs, whatever broke.
pub const DELIVERED: Duration = Duration::from_mins(5);
/// Calls from one fault of the network to the next.
const CALM: std::ops::RangeInclusive<u32> = 25..=60;
/// Long enough to be kept on a machine that does much else.
const LEASE: &str = "10s";
const POLL: Duration = Duration::from_millis(50);

/// What broke so far, beside what the network did.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tally {
    pub daemons_killed: usize,
    pub servers_killed: usize,
    pub zombies: usize,
    pub periods_closed: usize,
    pub edited: usize,
    pub deleted: usize,
    pub refused_renewals: usize,
}

/// One of the two.
pub struct Daemon {
    site: Site,
    pub role: String,
    running: Running,
}

impl Daemon {
    async fn start(site: &Site, number: u8) -> Self {
        let database = column(site.pool(), "select current_database()::text").await.remove(0);
        let role = format!("daemon_{number}_{database}");
        let url = as_role(&site.database, &role).await;
        let mut site = site.beside();
        site.set_variable("DATABASE_URL", &url);
        let running = site.start(&[]);
        Self { site, role, running }
    }

    pub fn running(&self) -> &Running {
        &self.running
    }

    fn restart(&mut self) {
        self.running = self.site.start(&[]);
    }
}

pub struct Ordeal {
    pub trade: Trade,
    pub between: Between,
    /// For runs that end by themselves.
    pub site: Site,
    /// Where people sit at the command line.
    pub desk: Site,
    pub daemons: Vec<Daemon>,
    pub dice: StdRng,
    pub tally: Tally,
    pub size: Size,
}

impl Ordeal {
    pub async fn begin(acme: Acme, seed: u64, size: Size) -> Self {
        let rounds = i32::try_from(size.rounds).expect("a small number");
        let trade = Trade::open(acme, seed, size.round * (rounds + 1), size.payments_per_day).await;
        trade.acme.employ(LOGIN, PASSWORD).await;
        let between = Between::before(&trade.acme.server, LOGIN).await;
        let text = configuration(&trade.paystand, &section(&trade.acme, &between.url, LOGIN));
        let mut site = Site::configured(Database::fresh().await, &text);
        site.set("SYNC__LEASE", LEASE);
        let migrated = site.run(&["migrate"]);
        assert_eq!(migrated.code, Some(0), "{migrated}");
        watch_own(site.pool()).await;
        let name = column(site.pool(), "select current_database()::text").await.remove(0);
        let mut desk = site.beside();
        desk.set_variable("DATABASE_URL", &as_role(&site.database, &format!("person_{name}")).await);
        let (dice, daemons, tally) = (StdRng::seed_from_u64(seed), Vec::new(), Tally::default());
        let mut ordeal = Self { trade, between, site, desk, daemons, dice, tally, size };
        for number in [1, 2] {
            ordeal.daemons.push(Daemon::start(&ordeal.site, number).await);
        }
        ordeal.break_calls();
        ordeal
    }

    /// The network breaks now and then: after so many calls that fit, as the dice say.
    pub fn break_calls(&mut self) {
        let mut dice = StdRng::seed_from_u64(self.dice.random());
        let (mut left, mut turn) = (dice.random_range(CALM), dice.random_range(0..4));
        self.between.break_calls(move |method| {
            left = left.saturating_sub(1);
            let is_draft = method == "model.account.move.create";
            let is_write = is_draft
                || matches!(method, "model.account.move.post" | "model.account.invoice.write")
                || (method.starts_with("wizard.") && method.ends_with(".execute"));
            let fault = match turn {
                _ if left > 0 => None,
                0 | 1 => is_write.then_some(Fault::AnswerDropped),
                2 => is_draft.then_some(Fault::Late),
                _ => method.starts_with("model.account").then_some(Fault::SessionsEnded),
            };
            if fault.is_some() {
                (left, turn) = (dice.random_range(CALM), (turn + 1) % 4);
            }
            fault
        });
    }

    /// Lets the business go on.
    pub async fn pass(&mut self, time: TimeDelta) {
        self.trade.pass(time, self.site.pool()).await;
    }

    /// The daemon that delivers, or did so last.
    pub async fn deliverer(&self) -> usize {
        const ROLE: &str = "
            select a.role from audit.lease a join paystand_sync.lease l using (name, holder, epoch)
            where name = 'deliver/ledger' order by a.no desc limit 1";
        let role = column(self.site.pool(), ROLE).await;
        self.daemons.iter().position(|daemon| Some(&daemon.role) == role.first()).unwrap_or_default()
    }

    /// As the kernel does it.
    pub fn kill(&mut self, daemon: usize) {
        self.daemons[daemon].running.kill_now();
        self.tally.daemons_killed += 1;
    }

    pub fn restart(&mut self, daemon: usize) {
        self.daemons[daemon].restart();
    }

    /// Waits until so many more calls have come by, or nothing is left to do.
    pub async fn calls(&self, more: usize) {
        let (until, started) = (self.between.calls() + more, Instant::now());
        while self.between.calls() < until && started.elapsed() < DELIVERED {
            if self.trade.has_arrived(self.site.pool()).await {
                return;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Waits until everything that is shown is read, booked and posted.
    pub async fn arrive(&self) {
        let started = Instant::now();
        while !self.trade.has_arrived(self.site.pool()).await {
            if started.elapsed() > DELIVERED {
                let missing = self.trade.missing(self.site.pool()).await;
                panic!("not within {DELIVERED:?}: {missing:#?}\n{}", self.plight().await);
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// For whoever must find out why something did not arrive.
    pub async fn plight(&self) -> String {
        const OPEN: &str = "
            select concat_ws(' ', key, state, attempts, due_at - now(), reason)
            from paystand_sync.ledger_entry where settled_at is null order by position limit 12";
        let open = column(self.site.pool(), OPEN).await;
        let exceptions = self.site.open_exceptions().await;
        let tails = self.daemons.iter().map(|daemon| {
            let text = daemon.running.stderr();
            let lines: Vec<&str> = text.lines().filter(|line| !line.contains("polled")).collect();
            lines[lines.len().saturating_sub(15)..].join("\n")
        });
        format!("{open:#?}\n{exceptions:#?}\n{}", tails.collect::<Vec<_>>().join("\n---\n"))
    }
}
