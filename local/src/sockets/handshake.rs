//! The HTTP request that opens a connection (RFC 6455, section 4).

use axum::body::Bytes;
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, Response, StatusCode, header};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// The name of the stage, which is the path of the API.
pub(super) const STAGE: &str = "live";

/// The path of the WebSocket API.
pub const PATH: &str = "/live";

/// Returns true if a request is for the WebSocket API.
pub(crate) fn is_for_sockets(head: &Parts) -> bool {
    head.uri.path().trim_end_matches('/') == PATH
}

/// Returns the key of a handshake, or the status of the refusal if the request is not a valid handshake.
pub(crate) fn key_of(head: &Parts) -> Result<Vec<u8>, StatusCode> {
    let has = |name: header::HeaderName, token: &str| {
        let values = head.headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
        values.flat_map(|value| value.split(',')).any(|part| part.trim().eq_ignore_ascii_case(token))
    };
    if head.method != Method::GET || !has(header::UPGRADE, "websocket") {
        return Err(StatusCode::UPGRADE_REQUIRED);
    }
    let key = head.headers.get(header::SEC_WEBSOCKET_KEY).ok_or(StatusCode::BAD_REQUEST)?;
    let is_valid = has(header::CONNECTION, "upgrade") && has(header::SEC_WEBSOCKET_VERSION, "13");
    if is_valid { Ok(key.as_bytes().to_vec()) } else { Err(StatusCode::BAD_REQUEST) }
}

/// Returns the answer that completes a handshake.
pub(crate) fn switching(key: &[u8]) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    if let Ok(accept) = HeaderValue::from_str(&derive_accept_key(key)) {
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    }
    response
}
