//! Query strings. They are parsed as strictly as bodies: a parameter that is unknown, or that appears twice, is a fault
//! with its name. Queries of pages ignore unknown parameters.

use std::convert::Infallible;

use axum::{
    extract::FromRequestParts,
    http::{Uri, request::Parts},
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, de};
use serde_json::{Map, Value};

use super::{
    fields::{Fields, FromFields, Unknown},
    pairs::pairs,
    unchecked::Unchecked,
};
use crate::{
    App,
    http::Problem,
    model::{Faults, Invalid},
};

/// Parsed query parameters. Every route accepts the parameter `format=json`.
#[derive(Debug)]
pub struct Query<T>(pub T);

/// An extension that marks a request whose answer is shown on a page. Unknown parameters are ignored then.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ForPage;

impl<T: FromFields> FromRequestParts<App> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let Ok(UncheckedQuery(query)) = UncheckedQuery::from_request_parts(parts, app).await;
        query.finish().map(Self)
    }
}

/// Query parameters with their faults, for handlers that first check the caller's access.
#[derive(Debug)]
pub struct UncheckedQuery<T>(pub Unchecked<T>);

impl<T: FromFields> FromRequestParts<App> for UncheckedQuery<T> {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        let now = app.clock.now();
        if parts.extensions.get::<ForPage>().is_some() {
            return Ok(Self(of_page(&parts.uri, now)));
        }
        Ok(Self(match parameters(&parts.uri) {
            Ok((values, faults)) => {
                Unchecked::read(Fields::new(values, now).with_faults(faults), Unknown::PARAMETER)
            }
            Err(problem) => Unchecked::unreadable(problem),
        }))
    }
}

/// Parsed query parameters of a page. Unknown parameters are ignored.
#[derive(Debug)]
pub struct PageQuery<T>(pub T);

impl<T: FromFields> FromRequestParts<App> for PageQuery<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        of_page(&parts.uri, app.clock.now()).finish().map(Self)
    }
}

fn of_page<T: FromFields>(uri: &Uri, now: DateTime<Utc>) -> Unchecked<T> {
    Unchecked::read(Fields::new(readable(uri), now), Unknown::Ignored)
}

/// Returns the parameters of a query without `format`, and the faults found so far.
fn parameters(uri: &Uri) -> Result<(Map<String, Value>, Faults), Problem> {
    let (mut values, mut faults) = (Map::new(), Faults::new());
    let pairs = pairs(uri.query().unwrap_or_default().as_bytes())?;
    if pairs.is_none() {
        faults.note(Invalid::new("query", "is not valid UTF-8 or contains control characters"));
    }
    for (name, value) in pairs.into_iter().flatten() {
        if values.insert(name.clone(), Value::String(value)).is_some() {
            faults.note(Invalid::new(name, "must be given only once"));
        }
    }
    match values.remove("format") {
        Some(format) if format != "json" => faults.note(Invalid::new("format", "must be `json`")),
        _ => {}
    }
    Ok((values, faults))
}

/// Returns the parameters that can be decoded. If a name appears twice, its first value counts.
fn readable(uri: &Uri) -> Map<String, Value> {
    let mut values = Map::new();
    for pair in uri.query().unwrap_or_default().as_bytes().split(|byte| *byte == b'&') {
        for (name, value) in pairs(pair).ok().flatten().into_iter().flatten() {
            values.entry(name).or_insert(Value::String(value));
        }
    }
    values
}

/// Returns the faults of a query that may contain only `format=json`.
pub(crate) fn refuse_all(uri: &Uri) -> Result<Faults, Problem> {
    let (values, faults) = parameters(uri)?;
    Ok(Fields::new(values, DateTime::UNIX_EPOCH).with_faults(faults).finish(Unknown::PARAMETER))
}

/// The query of routes that have no parameters of their own.
#[derive(Debug)]
pub struct NoParameters {}

impl FromFields for NoParameters {
    fn read(_: &mut Fields) -> Option<Self> {
        Some(Self {})
    }
}

/// The maximum number of results on a page: the parameter `limit`, from 1 to 100, by default 50.
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

/// A boolean parameter: `1` or `true`, `0` or `false`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Switched(pub bool);

impl<'de> Deserialize<'de> for Switched {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match String::deserialize(deserializer)?.as_str() {
            "1" | "true" => Ok(Self(true)),
            "0" | "false" => Ok(Self(false)),
            _ => Err(de::Error::custom("must be 1 or 0")),
        }
    }
}
