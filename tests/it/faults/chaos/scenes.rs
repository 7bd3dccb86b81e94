//! What breaks, one kind a round.

use paystand_sync::clock::Clock as _;
use rand::Rng as _;
use rustix::process::Signal;

use super::ordeal::{DELIVERED, Ordeal};
use crate::faults::audit::leases_of;
use crate::harness::{eventually, number};

/// Calls to Tryton at most before something is killed.
const CALLS_MAX: usize = 40;
const LOST: &str = "was lost to another process";

/// What breaks in a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scene {
    /// The daemon that delivers is killed.
    DaemonKilled,
    TrytonKilled,
    BothKilled,
    /// The daemon that delivers is stopped for longer than its lease, and goes on when another one has done its work.
    Zombie,
    /// The period is closed when entries for it come, and opened again.
    PeriodClosed,
    /// Drafts that nobody has elected yet are edited and deleted.
    DraftsTouched,
    /// Drafts that are elected are edited and deleted.
    ElectedTouched,
}

impl Scene {
    pub const ALL: [Self; 7] = [
        Self::DaemonKilled,
        Self::TrytonKilled,
        Self::BothKilled,
        Self::Zombie,
        Self::PeriodClosed,
        Self::DraftsTouched,
        Self::ElectedTouched,
    ];
}

impl Ordeal {
    /// One round: business goes on, something breaks, and everything arrives nevertheless.
    pub async fn play(&mut self, scene: Scene) {
        match scene {
            Scene::DaemonKilled => self.killed(true, false).await,
            Scene::TrytonKilled => self.killed(false, true).await,
            Scene::BothKilled => self.killed(true, true).await,
            Scene::Zombie => self.zombie().await,
            Scene::PeriodClosed => self.period_closed().await,
            Scene::DraftsTouched => self.drafts_touched("deliver.drafted").await,
            Scene::ElectedTouched => self.drafts_touched("deliver.elected").await,
        }
        self.arrive().await;
    }

    /// Business goes on until some calls later.
    async fn at_work(&mut self) {
        self.pass(self.size.round).await;
        let calls = self.dice.random_range(0..=CALLS_MAX);
        self.calls(calls).await;
    }

    async fn killed(&mut self, daemon: bool, tryton: bool) {
        self.at_work().await;
        let victim = self.deliverer().await;
        if daemon {
            self.kill(victim);
        }
        if tryton {
            self.trade.acme.server.kill();
            self.tally.servers_killed += 1;
            self.trade.acme.server.serve().await;
        }
        if daemon {
            self.restart(victim);
        }
    }

    async fn zombie(&mut self) {
        self.at_work().await;
        let victim = self.deliverer().await;
        let losses = self.daemons[victim].running().stderr().matches(LOST).count();
        let leases = self.leases(victim).await;
        self.daemons[victim].running().signal(Signal::STOP);
        eventually("its leases have changed hands", DELIVERED, async || self.leases(victim).await == 0).await;
        self.arrive().await;
        self.daemons[victim].running().signal(Signal::CONT);
        if leases > 0 {
            let daemon = &self.daemons[victim];
            let noticed = async || daemon.running().stderr().matches(LOST).count() > losses;
            eventually("it notices what it lost", DELIVERED, noticed).await;
            self.tally.zombies += 1;
        }
    }

    /// The leases that a daemon holds, as far as the database knows.
    async fn leases(&self, daemon: usize) -> usize {
        leases_of(self.site.pool(), &self.daemons[daemon].role).await
    }

    /// Business goes on and is booked, and nothing is posted.
    pub async fn pass_unposted(&mut self) {
        self.say(&["pause", "adapter", "ledger", "--reason", "the books are looked at"]);
        self.pass(self.size.round).await;
        let (trade, pool) = (&self.trade, self.site.pool());
        eventually("all is booked", DELIVERED, async || trade.is_booked(pool).await).await;
    }

    pub fn resume(&self) {
        self.say(&["resume", "adapter", "ledger", "--reason", "they are as they should be"]);
    }

    async fn period_closed(&mut self) {
        const CLOSED: &str = "
            select count(*) from paystand_sync.exception
            where class = 'held_by_erp' and resolved_at is null and detail like '%closed%'";
        self.pass_unposted().await;
        let day = (self.trade.paystand.clock.now() - self.size.round / 2).date_naive();
        self.close_period(day).await;
        self.resume();
        let pool = self.site.pool().clone();
        eventually("something is held", DELIVERED, async || number(&pool, CLOSED).await > 0).await;
        self.trade.acme.set_period(day, true).await;
        self.tally.periods_closed += 1;
        self.retry_what_is_held().await;
    }
}
