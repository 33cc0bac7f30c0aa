//! The single log line of a request, and the span that gives every other line the request id and the user.

use std::time::Instant;

use axum::{
    extract::{MatchedPath, Request},
    middleware::Next,
    response::Response,
};
use tracing::{Instrument, field, info, info_span};

use super::request_id::RequestId;

/// Writes the line when the answer is complete. It has no path, query or body, because these contain ids and texts of
/// users.
pub(super) async fn write(request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let span = info_span!("request", request_id = RequestId::of(&request).0, user = field::Empty);
    let response = next.run(request).instrument(span.clone()).await;
    let status = response.status().as_u16();
    // `tracing` logs a u128 as text, and log queries cannot add up texts.
    let millis = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    let _entered = span.enter();
    info!(method = method.as_str(), route = route.as_deref().unwrap_or("-"), status, millis, "request");
    response
}
