//! HEAD: the answer of GET without its body (RFC 9110, section 9.3.2); and `Content-Length` for every answer of known
//! length.

use axum::{
    body::{Body, HttpBody as _},
    extract::Request,
    http::{HeaderValue, Method, header},
    middleware::Next,
    response::Response,
};

/// Marks a request that the client has sent with HEAD and that the handler sees as GET.
#[derive(Debug, Clone, Copy)]
pub(super) struct HeadRequest;

/// Runs the handler of GET for HEAD.
pub(super) async fn answer_as_get(mut request: Request, next: Next) -> Response {
    let is_head = request.method() == Method::HEAD;
    if is_head {
        *request.method_mut() = Method::GET;
        request.extensions_mut().insert(HeadRequest);
    }
    with_length(next.run(request).await, is_head)
}

/// Returns the response with the header `Content-Length` if the length is known, and without the body for HEAD.
pub fn with_length(mut response: Response, is_head: bool) -> Response {
    let Some(length) = response.body().size_hint().exact() else {
        return response;
    };
    response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    if is_head { response.map(|_| Body::empty()) } else { response }
}
