//! Calls to a Tryton server: a session that is renewed once should it have ended, and what each failure means.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use reqwest::StatusCode;
use reqwest::header::{AUTHORIZATION, HeaderValue, RETRY_AFTER};
use secrecy::ExposeSecret;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use tokio::sync::Mutex;

use super::settings::Settings;
use crate::erp::{ErpError, Refusal};
use crate::http;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Fifty moves take a second or two.
const REQUEST_TIMEOUT: Duration = Duration::from_mins(1);

/// Why a call did not give a result.
#[derive(Debug)]
pub(super) enum Failure {
    Call(ErpError),
    /// Tryton carried nothing out and says why.
    Refused(String),
}

impl From<ErpError> for Failure {
    fn from(error: ErpError) -> Self {
        Self::Call(error)
    }
}

/// Whether a call may have changed something though it was not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Effect {
    Read,
    Write,
}

#[derive(Debug)]
pub(super) struct Rpc {
    http: reqwest::Client,
    settings: Arc<Settings>,
    session: Mutex<Option<Session>>,
}

#[derive(Debug, Clone)]
struct Session {
    authorization: HeaderValue,
    /// Preferences of the user, which every call carries.
    context: Map<String, Value>,
}

impl Rpc {
    pub fn new(settings: Arc<Settings>) -> Result<Self, ErpError> {
        let builder = reqwest::Client::builder().connect_timeout(CONNECT_TIMEOUT).timeout(REQUEST_TIMEOUT);
        let http =
            http::client(&settings.url, builder).map_err(|error| ErpError::Misfit { reason: error.to_string() })?;
        Ok(Self { http, settings, session: Mutex::default() })
    }

    /// A call that changes nothing.
    pub async fn read<T: DeserializeOwned>(&self, method: &str, params: Vec<Value>) -> Result<T, ErpError> {
        match self.call(method, params, Effect::Read, Map::new()).await {
            Ok(result) => serde_json::from_value(result).map_err(unreadable),
            Err(Failure::Call(error)) => Err(error),
            Err(Failure::Refused(message)) => Err(ErpError::Misfit { reason: format!("{method}: {message}") }),
        }
    }

    /// A call that changes something, as one transaction of Tryton.
    pub async fn write(&self, method: &str, params: Vec<Value>) -> Result<Value, Failure> {
        self.call(method, params, Effect::Write, Map::new()).await
    }

    /// Runs a wizard that asks nothing, on these records.
    pub async fn wizard(&self, name: &str, model: &str, ids: &[i64]) -> Result<(), Failure> {
        let created = self.call(&format!("wizard.{name}.create"), Vec::new(), Effect::Read, Map::new()).await?;
        let (wizard, start): (i64, String) = match serde_json::from_value::<(i64, String, Value)>(created) {
            Ok((wizard, start, _)) => (wizard, start),
            Err(error) => return Err(unreadable(error).into()),
        };
        let about = json!({ "active_model": model, "active_id": ids.first(), "active_ids": ids });
        let Value::Object(about) = about else { unreachable!("an object was written above") };
        let params = vec![json!(wizard), json!({}), json!(start)];
        self.call(&format!("wizard.{name}.execute"), params, Effect::Write, about).await.map(drop)
    }

    async fn call(
        &self,
        method: &str,
        params: Vec<Value>,
        effect: Effect,
        more: Map<String, Value>,
    ) -> Result<Value, Failure> {
        for _ in 0..2 {
            let session = self.session().await?;
            let mut context = session.context.clone();
            context.extend(more.clone());
            let mut params = params.clone();
            params.push(Value::Object(context));
            match self.send(method, &params, Some(&session.authorization), effect).await {
                Err(Failure::Call(ErpError::Unauthorized { .. })) => {
                    // Ended, or ended for all: a new one tells.
                    *self.session.lock().await = None;
                }
                result => return result,
            }
        }
        Err(ErpError::Unauthorized { reason: format!("{method} is not allowed to {}", self.settings.user) }.into())
    }

    async fn session(&self) -> Result<Session, ErpError> {
        let mut session = self.session.lock().await;
        if let Some(session) = &*session {
            return Ok(session.clone());
        }
        let new = self.login().await?;
        *session = Some(new.clone());
        Ok(new)
    }

    /// A session may be ended before it was used once: whoever ends all of them does not ask. So there is a second one.
    async fn login(&self) -> Result<Session, ErpError> {
        let authorization = self.authorize().await?;
        match self.preferences(&authorization).await {
            Err(ErpError::Unauthorized { .. }) => {}
            context => return Ok(Session { authorization, context: context? }),
        }
        let authorization = self.authorize().await?;
        let context = self.preferences(&authorization).await?;
        Ok(Session { authorization, context })
    }

    async fn authorize(&self) -> Result<HeaderValue, ErpError> {
        let Settings { user, password, .. } = &*self.settings;
        let unauthorized = |reason: String| ErpError::Unauthorized { reason };
        let params = vec![json!(user), json!({ "password": password.expose_secret() }), json!("en")];
        let answer = plain(self.send("common.db.login", &params, None, Effect::Read).await)?;
        let (id, token): (i64, String) = match serde_json::from_value::<(i64, String, Value)>(answer) {
            Ok((id, token, _)) => (id, token),
            Err(_) => return Err(unauthorized(format!("the user {user} cannot log in"))),
        };
        let encoded = BASE64_STANDARD.encode(format!("{user}:{id}:{token}"));
        let mut authorization = HeaderValue::try_from(format!("Session {encoded}"))
            .map_err(|_| unauthorized("the session cannot be sent in a header".to_owned()))?;
        authorization.set_sensitive(true);
        Ok(authorization)
    }

    /// What each call says of its user.
    async fn preferences(&self, authorization: &HeaderValue) -> Result<Map<String, Value>, ErpError> {
        let params = vec![json!(true), json!({})];
        let method = "model.res.user.get_preferences";
        let preferences = plain(self.send(method, &params, Some(authorization), Effect::Read).await)?;
        let mut context: Map<String, Value> = serde_json::from_value(preferences).map_err(unreadable)?;
        // Messages are told apart by their words.
        context.insert("language".to_owned(), json!("en"));
        Ok(context)
    }

    async fn send(
        &self,
        method: &str,
        params: &[Value],
        authorization: Option<&HeaderValue>,
        effect: Effect,
    ) -> Result<Value, Failure> {
        let base = self.settings.url.as_str().trim_end_matches('/');
        let address = format!("{base}/{}/rpc/", self.settings.database);
        let body = json!({ "id": 1, "method": method, "params": params });
        let mut request = self.http.post(address).json(&body);
        if let Some(authorization) = authorization {
            request = request.header(AUTHORIZATION, authorization.clone());
        }
        let answer = match request.send().await {
            Ok(answer) => answer,
            Err(error) => return Err(broken(&error, effect).into()),
        };
        let status = answer.status();
        if status != StatusCode::OK {
            return Err(by_status(status, &answer, effect).into());
        }
        let body = answer.bytes().await.map_err(|error| broken(&error, effect))?;
        match serde_json::from_slice::<Value>(&body) {
            Ok(Value::Object(mut answer)) => match answer.remove("error") {
                Some(error) => Err(told(&error, effect)),
                None => Ok(answer.remove("result").unwrap_or_default()),
            },
            Ok(_) | Err(_) => Err(lost("the answer is not JSON of a call".to_owned(), effect).into()),
        }
    }
}

/// Of calls that a person's settings cannot be at fault for.
fn plain(answer: Result<Value, Failure>) -> Result<Value, ErpError> {
    answer.map_err(|failure| match failure {
        Failure::Call(error) => error,
        Failure::Refused(message) => ErpError::Misfit { reason: message },
    })
}

/// Nothing can be concluded from the answer to a write; a read is simply not answered.
fn lost(reason: String, effect: Effect) -> ErpError {
    match effect {
        Effect::Read => ErpError::Unreachable { reason },
        Effect::Write => ErpError::AnswerLost { reason },
    }
}

fn broken(error: &reqwest::Error, effect: Effect) -> ErpError {
    let reason = http::causes(error);
    if error.is_connect() { ErpError::Unreachable { reason } } else { lost(reason, effect) }
}

fn by_status(status: StatusCode, answer: &reqwest::Response, effect: Effect) -> ErpError {
    let reason = format!("HTTP {status}");
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => ErpError::Unauthorized { reason },
        StatusCode::TOO_MANY_REQUESTS => {
            let seconds = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
            ErpError::Throttled { reason, retry_after: seconds.map(Duration::from_secs) }
        }
        StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE => ErpError::Unreachable { reason },
        status if status.is_server_error() => lost(reason, effect),
        _ => ErpError::Misfit { reason },
    }
}

/// Errors inside of an answer: `["UserError", [message, …]]` and the like, or text with a traceback.
fn told(error: &Value, effect: Effect) -> Failure {
    let kind = error.get(0).and_then(Value::as_str).unwrap_or_default();
    let inner = |place: usize| error.pointer(&format!("/1/{place}")).and_then(Value::as_str).unwrap_or_default();
    match kind {
        "UserError" => Failure::Refused(inner(0).to_owned()),
        "UserWarning" => Failure::Refused(inner(1).to_owned()),
        // Rolled back as a whole.
        "ConcurrencyException" => {
            ErpError::Unreachable { reason: "somebody else changed the same records".to_owned() }.into()
        }
        other => lost(format!("Tryton failed: {other}"), effect).into(),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it stands behind map_err")]
pub(super) fn unreadable(error: serde_json::Error) -> ErpError {
    ErpError::Misfit { reason: format!("an answer has another shape than that of Tryton 8: {error}") }
}

/// What a refusal means for one entry, by its words.
pub(super) fn refusal(message: String) -> Refusal {
    let words = message.to_lowercase();
    if words.contains("period") && words.contains("clos") {
        Refusal::NotNow { reason: message }
    } else {
        Refusal::Never { reason: message }
    }
}
