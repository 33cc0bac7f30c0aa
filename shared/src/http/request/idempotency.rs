//! The header `Idempotency-Key`, which has the same meaning as the field `client_id` of a body.

use std::str;

use chrono::{DateTime, Utc};

use super::fields::Fields;
use crate::{
    ids::IdempotencyKey,
    model::{Invalid, message},
};

const HEADER: &str = "idempotency-key";

/// The name of the header in `errors`.
const SHOWN: &str = "Idempotency-Key";

/// Represents the header in the OpenAPI description of an operation. [`Fields::client_id`] reads the header.
#[derive(Debug, Clone, Copy)]
pub struct IdempotencyKeyHeader;

impl Fields {
    /// Takes the idempotency key of a request from the header or the body; if both contain a key, the keys must be
    /// equal. Returns `None` if there is no valid key; faults are noted.
    pub fn client_id(&mut self) -> Option<IdempotencyKey> {
        let now = self.now();
        let body = self.optional("client_id", |key| message::timely(key, now));
        let header = header(self).and_then(|key| key.map(|key| timely(key, now)).transpose());
        let header = self.check(header).flatten();
        if body.zip(header).is_some_and(|(body, header)| body != header) {
            self.fault(
                "client_id",
                "differs from the header `Idempotency-Key`; send only one of them, or the same value in both",
            );
        }
        header.or(body)
    }
}

/// Returns the key of the header, plain or as a quoted string (draft-ietf-httpapi-idempotency-key-header); `None`
/// without the header. The error is a fault of the header.
fn header(fields: &Fields) -> Result<Option<IdempotencyKey>, Invalid> {
    let mut values = fields.headers().get_all(HEADER).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    let text = str::from_utf8(value.as_bytes()).ok().filter(|_| values.next().is_none());
    let key = text.and_then(|text| text.trim_matches('"').parse().ok());
    key.map(Some).ok_or_else(|| Invalid::new(SHOWN, "must be a single UUIDv7"))
}

fn timely(key: IdempotencyKey, now: DateTime<Utc>) -> Result<IdempotencyKey, Invalid> {
    message::timely(key, now).map_err(|fault| Invalid::new(SHOWN, fault.reason))
}
