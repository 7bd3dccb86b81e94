//! Edge: how the daemon shows itself: pages for people, health and metrics for machines, systemd's notifications.
//!
//! Imports none of the other edges: the engine answers through a [`Desk`] and reports its progress to a [`Heartbeat`].
//!
//! - Reading needs no token; acting does ([`OpsConfig::token`]). Whatever is not loopback is served with TLS or behind a proxy that
//!   is trusted: the configuration sees to that.
//! - No request costs more than its answer: what is shown was gathered before, and searches are bounded.

mod desk;
mod guard;
mod heartbeat;
mod metrics;
mod page;
mod pages;
mod probes;
mod systemd;
pub mod view;
mod words;

use std::fmt;
use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware;
use axum::routing::{get, post};
use axum_server::tls_rustls::RustlsConfig;
use hyper_util::rt::TokioTimer;

use crate::clock::Clock;
use crate::config::OpsConfig;

pub use desk::{Act, Desk};
pub use heartbeat::Heartbeat;
pub use systemd::{notify_ready, notify_reloading, notify_stopping, watch};

/// A form has three short fields.
const BODY_BYTES_MAX: usize = 8 << 10;
/// Who does not send its request in this time is let go.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);

/// What every answer is made of.
#[derive(Debug)]
pub struct Front {
    pub heartbeat: Arc<Heartbeat>,
    pub desk: Arc<dyn Desk>,
    pub clock: Arc<dyn Clock>,
    pub config: OpsConfig,
}

/// An open port.
pub struct Port {
    listener: TcpListener,
    tls: Option<RustlsConfig>,
}

impl fmt::Debug for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Port").field("listener", &self.listener).field("tls", &self.tls.is_some()).finish()
    }
}

/// Opens the port, if there is to be one, and reads certificate and key.
///
/// # Errors
/// A sentence with what to do.
pub async fn open(config: &OpsConfig) -> Result<Option<Port>, String> {
    let Some(address) = config.listen else { return Ok(None) };
    let tls = match &config.tls {
        None => None,
        Some(files) => {
            let read = RustlsConfig::from_pem_file(&files.cert, &files.key).await;
            Some(read.map_err(|error| {
                let (cert, key) = (files.cert.display(), files.key.display());
                format!(
                    "ops.tls_cert = \"{cert}\" and ops.tls_key = \"{key}\" cannot be used: {error}; both are PEM files"
                )
            })?)
        }
    };
    let bound = tokio::net::TcpListener::bind(address).await.and_then(tokio::net::TcpListener::into_std);
    let listener =
        bound.map_err(|error| format!("ops.listen = \"{address}\" cannot be used: {error}; choose a free port"))?;
    Ok(Some(Port { listener, tls }))
}

/// Serves everything for as long as it is polled.
pub async fn serve(port: Port, front: Arc<Front>) {
    let app = app(front).into_make_service();
    let result: io::Result<()> = async {
        if let Some(tls) = port.tls {
            let mut server = axum_server::from_tcp_rustls(port.listener, tls)?;
            server.http_builder().http1().timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT);
            server.serve(app).await
        } else {
            let mut server = axum_server::from_tcp(port.listener)?;
            server.http_builder().http1().timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT);
            server.serve(app).await
        }
    }
    .await;
    if let Err(error) = result {
        tracing::error!(%error, "the ops listener stopped");
    }
}

fn app(front: Arc<Front>) -> Router {
    Router::new()
        .route("/", get(pages::overview))
        .route("/search", get(pages::search))
        .route("/exception/{id}", get(pages::exception))
        .route("/exception/{id}/retry", post(pages::retry))
        .route("/exception/{id}/resolve", post(pages::resolve))
        .route("/adapter/{name}", get(pages::adapter))
        .route("/adapter/{name}/pause", post(pages::pause))
        .route("/adapter/{name}/resume", post(pages::resume))
        .route("/style.css", get(pages::style))
        .route("/icon.svg", get(pages::icon))
        .route("/livez", get(probes::livez))
        .route("/readyz", get(probes::readyz))
        .route("/status", get(probes::status))
        .route("/metrics", get(probes::metrics))
        .fallback(pages::missing)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(middleware::from_fn_with_state(Arc::clone(&front), guard::hosts))
        .layer(middleware::from_fn(guard::headers))
        .with_state(front)
}
