//! Routes for machines.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::view::CheckState;
use super::{Front, metrics as sheet};

/// 200 while the scheduler makes progress; an upstream that is down does not count, for a restart would not mend it.
pub async fn livez(State(front): State<Arc<Front>>) -> (StatusCode, &'static str) {
    if front.heartbeat.is_alive() { (StatusCode::OK, "alive\n") } else { (StatusCode::SERVICE_UNAVAILABLE, "stuck\n") }
}

/// 200 while the daemon can work, if only in part; each check by name.
pub async fn readyz(State(front): State<Arc<Front>>) -> Response {
    let health = front.desk.health().await;
    let is_ready = health.is_ready();
    let word = match (is_ready, health.checks.iter().any(|check| check.state == CheckState::Degraded)) {
        (false, _) => "failed",
        (true, true) => "degraded",
        (true, false) => "ok",
    };
    let status = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(json!({ "ready": is_ready, "status": word, "checks": health.checks }))).into_response()
}

/// Everything that the page shows.
pub async fn status(State(front): State<Arc<Front>>) -> Response {
    match front.desk.overview() {
        Some(overview) => Json(&*overview).into_response(),
        None => {
            (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "error": "the first look is under way" }))).into_response()
        }
    }
}

pub async fn metrics(State(front): State<Arc<Front>>) -> Response {
    let health = front.desk.health().await;
    let text = sheet::text(front.desk.overview().as_deref(), &health, front.clock.now());
    ([(header::CONTENT_TYPE, sheet::CONTENT_TYPE)], text).into_response()
}
