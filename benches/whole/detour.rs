//! A way to a server on which every answer takes longer.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

/// Serves until it is dropped.
pub struct Detour {
    pub address: SocketAddr,
    _serving: JoinSet<()>,
}

impl Detour {
    /// No answer to a request arrives earlier than `latency` after it.
    pub async fn start(server: &str, latency: Duration) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let (address, server) = (listener.local_addr()?, server.to_owned());
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let server = server.clone();
                connections.spawn(async move {
                    if let Ok(upstream) = TcpStream::connect(&server).await {
                        connect(client, upstream, latency).await;
                    }
                });
            }
        });
        Ok(Self { address, _serving: serving })
    }
}

async fn connect(client: TcpStream, upstream: TcpStream, latency: Duration) {
    let asked = Arc::new(Mutex::new(Instant::now()));
    let ((from_client, to_client), (from_upstream, to_upstream)) = (client.into_split(), upstream.into_split());
    let noted = Arc::clone(&asked);
    let there = pass(from_client, to_upstream, async move || {
        *noted.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    });
    let back = pass(from_upstream, to_client, async move || {
        let asked = *asked.lock().unwrap_or_else(PoisonError::into_inner);
        sleep_until(asked + latency).await;
    });
    tokio::join!(there, back);
}

/// Hands on what comes, each piece after `before`.
async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, before: impl AsyncFn()) {
    let mut piece = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = from.read(&mut piece).await {
        before().await;
        if to.write_all(&piece[..length]).await.is_err() {
            break;
        }
    }
    let _ = to.shutdown().await;
}
