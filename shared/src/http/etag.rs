//! Entity tags (RFC 9110, section 8.8.3): the version number that every write of a conversation or a message sets, and the
//! versions of what is sent as it was built.

use std::convert::Infallible;

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

/// The tags of the copies that a client has kept.
#[derive(Debug, Clone, Default)]
pub struct IfNoneMatch(Vec<String>);

impl IfNoneMatch {
    /// Whether the present one is among them: then nothing has to be sent.
    #[must_use]
    pub fn names(&self, tag: &str) -> bool {
        // Compared weakly (RFC 9110, section 13.1.2).
        let opaque = tag.trim_start_matches("W/");
        self.0.iter().any(|kept| kept == "*" || kept.trim_start_matches("W/") == opaque)
    }
}

impl<S: Sync> FromRequestParts<S> for IfNoneMatch {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let values = parts.headers.get_all(header::IF_NONE_MATCH).iter();
        let tags = values.filter_map(|value| value.to_str().ok()).flat_map(|text| text.split(','));
        Ok(Self(tags.map(|tag| tag.trim().to_owned()).collect()))
    }
}
