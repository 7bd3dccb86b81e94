//! The clock of the machine on which the daemon runs: the world's time, but it may be wrong, and the machine may die.
//!
//! The daemon asks its clock at fixed points (before each request, around each commit), so the n-th question is a point in the
//! program that the seed can name, whatever the sockets do.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures::future::BoxFuture;
use paystand_sync::clock::{Clock, ManualClock};
use tokio::sync::Notify;

#[derive(Debug)]
pub struct Machine {
    right: Arc<ManualClock>,
    offset_seconds: AtomicI64,
    questions: AtomicU64,
    dies_at: AtomicU64,
    dead: AtomicBool,
    died: Notify,
}

impl Machine {
    pub fn new(right: Arc<ManualClock>) -> Arc<Self> {
        Arc::new(Self {
            right,
            offset_seconds: AtomicI64::new(0),
            questions: AtomicU64::new(0),
            dies_at: AtomicU64::new(u64::MAX),
            dead: AtomicBool::new(false),
            died: Notify::new(),
        })
    }

    /// The wall clock is wrong by this much from now on.
    pub fn set_offset(&self, offset: TimeDelta) {
        self.offset_seconds.store(offset.num_seconds(), Ordering::SeqCst);
    }

    /// The machine dies at the `questions`-th question from now.
    pub fn die_after(&self, questions: u64) {
        self.dies_at.store(self.questions.load(Ordering::SeqCst) + questions, Ordering::SeqCst);
    }

    /// Whether it died since the last time that this was asked; it is alive again.
    pub fn take_death(&self) -> bool {
        let died = self.dead.swap(false, Ordering::SeqCst);
        if died {
            self.dies_at.store(u64::MAX, Ordering::SeqCst);
        }
        died
    }

    /// Runs a step until it ends or the machine dies; `None` where it died.
    pub async fn run<T>(&self, step: impl Future<Output = T>) -> Option<T> {
        let death = async {
            loop {
                let died = self.died.notified();
                if self.dead.load(Ordering::SeqCst) {
                    return;
                }
                died.await;
            }
        };
        let done = tokio::select! {
            biased;
            () = death => None,
            done = step => Some(done),
        };
        done.filter(|_| !self.dead.load(Ordering::SeqCst))
    }

    fn question(&self) {
        let number = self.questions.fetch_add(1, Ordering::SeqCst) + 1;
        if number == self.dies_at.load(Ordering::SeqCst) {
            self.dead.store(true, Ordering::SeqCst);
            self.died.notify_waiters();
        }
    }
}

impl Clock for Machine {
    fn now(&self) -> DateTime<Utc> {
        self.question();
        self.right.now() + TimeDelta::seconds(self.offset_seconds.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> Duration {
        self.right.monotonic()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'_, ()> {
        self.question();
        self.right.sleep(duration)
    }

    fn deadline(&self, duration: Duration) -> BoxFuture<'_, ()> {
        self.question();
        self.right.deadline(duration)
    }
}
