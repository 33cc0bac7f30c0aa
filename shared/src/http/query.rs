//! Query strings, as strict as bodies: a parameter that we do not have, or that is named twice, is refused by name.

use axum::{
    extract::FromRequestParts,
    http::{Uri, request::Parts},
};
use serde::{Deserialize, Deserializer, de, de::DeserializeOwned};
use serde_json::{Map, Value};

use super::{body, problem::Problem};
use crate::model::Invalid;

/// Parsed query parameters. `format=json` is taken everywhere.
#[derive(Debug)]
pub struct Query<T>(pub T);

impl<S: Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Self::of(&parts.uri)
    }
}

impl<T: DeserializeOwned> Query<T> {
    /// The parameters of a URI.
    pub(super) fn of(uri: &Uri) -> Result<Self, Problem> {
        let fields = parameters(uri)?;
        body::deserialize(Value::Object(fields)).map(Self).map_err(Problem::from)
    }
}

fn parameters(uri: &Uri) -> Result<Map<String, Value>, Problem> {
    let query = uri.query().unwrap_or_default();
    let pairs = body::pairs(query.as_bytes())
        .ok_or_else(|| Problem::field("query", "is not UTF-8, or holds control characters"))?;
    let mut fields = Map::new();
    for (name, value) in pairs {
        if fields.insert(name.clone(), Value::String(value)).is_some() {
            return Err(Invalid::new(name, "is named twice").into());
        }
    }
    match fields.remove("format") {
        Some(format) if format != "json" => Err(Problem::field("format", "must be `json`")),
        _ => Ok(fields),
    }
}

/// For routes that take no parameters of their own.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoParameters {}

/// How many results a page has: `limit`, 1 to 100.
#[derive(Debug, Clone, Copy)]
pub struct Limit(pub usize);

impl Default for Limit {
    fn default() -> Self {
        Self(50)
    }
}

impl<'de> Deserialize<'de> for Limit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let number = text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten();
        match number {
            Some(limit @ 1..=100) => Ok(Self(limit)),
            _ => Err(de::Error::custom("must be a number from 1 to 100")),
        }
    }
}

/// A switch: `1` or `true`, `0` or `false`.
pub fn switch<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    match String::deserialize(deserializer)?.as_str() {
        "1" | "true" => Ok(true),
        "0" | "false" => Ok(false),
        _ => Err(de::Error::custom("must be 1 or 0")),
    }
}
