//! Entity tags (RFC 9110, section 8.8.3): the version number that every write of a conversation or a message sets.

use axum::{
    extract::FromRequestParts,
    http::{HeaderValue, header, request::Parts},
};

use super::problem::Problem;
use crate::model::Expected;

/// The header of a version.
#[must_use]
pub fn header(version: u64) -> HeaderValue {
    HeaderValue::from_str(&format!("\"{version}\"")).unwrap_or(HeaderValue::from_static("\"0\""))
}

/// The versions that `If-Match` names: any without the header and for `*`, as what is changed is there; a tag that is none
/// of ours names none.
#[derive(Debug, Clone, Default)]
pub struct IfMatch(pub Expected);

impl<S: Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let mut tags = Vec::new();
        for value in parts.headers.get_all(header::IF_MATCH) {
            let text = value.to_str().map_err(|_| Problem::precondition_failed())?;
            tags.extend(text.split(',').map(|tag| tag.trim().to_owned()));
        }
        if tags.is_empty() || tags.iter().any(|tag| tag == "*") {
            return Ok(Self(Expected(None)));
        }
        let version = |tag: &String| tag.strip_prefix('"')?.strip_suffix('"')?.parse().ok();
        Ok(Self(Expected(Some(tags.iter().filter_map(version).collect()))))
    }
}
