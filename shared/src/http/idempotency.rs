//! The `Idempotency-Key` header: a client key outside of the body.

use axum::{extract::FromRequestParts, http::request::Parts};

use super::problem::Problem;
use crate::ids::ClientKey;

/// The key of the header, plain or as the quoted string of draft-ietf-httpapi-idempotency-key-header.
#[derive(Debug, Clone, Copy)]
pub struct IdempotencyKey(Option<ClientKey>);

const HEADER: &str = "idempotency-key";

impl IdempotencyKey {
    /// The one key of a request that may name it in the header, in the body, or in both.
    pub fn or(self, client_id: Option<ClientKey>) -> Result<Option<ClientKey>, Problem> {
        match (self.0, client_id) {
            (Some(header), Some(body)) if header != body => Err(Problem::field(
                "client_id",
                "differs from the header Idempotency-Key: send one, or the same twice",
            )),
            (header, body) => Ok(header.or(body)),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let mut values = parts.headers.get_all(HEADER).iter();
        let Some(value) = values.next() else {
            return Ok(Self(None));
        };
        let key = value.to_str().ok().map(|text| text.trim_matches('"')).and_then(|text| text.parse().ok());
        let key = key.filter(|_| values.next().is_none());
        key.map(|key| Self(Some(key))).ok_or_else(|| Problem::field("Idempotency-Key", "must be one UUIDv7"))
    }
}
