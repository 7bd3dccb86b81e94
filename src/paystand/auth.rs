//! One token at a time for everybody (Paystand X docs, "Authentication": `POST /oauth/token`, valid for two weeks).
//!
//! - A token is renewed at 92 % of its life; the old one serves on while one request renews it, and if that fails.
//! - Without a usable token all wait for one request for it and share its outcome, a refusal included: a wrong secret
//!   is not tried once per resource.
//! - A token without the scope `auth` is refused here: each later answer would be a 403.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::paystand::budget::Priority;
use crate::paystand::endpoint::Endpoint;
use crate::paystand::error::{Garble, SourceError};
use crate::paystand::exchange::{Exchange, Sent};

/// The life of a token that names none.
const LIFE_DEFAULT: Duration = Duration::from_hours(14 * 24);
/// Shorter lives are not believed: they would mean a request for a token before every question.
const LIFE_MIN: Duration = Duration::from_mins(1);
const RENEW_AT_PERCENT: u32 = 92;
/// After an early renewal that failed, the next try comes this part of the life later.
const RENEW_AGAIN_PERCENT: u32 = 1;

/// A token as issued. Serials grow, so that a rejected token is told from its successor.
#[derive(Debug, Clone)]
pub struct Token {
    pub serial: u64,
    pub bearer: SecretString,
    life: Duration,
    renew_at: Duration,
    expires_at: Duration,
}

/// The credentials of one merchant and what they brought.
#[derive(Debug)]
pub struct Auth {
    secret: SecretString,
    /// The body of the request for a token.
    request: SecretString,
    state: Mutex<State>,
    issuing: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct State {
    token: Option<Token>,
    /// Requests for a token that have ended.
    ended: u64,
    /// How the last of them failed.
    failure: Option<SourceError>,
}

#[derive(Serialize)]
struct TokenRequest<'a> {
    grant_type: &'static str,
    client_id: &'a str,
    client_secret: &'a str,
    scope: &'static str,
}

#[derive(Deserialize)]
struct TokenAnswer {
    access_token: Option<SecretString>,
    #[serde(default)]
    expires_in: Value,
    #[serde(default)]
    scope: Value,
}

impl Auth {
    pub fn new(client_id: &str, client_secret: &SecretString) -> Self {
        let request = TokenRequest {
            grant_type: "client_credentials",
            client_id,
            client_secret: client_secret.expose_secret(),
            scope: "auth",
        };
        let request = serde_json::to_string(&request).expect("four strings serialize");
        Self {
            secret: client_secret.clone(),
            request: request.into(),
            state: Mutex::default(),
            issuing: tokio::sync::Mutex::default(),
        }
    }

    /// A usable token, other than the one with the serial `rejected`.
    pub async fn token(&self, exchange: &Exchange, rejected: Option<u64>) -> Result<Token, SourceError> {
        let now = exchange.clock.monotonic();
        if let Some(token) = self.usable(now, rejected) {
            if now < token.renew_at {
                return Ok(token);
            }
            let Ok(_turn) = self.issuing.try_lock() else { return Ok(token) };
            if let Some(renewed) = self.usable(now, Some(token.serial)) {
                return Ok(renewed);
            }
            return Ok(match self.issue(exchange, 1).await {
                Ok(fresh) => fresh,
                Err(error) => {
                    tracing::warn!(merchant = %exchange.merchant, %error, "token not renewed yet; the old one is still valid");
                    self.postpone_renewal(exchange.clock.monotonic());
                    token
                }
            });
        }
        let ended_before = self.state().ended;
        let _turn = self.issuing.lock().await;
        if let Some(token) = self.usable(exchange.clock.monotonic(), rejected) {
            return Ok(token);
        }
        if let Some(failure) = self.failure_after(ended_before) {
            return Err(failure);
        }
        self.issue(exchange, exchange.attempts_max).await
    }

    /// Whether there is a token, or why there is none; `None` where none was asked for yet.
    pub fn standing(&self, now: Duration) -> Option<Result<(), SourceError>> {
        if self.usable(now, None).is_some() {
            return Some(Ok(()));
        }
        self.state().failure.clone().map(Err)
    }

    /// Requests a token. The caller holds [`Auth::issuing`].
    async fn issue(&self, exchange: &Exchange, attempts_max: u32) -> Result<Token, SourceError> {
        let sent = Sent::PostForToken { body: &self.request, secret: &self.secret };
        let answer = exchange.ask(&Endpoint::Token, &[], sent, Priority::Tail, attempts_max).await;
        let now = exchange.clock.monotonic();
        let issued = answer.and_then(|received| read_token(&received.body));
        let mut state = self.state();
        state.ended += 1;
        match issued {
            Ok((bearer, life)) => {
                let token = Token {
                    serial: state.ended,
                    bearer,
                    life,
                    renew_at: now.saturating_add(life * RENEW_AT_PERCENT / 100),
                    expires_at: now.saturating_add(life),
                };
                state.failure = None;
                state.token = Some(token.clone());
                Ok(token)
            }
            Err(error) => {
                state.failure = Some(error.clone());
                Err(error)
            }
        }
    }

    fn usable(&self, now: Duration, rejected: Option<u64>) -> Option<Token> {
        let state = self.state();
        let token = state.token.as_ref()?;
        let is_rejected = rejected.is_some_and(|serial| token.serial <= serial);
        (!is_rejected && now < token.expires_at).then(|| token.clone())
    }

    /// The failure of a request for a token that ended after `ended_before` had.
    fn failure_after(&self, ended_before: u64) -> Option<SourceError> {
        let state = self.state();
        (state.ended > ended_before).then(|| state.failure.clone()).flatten()
    }

    fn postpone_renewal(&self, now: Duration) {
        if let Some(token) = &mut self.state().token {
            token.renew_at = now.saturating_add((token.life * RENEW_AGAIN_PERCENT / 100).max(LIFE_MIN));
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read_token(body: &[u8]) -> Result<(SecretString, Duration), SourceError> {
    // The cause is dropped on purpose: it could quote the token.
    let no_token = || SourceError::Garbled { endpoint: Endpoint::Token, attempts: 1, garble: Garble::NoToken };
    let answer: TokenAnswer = serde_json::from_slice(body).map_err(|_| no_token())?;
    let bearer = answer.access_token.ok_or_else(no_token)?;
    let is_sendable = !bearer.expose_secret().is_empty() && HeaderValue::from_str(bearer.expose_secret()).is_ok();
    if !is_sendable {
        return Err(no_token());
    }
    let is_scoped = answer.scope.as_str().is_some_and(|scopes| scopes.split_whitespace().any(|scope| scope == "auth"));
    if !is_scoped {
        return Err(SourceError::Unscoped);
    }
    Ok((bearer, life(&answer.expires_in)))
}

/// Seconds as a number or as text; anything else means the documented two weeks.
fn life(expires_in: &Value) -> Duration {
    let text = match expires_in {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.trim().to_owned(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return LIFE_DEFAULT,
    };
    let whole = text.split_once('.').map_or(text.as_str(), |(whole, _)| whole);
    // Much longer than documented is not believed either; it would overflow sooner than it would be true.
    whole.parse().map_or(LIFE_DEFAULT, |seconds| Duration::from_secs(seconds).clamp(LIFE_MIN, LIFE_DEFAULT))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<(SecretString, Duration), SourceError> {
        read_token(body.as_bytes())
    }

    #[test]
    fn a_life_is_a_number_or_text_and_two_weeks_otherwise() {
        for (expires_in, seconds) in [
            (r#","expires_in":3600"#, 3_600),
            (r#","expires_in":"3600""#, 3_600),
            (r#","expires_in":3600.7"#, 3_600),
            (r#","expires_in":0"#, 60),
            (r#","expires_in":-1"#, 1_209_600),
            (r#","expires_in":null"#, 1_209_600),
            (r#","expires_in":99999999999999"#, 1_209_600),
            ("", 1_209_600),
        ] {
            let (_, life) = read(&format!(r#"{{"access_token":"t","scope":"auth"{expires_in}}}"#)).unwrap();
            assert_eq!(life, Duration::from_secs(seconds), "{expires_in}");
        }
    }

    #[test]
    fn a_token_must_echo_its_scope() {
        for scope in ["", r#","scope":"""#, r#","scope":null"#, r#","scope":"authentic""#, r#","scope":["auth"]"#] {
            let answer = read(&format!(r#"{{"access_token":"t"{scope}}}"#));
            assert!(matches!(answer, Err(SourceError::Unscoped)), "{scope}");
        }
        assert!(read(r#"{"access_token":"t","scope":"auth offline"}"#).is_ok());
    }

    #[test]
    fn an_answer_without_a_usable_token_quotes_nothing() {
        for body in [
            "{}",
            r#"{"access_token":""}"#,
            r#"{"access_token":"a\nb","scope":"auth"}"#,
            r#"{"access_token":["tok_secret"]}"#,
        ] {
            let error = read(body).unwrap_err();
            assert!(matches!(error, SourceError::Garbled { garble: Garble::NoToken, .. }), "{body}");
            assert!(!format!("{error:?}").contains("tok_secret"));
        }
    }
}
