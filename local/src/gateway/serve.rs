//! The gateway on a socket: connections, their time limits, and the bodies of requests. All other decisions about a
//! request are in [`Gateway::handle`]. A handshake of the WebSocket API turns its connection over to `sockets`.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use axum::http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::answer::message;
use super::{Gateway, Hosts, MAX_BODY};
use crate::sockets::{self, Accepted, Opening, Sockets};

/// The maximum time for open requests after the gateway is told to stop.
const GRACE: Duration = Duration::from_secs(5);

/// The waiting time after the system refused a connection, most likely because file descriptors ran out.
const PAUSE: Duration = Duration::from_secs(1);

/// The maximum times that a client may take to send its data.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// The time for the head of a request, from the end of the previous request. It limits idle connections as well.
    pub(super) head: Duration,
    /// The time for the body of a request.
    pub(super) body: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { head: Duration::from_secs(10), body: Duration::from_secs(30) }
    }
}

/// The parts that all connections share. Clones are cheap.
#[derive(Debug, Clone)]
pub(super) struct ConnectionContext {
    pub(super) gateway: Gateway,
    pub(super) hosts: Hosts,
    pub(super) limits: Limits,
}

/// Serves until `shutdown` resolves and open requests are answered, or until 5 seconds have passed.
pub async fn serve(
    listener: TcpListener,
    gateway: Gateway,
    hosts: Hosts,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    open(listener, ConnectionContext { gateway, hosts, limits: Limits::default() }, shutdown).await;
    Ok(())
}

/// Accepts connections until `shutdown` resolves.
pub(super) async fn open(
    listener: TcpListener,
    door: ConnectionContext,
    shutdown: impl Future<Output = ()> + Send,
) {
    let (told, stopping) = watch::channel(());
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, caller)) => {
                    connections.spawn(connection(stream, caller, door.clone(), stopping.clone()));
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(PAUSE).await;
                }
            },
        }
    }
    drop((listener, told));
    // Connections that are still open after this time are closed, because the set is dropped.
    let ended = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(GRACE, ended).await.is_err() {
        tracing::debug!("a connection was closed before its request had ended");
    }
}

/// A connection whose handshake was answered, for the session that follows. A connection of HTTP has at most one.
type Upgrade = Arc<Mutex<Option<(OnUpgrade, Accepted)>>>;

/// Answers the requests of one connection until either side closes it. After a handshake, serves the session.
async fn connection(
    stream: TcpStream,
    caller: SocketAddr,
    door: ConnectionContext,
    mut stopping: watch::Receiver<()>,
) {
    // Frames and answers are small, and the kernel would hold them back.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection has ended at once");
    }
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(door.limits.head);
    let upgrade = Upgrade::default();
    let session = Arc::clone(&upgrade);
    let service = service_fn(move |request| answer(door.clone(), caller, Arc::clone(&upgrade), request));
    let mut connection = pin!(server.serve_connection(TokioIo::new(stream), service).with_upgrades());
    let ended = tokio::select! {
        ended = connection.as_mut() => Some(ended),
        // The result is always an error, because the sender is only dropped and never sends a value.
        _ = stopping.changed() => None,
    };
    let ended = if let Some(ended) = ended {
        ended
    } else {
        connection.as_mut().graceful_shutdown();
        connection.await
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended");
    }
    let upgraded = session.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some((upgraded, accepted)) = upgraded {
        serve_session(upgraded, accepted, stopping).await;
    }
}

/// Serves a WebSocket connection until it ends, or closes it when the gateway is told to stop.
async fn serve_session(upgraded: OnUpgrade, accepted: Accepted, mut stopping: watch::Receiver<()>) {
    let stream = match upgraded.await {
        Ok(stream) => TokioIo::new(stream),
        Err(error) => {
            tracing::debug!(%error, "a handshake was not completed");
            return accepted.abandon().await;
        }
    };
    let stop = accepted.stopper();
    let mut session = pin!(accepted.serve(stream));
    tokio::select! {
        () = session.as_mut() => {}
        _ = stopping.changed() => {
            stop();
            session.await;
        }
    }
}

async fn answer(
    door: ConnectionContext,
    caller: SocketAddr,
    upgrade: Upgrade,
    mut request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let upgraded = hyper::upgrade::on(&mut request);
    let (mut head, body) = request.into_parts();
    head.extensions.insert(caller);
    if let Some(refusal) = door.hosts.refusal(&head) {
        return Ok(closing(refusal).map(Full::new));
    }
    if let Some(sockets) = door.gateway.sockets.as_ref().filter(|_| sockets::is_for_sockets(&head)) {
        let (response, accepted) = shake_hands(sockets, &head, caller).await;
        if let Some(accepted) = accepted {
            *upgrade.lock().unwrap_or_else(PoisonError::into_inner) = Some((upgraded, accepted));
        }
        return Ok(response.map(Full::new));
    }
    let response = match read(body, door.limits.body).await {
        Ok(body) => door.gateway.handle(Request::from_parts(head, body)).await,
        Err((status, text)) => closing(door.gateway.refusal(&head, status, text)),
    };
    Ok(response.map(Full::new))
}

/// Answers a handshake. Returns the connection with the answer if the function has accepted it.
async fn shake_hands(
    sockets: &Sockets,
    head: &axum::http::request::Parts,
    caller: SocketAddr,
) -> (Response<Bytes>, Option<Accepted>) {
    let refusal = |status: StatusCode| {
        let text = status.canonical_reason().unwrap_or_default();
        closing(message(status, text))
    };
    let key = match sockets::key_of(head) {
        Ok(key) => key,
        Err(status) => return (refusal(status), None),
    };
    let query = head.uri.query().unwrap_or_default().to_owned();
    let opening = Opening { headers: head.headers.clone(), query, caller: caller.ip() };
    match sockets.open(&opening).await {
        Ok(accepted) => (sockets::switching(&key), Some(accepted)),
        Err(status) => (refusal(status), None),
    }
}

/// Reads the whole body. The error has the status and the text of the answer.
async fn read(body: Incoming, limit: Duration) -> Result<Bytes, (StatusCode, &'static str)> {
    let reading = Limited::new(body, MAX_BODY).collect();
    let Ok(read) = tokio::time::timeout(limit, reading).await else {
        return Err((StatusCode::REQUEST_TIMEOUT, "Request Timeout"));
    };
    match read {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => {
            Err((StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large"))
        }
        // The chunks are invalid, or the client has closed the connection and does not read this answer.
        Err(_) => Err((StatusCode::BAD_REQUEST, "Bad Request")),
    }
}

/// Returns the answer with a header that closes the connection. Otherwise the rest of the body would be read as a
/// request.
fn closing(mut response: Response<Bytes>) -> Response<Bytes> {
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}
