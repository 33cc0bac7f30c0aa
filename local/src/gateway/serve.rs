//! The gateway on a socket.
//! It reads and writes HTTP; everything that depends on the request is decided in [`Gateway::handle`].

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, State};
use axum::http::{Request, Response, StatusCode};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::answer::message;
use super::{Gateway, MAX_BODY};

/// How long open requests may take once the gateway is told to stop.
const GRACE: Duration = Duration::from_secs(5);

/// Serves until `shutdown` resolves and open requests are answered, or a few seconds more for those that are not.
pub async fn serve(
    listener: TcpListener,
    gateway: Gateway,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let (told, mut stopping) = oneshot::channel::<()>();
    let app = Router::new().fallback(answer).with_state(gateway);
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    let server = axum::serve(listener, app).with_graceful_shutdown(async move {
        shutdown.await;
        drop(told);
    });
    let mut server = std::pin::pin!(server.into_future());
    tokio::select! {
        ended = &mut server => return ended,
        // Resolves with an error, as the sender is dropped and never used.
        _ = &mut stopping => {}
    }
    // A client that holds its connection open with half a request is not waited for.
    tokio::time::timeout(GRACE, server).await.unwrap_or(Ok(()))
}

async fn answer(
    State(gateway): State<Gateway>,
    ConnectInfo(caller): ConnectInfo<SocketAddr>,
    request: Request<Body>,
) -> Response<Body> {
    let (mut parts, body) = request.into_parts();
    parts.extensions.insert(caller);
    let response = match to_bytes(body, MAX_BODY).await {
        Ok(body) => gateway.handle(Request::from_parts(parts, body)).await,
        // Too long, or cut off by the client, who then does not read this.
        Err(_) => message(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large"),
    };
    response.map(Body::from)
}
