//! A simulated business served from a thread of its own, so that a test may wait for processes meanwhile.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread::JoinHandle;

use chrono::{DateTime, TimeDelta, Utc};
use paystand_sync::clock::{Clock as _, SystemClock};
use paystand_sync::sandbox::{Business, SandboxClock, Seeding, Server, World, WorldConfig};
use tokio::sync::oneshot;

/// Days of business before the start.
const DAYS: u32 = 12;

/// The business and its server, which stops when this is dropped.
pub struct Paystand {
    pub world: Arc<World>,
    pub clock: Arc<SandboxClock>,
    /// Before everything that it did.
    pub began: DateTime<Utc>,
    pub base_url: String,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Paystand {
    /// A few weeks of business that ended just now: nothing happens any more.
    pub fn still(seed: u64) -> Self {
        Self::with(Seeding { frozen: true, ..seeding(seed) }, SystemClock::new().now(), 1, false)
    }

    /// The same in the merchant's own currency only.
    pub fn still_at_home(seed: u64) -> Self {
        let seeding = Seeding { frozen: true, one_currency: true, ..seeding(seed) };
        Self::with(seeding, SystemClock::new().now(), 1, false)
    }

    /// A business that goes on when its clock, which is `behind` ours, is moved.
    pub fn alive(seed: u64, behind: TimeDelta) -> Self {
        Self::busy(seed, behind, 4)
    }

    /// The same with so many checkouts a day.
    pub fn busy(seed: u64, behind: TimeDelta, live_payments_per_day: u32) -> Self {
        let seeding = Seeding { live_payments_per_day, ..seeding(seed) };
        Self::with(seeding, SystemClock::new().now() - behind, 0, false)
    }

    /// The same in the merchant's own currency only, with no past, in which a credit memo may have been used before anybody looked, and
    /// with every version that lists show kept.
    pub fn busy_at_home(seed: u64, behind: TimeDelta, live_payments_per_day: u32) -> Self {
        let seeding = Seeding { live_payments_per_day, one_currency: true, payments: 0, days: 1, ..seeding(seed) };
        Self::with(seeding, SystemClock::new().now() - behind, 0, true)
    }

    fn with(seeding: Seeding, now: DateTime<Utc>, speed: u32, history: bool) -> Self {
        let clock = Arc::new(SandboxClock::new(now, speed));
        let config = WorldConfig { seeding, history, ..WorldConfig::default() };
        let world = World::with_movable_clock(config, Arc::clone(&clock));
        let (stop, stopped) = oneshot::channel();
        let (tell, told) = mpsc::channel();
        let served = Arc::clone(&world);
        let thread = std::thread::spawn(move || serve(served, &tell, stopped));
        let base_url = told.recv().expect("the server says where it is");
        let began = now - TimeDelta::days(i64::from(DAYS) + 2);
        Self { world, clock, began, base_url, stop: Some(stop), thread: Some(thread) }
    }

    /// Lets the business go on for a while.
    pub fn pass(&self, time: TimeDelta) {
        self.clock.advance(time);
        self.world.advance();
    }
}

impl Drop for Paystand {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn seeding(seed: u64) -> Seeding {
    Seeding { business: Business::Economy, seed, payments: 6, customers: 3, days: DAYS, ..Seeding::default() }
}

fn serve(world: Arc<World>, tell: &mpsc::Sender<String>, stopped: oneshot::Receiver<()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async move {
        let mut server = Server::start(world, (Ipv4Addr::LOCALHOST, 0).into()).await.expect("a free port");
        tell.send(server.base_url.clone()).expect("the test waits for it");
        tokio::select! {
            _ = stopped => {}
            () = server.wait() => {}
        }
    });
}
