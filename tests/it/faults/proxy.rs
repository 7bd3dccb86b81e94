//! Stands between the program and a Postgres server, and understands just enough of what goes by to see a COMMIT.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use sqlx::postgres::PgConnectOptions;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinSet;

use crate::harness::Database;

/// What happens to a transaction at its COMMIT.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// The connection is lost before the server hears of it.
    LostBefore,
    /// The server commits, and the connection is lost before it can say so.
    LostAfter,
    /// The server itself fails the transaction with this SQLSTATE.
    Refused(&'static str),
    /// Nothing goes by any more, and nobody hangs up.
    Held,
}

type Judge = Box<dyn FnMut() -> Option<Fault> + Send>;

struct Plan {
    judge: Judge,
    struck: Vec<Fault>,
}

#[derive(Clone)]
struct Shared(Arc<Mutex<Plan>>);

impl Shared {
    fn plan(&self) -> MutexGuard<'_, Plan> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What happens to the COMMIT that goes by.
    fn judge(&self) -> Option<Fault> {
        let mut plan = self.plan();
        let fault = (plan.judge)();
        plan.struck.extend(fault);
        fault
    }
}

/// Where the server is.
#[derive(Clone)]
enum Upstream {
    Socket(PathBuf),
    Address(String, u16),
}

/// A running proxy; its connections end when it is dropped.
pub struct Proxy {
    /// The database behind it.
    pub url: String,
    shared: Shared,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Proxy {
    pub fn before(database: &Database) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.set_nonblocking(true).expect("a socket");
        let url = through(&database.url, listener.local_addr().expect("an address"));
        let upstream = upstream(&database.pool.connect_options());
        let shared = Shared(Arc::new(Mutex::new(Plan { judge: Box::new(|| None), struck: Vec::new() })));
        let (stop, stopped) = oneshot::channel();
        let serving = shared.clone();
        let thread = std::thread::spawn(move || serve(listener, &upstream, &serving, stopped));
        Self { url, shared, stop: Some(stop), thread: Some(thread) }
    }

    /// Asks `judge` about every COMMIT from now on.
    pub fn break_commits(&self, judge: impl FnMut() -> Option<Fault> + Send + 'static) {
        self.shared.plan().judge = Box::new(judge);
    }

    pub fn mend(&self) {
        self.break_commits(|| None);
    }

    /// Every fault so far, in order.
    pub fn struck(&self) -> Vec<Fault> {
        self.shared.plan().struck.clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The same database at another address.
fn through(url: &str, address: SocketAddr) -> String {
    let mut url: url::Url = url.parse().expect("a URL");
    url.set_query(Some("sslmode=disable"));
    url.set_ip_host(address.ip()).expect("a URL with a host");
    url.set_port(Some(address.port())).expect("a URL with a host");
    url.into()
}

fn upstream(options: &PgConnectOptions) -> Upstream {
    match options.get_socket() {
        Some(directory) => Upstream::Socket(directory.join(format!(".s.PGSQL.{}", options.get_port()))),
        None => Upstream::Address(options.get_host().to_owned(), options.get_port()),
    }
}

fn serve(listener: std::net::TcpListener, upstream: &Upstream, shared: &Shared, stopped: oneshot::Receiver<()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async move {
        let listener = TcpListener::from_std(listener).expect("a socket");
        let mut connections = JoinSet::new();
        let accept = async {
            loop {
                let (client, _) = listener.accept().await.expect("a client");
                connections.spawn(connect(client, upstream.clone(), shared.clone()));
            }
        };
        tokio::select! {
            _ = stopped => {}
            () = accept => {}
        }
    });
}

/// One connection; a server that is away shows as one that hangs up.
async fn connect(client: TcpStream, upstream: Upstream, shared: Shared) {
    let _ = client.set_nodelay(true);
    match upstream {
        Upstream::Socket(path) => {
            if let Ok(server) = UnixStream::connect(path).await {
                relay(client, server, &shared).await;
            }
        }
        Upstream::Address(host, port) => {
            if let Ok(server) = TcpStream::connect((host, port)).await {
                let _ = server.set_nodelay(true);
                relay(client, server, &shared).await;
            }
        }
    }
}

async fn relay(client: TcpStream, server: impl AsyncRead + AsyncWrite, shared: &Shared) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = tokio::io::split(server);
    let (mute, committed) = (AtomicBool::new(false), Notify::new());
    let requests = async {
        // The first one has no kind.
        let Some(startup) = frame(&mut from_client, false).await else { return };
        if to_server.write_all(&startup).await.is_err() {
            return;
        }
        while let Some(request) = frame(&mut from_client, true).await {
            let fault = if is_commit(&request) { shared.judge() } else { None };
            let sent = match fault {
                None => to_server.write_all(&request).await,
                Some(Fault::LostBefore) => return,
                Some(Fault::LostAfter) => {
                    mute.store(true, Ordering::SeqCst);
                    let sent = to_server.write_all(&request).await;
                    committed.notified().await;
                    return drop(sent);
                }
                Some(Fault::Refused(code)) => to_server.write_all(&refusal(code)).await,
                Some(Fault::Held) => std::future::pending().await,
            };
            if sent.is_err() {
                return;
            }
        }
    };
    let answers = async {
        let mut buffer = vec![0; 1 << 16];
        while let Ok(length) = from_server.read(&mut buffer).await
            && length > 0
        {
            if mute.load(Ordering::SeqCst) {
                committed.notify_one();
                return std::future::pending().await;
            }
            if to_client.write_all(&buffer[..length]).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = requests => {}
        () = answers => {}
    }
}

/// One message: a byte for its kind, unless it is the first, and four for its length, themselves included.
async fn frame(from: &mut (impl AsyncRead + Unpin), has_kind: bool) -> Option<Vec<u8>> {
    let head = if has_kind { 5 } else { 4 };
    let mut message = vec![0; head];
    from.read_exact(&mut message).await.ok()?;
    let length: [u8; 4] = message[head - 4..].try_into().ok()?;
    let rest = usize::try_from(u32::from_be_bytes(length)).ok()?.checked_sub(4)?;
    message.resize(head + rest, 0);
    from.read_exact(&mut message[head..]).await.ok()?;
    Some(message)
}

fn is_commit(message: &[u8]) -> bool {
    message.first() == Some(&b'Q') && message[5..].starts_with(b"COMMIT")
}

/// A query that fails with a SQLSTATE.
fn refusal(code: &str) -> Vec<u8> {
    let query = format!("do $$ begin raise exception 'as if' using errcode = '{code}'; end $$\0");
    let length = u32::try_from(query.len() + 4).expect("a short query");
    [&b"Q"[..], &length.to_be_bytes(), query.as_bytes()].concat()
}
