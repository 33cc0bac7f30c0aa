//! Entity tags (RFC 9110, section 8.8.3): the version number that every write of a conversation or a message sets.

use axum::{
    extract::FromRequestParts,
    http::{HeaderValue, header, request::Parts},
};

use super::problem::Problem;

/// The header of a version.
#[must_use]
pub fn header(version: u64) -> HeaderValue {
    HeaderValue::from_str(&format!("\"{version}\"")).unwrap_or(HeaderValue::from_static("\"0\""))
}

/// The versions that `If-Match` names; `None` without the header and for `*`, as what is changed is there.
#[derive(Debug, Clone, Default)]
pub struct IfMatch(Option<Vec<String>>);

impl IfMatch {
    /// Fails with 412 unless `version` is named.
    pub fn check(&self, version: u64) -> Result<(), Problem> {
        let wanted = format!("\"{version}\"");
        match &self.0 {
            Some(tags) if !tags.contains(&wanted) => Err(Problem::precondition_failed()),
            _ => Ok(()),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let mut tags = Vec::new();
        for value in parts.headers.get_all(header::IF_MATCH) {
            let text = value.to_str().map_err(|_| Problem::precondition_failed())?;
            tags.extend(text.split(',').map(|tag| tag.trim().to_owned()));
        }
        let any = tags.is_empty() || tags.iter().any(|tag| tag == "*");
        Ok(Self((!any).then_some(tags)))
    }
}
