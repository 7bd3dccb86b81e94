//! The questions that can be asked, each with a token that is renewed once should it be rejected.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use chrono::{DateTime, Utc};

use crate::clock::Clock;
use crate::config::MerchantConfig;
use crate::model::ids::SourceId;
use crate::model::page::PageRequest;
use crate::model::resource::Resource;
use crate::paystand::auth::Auth;
use crate::paystand::budget::{Budget, Priority, Usage};
use crate::paystand::endpoint::{Endpoint, list_endpoint, list_query};
use crate::paystand::error::SourceError;
use crate::paystand::exchange::{Exchange, Sent, Traffic};
use crate::paystand::limits::Limits;
use crate::paystand::transport::Transport;
use crate::paystand::two_clocks::TwoClocks;

/// One complete JSON value from the API, as it came.
#[derive(Debug, Clone)]
pub struct Answer {
    pub body: Bytes,
    /// The `Date` header.
    pub server_date: Option<DateTime<Utc>>,
}

/// The API as one merchant sees it. Clones share connections, token and budget.
///
/// Every question waits for its slot, may take several attempts and is bounded by [`Limits`]; dropping its future is
/// always safe.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    exchange: Exchange,
    auth: Auth,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Exchange { merchant, base, .. } = &self.inner.exchange;
        f.debug_struct("Client").field("merchant", merchant).field("base", &base.as_str()).finish_non_exhaustive()
    }
}

impl Client {
    /// `seed` decides the jitter between attempts. Sends nothing.
    pub fn new(
        merchant: &MerchantConfig,
        limits: Limits,
        budget: Arc<Budget>,
        clock: Arc<dyn Clock>,
        seed: u64,
    ) -> Result<Self, SourceError> {
        let exchange = Exchange {
            merchant: merchant.customer_id.clone(),
            base: merchant.base_url.clone(),
            transport: Transport::new(merchant, limits, Arc::clone(&clock))?,
            budget,
            two_clocks: TwoClocks::new(Arc::clone(&clock), limits.second_clock),
            clock,
            attempts_max: limits.attempts_max,
            answer_bytes_max: limits.answer_bytes_max,
            seed,
            questions: AtomicU64::new(0),
            traffic: Traffic::default(),
        };
        let auth = Auth::new(&merchant.client_id, &merchant.client_secret);
        Ok(Self { inner: Arc::new(Inner { exchange, auth }) })
    }

    /// Our clock and the server's.
    #[must_use]
    pub fn two_clocks(&self) -> &TwoClocks {
        &self.inner.exchange.two_clocks
    }

    /// How much of the rate budget of this client's key is in use.
    #[must_use]
    pub fn usage(&self) -> Usage {
        self.inner.exchange.budget.usage()
    }

    /// Requests sent, and how many of them came to no answer that can be used.
    #[must_use]
    pub fn traffic(&self) -> (u64, u64) {
        let traffic = &self.inner.exchange.traffic;
        (traffic.requests.load(Ordering::Relaxed), traffic.faults.load(Ordering::Relaxed))
    }

    /// Whether there is a token, without asking for one: `None` where none was asked for yet.
    #[must_use]
    pub fn token_state(&self) -> Option<Result<(), SourceError>> {
        self.inner.auth.standing(self.inner.exchange.clock.monotonic())
    }

    /// Makes sure that there is a token, so that wrong credentials show before anything is asked.
    pub async fn authenticate(&self) -> Result<(), SourceError> {
        self.inner.auth.token(&self.inner.exchange, None).await.map(drop)
    }

    /// One page of a list. The request must be one that the list supports ([`Resource::filters_by_date`]; a parent for child
    /// lists only).
    pub async fn list(&self, request: &PageRequest, priority: Priority) -> Result<Answer, SourceError> {
        self.get(&list_endpoint(request), &list_query(request), priority).await
    }

    /// One object by its id, of a resource that has such a route ([`crate::paystand::has_detail`]).
    pub async fn read(&self, resource: Resource, id: &SourceId, priority: Priority) -> Result<Answer, SourceError> {
        self.get(&Endpoint::Detail(resource, id.clone()), &[], priority).await
    }

    /// The report of a transfer; its entries are the list [`Resource::TransferEntries`].
    pub async fn report(&self, transfer: &SourceId, priority: Priority) -> Result<Answer, SourceError> {
        self.get(&Endpoint::TransferReport(transfer.clone()), &[], priority).await
    }

    /// The merchant's zone as Paystand has it. The shape is undocumented, a bare string included.
    pub async fn timezone(&self, priority: Priority) -> Result<Answer, SourceError> {
        self.get(&Endpoint::Timezone, &[], priority).await
    }

    /// A 401 may mean a token revoked early, so it is renewed and the question repeated, once: a 401 has other causes that
    /// no token cures (Paystand X docs: missing header, foreign id, routes closed to a kind of token).
    async fn get(
        &self,
        endpoint: &Endpoint,
        query: &[(&'static str, String)],
        priority: Priority,
    ) -> Result<Answer, SourceError> {
        let Inner { exchange, auth } = &*self.inner;
        let mut token = auth.token(exchange, None).await?;
        let mut answer = self.get_with(&token.bearer, endpoint, query, priority).await;
        if matches!(answer, Err(SourceError::Unauthorized { .. })) {
            token = auth.token(exchange, Some(token.serial)).await?;
            answer = self.get_with(&token.bearer, endpoint, query, priority).await;
        }
        answer
    }

    async fn get_with(
        &self,
        bearer: &secrecy::SecretString,
        endpoint: &Endpoint,
        query: &[(&'static str, String)],
        priority: Priority,
    ) -> Result<Answer, SourceError> {
        let exchange = &self.inner.exchange;
        let sent = Sent::Get { token: bearer };
        let received = exchange.ask(endpoint, query, sent, priority, exchange.attempts_max).await?;
        Ok(Answer { body: received.body, server_date: received.server_date })
    }
}
