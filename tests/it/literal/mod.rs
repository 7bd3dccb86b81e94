//! A second Paystand, so that the client and the sandbox cannot share one misreading of the API.
//!
//! It is written from the published facts alone, imports nothing of the crate under test, and serves rows that stand as literal
//! JSON in [`rows`] or in the test that puts them here. Every request is logged; one that the contract does not know fails
//! the test when the server is dropped.

pub mod books;
mod query;
mod routes;
pub mod rows;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::http::{Response, StatusCode, header};
use futures::stream;
use tokio::sync::oneshot;

pub use books::{Books, Kind, Row};
pub use routes::Seen;

pub const CUSTOMER_ID: &str = "mr5t8y2u6i9o3p7a1s4d0f6g";
pub const CLIENT_ID: &str = "cid_literal";
pub const CLIENT_SECRET: &str = "cs_literal_9f27c1d4";

/// What `count` of the envelope means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    Total,
    Page,
    Absent,
}

/// Where the published facts leave a choice.
#[derive(Debug, Clone, Copy)]
pub struct Quirks {
    pub count: Count,
    pub page_cap: usize,
    pub fees_open: bool,
    pub bare_array: bool,
    /// Rows of the same second change places from one request to the next.
    pub ties_move: bool,
}

impl Default for Quirks {
    fn default() -> Self {
        Self { count: Count::Total, page_cap: 1_000, fees_open: true, bare_array: false, ties_move: false }
    }
}

/// What happens to one answer on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// 200, and the connection ends in the middle of the body.
    Cut,
    /// 200 with a whole body that is half of the JSON.
    HalfJson,
    /// 200 with a page of markup.
    Html,
    /// 200 with nothing.
    Empty,
    /// Never an answer.
    Silence,
    Status(u16),
    /// The right answer, this much later.
    Late(Duration),
}

type Judge = Box<dyn FnMut(&Seen) -> Option<Fault> + Send>;

/// Everything the server knows.
struct State {
    quirks: Quirks,
    merchants: BTreeMap<String, Books>,
    tokens: BTreeSet<String>,
    log: Vec<Seen>,
    unexpected: Vec<String>,
    judge: Judge,
}

struct Shared {
    state: Mutex<State>,
    arrived: Condvar,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The running server; it stops when this is dropped.
pub struct Literal {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Literal {
    /// Serves one merchant without rows on a free port of the loopback.
    pub fn start() -> Self {
        Self::with(Quirks::default())
    }

    pub fn with(quirks: Quirks) -> Self {
        let state = State {
            quirks,
            merchants: BTreeMap::from([(CUSTOMER_ID.to_owned(), Books::default())]),
            tokens: BTreeSet::new(),
            log: Vec::new(),
            unexpected: Vec::new(),
            judge: Box::new(|_| None),
        };
        let shared = Arc::new(Shared { state: Mutex::new(state), arrived: Condvar::new() });
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.set_nonblocking(true).expect("a socket");
        let address = listener.local_addr().expect("an address");
        let (stop, stopped) = oneshot::channel();
        let serving = Arc::clone(&shared);
        let thread = std::thread::spawn(move || serve(listener, serving, stopped));
        Self { address, shared, stop: Some(stop), thread: Some(thread) }
    }

    pub fn base_url(&self) -> String {
        format!("http://{}/v3", self.address)
    }

    /// Changes the rows of the one merchant.
    pub fn books<T>(&self, change: impl FnOnce(&mut Books) -> T) -> T {
        self.books_of(CUSTOMER_ID, change)
    }

    /// Changes the rows of a merchant, who is there from now on.
    pub fn books_of<T>(&self, merchant: &str, change: impl FnOnce(&mut Books) -> T) -> T {
        change(self.shared.state().merchants.entry(merchant.to_owned()).or_default())
    }

    /// Asks `judge` about every request but those for a token.
    pub fn break_answers(&self, judge: impl FnMut(&Seen) -> Option<Fault> + Send + 'static) {
        self.shared.state().judge = Box::new(judge);
    }

    pub fn mend_answers(&self) {
        self.break_answers(|_| None);
    }

    /// Revokes every token.
    pub fn revoke_tokens(&self) {
        self.shared.state().tokens.clear();
    }

    /// Every request so far, in order.
    pub fn requests(&self) -> Vec<Seen> {
        self.shared.state().log.clone()
    }

    pub fn request_count(&self) -> usize {
        self.shared.state().log.len()
    }

    /// Tokens given out, which must show up nowhere.
    pub fn tokens(&self) -> Vec<String> {
        self.shared.state().tokens.iter().cloned().collect()
    }

    /// Waits until the log answers `is_enough`.
    pub fn await_requests(&self, within: Duration, is_enough: impl Fn(&[Seen]) -> bool) {
        let started = Instant::now();
        let mut state = self.shared.state();
        while !is_enough(&state.log) {
            let left = within.saturating_sub(started.elapsed());
            assert!(!left.is_zero(), "not within {within:?}; {} requests came", state.log.len());
            state = self.shared.arrived.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Drop for Literal {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        if !std::thread::panicking() {
            let state = self.shared.state();
            assert!(state.unexpected.is_empty(), "against the contract: {:#?}", state.unexpected);
        }
    }
}

fn serve(listener: std::net::TcpListener, shared: Arc<Shared>, stopped: oneshot::Receiver<()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async move {
        let listener = tokio::net::TcpListener::from_std(listener).expect("a socket");
        let app = axum::Router::new().fallback(move |request: axum::extract::Request| {
            let shared = Arc::clone(&shared);
            async move { answer(&shared, request).await }
        });
        tokio::select! {
            _ = stopped => {}
            result = axum::serve(listener, app) => result.expect("serving"),
        }
    });
}

async fn answer(shared: &Shared, request: axum::extract::Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 16).await.unwrap_or_default();
    let (reply, fault) = {
        let mut state = shared.state();
        let seen = Seen::of(&parts);
        let reply = state.reply(&parts, &seen, &body);
        let fault = if seen.path == "/oauth/token" { None } else { (state.judge)(&seen) };
        state.log.push(seen);
        shared.arrived.notify_all();
        (reply, fault)
    };
    let json = |status: u16, body: Body| {
        Response::builder()
            .status(StatusCode::from_u16(status).expect("a status"))
            .header(header::CONTENT_TYPE, "application/json")
            .body(body)
            .expect("a response")
    };
    match fault {
        None => json(reply.0, reply.1.into()),
        Some(Fault::Late(delay)) => {
            tokio::time::sleep(delay).await;
            json(reply.0, reply.1.into())
        }
        Some(Fault::Silence) => std::future::pending().await,
        Some(Fault::Empty) => json(200, Body::empty()),
        Some(Fault::HalfJson) => json(200, reply.1[..reply.1.len() / 2].to_owned().into()),
        Some(Fault::Cut) => {
            let half = Bytes::copy_from_slice(&reply.1.as_bytes()[..reply.1.len() / 2]);
            let parts = [Ok(half), Err(std::io::Error::other("cut"))];
            json(200, Body::from_stream(stream::iter(parts)))
        }
        Some(Fault::Html) => Response::builder()
            .header(header::CONTENT_TYPE, "text/html; charset=utf-8")
            .body("<!doctype html><html><body><h1>Be right back</h1></body></html>".into())
            .expect("a response"),
        Some(Fault::Status(status)) => json(status, Body::empty()),
    }
}

#[test]
fn it_imports_nothing_of_the_crate_under_test() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/literal");
    // Put together here, for this file is read too.
    let forbidden = [["paystand", "sync"].join("_"), ["super", "super"].join("::"), ["crate", ""].join("::")];
    let mut files = 0;
    for entry in std::fs::read_dir(folder).expect("its own folder") {
        let text = std::fs::read_to_string(entry.expect("an entry").path()).expect("a source file");
        assert!(!forbidden.iter().any(|name| text.contains(name)));
        files += 1;
    }
    assert_eq!(files, 5);
}
