//! HTML forms as browsers submit them. This module removes the CSRF token, and converts the fields of a page's form
//! into the JSON that the handler reads.

use std::collections::HashSet;

use axum::{
    body::Body,
    extract::Request,
    http::{HeaderValue, Method, header, request::Parts},
};

use super::{
    document::Operation,
    form::{CONTENT, CONTENT_TYPE, SubmittedForm, read_back},
};
use crate::http::{
    Problem,
    request::{
        body::{self, Media},
        csrf::{CSRF_FIELD, FormToken},
        pairs,
    },
};

/// Returns true if a browser may have submitted the request as an HTML form: it is URL-encoded, and has a cookie.
pub(super) fn is_of_browser(request: &Request) -> bool {
    is_form(request) && request.headers().contains_key(header::COOKIE)
}

fn is_form(request: &Request) -> bool {
    request.method() != Method::GET && matches!(body::media(request.headers()), Ok(Some(Media::Form)))
}

/// Returns the request without the CSRF token of its form; the token is then among the extensions. The form of a page,
/// which has an operation, becomes JSON. Its fields are returned too, because the page shows a refused form again.
///
/// Forms of clients with a token of the API are passed on unchanged. A body that cannot be read has its problem among
/// the extensions, and the inner layers answer with it.
pub(super) async fn read(
    request: Request,
    operation: Option<&Operation>,
) -> (Request, Option<SubmittedForm>) {
    if !is_form(&request) || (operation.is_none() && !is_of_browser(&request)) {
        return (request, None);
    }
    let (mut parts, body) = request.into_parts();
    match read_form(&mut parts, body, operation).await {
        Ok((body, submitted)) => (Request::from_parts(parts, Body::from(body)), submitted),
        Err(problem) => {
            parts.extensions.insert(problem);
            (Request::from_parts(parts, Body::empty()), None)
        }
    }
}

async fn read_form(
    parts: &mut Parts,
    body: Body,
    operation: Option<&Operation>,
) -> Result<(Vec<u8>, Option<SubmittedForm>), Problem> {
    let by_token = parts.headers.contains_key(header::AUTHORIZATION);
    let mut bytes = body::read(body).await?;
    let mut submitted = None;
    // Refused here, because the CSRF token of such a form cannot be read either.
    let mut pairs = pairs::pairs(&bytes)?.ok_or_else(body::undecodable_form)?;
    take_token(parts, &mut pairs, &mut bytes);
    if let Some(operation) = operation.filter(|_| !by_token && are_distinct(&pairs)) {
        bytes = translated(parts, operation, &pairs);
        submitted = Some(SubmittedForm(pairs.into_iter().collect()));
    }
    parts.headers.remove(header::CONTENT_LENGTH);
    Ok((bytes, submitted))
}

/// Moves the CSRF token from the form to the extensions. If the form has two tokens, both are removed and neither
/// counts.
fn take_token(parts: &mut Parts, pairs: &mut Vec<(String, String)>, bytes: &mut Vec<u8>) {
    let tokens: Vec<(String, String)> = pairs.extract_if(.., |(name, _)| name == CSRF_FIELD).collect();
    if tokens.is_empty() {
        return;
    }
    if let [(_, token)] = tokens.as_slice() {
        parts.extensions.insert(FormToken(token.clone()));
    }
    let is_token = |pair: &[u8]| {
        pairs::pairs(pair)
            .ok()
            .flatten()
            .is_some_and(|pairs| pairs.iter().any(|(name, _)| name == CSRF_FIELD))
    };
    let others: Vec<&[u8]> = bytes.split(|byte| *byte == b'&').filter(|pair| !is_token(pair)).collect();
    *bytes = others.join(&b'&');
}

/// Returns true if no field appears twice. The handler refuses other forms with the name of the field.
fn are_distinct(pairs: &[(String, String)]) -> bool {
    let mut names = HashSet::new();
    pairs.iter().all(|(name, _)| names.insert(name))
}

/// Returns the body that a page's form represents: the text of the raw form, or the JSON of the fields. Sets its media
/// type.
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
