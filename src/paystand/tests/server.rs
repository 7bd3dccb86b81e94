//! A server that issues tokens `tok_1`, `tok_2` … and answers everything else as scripted, in order.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use futures::stream;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::clock::ManualClock;

const REQUEST_BYTES_MAX: usize = 64 * 1024;
pub const EMPTY_PAGE: &str = r#"{"results":[],"count":0}"#;

#[derive(Debug, Clone)]
pub enum Reply {
    /// Status, headers, body.
    Whole(u16, Vec<(&'static str, String)>, Vec<u8>),
    /// 200 and a body that breaks off on the wire.
    BrokenOff,
    /// 200 and a body without a length, of this many bytes.
    Stream(usize),
    /// No answer; the deadlines of the clock fire.
    Hang,
}

pub fn json(status: u16, body: &str) -> Reply {
    Reply::Whole(status, vec![("content-type", "application/json".to_owned())], body.as_bytes().to_vec())
}

/// One request as the server saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub method: String,
    pub target: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Seen {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(seen, _)| seen == name).map(|(_, value)| value.as_str())
    }
}

#[derive(Debug, Default)]
pub struct Script {
    /// Answers on the token route; a valid token if there is none.
    pub tokens: VecDeque<Reply>,
    /// Answers on every other route; an empty page if there is none.
    pub answers: VecDeque<Reply>,
    /// What every request to another route gets once the answers are used up.
    pub afterwards: Option<Reply>,
    /// Tokens below this number are answered with 401.
    pub valid_from: usize,
    pub issued: usize,
    pub seen: Vec<Seen>,
}

pub struct Server {
    port: u16,
    script: Arc<Mutex<Script>>,
    _task: JoinSet<()>,
}

impl Server {
    pub async fn start(clock: Arc<ManualClock>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let script = Arc::new(Mutex::new(Script::default()));
        let router = Router::new().fallback(answer).with_state((Arc::clone(&script), clock));
        let mut task = JoinSet::new();
        task.spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { port, script, _task: task }
    }

    pub fn base_url(&self) -> String {
        format!("http://127.0.0.1:{}/v3", self.port)
    }

    pub fn script(&self, change: impl FnOnce(&mut Script)) {
        change(&mut self.script.lock().unwrap());
    }

    pub fn then(&self, reply: Reply) {
        self.script(|script| script.answers.push_back(reply));
    }

    pub fn always(&self, reply: Reply) {
        self.script(|script| script.afterwards = Some(reply));
    }

    /// Requests to the token route.
    pub fn token_requests(&self) -> Vec<Seen> {
        self.seen(|target| target == "/v3/oauth/token")
    }

    /// All other requests.
    pub fn requests(&self) -> Vec<Seen> {
        self.seen(|target| target != "/v3/oauth/token")
    }

    fn seen(&self, is_meant: impl Fn(&str) -> bool) -> Vec<Seen> {
        self.script.lock().unwrap().seen.iter().filter(|seen| is_meant(&seen.target)).cloned().collect()
    }
}

async fn answer(State((script, clock)): State<(Arc<Mutex<Script>>, Arc<ManualClock>)>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, REQUEST_BYTES_MAX).await.unwrap();
    let text = |value: &axum::http::HeaderValue| value.to_str().unwrap().to_owned();
    let seen = Seen {
        method: parts.method.to_string(),
        target: parts.uri.to_string(),
        headers: parts.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect(),
        body: String::from_utf8(body.to_vec()).unwrap(),
    };
    let reply = script.lock().unwrap().reply(seen);
    match reply {
        Reply::Whole(status, headers, body) => {
            let response = Response::builder().status(status);
            headers
                .into_iter()
                .fold(response, |response, (name, value)| response.header(name, value))
                .body(Body::from(body))
                .unwrap()
        }
        Reply::BrokenOff => {
            let parts = [Ok(Bytes::from_static(b"{\"results\":[")), Err(std::io::Error::other("reset"))];
            Response::new(Body::from_stream(stream::iter(parts)))
        }
        Reply::Stream(bytes) => {
            let piece = Bytes::from(vec![b' '; 1024]);
            let pieces = std::iter::repeat_n(piece, bytes / 1024).map(Ok::<_, Infallible>);
            Response::new(Body::from_stream(stream::iter(pieces)))
        }
        Reply::Hang => {
            clock.hang();
            std::future::pending().await
        }
    }
}

impl Script {
    fn reply(&mut self, seen: Seen) -> Reply {
        let is_token = seen.target.ends_with("/oauth/token");
        let serial = seen.header("authorization").and_then(|bearer| bearer.strip_prefix("Bearer tok_")?.parse().ok());
        self.seen.push(seen);
        if is_token {
            return self.tokens.pop_front().unwrap_or_else(|| {
                self.issued += 1;
                let token = format!(
                    r#"{{"access_token":"tok_{}","token_type":"Bearer","expires_in":1209600,"scope":"auth"}}"#,
                    self.issued
                );
                json(200, &token)
            });
        }
        if serial.is_none_or(|serial: usize| serial < self.valid_from) {
            return json(401, r#"{"error":{"details":{"code":"insufficientResourceAccess"}}}"#);
        }
        let scripted = self.answers.pop_front().or_else(|| self.afterwards.clone());
        scripted.unwrap_or_else(|| json(200, EMPTY_PAGE))
    }
}
