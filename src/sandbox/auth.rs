//! Tokens and who may use them.
//!
//! A token without a scope is still a token, but opens nothing: 403. A missing or foreign `X-CUSTOMER-ID` is 401, the same
//! status as a bad token. Tokens live side by side: a new one revokes no other.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::json;

use crate::sandbox::answer::{Answer, Refusal};
use crate::sandbox::days::SECOND_MS;
use crate::sandbox::dice::{Dice, push_letters};
use crate::sandbox::faults::HTML;
use crate::sandbox::quirks::{AccessQuirks, RefusalBody};

#[derive(Debug)]
struct Token {
    merchant: usize,
    scoped: bool,
    expires_ms: i64,
    requests: u32,
}

#[derive(Debug, Default)]
pub(crate) struct Tokens {
    tokens: HashMap<String, Token>,
}

/// What the body of `POST /oauth/token` may hold.
#[derive(Debug, Deserialize)]
struct TokenRequest {
    grant_type: Option<String>,
    client_id: Option<String>,
    client_secret: Option<String>,
    scope: Option<String>,
}

/// Why a token opens nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Denied {
    Token,
    Revoked,
    Scope,
    Customer,
}

impl Tokens {
    /// Answers `POST /oauth/token`. `find` looks credentials up.
    pub(crate) fn issue(
        &mut self,
        body: &[u8],
        find: impl Fn(&str, &str) -> Option<usize>,
        access: &AccessQuirks,
        dice: &mut Dice,
        now_ms: i64,
    ) -> Result<Answer, Refusal> {
        let request: TokenRequest =
            serde_json::from_slice(body).map_err(|_| Refusal::new(400, "apiError", "the body is not JSON"))?;
        let (Some(client_id), Some(secret)) = (&request.client_id, &request.client_secret) else {
            return Err(Refusal {
                parameter: Some("client_id"),
                ..Refusal::new(422, "validationError", "client_id and client_secret are required")
            });
        };
        if request.grant_type.as_deref() != Some("client_credentials") {
            return Err(Refusal {
                parameter: Some("grant_type"),
                ..Refusal::new(400, "apiError", "grant_type must be client_credentials")
            });
        }
        let merchant = find(client_id, secret).ok_or(Refusal::new(401, "invalidClient", "unknown client"))?;
        let scoped = request.scope.as_deref() == Some("auth");
        let mut text = String::from("eyJhbGciOiJIUzI1NiJ9.");
        push_letters(&mut text, dice, 43);
        let mut refresh = String::from("rt_");
        push_letters(&mut refresh, dice, 24);
        let lifetime = access.token_lifetime_seconds;
        let expires_ms = now_ms + i64::from(lifetime) * SECOND_MS;
        self.tokens.insert(text.clone(), Token { merchant, scoped, expires_ms, requests: 0 });
        let expires_in = if access.expires_in_text { json!(lifetime.to_string()) } else { json!(lifetime) };
        let mut answer =
            json!({"access_token": text, "token_type": "Bearer", "expires_in": expires_in, "refresh_token": refresh});
        if scoped {
            answer["scope"] = json!("auth");
        }
        Ok(Answer::json(200, answer.to_string()))
    }

    /// The merchant that a request may read.
    pub(crate) fn admit(
        &mut self,
        bearer: Option<&str>,
        customer_id: Option<&str>,
        owns: impl Fn(usize, &str) -> bool,
        access: &AccessQuirks,
        now_ms: i64,
    ) -> Result<usize, Denied> {
        let token = bearer.and_then(|bearer| self.tokens.get_mut(bearer)).ok_or(Denied::Token)?;
        if token.expires_ms <= now_ms {
            return Err(Denied::Token);
        }
        token.requests += 1;
        if access.token_requests_max.is_some_and(|most| token.requests > most) {
            return Err(Denied::Revoked);
        }
        if !token.scoped {
            return Err(Denied::Scope);
        }
        if !customer_id.is_some_and(|customer_id| owns(token.merchant, customer_id)) {
            return Err(Denied::Customer);
        }
        Ok(token.merchant)
    }

    /// Whose token this is, valid or not: what the rate limit goes by.
    pub(crate) fn owner(&self, bearer: Option<&str>) -> Option<usize> {
        bearer.and_then(|bearer| self.tokens.get(bearer)).map(|token| token.merchant)
    }

    /// All tokens issued so far stop working.
    pub(crate) fn revoke_all(&mut self) {
        self.tokens.clear();
    }
}

impl Denied {
    /// The refusal as the API words it, in the body that the quirks ask for.
    pub(crate) fn answer(self, access: &AccessQuirks, reference: &str) -> Answer {
        let (refusal, word) = match self {
            Denied::Token | Denied::Revoked => {
                (Refusal::new(401, "invalidToken", "the token is expired or unknown"), "invalid_token")
            }
            Denied::Scope => (Refusal::new(403, "insufficient_scope", "the token has no scope"), "insufficient_scope"),
            Denied::Customer => (
                Refusal::new(401, "insufficientResourceAccess", "the resource does not belong to this customer"),
                "insufficientResourceAccess",
            ),
        };
        match access.refusal_body {
            RefusalBody::Envelope => refusal.answer(reference),
            RefusalBody::Text => Answer::json(refusal.status, json!({"error": word}).to_string()),
            RefusalBody::Empty => Answer::bare(refusal.status, "application/json", ""),
            RefusalBody::Html => Answer::bare(refusal.status, "text/html", HTML),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = br#"{"grant_type":"client_credentials","client_id":"a","client_secret":"b","scope":"auth"}"#;

    fn issue(tokens: &mut Tokens, body: &[u8], access: &AccessQuirks) -> Result<serde_json::Value, Refusal> {
        let find = |id: &str, secret: &str| (id == "a" && secret == "b").then_some(0);
        let answer = tokens.issue(body, find, access, &mut Dice::of(&[1]), 0)?;
        Ok(serde_json::from_slice(&answer.body).expect("json"))
    }

    fn admit(
        tokens: &mut Tokens,
        token: &str,
        customer: Option<&str>,
        access: &AccessQuirks,
        now_ms: i64,
    ) -> Result<usize, Denied> {
        tokens.admit(Some(token), customer, |_, id| id == "own", access, now_ms)
    }

    #[test]
    fn a_token_without_scope_is_issued_and_opens_nothing() {
        let (mut tokens, access) = (Tokens::default(), AccessQuirks::default());
        let body = br#"{"grant_type":"client_credentials","client_id":"a","client_secret":"b"}"#;
        let answer = issue(&mut tokens, body, &access).expect("token");
        assert!(answer.get("scope").is_none());
        let token = answer["access_token"].as_str().expect("text");
        assert_eq!(admit(&mut tokens, token, Some("own"), &access, 0), Err(Denied::Scope));
    }

    #[test]
    fn a_scoped_token_opens_its_own_merchant_until_it_expires() {
        let (mut tokens, access) = (Tokens::default(), AccessQuirks::default());
        let answer = issue(&mut tokens, BODY, &access).expect("token");
        assert_eq!(answer["scope"], "auth");
        let token = answer["access_token"].as_str().expect("text");
        assert_eq!(admit(&mut tokens, token, Some("own"), &access, 1_209_599_999), Ok(0));
        assert_eq!(admit(&mut tokens, token, Some("own"), &access, 1_209_600_000), Err(Denied::Token));
        assert_eq!(admit(&mut tokens, token, Some("other"), &access, 0), Err(Denied::Customer));
        assert_eq!(admit(&mut tokens, token, None, &access, 0), Err(Denied::Customer));
        assert_eq!(tokens.admit(None, Some("own"), |_, _| true, &access, 0), Err(Denied::Token));
    }

    #[test]
    fn wrong_credentials_are_401_and_missing_ones_422() {
        let (mut tokens, access) = (Tokens::default(), AccessQuirks::default());
        let status = |tokens: &mut Tokens, body: &[u8]| issue(tokens, body, &access).expect_err("refused").status;
        let wrong = br#"{"grant_type":"client_credentials","client_id":"a","client_secret":"x","scope":"auth"}"#;
        assert_eq!(status(&mut tokens, wrong), 401);
        assert_eq!(status(&mut tokens, br#"{"grant_type":"client_credentials"}"#), 422);
        assert_eq!(status(&mut tokens, b"grant_type=client_credentials"), 400);
    }

    #[test]
    fn a_token_can_be_revoked_after_so_many_requests() {
        let access = AccessQuirks { token_requests_max: Some(2), ..AccessQuirks::default() };
        let mut tokens = Tokens::default();
        let answer = issue(&mut tokens, BODY, &access).expect("token");
        let token = answer["access_token"].as_str().expect("text");
        let results: Vec<_> = (0..3).map(|_| admit(&mut tokens, token, Some("own"), &access, 0)).collect();
        assert_eq!(results, [Ok(0), Ok(0), Err(Denied::Revoked)]);
    }
}
