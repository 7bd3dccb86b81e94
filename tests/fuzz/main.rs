//! Arbitrary bodies for the decoder of every resource, and what it decodes for the books: no panic, and money exact or refused.
//!
//! Each resource is fuzzed for 20 seconds in a thread of its own; with `PAYSTAND_SYNC_TESTS=long` for 10 minutes. A body is made from
//! one number, and a failure says how to play it again:
//!
//! ```text
//! FUZZ_BODY=payments:1234 cargo test --test fuzz
//! ```

mod bodies;
mod money;
#[path = "../../src/normalize/tests/samples.rs"]
mod samples;

use std::hash::{BuildHasher as _, Hasher as _};
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use paystand_sync::journal::{Desk, Policy};
use paystand_sync::model::ids::SourceId;
use paystand_sync::model::record::Shape;
use paystand_sync::model::resource::Resource;
use paystand_sync::normalize::{Sighting, mask, rows, sight};

use bodies::body;

/// Reads the body in every way there is.
fn exercise(resource: Resource, body: &Bytes) -> u64 {
    let parent = SourceId::new("parent");
    let mut decoded = 0;
    for shape in [Shape::Embedded, Shape::List, Shape::Detail] {
        for parent in [None, Some(&parent)] {
            match sight(resource, shape, parent, body.clone()) {
                Ok(seen) => {
                    assert_eq!(seen.observation.body, *body);
                    decoded += check(&seen);
                }
                Err(refused) => assert_eq!(refused.body, *body),
            }
        }
    }
    let _ = rows(body.clone());
    assert!(serde_json::from_str::<serde_json::Value>(&mask(body)).is_ok());
    decoded
}

/// What was decoded is what the body says, and the books take it.
fn check(seen: &Sighting) -> u64 {
    for fee in seen.embedded.iter().flatten() {
        check(fee);
    }
    let Ok(document) = &seen.document else { return 0 };
    assert_eq!((document.resource(), &document.id), (seen.observation.resource, &seen.observation.id));
    money::assert_exact(document, &seen.observation.body);
    let mut desk = Desk::new(Policy::of(chrono_tz::America::Los_Angeles));
    for _ in 0..2 {
        let booking = desk.take(document, DateTime::<Utc>::UNIX_EPOCH);
        assert!(booking.entries.iter().all(|entry| entry.imbalance().is_zero()));
    }
    1
}

/// Bodies from `first` on until `end`; how many, and how many of them were decoded.
fn fuzz(resource: Resource, first: u64, end: Instant) -> (u64, u64) {
    let (mut played, mut decoded) = (0, 0);
    while Instant::now() < end {
        decoded += play(resource, first.wrapping_add(played));
        played += 1;
    }
    (played, decoded)
}

fn play(resource: Resource, number: u64) -> u64 {
    let body = body(resource, number);
    let outcome = catch_unwind(AssertUnwindSafe(|| exercise(resource, &body)));
    let text = String::from_utf8_lossy(&body);
    outcome.unwrap_or_else(|_| panic!("again: FUZZ_BODY={resource}:{number} cargo test --test fuzz\n{text}"))
}

#[test]
fn no_body_makes_a_decoder_panic_or_round() {
    if let Ok(again) = std::env::var("FUZZ_BODY") {
        let (resource, number) = again.split_once(':').expect("RESOURCE:NUMBER");
        play(resource.parse().expect("a resource"), number.parse().expect("a number"));
        return;
    }
    let is_long = std::env::var("PAYSTAND_SYNC_TESTS").is_ok_and(|tests| tests == "long");
    let end = Instant::now() + Duration::from_secs(if is_long { 600 } else { 20 });
    // Another one in every run.
    let first = std::hash::RandomState::new().build_hasher().finish() >> 16;
    let failed = std::thread::scope(|scope| {
        let threads = Resource::ALL.map(|resource| (resource, scope.spawn(move || fuzz(resource, first, end))));
        let mut failed = Vec::new();
        for (resource, thread) in threads {
            match thread.join() {
                Ok((played, decoded)) => {
                    let line = format!("{resource}: {played} bodies from {first} on, decoded {decoded} times\n");
                    let _ = std::io::stdout().write_all(line.as_bytes());
                    assert!(decoded > 0, "{resource}: nothing was ever decoded");
                }
                Err(_) => failed.push(resource),
            }
        }
        failed
    });
    assert!(failed.is_empty(), "failed: {failed:?}; how to play it again is above");
}
