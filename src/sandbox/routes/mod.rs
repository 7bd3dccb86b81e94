//! From a request to an answer: which route, may the caller, does something go wrong, what is there.

pub(crate) mod admin;
mod endpoint;
mod reads;

use std::sync::Arc;
use std::time::Duration;

use chrono::DateTime;

use crate::sandbox::answer::{Answer, Call, Delivery, Refusal};
use crate::sandbox::auth::Denied;
use crate::sandbox::faults;
use crate::sandbox::filters::Query;
use crate::sandbox::quirks::RefusalBody;
use crate::sandbox::routes::endpoint::Endpoint;
use crate::sandbox::world::{State, World};

impl World {
    /// Answers one request of the simulated API. Everything that is due happens first.
    #[must_use]
    pub fn answer(&self, call: Call<'_>) -> Answer {
        let now_ms = self.now_ms();
        let mut state = self.state();
        state.rewrite_waiting(now_ms);
        let (endpoint, route) = Endpoint::of(call.path);
        state.requests.total += 1;
        *state.requests.by_endpoint.entry(format!("{} {route}", call.method)).or_default() += 1;
        let mut answer = state.answer(call, endpoint, now_ms, self.clock().monotonic());
        let quirks = &state.quirks.faults;
        if !state.hits.when(quirks.date_absent, "date_absent") {
            state.hits.when(quirks.date_offset_seconds != 0, "date_offset_seconds");
            let date = DateTime::from_timestamp_millis(now_ms + quirks.date_offset_seconds * 1_000).unwrap_or_default();
            answer.headers.push(("date", date.format("%a, %d %b %Y %H:%M:%S GMT").to_string()));
        }
        drop(state);
        if answer.delivery == Delivery::Hang {
            self.hang();
        }
        answer
    }
}

impl State {
    fn answer(&mut self, call: Call<'_>, endpoint: Option<Endpoint<'_>>, now_ms: i64, monotonic: Duration) -> Answer {
        let quirks = Arc::clone(&self.quirks);
        let mut headers = Vec::new();
        if let Some(owner) = self.tokens.owner(call.bearer) {
            let limit = quirks.access.rate_limit;
            let verdict = self.limits.ask(owner, limit, monotonic);
            if let Some(limit) = limit {
                headers = verdict.headers(limit);
                if !verdict.granted {
                    self.hits.count("rate_limit");
                    let mut refused = faults::error(429, quirks.faults.error_body, &self.reference());
                    if limit.retry_after {
                        headers.push(("retry-after", verdict.reset_seconds.max(1).to_string()));
                    }
                    refused.headers = headers;
                    return refused;
                }
            }
        }
        let reference = self.reference();
        let now = DateTime::from_timestamp_millis(now_ms).unwrap_or_default();
        if let Some(fault) = self.faults.before(&quirks.faults, &mut self.dice, &self.hits, now, &reference) {
            return fault;
        }
        let answer = match self.dispatch(call, endpoint, now_ms) {
            Ok(answer) => answer,
            Err(Refused::Plain(refusal)) => refusal.answer(&reference),
            Err(Refused::Auth(denied)) => {
                let revoked = denied == Denied::Revoked;
                self.hits.when(revoked, "token_requests_max");
                self.hits.when(quirks.access.refusal_body != RefusalBody::Envelope, "refusal_body");
                denied.answer(&quirks.access, &reference)
            }
        };
        let mut answer = self.faults.after(&quirks.faults, &mut self.dice, &self.hits, answer);
        answer.headers.extend(headers);
        answer
    }

    fn dispatch(&mut self, call: Call<'_>, endpoint: Option<Endpoint<'_>>, now_ms: i64) -> Result<Answer, Refused> {
        let quirks = Arc::clone(&self.quirks);
        let unknown = Refusal::new(404, "notFound", "there is no such route");
        if endpoint == Some(Endpoint::Token) {
            if call.method != "POST" {
                return Err(Refusal::new(405, "apiError", "POST only").into());
            }
            let books = &self.books;
            let find = |id: &str, secret: &str| {
                let matches =
                    |profile: &super::MerchantProfile| profile.client_id == id && profile.client_secret == secret;
                books.iter().position(|books| matches(&books.profile))
            };
            self.hits.when(quirks.access.expires_in_text, "expires_in_text");
            return Ok(self.tokens.issue(call.body, find, &quirks.access, &mut self.dice, now_ms)?);
        }
        let books = &self.books;
        let owns = |merchant: usize, customer_id: &str| books[merchant].profile.customer_id == customer_id;
        let merchant = self.tokens.admit(call.bearer, call.customer_id, owns, &quirks.access, now_ms)?;
        let endpoint = endpoint.ok_or(unknown)?;
        if call.method != "GET" {
            return Err(Refusal::new(405, "apiError", "this sandbox is read-only").into());
        }
        Ok(self.read(merchant, endpoint, &Query::parse(call.query), now_ms)?)
    }
}

/// Why a request is refused.
enum Refused {
    Plain(Refusal),
    Auth(Denied),
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self::Plain(refusal)
    }
}

impl From<Denied> for Refused {
    fn from(denied: Denied) -> Self {
        Self::Auth(denied)
    }
}
