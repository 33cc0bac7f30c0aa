//! A client's own data on a conversation or a message: a JSON object that the server stores and does not interpret. The
//! text keeps the order of keys and the digits of numbers (`1E5`, `-0`, `1.0`, thirty digits). It does not keep
//! insignificant white space and the spelling of strings (`"\u0041"` for `"A"`), so texts that differ only in these are
//! equal. Numbers that common parsers reject, for example `1e400`, are errors: the data of one participant must not
//! make responses unreadable for others.

use std::{collections::HashSet, fmt};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, MapAccess, Visitor},
};
use serde_json::{Value, value::RawValue};

use super::{
    Invalid,
    json::Level,
    text::{CONTROL_CHARACTER, is_refused},
};

/// The maximum size of a `metadata` object in bytes, in its stored form, compact JSON.
pub const METADATA_BYTES: usize = 4096;

/// The maximum number of characters of a number. Jackson, a JSON parser for Java, rejects longer numbers.
const NUMBER_LENGTH: usize = 1000;

/// The maximum number of characters of a key in the text of an error.
const SHOWN_KEY: usize = 100;

/// The key of the object in which a text passes through a [`Value`]. A client cannot send this key, because it contains
/// a control character.
const CARRIER: &str = "\u{0}json";

/// A JSON object of a client, at most [`METADATA_BYTES`] long.
#[derive(Clone)]
pub struct Metadata(Box<RawValue>);

impl Metadata {
    /// Returns the compact JSON text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.get()
    }

    /// Reads the stored text. Fails if the text is not valid JSON.
    pub fn stored(text: String) -> serde_json::Result<Self> {
        RawValue::from_string(text).map(Self)
    }

    /// Returns the outermost members in their order.
    pub fn members(&self) -> serde_json::Result<Vec<(String, &RawValue)>> {
        match Level::of(&self.0)? {
            Level::Object(members) => Ok(members),
            _ => Err(Error::custom("the value is not a JSON object")),
        }
    }

    /// Returns this object with the members of `patch` merged into it (RFC 7396): `null` removes a member, an object is
    /// merged into the present member, and any other value replaces it. Present members keep their position; new
    /// members follow them. Fails if the result is larger than [`METADATA_BYTES`].
    pub fn merged(&self, patch: &Self) -> Result<Self, Invalid> {
        let unreadable = |error: serde_json::Error| Invalid::new("metadata", error.to_string());
        let text = merge(Some(&self.0), &patch.0).map_err(unreadable)?;
        if text.len() > METADATA_BYTES {
            return Err(Invalid::new("metadata", too_long(text.len())));
        }
        Self::stored(text).map_err(unreadable)
    }

    /// Puts a request's JSON, as a compact text, into the [`Value`] from which the fields of a request are read. Fails
    /// on duplicate keys, control characters, lone surrogates, unreadable numbers, and on more than `depth` levels of
    /// nesting. The error is a text that follows the field's name.
    pub fn carried(json: &RawValue, depth: usize) -> Result<Value, String> {
        let mut text = String::with_capacity(json.get().len());
        compact(json, depth, &mut text)?;
        Ok(if text == "null" { Value::Null } else { serde_json::json!({ CARRIER: text }) })
    }

    /// Reads a text that [`Metadata::carried`] prepared. Fails if it is not an object or too large.
    fn read<E: Error>(text: String) -> Result<Self, E> {
        if !text.starts_with('{') {
            return Err(E::custom("must be a JSON object"));
        }
        if text.len() > METADATA_BYTES {
            return Err(E::custom(too_long(text.len())));
        }
        Self::stored(text).map_err(E::custom)
    }
}

impl fmt::Debug for Metadata {
    /// Hides the data, because logs must not contain clients' data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metadata").finish_non_exhaustive()
    }
}

impl PartialEq for Metadata {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Metadata {}

impl Serialize for Metadata {
    /// Writes the object itself, as responses contain it.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Metadata {
    /// Reads the field of a request that [`Metadata::carried`] prepared.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(CarriedVisitor).and_then(Self::read)
    }
}

struct CarriedVisitor;

impl<'de> Visitor<'de> for CarriedVisitor {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<String, A::Error> {
        match access.next_entry::<String, String>()? {
            Some((key, text)) if key == CARRIER => Ok(text),
            _ => Err(A::Error::custom("must be a JSON object")),
        }
    }
}

fn too_long(length: usize) -> String {
    format!("has {length} bytes as compact JSON; at most {METADATA_BYTES} are allowed")
}

/// Returns the compact text of `target` with `patch` merged into it (RFC 7396).
fn merge(target: Option<&RawValue>, patch: &RawValue) -> serde_json::Result<String> {
    let Level::Object(changes) = Level::of(patch)? else {
        return Ok(patch.get().to_owned());
    };
    let mut members: Vec<(String, String)> = match target.map(Level::of).transpose()? {
        Some(Level::Object(members)) => {
            members.into_iter().map(|(key, value)| (key, value.get().to_owned())).collect()
        }
        _ => Vec::new(),
    };
    for (key, change) in changes {
        let place = members.iter().position(|(there, _)| *there == key);
        match (place, change.get()) {
            (Some(place), "null") => drop(members.remove(place)),
            (None, "null") => {}
            (Some(place), _) => {
                members[place].1 = merge(Some(serde_json::from_str(&members[place].1)?), change)?;
            }
            (None, _) => members.push((key, merge(None, change)?)),
        }
    }
    let member = |(key, value): &(String, String)| Ok(format!("{}:{value}", serde_json::to_string(key)?));
    let members: Vec<String> = members.iter().map(member).collect::<serde_json::Result<_>>()?;
    Ok(format!("{{{}}}", members.join(",")))
}

fn not_json(error: &serde_json::Error) -> String {
    format!("is not valid JSON: {error}")
}

/// Appends a JSON text without insignificant white space, with each string in its shortest spelling.
fn compact(json: &RawValue, depth: usize, text: &mut String) -> Result<(), String> {
    match Level::of(json).map_err(|error| not_json(&error))? {
        Level::Number(number) => text.push_str(readable(number)?),
        Level::Literal(literal) => text.push_str(literal),
        Level::Text(string) => text.push_str(&quoted(&string)?),
        Level::Array(_) | Level::Object(_) if depth == 0 => return Err("is nested too deep".to_owned()),
        Level::Array(elements) => {
            text.push('[');
            for (place, element) in elements.into_iter().enumerate() {
                text.push_str(if place == 0 { "" } else { "," });
                compact(element, depth - 1, text)?;
            }
            text.push(']');
        }
        Level::Object(members) => compact_members(&members, depth, text)?,
    }
    Ok(())
}

fn compact_members(members: &[(String, &RawValue)], depth: usize, text: &mut String) -> Result<(), String> {
    let mut named = HashSet::with_capacity(members.len());
    text.push('{');
    for (place, (key, value)) in members.iter().enumerate() {
        let key_text = quoted(key)?;
        if !named.insert(key) {
            let shown: String = key_text.chars().take(SHOWN_KEY).collect();
            return Err(format!("has the key {shown} twice"));
        }
        text.push_str(if place == 0 { "" } else { "," });
        text.push_str(&key_text);
        text.push(':');
        compact(value, depth - 1, text)?;
    }
    text.push('}');
    Ok(())
}

/// Returns the number unchanged if parsers that store numbers as doubles can read it. Some of them fail on long numbers
/// or on numbers out of range.
fn readable(number: &str) -> Result<&str, String> {
    if number.len() > NUMBER_LENGTH {
        return Err(format!("has a number of more than {NUMBER_LENGTH} characters; send it as a string"));
    }
    if !number.parse().is_ok_and(f64::is_finite) {
        return Err("has a number out of range; send it as a string".to_owned());
    }
    Ok(number)
}

/// Returns a string in quotation marks. Fails if the string contains a control character other than tab and newline.
fn quoted(string: &str) -> Result<String, String> {
    if string.chars().any(is_refused) {
        return Err(CONTROL_CHARACTER.to_owned());
    }
    serde_json::to_string(string).map_err(|error| not_json(&error))
}

#[cfg(test)]
mod tests;
