//! The `@connections` API over HTTP, for functions in other processes
//! (<https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-how-to-call-websocket-api-connections.html>).
//! It checks no signature, but requires one: a page of another site cannot send the header without asking first.

use axum::body::Bytes;
use axum::http::{Method, Request, Response, StatusCode, Uri, header};
use chrono::SecondsFormat;
use serde_json::{Value, json};
use shared::ids::ConnectionId;
use shared::realtime::PostError;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use super::LocalConnections;

/// Returns true if a request is for this API.
pub(crate) fn is_for_management(uri: &Uri) -> bool {
    target(uri).is_some()
}

/// Returns the encoded id of a connection in a path such as `/@connections/{id}`, also below a stage. Clients may encode
/// the `@`.
fn target(uri: &Uri) -> Option<&str> {
    let path = uri.path();
    path.split_once("/@connections/").or_else(|| path.split_once("/%40connections/")).map(|(_, id)| id)
}

/// Answers a request.
pub(crate) fn answer(connections: &LocalConnections, request: &Request<Bytes>) -> Response<Bytes> {
    if !request.headers().contains_key(header::AUTHORIZATION) {
        return refusal(StatusCode::FORBIDDEN, "MissingAuthenticationTokenException", "Forbidden");
    }
    let id = target(request.uri()).map(|id| percent_encoding::percent_decode_str(id).decode_utf8_lossy());
    let Some(id) = id.and_then(|id| id.parse::<ConnectionId>().ok()) else {
        return refusal(StatusCode::BAD_REQUEST, "BadRequestException", "Invalid connectionId");
    };
    match *request.method() {
        Method::POST => post(connections, &id, request.body()),
        Method::DELETE if connections.remove(&id, CloseCode::Normal) => plain(StatusCode::NO_CONTENT, ""),
        Method::DELETE => gone(),
        Method::GET => facts(connections, &id),
        _ => refusal(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowedException", "Method Not Allowed"),
    }
}

fn post(connections: &LocalConnections, id: &ConnectionId, body: &Bytes) -> Response<Bytes> {
    if body.len() > shared::realtime::MAX_MESSAGE {
        return refusal(StatusCode::PAYLOAD_TOO_LARGE, "PayloadTooLargeException", "Payload Too Large");
    }
    match connections.send(id, String::from_utf8_lossy(body).into_owned()) {
        Ok(()) => plain(StatusCode::OK, ""),
        Err(PostError::Gone) => gone(),
        Err(PostError::Failed(reason)) => {
            refusal(StatusCode::TOO_MANY_REQUESTS, "LimitExceededException", &reason)
        }
    }
}

fn facts(connections: &LocalConnections, id: &ConnectionId) -> Response<Bytes> {
    let Some(facts) = connections.facts(id) else {
        return gone();
    };
    let time = |time: chrono::DateTime<chrono::Utc>| time.to_rfc3339_opts(SecondsFormat::Millis, true);
    let body: Value = json!({
        "connectedAt": time(facts.context.connected_at),
        "lastActiveAt": time(facts.last_active_at),
        "identity": { "sourceIp": facts.context.source_ip, "userAgent": facts.context.user_agent },
    });
    plain(StatusCode::OK, &body.to_string())
}

fn gone() -> Response<Bytes> {
    refusal(StatusCode::GONE, "GoneException", "Gone")
}

/// Returns an error in the format of the service. The SDK reads the code from the header.
fn refusal(status: StatusCode, code: &'static str, text: &str) -> Response<Bytes> {
    let mut response = plain(status, &json!({ "message": text }).to_string());
    response.headers_mut().insert("x-amzn-errortype", axum::http::HeaderValue::from_static(code));
    response
}

fn plain(status: StatusCode, body: &str) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body.to_owned()));
    *response.status_mut() = status;
    let kind = axum::http::HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}
