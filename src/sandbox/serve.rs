//! HTTP around a world: a router for in-process use, and a server whose connections can be cut.
//!
//! The accept loop is written out because a simulated server must be able to do what a proper one cannot: close a
//! connection before the status line, and send no `Date`.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Response, StatusCode, header};
use bytes::Bytes;
use futures::{StreamExt as _, stream};
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::sandbox::answer::{Answer, Call, Delivery};
use crate::sandbox::world::World;

const BODY_BYTES_MAX: usize = 16 * 1024 * 1024;
const PIECES: usize = 8;

/// What a request knows of the connection that it came over.
#[derive(Debug, Clone)]
struct Connection {
    peer: SocketAddr,
    cut: CancellationToken,
}

/// All routes: the API under `/v3`, the admin routes under `/_sandbox`.
pub fn router(world: Arc<World>) -> Router {
    Router::new().fallback(respond).with_state(world)
}

/// A world served on a socket. Stops, with all connections, when dropped.
#[derive(Debug)]
pub struct Server {
    /// With the version path, such as `http://127.0.0.1:8970/v3`.
    pub base_url: String,
    pub address: SocketAddr,
    tasks: JoinSet<()>,
}

impl Server {
    /// Serves `world` on `address`; port 0 takes any free one.
    pub async fn start(world: Arc<World>, address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, router(world)));
        Ok(Self { base_url: format!("http://{address}/v3"), address, tasks })
    }

    /// Serves until the server fails, which it does not by itself.
    pub async fn wait(&mut self) {
        self.tasks.join_next().await;
    }
}

async fn accept(listener: TcpListener, router: Router) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    connections.spawn(converse(stream, peer, router.clone()));
                }
                Err(error) => {
                    tracing::warn!(%error, "sandbox could not accept a connection");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            },
        }
    }
}

/// One connection, until the client leaves or the world cuts it.
async fn converse(stream: TcpStream, peer: SocketAddr, router: Router) {
    let cut = CancellationToken::new();
    // Small answers must not wait for the client's acknowledgement; where that cannot be set they are only slower.
    let _ = stream.set_nodelay(true);
    let router = router.layer(axum::Extension(Connection { peer, cut: cut.clone() }));
    let service = TowerToHyperService::new(router);
    let conversation = http1::Builder::new().auto_date_header(false).serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        biased;
        () = cut.cancelled() => {}
        _ = conversation => {}
    }
}

async fn respond(State(world): State<Arc<World>>, request: Request) -> Result<Response<Body>, Infallible> {
    let (parts, body) = request.into_parts();
    let connection = parts.extensions.get::<Connection>();
    let Ok(body) = axum::body::to_bytes(body, BODY_BYTES_MAX).await else {
        return Ok(plain(StatusCode::PAYLOAD_TOO_LARGE));
    };
    let path = parts.uri.path();
    let query = parts.uri.query().unwrap_or_default();
    if let Some(admin) = path.strip_prefix("/_sandbox") {
        if connection.is_some_and(|connection| !connection.peer.ip().is_loopback()) {
            return Ok(plain(StatusCode::FORBIDDEN));
        }
        let answer = world.administer(parts.method.as_str(), admin, query, &body);
        return Ok(deliver(world, answer, connection).await);
    }
    let Some(path) = path.strip_prefix("/v3") else { return Ok(plain(StatusCode::NOT_FOUND)) };
    let call = Call {
        method: parts.method.as_str(),
        path,
        query,
        bearer: text(&parts.headers, "authorization").and_then(|value| value.strip_prefix("Bearer ")),
        customer_id: text(&parts.headers, "x-customer-id"),
        body: &body,
    };
    let answer = world.answer(call);
    Ok(deliver(world, answer, connection).await)
}

async fn deliver(world: Arc<World>, answer: Answer, connection: Option<&Connection>) -> Response<Body> {
    let mut response = plain(StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static(answer.content_type));
    headers.insert(header::CONTENT_LENGTH, answer.body.len().into());
    for (name, value) in answer.headers {
        if let Ok(value) = header::HeaderValue::from_str(&value) {
            headers.insert(header::HeaderName::from_static(name), value);
        }
    }
    *response.body_mut() = match answer.delivery {
        Delivery::Whole => Body::from(answer.body),
        Delivery::Late(pause) => {
            world.clock().sleep(pause).await;
            Body::from(answer.body)
        }
        Delivery::Slow(whole) => slow(world, answer.body, whole),
        Delivery::ResetInside => cut_inside(&answer.body),
        Delivery::ResetBefore => {
            if let Some(connection) = connection {
                connection.cut.cancel();
                std::future::pending::<()>().await;
            }
            // Without a connection of its own there is only the body to break.
            cut_inside(&answer.body)
        }
        Delivery::Hang => std::future::pending().await,
    };
    response
}

/// The body in pieces with a pause before each.
fn slow(world: Arc<World>, body: Bytes, whole: Duration) -> Body {
    let pause = whole / u32::try_from(PIECES).unwrap_or(1);
    let size = body.len().div_ceil(PIECES).max(1);
    Body::from_stream(stream::unfold((world, body), move |(world, mut rest)| async move {
        if rest.is_empty() {
            return None;
        }
        world.clock().sleep(pause).await;
        let piece = rest.split_to(size.min(rest.len()));
        Some((Ok::<_, Infallible>(piece), (world, rest)))
    }))
}

/// Half of the body and then an error, at which the connection is closed.
fn cut_inside(body: &Bytes) -> Body {
    let half = body.slice(..body.len() / 2);
    let reset = async {
        // The half must have left before the error comes, or it would never be sent.
        tokio::task::yield_now().await;
        Err(io::Error::new(io::ErrorKind::ConnectionReset, "simulated reset"))
    };
    Body::from_stream(stream::once(async { Ok(half) }).chain(stream::once(reset)))
}

fn plain(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}
