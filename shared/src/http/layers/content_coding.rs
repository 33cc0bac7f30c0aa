//! Refuses compressed request bodies: a small body could decompress to a large one.

use axum::{
    extract::Request,
    http::{Method, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use crate::http::{Code, Problem};

/// Refuses a body with a content coding. Bodies of other methods than POST, PUT and PATCH are not read.
pub(super) async fn refuse_coded_bodies(request: Request, next: Next) -> Response {
    if is_coded(&request) { unsupported() } else { next.run(request).await }
}

fn is_coded(request: &Request) -> bool {
    let has_body = matches!(*request.method(), Method::POST | Method::PUT | Method::PATCH);
    let lines = request.headers().get_all(header::CONTENT_ENCODING).iter();
    let mut codings = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b','));
    let is_none = |coding: &[u8]| coding.is_empty() || coding.eq_ignore_ascii_case(b"identity");
    has_body && codings.any(|coding| !is_none(coding.trim_ascii()))
}

/// Returns a 415 with a header that names the supported codings: only `identity` (RFC 9110, section 12.5.3).
fn unsupported() -> Response {
    let problem = Problem::new(
        Code::UnsupportedMediaType,
        "Compressed request bodies are not supported. Send the body uncompressed, without the header \
         `Content-Encoding`.",
    );
    ([(header::ACCEPT_ENCODING, "identity")], problem).into_response()
}
