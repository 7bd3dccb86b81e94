//! One question until it is answered: a slot for every attempt, faults waited out, all of it bounded.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::clock::Clock;
use crate::model::ids::MerchantId;
use crate::paystand::budget::{Budget, Priority, Slot};
use crate::paystand::endpoint::Endpoint;
use crate::paystand::error::SourceError;
use crate::paystand::retry::{Attempts, Fault, Next};
use crate::paystand::transport::{Broken, Transport};
use crate::paystand::two_clocks::TwoClocks;
use crate::paystand::verdict::{Received, Verdict, judge};

/// Spreads the numbers of questions over the whole range of seeds (the golden ratio in 64 bits).
const SEED_STEP: u64 = 0x9E37_79B9_7F4A_7C15;

#[derive(Debug)]
pub struct Exchange {
    pub merchant: MerchantId,
    pub base: Url,
    pub transport: Transport,
    pub budget: Arc<Budget>,
    pub clock: Arc<dyn Clock>,
    pub two_clocks: TwoClocks,
    pub attempts_max: u32,
    pub answer_bytes_max: usize,
    pub seed: u64,
    pub questions: AtomicU64,
    pub traffic: Traffic,
}

/// Requests of one client since the process started.
#[derive(Debug, Default)]
pub struct Traffic {
    pub requests: AtomicU64,
    /// Those without an answer, and answers that no request should have: 429, 5xx, a body that is not whole.
    pub faults: AtomicU64,
}

/// What is sent with a question.
#[derive(Debug, Clone, Copy)]
pub enum Sent<'a> {
    Get {
        token: &'a SecretString,
    },
    /// The body holds `secret`.
    PostForToken {
        body: &'a SecretString,
        secret: &'a SecretString,
    },
}

impl Sent<'_> {
    /// What must never come back in an error.
    fn secret(&self) -> &str {
        match self {
            Sent::Get { token } => token.expose_secret(),
            Sent::PostForToken { body: _, secret } => secret.expose_secret(),
        }
    }
}

impl Exchange {
    /// Asks up to `attempts_max` times and returns a 2xx whose body is whole.
    pub async fn ask(
        &self,
        endpoint: &Endpoint,
        query: &[(&'static str, String)],
        sent: Sent<'_>,
        priority: Priority,
        attempts_max: u32,
    ) -> Result<Received, SourceError> {
        let Some(address) = endpoint.address(&self.base, query) else {
            let id = endpoint.id().map_or_else(String::new, ToString::to_string);
            return Err(SourceError::UnusableId { route: endpoint.route(), id });
        };
        let question = self.questions.fetch_add(1, Ordering::Relaxed);
        let mut attempts = Attempts::new(attempts_max, self.seed ^ question.wrapping_mul(SEED_STEP));
        loop {
            let fault = match self.attempt(endpoint, &address, sent, priority).await? {
                Ok(received) => return Ok(received),
                Err(fault) => fault,
            };
            let told = fault.to_string();
            match attempts.after(endpoint, fault) {
                Next::AskAfter(delay) => {
                    tracing::debug!(merchant = %self.merchant, %endpoint, error = told, delay = ?delay, "asking Paystand again");
                    if !delay.is_zero() {
                        self.clock.sleep(delay).await;
                    }
                }
                Next::GiveUp(SourceError::Throttled { endpoint, resume_in }) => {
                    let resume_in = self.budget.usage().paused_for.unwrap_or(resume_in);
                    return Err(SourceError::Throttled { endpoint, resume_in });
                }
                Next::GiveUp(error) => return Err(error),
            }
        }
    }

    async fn attempt(
        &self,
        endpoint: &Endpoint,
        address: &Url,
        sent: Sent<'_>,
        priority: Priority,
    ) -> Result<Result<Received, Fault>, SourceError> {
        let slot = self
            .budget
            .slot(priority)
            .await
            .map_err(|paused| SourceError::Throttled { endpoint: endpoint.clone(), resume_in: paused.resume_in })?;
        self.traffic.requests.fetch_add(1, Ordering::Relaxed);
        let answer = self.send(endpoint, address, sent, slot).await;
        if matches!(answer, Ok(Err(_))) {
            self.traffic.faults.fetch_add(1, Ordering::Relaxed);
        }
        answer
    }

    async fn send(
        &self,
        endpoint: &Endpoint,
        address: &Url,
        sent: Sent<'_>,
        slot: Slot,
    ) -> Result<Result<Received, Fault>, SourceError> {
        let response = match sent {
            Sent::Get { token } => self.transport.get(address, token).await,
            Sent::PostForToken { body, secret: _ } => self.transport.post_for_token(address, body).await,
        };
        let (received, rate) = match response {
            Ok(whole) => whole,
            Err(Broken::Unreachable(error)) => return Ok(Err(Fault::Unreachable(Arc::new(error)))),
            Err(Broken::TimedOut { within }) => return Ok(Err(Fault::TimedOut { within })),
            Err(Broken::TooLarge) => {
                return Err(SourceError::TooLarge { endpoint: endpoint.clone(), bytes_max: self.answer_bytes_max });
            }
        };
        self.budget.limit_seen(rate);
        self.two_clocks.hear(received.server_date);
        match judge(endpoint, &received, sent.secret()) {
            Verdict::Whole => Ok(Ok(received)),
            Verdict::Again(fault) => {
                if matches!(fault, Fault::Throttled) {
                    self.budget.throttled(slot, rate.retry_after);
                }
                Ok(Err(fault))
            }
            Verdict::Final(error) => Err(error),
        }
    }
}
