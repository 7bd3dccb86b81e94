//! Routes for people.

use std::sync::Arc;

use axum::Form;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use maud::Markup;
use secrecy::SecretString;
use serde::Deserialize;

use super::{Act, Front, guard, page};

/// The longest word that is searched for.
const WORD_CHARS_MAX: usize = 200;
const STARTING: (&str, &str) = ("Starting", "The first look at everything is under way; ask again in a few seconds.");

type Answer = (StatusCode, Markup);

fn starting() -> Answer {
    (StatusCode::SERVICE_UNAVAILABLE, page::plain(STARTING.0, STARTING.1))
}

pub async fn overview(State(front): State<Arc<Front>>) -> Answer {
    match front.desk.overview() {
        Some(overview) => (StatusCode::OK, page::overview(&overview)),
        None => starting(),
    }
}

#[derive(Debug, Deserialize)]
pub struct Asked {
    #[serde(default)]
    q: String,
}

pub async fn search(State(front): State<Arc<Front>>, Query(asked): Query<Asked>) -> Answer {
    let word: String = asked.q.trim().chars().filter(|char| !char.is_control()).take(WORD_CHARS_MAX).collect();
    if word.is_empty() {
        return overview(State(front)).await;
    }
    match front.desk.search(&word).await {
        Ok(trails) => (StatusCode::OK, page::found(front.desk.overview().as_deref(), &word, &trails)),
        Err(sentence) => (StatusCode::SERVICE_UNAVAILABLE, page::plain("Not found out", &sentence)),
    }
}

pub async fn exception(State(front): State<Arc<Front>>, Path(id): Path<i64>) -> Answer {
    let Some(overview) = front.desk.overview() else { return starting() };
    match front.desk.exception(id).await {
        Ok(Some(it)) => (StatusCode::OK, page::exception(&overview, &it, front.config.token.is_some())),
        Ok(None) => {
            let sentence = format!("No open exception has the number {id}; it may be settled by now.");
            (StatusCode::NOT_FOUND, page::plain("Not open", &sentence))
        }
        Err(sentence) => (StatusCode::SERVICE_UNAVAILABLE, page::plain("Not found out", &sentence)),
    }
}

pub async fn adapter(State(front): State<Arc<Front>>, Path(name): Path<String>) -> Answer {
    let Some(overview) = front.desk.overview() else { return starting() };
    match overview.adapters.iter().find(|it| it.name == name) {
        Some(it) => (StatusCode::OK, page::adapter(&overview, it, front.config.token.is_some())),
        None => {
            (StatusCode::NOT_FOUND, page::plain("No such adapter", "The configuration has no adapter of this name."))
        }
    }
}

/// What a form carries.
#[derive(Debug, Deserialize)]
pub struct Signed {
    actor: String,
    reason: String,
    token: SecretString,
}

pub async fn retry(
    State(front): State<Arc<Front>>,
    Path(id): Path<i64>,
    headers: HeaderMap,
    Form(signed): Form<Signed>,
) -> Answer {
    act(&front, &headers, &signed, &Act::Retry(id)).await
}

pub async fn resolve(
    State(front): State<Arc<Front>>,
    Path(id): Path<i64>,
    headers: HeaderMap,
    Form(signed): Form<Signed>,
) -> Answer {
    act(&front, &headers, &signed, &Act::Resolve(id)).await
}

pub async fn pause(
    State(front): State<Arc<Front>>,
    Path(name): Path<String>,
    headers: HeaderMap,
    Form(signed): Form<Signed>,
) -> Answer {
    act(&front, &headers, &signed, &Act::Pause(name)).await
}

pub async fn resume(
    State(front): State<Arc<Front>>,
    Path(name): Path<String>,
    headers: HeaderMap,
    Form(signed): Form<Signed>,
) -> Answer {
    act(&front, &headers, &signed, &Act::Resume(name)).await
}

async fn act(front: &Front, headers: &HeaderMap, signed: &Signed, act: &Act) -> Answer {
    use secrecy::ExposeSecret as _;
    let refused = |status, sentence: &str| (status, page::outcome(None, &Err(sentence.to_owned())));
    if let Err(sentence) = guard::may_act(headers, signed.token.expose_secret(), front.config.token.as_ref()) {
        tracing::warn!(?act, "an action on the status page was refused: {sentence}");
        return refused(StatusCode::FORBIDDEN, sentence);
    }
    let (actor, reason) = (signed.actor.trim(), signed.reason.trim());
    if actor.is_empty() || reason.is_empty() {
        return refused(StatusCode::UNPROCESSABLE_ENTITY, "Say who you are and why.");
    }
    let result = front.desk.act(act, actor, reason).await;
    let status = if result.is_ok() { StatusCode::OK } else { StatusCode::CONFLICT };
    (status, page::outcome(front.desk.overview().as_deref(), &result))
}

pub async fn style() -> Response {
    asset("text/css; charset=utf-8", page::STYLE)
}

pub async fn icon() -> Response {
    asset("image/svg+xml", page::ICON)
}

/// The address of what never changes within a version says the version.
fn asset(content_type: &'static str, text: &'static str) -> Response {
    ([(header::CONTENT_TYPE, content_type), (header::CACHE_CONTROL, "max-age=86400")], text).into_response()
}

pub async fn missing() -> Answer {
    (StatusCode::NOT_FOUND, page::plain("No such page", "There is nothing at this address."))
}
