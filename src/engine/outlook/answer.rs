//! The engine as the pages see it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_trait::async_trait;

use super::trail;
use crate::engine::Engine;
use crate::engine::error::StepError;
use crate::engine::person;
use crate::model::ids::AdapterName;
use crate::normalize::mask_text;
use crate::ops::view::{Check, CheckState, Exception, Health, Overview, Reading, Trail};
use crate::ops::{Act, Desk};
use crate::paystand::{Disposition, SourceError};
use crate::store::{Actor, Scope, Store, StoreError};

/// Bounds on one question to the database.
const HEALTH_TIMEOUT: Duration = Duration::from_secs(2);
const SEARCH_TIMEOUT: Duration = Duration::from_secs(5);
/// Health that is younger is told again.
const HEALTH_LIFE: Duration = Duration::from_secs(1);

#[async_trait]
impl Desk for Engine {
    fn overview(&self) -> Option<Arc<Overview>> {
        self.outlook.seen()
    }

    async fn health(&self) -> Health {
        let mut last = self.outlook.health.lock().await;
        let now = self.circumstances.clock.monotonic();
        if let Some((at, health)) = &*last
            && now.saturating_sub(*at) < HEALTH_LIFE
        {
            return health.clone();
        }
        let mut checks = self.database_checks().await;
        checks.extend(
            self.merchants
                .iter()
                .map(|(merchant, client)| token(format!("token {}", merchant.label), client.token_state())),
        );
        checks.push(self.source_check());
        let health = Health { checks };
        *last = Some((self.circumstances.clock.monotonic(), health.clone()));
        health
    }

    async fn exception(&self, id: i64) -> Result<Option<Exception>, String> {
        let open = self.store.open_exception(id).await.map_err(|error| sentence(&error.into()))?;
        Ok(open.map(|it| self.exception_shown(it)))
    }

    async fn search(&self, word: &str) -> Result<Vec<Trail>, String> {
        let too_long = |_| "It takes too long to find out now; ask again, or use `paystand-sync`.".to_owned();
        let work = async {
            let _turn = self.outlook.searches.acquire().await;
            self.store.explain(word).await
        };
        let trails = tokio::time::timeout(SEARCH_TIMEOUT, work).await.map_err(too_long)?;
        let trails = trails.map_err(|error| sentence(&error.into()))?;
        let label = |id: &str| {
            let merchant = self.merchants().find(|merchant| merchant.customer_id.as_str() == id);
            merchant.map_or_else(|| id.to_owned(), |merchant| merchant.label.clone())
        };
        Ok(trails.into_iter().map(|it| trail::shown(it, label)).collect())
    }

    async fn act(&self, act: &Act, actor: &str, reason: &str) -> Result<String, String> {
        // The name is as good as whoever knows the token says; the way is noted with it.
        let (name, reason) = (mask_text(&format!("{actor} (status page)")), mask_text(reason));
        let result = self.act_as(act, Actor { name: &name, reason: &reason }).await.map_err(|error| sentence(&error));
        // What was changed shows at once, and what may be delivered now is.
        self.booked.ring();
        self.look().await;
        result
    }
}

impl Engine {
    async fn act_as(&self, act: &Act, actor: Actor<'_>) -> Result<String, StepError> {
        let now = self.circumstances.clock.now();
        match act {
            Act::Retry(id) => person::retry_exception(&self.config, &self.store, (*id, false), actor, now).await,
            Act::Resolve(id) => person::resolve_exception(&self.store, *id, actor, now).await,
            Act::Pause(name) => {
                let scope = self.scope(name)?;
                let paused = self.store.pause(&scope, actor, now).await?;
                Ok(if paused { format!("{scope} is paused") } else { format!("{scope} was paused already") })
            }
            Act::Resume(name) => {
                let scope = self.scope(name)?;
                let resumed = self.store.resume(&scope, actor, now).await?;
                Ok(if resumed { format!("{scope} goes on") } else { format!("{scope} was not paused") })
            }
        }
    }

    fn scope(&self, name: &str) -> Result<Scope, StepError> {
        let adapter = AdapterName::new(name);
        if self.adapters.contains_key(&adapter) {
            return Ok(Scope::Adapter(adapter));
        }
        Err(StoreError::NotPossible(format!("no adapter {name} is configured")).into())
    }

    async fn database_checks(&self) -> Vec<Check> {
        let now = self.circumstances.clock.now();
        let asked = tokio::time::timeout(HEALTH_TIMEOUT, self.store.vitals(&self.presence, now)).await;
        let vitals = match asked {
            Ok(Ok(vitals)) => vitals,
            Ok(Err(error)) => return vec![failed("database", sentence(&error.into()))],
            Err(_) => {
                return vec![failed("database", format!("no answer within {} s", HEALTH_TIMEOUT.as_secs()))];
            }
        };
        let known = Store::migration_known();
        let migrations = if vitals.migration == known {
            good("migrations", format!("the schema is at {known}"))
        } else {
            let (there, ours) = (vitals.migration, known);
            failed(
                "migrations",
                format!("the schema is at {there} and this program knows {ours}; run one version only"),
            )
        };
        let lease = match (self.outlook.is_present.load(Ordering::Relaxed), vitals.leases) {
            (false, _) => failed("lease", "the database does not know that this process is alive".to_owned()),
            (true, 0) => good("lease", "another process is at work; this one stands by".to_owned()),
            (true, leases) => good("lease", format!("{leases} held")),
        };
        vec![good("database", "answers".to_owned()), migrations, lease]
    }

    /// A source that is away degrades us and no more: a restart would not bring it back.
    fn source_check(&self) -> Check {
        let Some(overview) = self.outlook.seen() else { return good("source", "not looked at yet".to_owned()) };
        let resources = overview.merchants.iter().flat_map(|merchant| &merchant.resources);
        let late: Vec<&str> = resources.filter(|it| it.reading == Reading::Late).map(|it| it.name).collect();
        if late.is_empty() {
            return good("source", "nothing is late".to_owned());
        }
        degraded("source", format!("late: {}", late.join(", ")))
    }
}

/// Credentials that are refused stop the work for good; a token that cannot be had at the moment does not.
fn token(name: String, state: Option<Result<(), SourceError>>) -> Check {
    match state {
        None => good(name, "not asked for yet".to_owned()),
        Some(Ok(())) => good(name, "valid".to_owned()),
        Some(Err(error)) => match error.disposition() {
            Disposition::Stop | Disposition::Unavailable => failed(name, error.to_string()),
            Disposition::Retry | Disposition::Later(_) | Disposition::Missing | Disposition::Park => {
                degraded(name, error.to_string())
            }
        },
    }
}

fn good(name: impl Into<String>, detail: String) -> Check {
    Check { name: name.into(), state: CheckState::Ok, detail }
}

fn degraded(name: impl Into<String>, detail: String) -> Check {
    Check { name: name.into(), state: CheckState::Degraded, detail }
}

fn failed(name: impl Into<String>, detail: String) -> Check {
    Check { name: name.into(), state: CheckState::Failed, detail }
}

/// What a person may read of an error: one sentence, without what only a log should hold.
fn sentence(error: &StepError) -> String {
    match error {
        StepError::Store(StoreError::Unreachable(_)) => "the database does not answer".to_owned(),
        StepError::Store(StoreError::Statement(cause)) => {
            tracing::error!(error = %cause, "the page asked for something that the database refused");
            "the database refused it; the log says why".to_owned()
        }
        other => mask_text(&other.to_string()),
    }
}
