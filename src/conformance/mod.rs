//! The battery that every adapter passes, unchanged, also one that somebody else wrote: every promise of [`crate::erp`] is put to the
//! test through the real [`Courier`](crate::engine::deliver::Courier) and a real database, with calls that are lost, answered twice,
//! carried out late or in half, and with processes that die or sleep at every step. `docs/adapters.md` tells how to run it.
//!
//! The author of an adapter implements [`Subject`]: how to make the adapter, and how to look into its target without it. The faults are
//! put between the courier and the adapter, so they are the same for every target.
//!
//! Cases use keys of their own and an adapter name each, so a target that cannot be emptied is used again under another run name.

mod cases;
mod goods;
mod process;
mod report;
mod scene;
mod stock;
mod subject;
mod tables;
mod wire;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use futures::FutureExt as _;
use secrecy::SecretString;

use crate::clock::{Clock as _, ManualClock, SystemClock};
use crate::config::Environment;
use crate::erp::Wants;
use crate::store::lease::Presence;
use crate::store::{Bounds, Store};

pub use goods::Kind;
pub use report::{Outcome, Report, Tried};
pub use subject::{Hand, Subject};

use cases::{CASES, Case};
use report::{Failure, Verdict};
use scene::{Ground, Scene};

/// Connections to our database: several couriers work at once.
const BOUNDS: Bounds = Bounds { connections_max: 12, lease: Duration::from_secs(150) };

/// The environment that the keys of the battery name.
pub const ENVIRONMENT: Environment = Environment::Sandbox;

/// Runs every case for every kind of delivery that the adapter wants.
///
/// `database` is a Postgres database for our own tables, which the battery may change as it likes. `run` names this run; with another
/// one than before, a target that was used before is as good as new. It is the merchant of all deliveries.
///
/// # Errors
/// One sentence, where the battery cannot begin: our database or the target is away.
pub async fn battery(database: &SecretString, run: &str, subject: &dyn Subject) -> Result<Report, String> {
    let ground = prepare(database, run, subject).await.map_err(|failure| failure.to_string())?;
    let mut tried = Vec::new();
    for kind in wanted(ground.wants) {
        for case in &CASES {
            let outcome = play(case, ground.scene(case.name, kind)).await;
            tried.push(Tried { case: case.name, kind, outcome });
        }
    }
    ground.store.close().await;
    Ok(Report { tried })
}

async fn prepare<'a>(database: &SecretString, run: &str, subject: &'a dyn Subject) -> Result<Ground<'a>, Failure> {
    // Ahead of the target's clock from then on, and never behind it.
    let clock = Arc::new(ManualClock::new(SystemClock::new().now()));
    let store = Store::open(database, BOUNDS, ENVIRONMENT, clock.now()).await?;
    let presence = Presence::announce(database, BOUNDS, format!("conformance {run} {}", stamp(&clock))).await?;
    let adapter = subject.adapter().await?;
    adapter.prepare().await?;
    Ok(Ground { subject, store, presence, clock, run: run.to_owned(), wants: adapter.capabilities().wants })
}

fn stamp(clock: &ManualClock) -> i64 {
    let now: chrono::DateTime<Utc> = clock.now();
    now.timestamp_micros()
}

fn wanted(wants: Wants) -> Vec<Kind> {
    let wanted = [(Kind::Document, wants.documents), (Kind::Event, wants.events), (Kind::Entry, wants.entries)];
    wanted.into_iter().filter_map(|(kind, wanted)| wanted.then_some(kind)).collect()
}

/// A case that panics has failed, and the others go on.
async fn play(case: &Case, scene: Scene<'_>) -> Outcome {
    match AssertUnwindSafe((case.play)(&scene)).catch_unwind().await {
        Ok(Ok(Verdict::Holds)) => Outcome::Passed,
        Ok(Ok(Verdict::DoesNotApply(why))) => Outcome::NotApplicable(why),
        Ok(Err(failure)) => Outcome::Failed(failure.to_string()),
        Err(panic) => Outcome::Failed(format!("panicked: {}", report::said(&*panic))),
    }
}
