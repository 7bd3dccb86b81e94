//! The adapter `webhook`: events and notices as signed messages to one HTTPS endpoint, by the rules of Standard Webhooks.
//!
//! - An endpoint has neither drafts nor keys that we could ask for, so what is in doubt is sent again under its message id, by which
//!   the receiver knows it (I9). `docs/webhook.md` says what a receiver does with it.
//! - Every delivery is a request of its own. Those about the same money go one after the other, others beside one another.
//! - Nothing is sent to an address that was not meant (`address`), and no redirect is followed.
//!
//! `address` says where we may connect to, `message` what is sent, `secret` signs it, `answer` reads what comes back.

mod address;
mod answer;
mod message;
mod secret;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures::future::join_all;
use tokio::sync::Semaphore;
use url::Url;

use crate::clock::Clock;
use crate::erp::{Capabilities, Delivery, Erp, ErpError, Keyed, Outcome, Posting, Receipt, Refusal, Wants};
use crate::http::{self, causes};
use address::{Refused, in_the_chain};
use answer::{Fate, Received};
use message::Message;

pub use address::{Lookup, Reach, SystemLookup};
pub use message::message_id;
pub use secret::Secret;

/// Deliveries in one call.
const BATCH_MAX: usize = 64;
/// Requests at a time.
const IN_FLIGHT_MAX: usize = 8;
/// Within the bound of a request, a host that does not answer at all is noticed sooner.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Of an answer no more than this is read.
const ANSWER_BYTES_MAX: usize = 256 * 1024;

/// When a message that was not taken is sent again, where nothing else is configured.
pub const RETRY_DEFAULT: [Duration; 6] = [
    Duration::from_secs(5),
    Duration::from_mins(5),
    Duration::from_mins(30),
    Duration::from_hours(2),
    Duration::from_hours(5),
    Duration::from_hours(10),
];

/// One endpoint.
#[derive(Debug, Clone)]
pub struct Settings {
    pub url: Url,
    /// Every message is signed with each: two while a receiver changes from one to the other.
    pub secrets: Vec<Secret>,
    /// It may lie in the own network or on this machine.
    pub allow_private: bool,
    /// How long a message waits after each failure; at its last step for ever.
    pub retry: Vec<Duration>,
    /// Bound on one request, connect to last byte.
    pub request_timeout: Duration,
}

/// The endpoint with a connection to it.
#[derive(Debug)]
pub struct Webhook {
    settings: Settings,
    reach: Reach,
    lookup: Arc<dyn Lookup>,
    http: reqwest::Client,
    clock: Arc<dyn Clock>,
}

impl Webhook {
    /// Does not connect yet.
    pub fn connect(settings: Settings, clock: Arc<dyn Clock>) -> Result<Self, ErpError> {
        Self::with_lookup(settings, clock, Arc::new(SystemLookup))
    }

    /// The same with another way to look names up.
    pub fn with_lookup(settings: Settings, clock: Arc<dyn Clock>, lookup: Arc<dyn Lookup>) -> Result<Self, ErpError> {
        let misfit = |reason: String| ErpError::Misfit { reason };
        let reach = Reach::of(&settings.url, settings.allow_private).map_err(misfit)?;
        let http = client(&settings.url, &reach, &lookup).map_err(|error| {
            misfit(format!("{}; are CA certificates installed (package ca-certificates)?", causes(&error)))
        })?;
        Ok(Self { settings, reach, lookup, http, clock })
    }

    /// Sends what is about the same money, one after the other. Behind one that is not taken nothing is tried.
    async fn send_in_order(&self, line: &Line<'_>, permits: &Semaphore, is_stopped: &AtomicBool) -> Vec<Outcome> {
        let mut outcomes: Vec<Outcome> = Vec::with_capacity(line.len());
        for (_, delivery) in line {
            let waits = outcomes.last().is_some_and(Result::is_err);
            let permit = permits.acquire().await.expect("nobody closes it");
            if waits || is_stopped.load(Ordering::SeqCst) {
                outcomes.push(Err(Refusal::NotTried));
                continue;
            }
            let sent = self.send(delivery).await;
            if sent.ends_the_call {
                is_stopped.store(true, Ordering::SeqCst);
            }
            drop(permit);
            outcomes.push(sent.outcome);
        }
        outcomes
    }

    async fn send(&self, delivery: &Delivery) -> Sent {
        let message = Message::of(delivery);
        let deadline = self.clock.deadline(self.settings.request_timeout);
        let received = tokio::select! {
            biased;
            received = self.post(&message) => received,
            () = deadline => {
                let reason = format!("no answer within {:?}", self.settings.request_timeout);
                return Sent { outcome: Err(Refusal::Failed(ErpError::AnswerLost { reason })), ends_the_call: true };
            }
        };
        let fate = match received {
            Ok(received) => answer::judge(&received, &message, self.clock.now()),
            Err(error) => Fate::Failed(error),
        };
        match fate {
            Fate::Taken => Sent { outcome: Ok(Receipt { reference: message.id }), ends_the_call: false },
            Fate::Differs(held) => Sent { outcome: Err(Refusal::Differs { held }), ends_the_call: false },
            Fate::Failed(error) => {
                let ends_the_call = is_about_the_target(&error);
                Sent { outcome: Err(Refusal::Failed(error)), ends_the_call }
            }
        }
    }

    async fn post(&self, message: &Message) -> Result<Received, ErpError> {
        let timestamp = self.clock.now().timestamp();
        let signatures = secret::signatures(&self.settings.secrets, &message.id, timestamp, message.body.as_bytes());
        let request = self
            .http
            .post(self.settings.url.clone())
            .header("content-type", "application/cloudevents+json; charset=utf-8")
            .header("webhook-id", &message.id)
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", signatures)
            .body(message.body.clone());
        let mut response = request.send().await.map_err(|error| failure(&error.without_url()))?;
        let (status, headers) = (response.status(), response.headers().clone());
        let mut body = Vec::new();
        // The status is the answer; whoever stops in the middle of the text after it has given it.
        while let Ok(Some(chunk)) = response.chunk().await {
            let room = ANSWER_BYTES_MAX - body.len();
            body.extend_from_slice(&chunk[..chunk.len().min(room)]);
            if body.len() == ANSWER_BYTES_MAX {
                break;
            }
        }
        Ok(Received { status, headers, body })
    }
}

/// Deliveries about the same money with their places in the call.
type Line<'a> = [(usize, &'a Delivery)];

fn by_money(deliveries: &[Delivery]) -> Vec<Vec<(usize, &Delivery)>> {
    let mut lines: Vec<Vec<(usize, &Delivery)>> = Vec::new();
    let mut known: HashMap<(&str, &str), usize> = HashMap::new();
    for (place, delivery) in deliveries.iter().enumerate() {
        let line = match &delivery.root {
            None => lines.len(),
            Some(root) => *known.entry((delivery.merchant.as_str(), root)).or_insert(lines.len()),
        };
        if line == lines.len() {
            lines.push(Vec::new());
        }
        lines[line].push((place, delivery));
    }
    lines
}

/// What became of one request.
struct Sent {
    outcome: Outcome,
    /// Another one would fare no better now.
    ends_the_call: bool,
}

/// Whether a failure says nothing of the message. A receiver may fail, or break off, at one message and take the next.
fn is_about_the_target(error: &ErpError) -> bool {
    match error {
        ErpError::Unreachable { .. }
        | ErpError::Throttled { .. }
        | ErpError::Unauthorized { .. }
        | ErpError::Misfit { .. }
        | ErpError::Gone { .. } => true,
        ErpError::AnswerLost { .. } | ErpError::Declined { .. } => false,
    }
}

fn client(url: &Url, reach: &Reach, lookup: &Arc<dyn Lookup>) -> Result<reqwest::Client, reqwest::Error> {
    let builder = reqwest::Client::builder()
        .no_gzip()
        // A proxy would connect to addresses that nobody here has looked at.
        .no_proxy()
        .dns_resolver(address::gate(reach.clone(), Arc::clone(lookup)))
        .connect_timeout(CONNECT_TIMEOUT);
    http::client(url, builder)
}

/// A request that was not answered.
fn failure(error: &reqwest::Error) -> ErpError {
    if let Some(refused) = in_the_chain::<Refused>(error) {
        return ErpError::Misfit { reason: refused.to_string() };
    }
    let reason = causes(error);
    if error.is_connect() || error.is_builder() {
        ErpError::Unreachable { reason }
    } else {
        ErpError::AnswerLost { reason }
    }
}

#[async_trait]
impl Erp for Webhook {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            wants: Wants { documents: false, events: true, entries: false, notices: true },
            atomic_batch: false,
            searches: false,
            batch_max: BATCH_MAX,
            settles_within: self.settings.request_timeout.saturating_mul(2),
        }
    }

    fn target(&self) -> String {
        format!("webhook {}", self.settings.url)
    }

    fn posting(&self) -> Posting<'_> {
        Posting::Keyed(self)
    }

    /// That its name leads to an address that was meant. Nothing is sent: there is no message that means nothing.
    async fn prepare(&self) -> Result<(), ErpError> {
        let addresses = self.reach.addresses(&self.settings.url, &*self.lookup).await;
        match addresses {
            Ok(_) => Ok(()),
            Err(address::Failure::Unknown(reason)) => Err(ErpError::Unreachable { reason }),
            Err(address::Failure::Refused(refused)) => Err(ErpError::Misfit { reason: refused.to_string() }),
        }
    }

    fn schedule(&self) -> &[Duration] {
        &self.settings.retry
    }
}

#[async_trait]
impl Keyed for Webhook {
    /// Nobody can be asked.
    async fn find(&self, deliveries: &[Delivery]) -> Result<Vec<Option<Outcome>>, ErpError> {
        Ok(vec![None; deliveries.len()])
    }

    async fn write(&self, deliveries: &[Delivery]) -> Result<Vec<Outcome>, ErpError> {
        let lines = by_money(deliveries);
        let (permits, is_stopped) = (Semaphore::new(IN_FLIGHT_MAX), AtomicBool::new(false));
        let sent = join_all(lines.iter().map(|line| self.send_in_order(line, &permits, &is_stopped))).await;
        let mut outcomes = vec![Err(Refusal::NotTried); deliveries.len()];
        for (line, sent) in lines.iter().zip(sent) {
            for ((place, _), outcome) in line.iter().zip(sent) {
                outcomes[*place] = outcome;
            }
        }
        Ok(outcomes)
    }
}
