//! The fields of a request, which its parser takes one by one. Each fault is noted under the name of its field, so that
//! one answer names all faults of a request. A field that the parser does not take is unknown, which is a fault as
//! well.

use std::{collections::BTreeMap, str::FromStr};

use axum::http::HeaderMap;
use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::model::{Faults, Invalid, text::is_refused};

/// A request type that is read from named fields.
pub trait FromFields: Sized {
    /// Takes the fields of the request. Returns `None` if a required field is absent or invalid; the fault is noted
    /// then.
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

/// Accepts every value of the type, for fields without further rules. Never returns an error.
pub fn typed<T>(value: T) -> Result<T, Invalid> {
    Ok(value)
}

impl Fields {
    /// Creates the fields of a request that arrived at `now`.
    #[must_use]
    pub fn new(values: Map<String, Value>, now: DateTime<Utc>) -> Self {
        Self { values, headers: HeaderMap::new(), now, merges: false, faults: Faults::new() }
    }

    /// Adds the request's headers, for fields that a client may send as a header instead.
    #[must_use]
    pub(crate) fn with_headers(mut self, headers: HeaderMap) -> Self {
        self.headers = headers;
        self
    }

    /// Sets the value of [`Fields::merges`].
    #[must_use]
    pub(crate) fn merging(mut self, merges: bool) -> Self {
        self.merges = merges;
        self
    }

    /// Returns true if objects in the request are merged into the existing objects (RFC 7396).
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

    /// Returns the headers of the request.
    pub(crate) const fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Returns the time at which the request arrived.
    pub(crate) const fn now(&self) -> DateTime<Utc> {
        self.now
    }

    /// Returns true if the request has the field and the parser has not taken it yet.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// Returns true if the request has the field with a value other than `null`, and the parser has not taken it yet.
    #[must_use]
    pub fn is_given(&self, name: &str) -> bool {
        self.values.get(name).is_some_and(|value| !value.is_null())
    }

    /// Takes a required field. Returns `None` and notes the fault if it is absent or invalid.
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

    /// Takes a field that may be absent or `null`: both give `None`. An invalid value gives `None` and is noted.
    pub fn optional<T: DeserializeOwned, U>(
        &mut self,
        name: &'static str,
        rule: impl FnOnce(T) -> Result<U, Invalid>,
    ) -> Option<U> {
        self.nullable(name, rule).flatten()
    }

    /// Takes a field that may be absent, but not `null`. Returns `None` if it is absent or invalid; an invalid value is
    /// noted.
    pub fn given<T: DeserializeOwned, U>(
        &mut self,
        name: &'static str,
        rule: impl FnOnce(T) -> Result<U, Invalid>,
    ) -> Option<U> {
        let value = self.values.remove(name)?;
        self.parse(name, value, rule)
    }

    /// Takes a field of a change. Returns `None` if it is absent or invalid, and `Some(None)` if it is `null`. An
    /// invalid value is noted.
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

    /// Parses each element of a list, and notes every invalid element with its index. Returns `None` if there is one.
    pub fn elements<T: DeserializeOwned>(&mut self, name: &str, list: Vec<Value>) -> Option<Vec<T>> {
        let count = list.len();
        let parsed = list.into_iter().enumerate().filter_map(|(index, value)| {
            let element = deserialize(&format!("{name}[{index}]"), value);
            self.faults.check(element)
        });
        let parsed: Vec<T> = parsed.collect();
        (parsed.len() == count).then_some(parsed)
    }

    /// Parses the keys and the values of an object, and notes every invalid key, which is not `expected` or not the only
    /// one with its meaning, and every invalid value. Returns `None` if there is one.
    pub fn members<K: FromStr + Ord, T: DeserializeOwned>(
        &mut self,
        name: &str,
        object: Map<String, Value>,
        expected: &str,
    ) -> Option<BTreeMap<K, T>> {
        let count = object.len();
        let mut members = BTreeMap::new();
        for (key, value) in object {
            let field = format!("{name}.{}", shortened(&key));
            let key = key.parse::<K>().map_err(|_| Invalid::new(field.clone(), format!("is not {expected}")));
            let member = self.faults.check(key).zip(self.faults.check(deserialize(&field, value)));
            let earlier = member.and_then(|(key, value)| members.insert(key, value));
            if earlier.is_some() {
                self.faults.note(Invalid::new(field, "must be given only once"));
            }
        }
        (members.len() == count).then_some(members)
    }

    /// Notes each key of an object in the field `name` that is not in `known`.
    pub fn refuse_keys(&mut self, name: &str, object: &Map<String, Value>, known: &[&str]) {
        for key in object.keys().filter(|key| !known.contains(&key.as_str())) {
            self.faults
                .note(Invalid::new(format!("{name}.{}", shortened(key)), "is not a field of this object"));
        }
    }

    /// Notes a fault of a field, or of two fields together.
    pub fn fault(&mut self, field: &'static str, reason: impl Into<String>) {
        self.faults.note(Invalid::new(field, reason));
    }

    /// Returns a parsed value; `None` for a fault, which is noted.
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

    /// Notes the fields that the parser did not take, unless they are ignored, and returns all faults.
    pub(crate) fn finish(mut self, kind: Unknown) -> Faults {
        if let Unknown::Refused(reason) = kind {
            for name in self.values.into_iter().map(|(name, _)| name) {
                self.faults.note(Invalid::new(shortened(&name), reason));
            }
        }
        self.faults
    }
}

/// The treatment of fields that the parser did not take.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Unknown {
    /// Each of these fields is a fault with this reason.
    Refused(&'static str),
    /// These fields are ignored.
    Ignored,
}

impl Unknown {
    /// Refuses unknown fields of a body.
    pub(crate) const FIELD: Self = Self::Refused("is not a field of this request");
    /// Refuses unknown parameters of a query.
    pub(crate) const PARAMETER: Self = Self::Refused("is not a parameter of this request");
}

/// The maximum length of an unknown field's name in an answer, in characters. Longer names are cut.
const NAME: usize = 100;

/// Returns the name of an unknown field as an answer contains it: at most [`NAME`] characters, without control
/// characters.
pub(super) fn shortened(name: &str) -> String {
    let shown =
        |text: &str| text.chars().map(|c| if is_refused(c) { '\u{fffd}' } else { c }).collect::<String>();
    match name.char_indices().nth(NAME) {
        Some((end, _)) => format!("{}…", shown(&name[..end])),
        None => shown(name),
    }
}

/// Parses a value. The fault contains the name of the field, but not the value, which may be a secret.
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
        // serde uses these words for enums, lists and numbers.
        let expected = expected.map(|text| match text {
            "string or map" => "a string",
            "a sequence" => "a list",
            "u64" | "u32" | "usize" => "a whole number, 0 or more",
            text => text,
        });
        let expected = expected.map(|expected| format!("must be {expected}"));
        Invalid::new(field, expected.unwrap_or(text))
    })
}

#[cfg(test)]
mod tests;
