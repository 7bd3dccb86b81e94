//! Edge: how the daemon shows itself to the machine: liveness over HTTP, systemd's notifications.
//!
//! Imports none of the other edges; the engine reports its progress to a [`Heartbeat`].

mod heartbeat;
mod systemd;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use tokio::net::TcpListener;

pub use heartbeat::Heartbeat;
pub use systemd::{notify_ready, notify_stopping, watch};

/// Opens the port.
pub async fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    TcpListener::bind(address).await
}

/// Serves `/livez` for as long as it is polled.
pub async fn serve(listener: TcpListener, heartbeat: Arc<Heartbeat>) {
    let app = Router::new().route("/livez", get(livez)).with_state(heartbeat);
    if let Err(error) = axum::serve(listener, app).await {
        tracing::error!(%error, "the ops listener stopped");
    }
}

/// 200 while the scheduler makes progress; an upstream that is down does not count, for a restart would not mend it.
async fn livez(State(heartbeat): State<Arc<Heartbeat>>) -> (StatusCode, &'static str) {
    if heartbeat.is_alive() { (StatusCode::OK, "alive\n") } else { (StatusCode::SERVICE_UNAVAILABLE, "stuck\n") }
}
