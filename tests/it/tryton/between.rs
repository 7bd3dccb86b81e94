//! Stands between the program and Tryton, as a network does that breaks at the worst moments: answers are dropped after Tryton has
//! committed, calls arrive after their caller has given up, and sessions end in the middle of the work.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use bytes::Bytes;
use hyper::body::Incoming;
use hyper::header::AUTHORIZATION;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use sqlx::{Connection as _, PgConnection};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use url::Url;

use super::server::Server;

/// What happens to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Tryton carries it out and answers, and nobody hears the answer.
    AnswerDropped,
    /// The caller is hung up on, and the call arrives when it has long been given up.
    Late,
    /// The sessions of the daemon's user have ended.
    SessionsEnded,
}

/// Longer than the daemon waits before it asks what became of the call.
const LATE: Duration = Duration::from_secs(4);
const BODY_BYTES_MAX: usize = 16 << 20;

type Judge = Box<dyn FnMut(&str) -> Option<Fault> + Send>;

struct Shared {
    upstream: Url,
    database: String,
    user: String,
    http: reqwest::Client,
    calls: AtomicUsize,
    judge: Mutex<Judge>,
    struck: Mutex<Vec<Fault>>,
    /// Calls that are still on their way.
    late: Mutex<JoinSet<()>>,
}

/// The caller is hung up on.
#[derive(Debug, thiserror::Error)]
#[error("as if the network broke")]
struct HungUp;

/// A running proxy; its connections end when it is dropped.
pub struct Between {
    pub url: Url,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Between {
    /// Breaks nothing until it is told to. `user` is the one whose sessions may end.
    pub async fn before(server: &Server, user: &str) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.set_nonblocking(true).expect("a socket");
        let url = format!("http://{}/", listener.local_addr().expect("an address")).parse().expect("a URL");
        let shared = Arc::new(Shared {
            upstream: server.url(),
            database: server.database_url().await.into(),
            user: user.to_owned(),
            http: reqwest::Client::builder().no_proxy().build().expect("a client"),
            calls: AtomicUsize::new(0),
            judge: Mutex::new(Box::new(|_| None)),
            struck: Mutex::default(),
            late: Mutex::new(JoinSet::new()),
        });
        let (stop, stopped) = oneshot::channel();
        let serving = Arc::clone(&shared);
        let thread = std::thread::spawn(move || serve(listener, &serving, stopped));
        Self { url, shared, stop: Some(stop), thread: Some(thread) }
    }

    /// Asks `judge` about every call from now on, by its method.
    pub fn break_calls(&self, judge: impl FnMut(&str) -> Option<Fault> + Send + 'static) {
        *lock(&self.shared.judge) = Box::new(judge);
    }

    pub fn mend(&self) {
        self.break_calls(|_| None);
    }

    /// Calls so far.
    pub fn calls(&self) -> usize {
        self.shared.calls.load(Ordering::SeqCst)
    }

    /// How often this came about so far.
    pub fn struck(&self, fault: Fault) -> usize {
        lock(&self.shared.struck).iter().filter(|it| **it == fault).count()
    }
}

impl Drop for Between {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn serve(listener: std::net::TcpListener, shared: &Arc<Shared>, stopped: oneshot::Receiver<()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async move {
        let listener = TcpListener::from_std(listener).expect("a socket");
        let mut connections = JoinSet::new();
        let accept = async {
            loop {
                let (client, _) = listener.accept().await.expect("a client");
                connections.spawn(connect(client, Arc::clone(shared)));
            }
        };
        tokio::select! {
            _ = stopped => {}
            () = accept => {}
        }
    });
}

/// One connection, which a fault ends.
async fn connect(client: TcpStream, shared: Arc<Shared>) {
    let relay = service_fn(move |request| relay(request, Arc::clone(&shared)));
    let _ended = http1::Builder::new().serve_connection(TokioIo::new(client), relay).await;
}

async fn relay(request: Request<Incoming>, shared: Arc<Shared>) -> Result<Response<Body>, HungUp> {
    let call = Call::read(request).await?;
    shared.calls.fetch_add(1, Ordering::SeqCst);
    let fault = (lock(&shared.judge))(&call.method);
    match fault {
        None => call.send(&shared).await.map(Answer::passed),
        Some(Fault::AnswerDropped) => {
            let answer = call.send(&shared).await?;
            if !answer.is_result() {
                return Ok(answer.passed());
            }
            lock(&shared.struck).push(Fault::AnswerDropped);
            Err(HungUp)
        }
        Some(Fault::Late) => {
            lock(&shared.late).spawn(arrive_late(call, Arc::clone(&shared)));
            Err(HungUp)
        }
        Some(Fault::SessionsEnded) => {
            end_sessions(&shared).await;
            call.send(&shared).await.map(Answer::passed)
        }
    }
}

async fn arrive_late(call: Call, shared: Arc<Shared>) {
    tokio::time::sleep(LATE).await;
    if call.send(&shared).await.is_ok_and(|answer| answer.is_result()) {
        lock(&shared.struck).push(Fault::Late);
    }
}

async fn end_sessions(shared: &Shared) {
    const DELETE: &str = "delete from ir_session where create_uid = (select id from res_user where login = $1)";
    let mut connection = PgConnection::connect(&shared.database).await.expect("the books");
    let ended = sqlx::query(DELETE).bind(&shared.user).execute(&mut connection).await.expect("by hand");
    if ended.rows_affected() > 0 {
        lock(&shared.struck).push(Fault::SessionsEnded);
    }
}

struct Call {
    path: String,
    authorization: Option<hyper::header::HeaderValue>,
    body: Bytes,
    method: String,
}

struct Answer {
    status: hyper::StatusCode,
    body: Bytes,
}

impl Call {
    async fn read(request: Request<Incoming>) -> Result<Self, HungUp> {
        let path = request.uri().path().to_owned();
        let authorization = request.headers().get(AUTHORIZATION).cloned();
        let body = to_bytes(Body::new(request.into_body()), BODY_BYTES_MAX).await.map_err(|_| HungUp)?;
        let call: Value = serde_json::from_slice(&body).map_err(|_| HungUp)?;
        let method = call["method"].as_str().unwrap_or_default().to_owned();
        Ok(Self { path, authorization, body, method })
    }

    /// Where Tryton is away, the caller is hung up on.
    async fn send(&self, shared: &Shared) -> Result<Answer, HungUp> {
        let address = shared.upstream.join(&self.path).expect("a path");
        let mut request = shared.http.post(address).header("content-type", "application/json").body(self.body.clone());
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        let answer = request.send().await.map_err(|_| HungUp)?;
        let status = answer.status();
        let body = answer.bytes().await.map_err(|_| HungUp)?;
        Ok(Answer { status, body })
    }
}

impl Answer {
    /// Whether the call was carried out.
    fn is_result(&self) -> bool {
        let answer: Option<Value> = serde_json::from_slice(&self.body).ok();
        self.status.is_success() && answer.is_some_and(|answer| answer["error"].is_null())
    }

    fn passed(self) -> Response<Body> {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = self.status;
        response
    }
}
