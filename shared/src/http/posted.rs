//! Forms as pages post them: what is for the server around the request is taken out, and what a page's form stands for is
//! put in its place, before a handler sees it.

use std::collections::HashSet;

use axum::{
    body::Body,
    extract::Request,
    http::{HeaderValue, Method, header, request::Parts},
};

use super::{
    body::{self, Media},
    browsable::{
        document::Operation,
        form::{CONTENT, CONTENT_TYPE, Sent, read_back},
    },
    csrf::{CSRF_FIELD, FormToken},
    problem::Problem,
};

/// The request without the token of its form, which is kept beside it. A page's form of an operation becomes the JSON that
/// it stands for; then what was sent comes back as well, to be shown again. Forms of clients with a token of their own, and
/// what is no form, are passed on as they are.
pub(super) async fn opened(
    request: Request,
    operation: Option<&Operation>,
) -> Result<(Request, Option<Sent>), Problem> {
    let headers = request.headers();
    let is_form = request.method() != Method::GET && matches!(body::media(headers), Ok(Some(Media::Form)));
    let a_browsers = operation.is_some() || headers.contains_key(header::COOKIE);
    if !is_form || !a_browsers {
        return Ok((request, None));
    }
    let by_token = headers.contains_key(header::AUTHORIZATION);
    let (mut parts, body) = request.into_parts();
    let mut bytes = body::read(body).await?;
    // What cannot be read is the handler's to refuse.
    let mut sent = None;
    if let Some(mut pairs) = body::pairs(&bytes)? {
        take_token(&mut parts, &mut pairs, &mut bytes);
        if let Some(operation) = operation.filter(|_| !by_token && are_distinct(&pairs)) {
            bytes = translated(&mut parts, operation, &pairs);
            sent = Some(Sent(pairs.into_iter().collect()));
        }
    }
    parts.headers.remove(header::CONTENT_LENGTH);
    Ok((Request::from_parts(parts, Body::from(bytes)), sent))
}

/// Takes the token out. Of two, neither counts.
fn take_token(parts: &mut Parts, pairs: &mut Vec<(String, String)>, bytes: &mut Vec<u8>) {
    let tokens: Vec<(String, String)> = pairs.extract_if(.., |(name, _)| name == CSRF_FIELD).collect();
    if tokens.is_empty() {
        return;
    }
    if let [(_, token)] = tokens.as_slice() {
        parts.extensions.insert(FormToken(token.clone()));
    }
    let is_token = |pair: &[u8]| {
        body::pairs(pair).ok().flatten().is_some_and(|pairs| pairs.iter().any(|(name, _)| name == CSRF_FIELD))
    };
    let others: Vec<&[u8]> = bytes.split(|byte| *byte == b'&').filter(|pair| !is_token(pair)).collect();
    *bytes = others.join(&b'&');
}

/// A field that is named twice is refused by name, as everywhere.
fn are_distinct(pairs: &[(String, String)]) -> bool {
    let mut names = HashSet::new();
    pairs.iter().all(|(name, _)| names.insert(name))
}

/// The body that a page's form stands for: what was typed as a body, or its fields.
fn translated(parts: &mut Parts, operation: &Operation, pairs: &[(String, String)]) -> Vec<u8> {
    let field = |wanted: &str| pairs.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
    let media = field(CONTENT_TYPE).and_then(|media| HeaderValue::from_str(media).ok());
    let (media, bytes) = if let Some(content) = field(CONTENT) {
        (media, content.as_bytes().to_vec())
    } else {
        let body = read_back(parts.method.as_str(), operation, pairs);
        (None, serde_json::to_vec(&body).unwrap_or_default())
    };
    let json = HeaderValue::from_static("application/json");
    parts.headers.insert(header::CONTENT_TYPE, media.unwrap_or(json));
    bytes
}
