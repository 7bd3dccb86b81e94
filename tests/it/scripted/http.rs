//! Calls over HTTP, for a process that stands elsewhere: one route, a call and its answer in JSON.

use std::sync::Arc;

use async_trait::async_trait;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::server::{Answer, Request, Server, Trouble};
use super::transport::Transport;

/// The scripted ERP on a port of the loopback, for as long as this lives.
#[derive(Debug)]
pub struct Served {
    pub url: String,
    _serving: JoinSet<()>,
}

pub async fn serve(server: Arc<Server>) -> Served {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}/call", listener.local_addr().expect("an address"));
    let routes = Router::new().route("/call", post(answer)).with_state(server);
    let mut serving = JoinSet::new();
    serving.spawn(async move { axum::serve(listener, routes).await.expect("serving") });
    Served { url, _serving: serving }
}

async fn answer(State(server): State<Arc<Server>>, Json(request): Json<Request>) -> Response {
    match server.call(request) {
        Ok(answer) => Json(answer).into_response(),
        Err(Trouble::Down) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Err(Trouble::Lost) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Err(Trouble::Throttled { seconds }) => {
            (StatusCode::TOO_MANY_REQUESTS, [("retry-after", seconds.to_string())]).into_response()
        }
        Err(Trouble::Unauthorized) => StatusCode::UNAUTHORIZED.into_response(),
    }
}

#[derive(Debug)]
pub struct OverHttp {
    url: String,
    client: reqwest::Client,
}

impl OverHttp {
    pub fn to(url: &str) -> Self {
        let _already_installed = rustls::crypto::ring::default_provider().install_default();
        Self { url: url.to_owned(), client: reqwest::Client::new() }
    }
}

#[async_trait]
impl Transport for OverHttp {
    async fn call(&self, request: Request) -> Result<Answer, Trouble> {
        let sent = self.client.post(&self.url).json(&request).send().await;
        let response = sent.map_err(|error| if error.is_connect() { Trouble::Down } else { Trouble::Lost })?;
        match response.status() {
            StatusCode::OK => response.json().await.map_err(|_| Trouble::Lost),
            StatusCode::SERVICE_UNAVAILABLE => Err(Trouble::Down),
            StatusCode::UNAUTHORIZED => Err(Trouble::Unauthorized),
            StatusCode::TOO_MANY_REQUESTS => {
                let after = response.headers().get("retry-after").and_then(|it| it.to_str().ok()?.parse().ok());
                Err(Trouble::Throttled { seconds: after.unwrap_or(1) })
            }
            _ => Err(Trouble::Lost),
        }
    }

    fn place(&self) -> String {
        self.url.clone()
    }
}
