//! Routes for whoever runs the sandbox, under `/_sandbox`, for callers on this machine only.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::clock::Clock;
use crate::model::resource::Resource;
use crate::sandbox::answer::Answer;
use crate::sandbox::filters::Query;
use crate::sandbox::mutate::Mutation;
use crate::sandbox::quirks::Quirks;
use crate::sandbox::world::World;

/// How the clock is to move.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Move {
    #[serde(default)]
    advance_seconds: i64,
    now: Option<DateTime<Utc>>,
}

impl World {
    /// Answers a request of the admin routes; `path` is without `/_sandbox`.
    pub(crate) fn administer(&self, method: &str, path: &str, query: &str, body: &[u8]) -> Answer {
        let query = Query::parse(query);
        let resource = || query.get("resource").and_then(|name| name.parse::<Resource>().ok());
        match (method, path.trim_matches('/')) {
            ("GET", "health") => ok(&json!({"status": "ok"})),
            ("GET", "clock") => ok(&json!({"now": self.clock().now(), "next_change": self.next_change()})),
            ("POST", "clock") => self.move_clock(body),
            ("GET", "quirks") => ok(&json!(self.quirks())),
            ("PUT", "quirks") => match serde_json::from_slice::<Quirks>(body) {
                Ok(quirks) => {
                    self.set_quirks(quirks);
                    ok(&json!(self.quirks()))
                }
                Err(error) => refused(400, &error.to_string()),
            },
            ("GET", "hits") => ok(&json!(self.hits())),
            ("GET", "requests") => ok(&json!(self.requests())),
            ("GET", "truth") => {
                let mut shown = self.truth();
                if let Some(resource) = resource() {
                    shown.retain(|row| row.resource == resource);
                }
                ok(&json!(shown))
            }
            ("GET", "rows") => match resource() {
                Some(resource) => ok(&json!(self.rows_now(resource))),
                None => refused(400, "?resource=NAME is required"),
            },
            ("GET", "sums") => {
                let sums = |resource: Resource| -> Value {
                    let sums = self.sums(resource);
                    sums.into_iter().map(|(currency, sum)| (currency, json!(sum.to_string()))).collect()
                };
                let all = Resource::ALL.into_iter().map(|each| (each.name().to_owned(), sums(each)));
                ok(&resource().map_or_else(|| all.collect(), sums))
            }
            ("POST", "mutate") => match serde_json::from_slice::<Mutation>(body) {
                Ok(mutation) => match self.mutate(mutation) {
                    Ok(id) => ok(&json!({"id": id})),
                    Err(error) => refused(404, &error.to_string()),
                },
                Err(error) => refused(400, &error.to_string()),
            },
            _ => refused(404, "there is no such admin route"),
        }
    }

    fn move_clock(&self, body: &[u8]) -> Answer {
        let Some(clock) = self.movable_clock() else { return refused(409, "this clock cannot be moved") };
        match serde_json::from_slice::<Move>(body) {
            Ok(Move { advance_seconds, now }) => {
                if let Some(now) = now {
                    clock.set(now);
                }
                clock.advance(TimeDelta::seconds(advance_seconds));
                self.advance();
                ok(&json!({"now": clock.now()}))
            }
            Err(error) => refused(400, &error.to_string()),
        }
    }
}

fn ok(body: &Value) -> Answer {
    Answer::json(200, body.to_string())
}

fn refused(status: u16, reason: &str) -> Answer {
    Answer::json(status, json!({"error": reason}).to_string())
}
