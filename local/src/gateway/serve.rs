//! The gateway on a socket: connections, their time limits, and the bodies of requests.
//! Everything else that depends on the request is decided in [`Gateway::handle`].

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::{Gateway, Hosts, MAX_BODY};

/// How long open requests may take once the gateway is told to stop.
const GRACE: Duration = Duration::from_secs(5);

/// How long to wait after the system refused a connection, most likely for want of file descriptors.
const PAUSE: Duration = Duration::from_secs(1);

/// How long a client may take to send something.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// The head of a request, counted from the end of the one before: a connection may be idle for as long.
    pub(super) head: Duration,
    /// The body of a request.
    pub(super) body: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { head: Duration::from_secs(10), body: Duration::from_secs(30) }
    }
}

/// The parts that all connections share. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct ConnectionContext {
    pub(super) gateway: Gateway,
    pub(super) hosts: Hosts,
    pub(super) limits: Limits,
}

/// Serves until `shutdown` resolves and open requests are answered, or a few seconds more for those that are not.
pub async fn serve(
    listener: TcpListener,
    gateway: Gateway,
    hosts: Hosts,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    open(listener, ConnectionContext { gateway, hosts, limits: Limits::default() }, shutdown).await;
    Ok(())
}

/// Lets everybody in who connects, until `shutdown` resolves.
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
    // What is open after this time is closed when the set is dropped.
    let ended = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(GRACE, ended).await.is_err() {
        tracing::debug!("a connection was closed before its request had ended");
    }
}

/// Answers the requests of one connection until either side closes it.
async fn connection(
    stream: TcpStream,
    caller: SocketAddr,
    door: ConnectionContext,
    mut stopping: watch::Receiver<()>,
) {
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(door.limits.head);
    let service = service_fn(move |request| answer(door.clone(), caller, request));
    let mut connection = pin!(server.serve_connection(TokioIo::new(stream), service));
    let ended = tokio::select! {
        ended = connection.as_mut() => Some(ended),
        // Resolves with an error, as the sender is dropped and never used.
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
}

async fn answer(
    door: ConnectionContext,
    caller: SocketAddr,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (mut head, body) = request.into_parts();
    head.extensions.insert(caller);
    if let Some(refusal) = door.hosts.refusal(&head) {
        return Ok(closing(refusal).map(Full::new));
    }
    let response = match read(body, door.limits.body).await {
        Ok(body) => door.gateway.handle(Request::from_parts(head, body)).await,
        Err((status, text)) => closing(door.gateway.refusal(&head, status, text)),
    };
    Ok(response.map(Full::new))
}

/// The whole body, or the status and the text with which it is refused.
async fn read(body: Incoming, limit: Duration) -> Result<Bytes, (StatusCode, &'static str)> {
    match tokio::time::timeout(limit, Limited::new(body, MAX_BODY).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            Err((StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large"))
        }
        // Not in chunks as the head says, or cut off by the client, who then does not read this.
        Ok(Err(_)) => Err((StatusCode::BAD_REQUEST, "Bad Request")),
        Err(_elapsed) => Err((StatusCode::REQUEST_TIMEOUT, "Request Timeout")),
    }
}

/// The next bytes on the connection are the rest of a body and not a request.
fn closing(mut response: Response<Bytes>) -> Response<Bytes> {
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}
