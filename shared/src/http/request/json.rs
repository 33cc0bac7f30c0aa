//! Strict JSON: the reader refuses JSON that a usual reader would accept with a loss or a change.

use std::fmt;

use serde::{
    Deserializer,
    de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Number, Value, value::RawValue};

use crate::http::{Code, Problem};
use crate::model::{Metadata, text::is_refused};

/// The name of the field that contains JSON of the client. It is stored as text.
const KEPT_AS_TEXT: &str = "metadata";

/// The maximum depth of nested JSON, in levels.
const MAX_DEPTH: usize = 16;

fn malformed(detail: impl Into<String>) -> Problem {
    Problem::new(Code::MalformedBody, detail)
}

/// Reads one JSON object. The error is a 400 for duplicate keys, control characters, lone surrogates, and numbers that
/// a double would change. [`Metadata`] reads the field `metadata`, and keeps numbers as they are written.
pub fn json_object(bytes: &[u8]) -> Result<Map<String, Value>, Problem> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = Strict { depth: 0 }
        .deserialize(&mut deserializer)
        .and_then(|value| deserializer.end().map(|()| value))
        .map_err(|error| malformed(format!("The body is not valid JSON: {error}.")))?;
    match value {
        Value::Object(fields) => Ok(fields),
        _ => Err(malformed("The body must be a JSON object.")),
    }
}

/// Builds a [`Value`], and refuses JSON that [`Value`] itself would accept with a loss or a change.
struct Strict {
    depth: usize,
}

impl Strict {
    fn deeper<E: Error>(&self) -> Result<Self, E> {
        if self.depth == MAX_DEPTH {
            return Err(E::custom(format_args!("the nesting is deeper than {MAX_DEPTH} levels")));
        }
        Ok(Self { depth: self.depth + 1 })
    }

    fn text<E: Error>(text: String) -> Result<String, E> {
        if text.chars().any(is_refused) {
            return Err(E::custom("a string contains a control character; only tab and newline are allowed"));
        }
        Ok(text)
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    /// Refuses a float of 2^53 or more, because a double cannot represent every whole number from there on.
    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        let number = Number::from_f64(value).filter(|_| value.abs() < 9_007_199_254_740_992.0);
        number.map(Value::Number).ok_or_else(|| E::custom("a number is out of range; send it as a string"))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Self::text(value.to_owned()).map(Value::String)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(value) = access.next_element_seed(self.deeper()?)? {
            list.push(value);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut fields = Map::new();
        while let Some(name) = access.next_key::<String>()? {
            let name = Self::text(name)?;
            if fields.contains_key(&name) {
                return Err(Error::custom(format_args!("the key {name:?} occurs twice")));
            }
            let value = if self.depth == 0 && name == KEPT_AS_TEXT {
                let json: &RawValue = access.next_value()?;
                Metadata::carried(json, MAX_DEPTH - 1).map_err(Error::custom)?
            } else {
                access.next_value_seed(self.deeper()?)?
            };
            fields.insert(name, value);
        }
        Ok(Value::Object(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_strict() {
        for bad in [
            "",
            "{",
            "[]",
            "1",
            r#"{"a":1,"a":2}"#,
            r#"{"a":{"b":1,"b":1}}"#,
            r#"{"a":"\u0000"}"#,
            r#"{"a":"\ud800"}"#,
            r#"{"a":1e999}"#,
            r#"{"a":123456789012345678901234567890}"#,
            r#"{"a":1}{"#,
            r#"{"a":NaN}"#,
            r#"{"metadata":{"a":1,"a":2}}"#,
            r#"{"metadata":{},"metadata":{}}"#,
            r#"{"metadata":{"a":"\ud800"}}"#,
            r#"{"metadata":01}"#,
            r#"{"metadata":{"a":1}"#,
            "{\"a\":\"\u{1}\"}",
        ] {
            assert!(json_object(bad.as_bytes()).is_err(), "{bad}");
        }
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(40), "]".repeat(40));
        assert!(json_object(deep.as_bytes()).is_err());
        assert!(json_object(b"{\"a\":\"\xff\"}").is_err());
        assert_eq!(json_object(br#"{"a":"\ud83d\ude00\n"}"#).unwrap()["a"], "😀\n");
    }
}
