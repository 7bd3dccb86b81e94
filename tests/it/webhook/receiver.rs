//! A receiver as the standard tells one to be: it knows a message by its id, and takes it once. It can be told what to answer.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// What it was sent.
#[derive(Debug, Clone)]
pub struct Message {
    pub id: String,
    pub signature: String,
    pub timestamp: String,
    pub body: Bytes,
}

impl Message {
    pub fn envelope(&self) -> Value {
        serde_json::from_slice(&self.body).expect("an envelope is JSON")
    }

    pub fn text(&self, name: &str) -> String {
        self.envelope()[name].as_str().unwrap_or_default().to_owned()
    }
}

#[derive(Debug, Default)]
struct Log {
    /// Every request.
    arrived: Vec<Message>,
    /// Messages by id, each once.
    taken: Vec<Message>,
    /// What is answered next instead of taking it.
    answers: VecDeque<(u16, Vec<(&'static str, String)>)>,
    /// What is answered to everything else.
    always: Option<u16>,
    /// What is answered to messages about this payment.
    about: Option<(String, u16)>,
}

#[derive(Debug, Clone, Default)]
pub struct Receiver(Arc<Mutex<Log>>);

/// A receiver on a port of the loopback, for as long as this lives.
#[derive(Debug)]
pub struct Served {
    pub url: String,
    pub receiver: Receiver,
    _serving: JoinSet<()>,
}

pub async fn serve() -> Served {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}/hook", listener.local_addr().expect("an address"));
    let receiver = Receiver::default();
    let routes = Router::new().fallback(any(take)).with_state(receiver.clone());
    let mut serving = JoinSet::new();
    serving.spawn(async move { axum::serve(listener, routes).await.expect("serving") });
    Served { url, receiver, _serving: serving }
}

impl Receiver {
    pub fn arrived(&self) -> Vec<Message> {
        self.log().arrived.clone()
    }

    pub fn taken(&self) -> Vec<Message> {
        self.log().taken.clone()
    }

    /// Answers the next message so.
    pub fn answer(&self, status: u16, headers: &[(&'static str, &str)]) {
        let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        self.log().answers.push_back((status, headers));
    }

    /// Answers all messages so, until told otherwise.
    pub fn always(&self, status: Option<u16>) {
        self.log().always = status;
    }

    /// Answers messages about a payment so, until told otherwise.
    pub fn about(&self, about: Option<(&str, u16)>) {
        self.log().about = about.map(|(root, status)| (root.to_owned(), status));
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn take(State(receiver): State<Receiver>, headers: HeaderMap, body: Bytes) -> Response {
    let header = |name| headers.get(name).and_then(|it| it.to_str().ok()).unwrap_or_default().to_owned();
    let message = Message {
        id: header("webhook-id"),
        signature: header("webhook-signature"),
        timestamp: header("webhook-timestamp"),
        body,
    };
    let mut log = receiver.log();
    log.arrived.push(message.clone());
    let root = message.text("partitionkey");
    let about = log.about.as_ref().filter(|(about, _)| *about == root).map(|(_, status)| *status);
    let told = log.answers.pop_front().or(about.or(log.always).map(|status| (status, Vec::new())));
    if let Some((status, headers)) = told {
        let mut response = StatusCode::from_u16(status).expect("a status").into_response();
        for (name, value) in headers {
            response.headers_mut().insert(HeaderName::from_static(name), value.parse().expect("a value"));
        }
        return response;
    }
    match log.taken.iter().find(|taken| taken.id == message.id) {
        Some(taken) if taken.body != message.body => (StatusCode::CONFLICT, taken.body.clone()).into_response(),
        Some(_) => StatusCode::NO_CONTENT.into_response(),
        None => {
            log.taken.push(message);
            StatusCode::NO_CONTENT.into_response()
        }
    }
}
