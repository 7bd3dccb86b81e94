//! Claims about the whole server, asked as a client asks: by request and answer.

mod contract;
mod money;
mod quirks;
mod scale;
mod sockets;

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::future::BoxFuture;
use serde_json::Value;

use crate::clock::Clock;
use crate::sandbox::days::instant;
use crate::sandbox::{Answer, CLIENT_ID, CLIENT_SECRET, CUSTOMER_ID, Call, Quirks, Seeding, World, WorldConfig};

/// A clock that moves only when it is told to; waits are over at once and remembered.
#[derive(Debug)]
struct ManualClock {
    ms: AtomicI64,
    waited: Mutex<Vec<Duration>>,
}

impl ManualClock {
    fn at(text: &str) -> Arc<Self> {
        let start: DateTime<Utc> = text.parse().expect("instant");
        Arc::new(Self { ms: AtomicI64::new(start.timestamp_millis()), waited: Mutex::default() })
    }

    fn advance(&self, seconds: i64) {
        self.ms.fetch_add(seconds * 1_000, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> DateTime<Utc> {
        instant(self.ms.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> Duration {
        Duration::from_millis(self.ms.load(Ordering::SeqCst).unsigned_abs())
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'_, ()> {
        self.waited.lock().expect("no panic while held").push(duration);
        Box::pin(std::future::ready(()))
    }

    fn deadline(&self, _: Duration) -> BoxFuture<'_, ()> {
        Box::pin(std::future::pending())
    }
}

/// A world, its clock and a token.
struct Lab {
    world: Arc<World>,
    clock: Arc<ManualClock>,
    token: String,
}

const NOW: &str = "2026-05-20T12:00:00Z";

impl Lab {
    fn new(payments: usize, quirks: Quirks) -> Self {
        Self::of(WorldConfig { seeding: Seeding { payments, ..Seeding::default() }, quirks, ..WorldConfig::default() })
    }

    fn of(config: WorldConfig) -> Self {
        let clock = ManualClock::at(NOW);
        let world = World::new(config, Arc::clone(&clock) as Arc<dyn Clock>);
        let mut lab = Self { world, clock, token: String::new() };
        lab.token = lab.log_in(CLIENT_ID, CLIENT_SECRET);
        lab
    }

    fn log_in(&self, client_id: &str, secret: &str) -> String {
        let body = format!(
            r#"{{"grant_type":"client_credentials","client_id":"{client_id}","client_secret":"{secret}","scope":"auth"}}"#
        );
        let call = Call {
            method: "POST",
            path: "/oauth/token",
            query: "",
            bearer: None,
            customer_id: None,
            body: body.as_bytes(),
        };
        let answer: Value = serde_json::from_slice(&self.world.answer(call).body).expect("json");
        answer["access_token"].as_str().expect("a token").to_owned()
    }

    fn ask(&self, target: &str) -> Answer {
        self.ask_as(target, &self.token, Some(CUSTOMER_ID))
    }

    fn ask_as(&self, target: &str, token: &str, customer_id: Option<&str>) -> Answer {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        self.world.answer(Call { method: "GET", path, query, bearer: Some(token), customer_id, body: b"" })
    }

    fn get(&self, target: &str) -> Value {
        let answer = self.ask(target);
        assert_eq!(answer.status, 200, "{target}: {answer:?}");
        serde_json::from_slice(&answer.body).expect("json")
    }

    fn rows(&self, target: &str) -> Vec<Value> {
        self.get(target)["results"].as_array().expect("rows").clone()
    }

    /// All rows of a list, page by page.
    fn all(&self, path: &str) -> Vec<Value> {
        let mut rows = Vec::new();
        loop {
            let page = self.rows(&format!("{path}?limit=100&offset={}", rows.len()));
            if page.is_empty() {
                return rows;
            }
            rows.extend(page);
        }
    }
}

fn ids(rows: &[Value]) -> Vec<String> {
    rows.iter().map(|row| row["id"].as_str().expect("an id").to_owned()).collect()
}
