//! The fields of a request, taken out one by one. Each is parsed by its type and its rule, and each fault is noted under its
//! field, so that one answer names all faults of a request. Fields that nothing takes are unknown, which is a fault as well.

use axum::http::HeaderMap;
use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::http::Problem;
use crate::model::{Faults, Invalid};

/// A request that is parsed from its fields.
pub trait FromFields: Sized {
    /// Takes the fields of the request. `None` if a required field is absent or invalid; the fault is noted then.
    fn read(fields: &mut Fields) -> Option<Self>;
}

/// The fields of one request, and the faults found so far.
#[derive(Debug)]
pub struct Fields {
    values: Map<String, Value>,
    headers: HeaderMap,
    now: DateTime<Utc>,
    merges: bool,
    faults: Faults,
}

/// The rule of a field that its type says all about.
pub fn typed<T>(value: T) -> Result<T, Invalid> {
    Ok(value)
}

impl Fields {
    /// The fields of a request that arrived at `now`.
    #[must_use]
    pub fn new(values: Map<String, Value>, now: DateTime<Utc>) -> Self {
        Self { values, headers: HeaderMap::new(), now, merges: false, faults: Faults::default() }
    }

    /// Adds the request's headers, for fields that a header can stand for.
    #[must_use]
    pub(crate) fn with_headers(mut self, headers: HeaderMap) -> Self {
        self.headers = headers;
        self
    }

    /// Says whether objects in the request are merged into those that are there (RFC 7396).
    #[must_use]
    pub(crate) fn merging(mut self, merges: bool) -> Self {
        self.merges = merges;
        self
    }

    /// Returns true if objects in the request are merged into those that are there.
    #[must_use]
    pub const fn merges(&self) -> bool {
        self.merges
    }

    /// Adds faults that were found before the fields were read.
    #[must_use]
    pub(crate) fn with_faults(mut self, faults: Faults) -> Self {
        self.faults = faults;
        self
    }

    /// The headers of the request.
    pub(crate) const fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The time at which the request arrived.
    pub(crate) const fn now(&self) -> DateTime<Utc> {
        self.now
    }

    /// Returns true if the request has the field and nothing has taken it yet.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// Takes a field that must be there.
    pub fn required<T: DeserializeOwned, U>(
        &mut self,
        name: &'static str,
        rule: impl FnOnce(T) -> Result<U, Invalid>,
    ) -> Option<U> {
        match self.values.remove(name) {
            Some(value) => self.parse(name, value, rule),
            None => self.note(Invalid::new(name, "is required")),
        }
    }

    /// Takes a field that may be absent or `null`.
    pub fn optional<T: DeserializeOwned, U>(
        &mut self,
        name: &'static str,
        rule: impl FnOnce(T) -> Result<U, Invalid>,
    ) -> Option<U> {
        self.nullable(name, rule).flatten()
    }

    /// Takes a field that may be absent, and must not be `null`.
    pub fn given<T: DeserializeOwned, U>(
        &mut self,
        name: &'static str,
        rule: impl FnOnce(T) -> Result<U, Invalid>,
    ) -> Option<U> {
        let value = self.values.remove(name)?;
        self.parse(name, value, rule)
    }

    /// Takes a field of a change: `None` if it is absent, `Some(None)` if it is `null`.
    pub fn nullable<T: DeserializeOwned, U>(
        &mut self,
        name: &'static str,
        rule: impl FnOnce(T) -> Result<U, Invalid>,
    ) -> Option<Option<U>> {
        match self.values.remove(name)? {
            Value::Null => Some(None),
            value => self.parse(name, value, rule).map(Some),
        }
    }

    /// Parses each element of a list that was taken, so that every bad element is named by its index.
    pub fn elements<T: DeserializeOwned>(&mut self, name: &str, list: Vec<Value>) -> Option<Vec<T>> {
        let count = list.len();
        let parsed = list.into_iter().enumerate().filter_map(|(index, value)| {
            let element = deserialize(&format!("{name}[{index}]"), value);
            self.faults.check(element)
        });
        let parsed: Vec<T> = parsed.collect();
        (parsed.len() == count).then_some(parsed)
    }

    /// Notes what is wrong with a field, or with two fields together.
    pub fn fault(&mut self, field: &'static str, reason: impl Into<String>) {
        self.faults.note(Invalid::new(field, reason));
    }

    /// Checks what was parsed, and notes the fault if there is one.
    pub fn check<T>(&mut self, parsed: Result<T, Invalid>) -> Option<T> {
        self.faults.check(parsed)
    }

    fn note<T>(&mut self, fault: Invalid) -> Option<T> {
        self.faults.note(fault);
        None
    }

    fn parse<T: DeserializeOwned, U>(
        &mut self,
        name: &str,
        value: Value,
        rule: impl FnOnce(T) -> Result<U, Invalid>,
    ) -> Option<U> {
        let parsed = deserialize(name, value).and_then(rule);
        self.faults.check(parsed)
    }

    /// Notes the fields that nothing took, and returns all faults.
    pub(crate) fn finish(mut self, kind: Unknown) -> Faults {
        if let Unknown::Refused(reason) = kind {
            for name in self.values.into_iter().map(|(name, _)| name) {
                self.faults.note(Invalid::new(shortened(name), reason));
            }
        }
        self.faults
    }
}

/// How fields are treated that nothing took.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Unknown {
    /// Each is a fault with this reason.
    Refused(&'static str),
    /// They are passed over.
    Ignored,
}

impl Unknown {
    /// Refuses unknown fields of a body.
    pub(crate) const FIELD: Self = Self::Refused("is not a field of this request");
    /// Refuses unknown parameters of a query.
    pub(crate) const PARAMETER: Self = Self::Refused("is not a parameter of this request");
}

/// Longest name of an unknown field that an answer repeats, in characters.
const NAME: usize = 100;

fn shortened(name: String) -> String {
    match name.char_indices().nth(NAME) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name,
    }
}

/// A request whose further rules are for its handler to check, together with the faults found so far.
#[derive(Debug)]
pub struct Unchecked<T> {
    request: Option<T>,
    faults: Faults,
}

impl<T: FromFields> Unchecked<T> {
    /// Reads the request from its fields.
    pub(crate) fn read(mut fields: Fields, kind: Unknown) -> Self {
        let request = T::read(&mut fields);
        Self { request, faults: fields.finish(kind) }
    }

    /// Reads the request from a JSON object.
    #[must_use]
    pub fn of(values: Map<String, Value>, now: DateTime<Utc>) -> Self {
        Self::read(Fields::new(values, now), Unknown::FIELD)
    }
}

impl<T> Unchecked<T> {
    /// Checks `rules` too, if the request could be read, and returns the request if nothing is wrong with it.
    pub fn check(mut self, rules: impl FnOnce(&T, &mut Faults)) -> Result<T, Problem> {
        if let Some(request) = &self.request {
            rules(request, &mut self.faults);
        }
        self.finish()
    }

    /// Makes another request of this one, with the same faults.
    #[must_use]
    pub fn map<U>(self, convert: impl FnOnce(T) -> U) -> Unchecked<U> {
        Unchecked { request: self.request.map(convert), faults: self.faults }
    }

    /// Returns the request if nothing is wrong with it, and a problem that names all faults otherwise.
    pub fn finish(self) -> Result<T, Problem> {
        if !self.faults.is_empty() {
            return Err(self.faults.into());
        }
        self.request.ok_or_else(|| Problem::internal("a request without a fault could not be read"))
    }
}

/// Parses a value with the field's name in the fault, and without the value, which may be a secret.
fn deserialize<T: DeserializeOwned>(name: &str, value: Value) -> Result<T, Invalid> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error.path().to_string();
        let field = match path.as_str() {
            "." => name.to_owned(),
            inner if inner.starts_with('[') => format!("{name}{inner}"),
            inner => format!("{name}.{inner}"),
        };
        let text = error.into_inner().to_string();
        let expected = text.split_once(", expected ").map(|(_, expected)| expected);
        // Words of serde for a choice among names and for a list.
        let expected = expected.map(|text| match text {
            "string or map" => "a string",
            "a sequence" => "a list",
            text => text,
        });
        let expected = expected.map(|expected| format!("must be {expected}"));
        Invalid::new(field, expected.unwrap_or(text))
    })
}

#[cfg(test)]
mod tests;
