//! The request id: the gateway's id of the request, so that its logs and the function's logs can be joined.
//!
//! The layer of tower-http keeps an id that the client sends. Here the client must not choose it.

use axum::{
    extract::{Request, State},
    http::{HeaderName, HeaderValue},
    middleware::Next,
    response::Response,
};
use lambda_http::request::RequestContext;

use crate::random::Random;

/// The name of the header that contains the id in answers.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The id of a request, as an extension of the request.
#[derive(Debug, Clone)]
pub(super) struct RequestId(pub(super) String);

impl RequestId {
    /// Returns the id that the layer has assigned; an empty text outside that layer.
    pub(super) fn of(request: &Request) -> Self {
        request.extensions().get().cloned().unwrap_or_else(|| Self(String::new()))
    }
}

/// Assigns the id, and adds it to the headers of the answer.
pub(super) async fn assign(State(random): State<Random>, mut request: Request, next: Next) -> Response {
    let id = gateway_id(&request).unwrap_or_else(|| random.uuid().to_string());
    let header = HeaderValue::from_str(&id);
    request.extensions_mut().insert(RequestId(id));
    let mut response = next.run(request).await;
    if let Ok(header) = header {
        response.headers_mut().insert(REQUEST_ID, header);
    }
    response
}

fn gateway_id(request: &Request) -> Option<String> {
    match request.extensions().get::<RequestContext>()? {
        RequestContext::ApiGatewayV2(context) => context.request_id.clone().filter(|id| !id.is_empty()),
        #[allow(unreachable_patterns, reason = "other gateways are features of lambda_http")]
        _ => None,
    }
}
