//! JSON as text, parsed one level at a time. A parsed `serde_json::Value` keeps neither the order of keys nor the
//! digits of numbers. The features of `serde_json` that keep them affect every crate of the build, and with
//! `arbitrary_precision` tokens cannot be read.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;

/// The outermost level of a JSON text. Its parts are unparsed texts.
#[derive(Debug)]
pub enum Level<'a> {
    /// The members of an object in their order. A duplicate key occurs twice.
    Object(Vec<(String, &'a RawValue)>),
    /// The elements of an array, in their order.
    Array(Vec<&'a RawValue>),
    /// A string, with its escapes resolved.
    Text(String),
    /// A number as the client wrote it.
    Number(&'a str),
    /// The text `true`, `false` or `null`.
    Literal(&'a str),
}

impl<'a> Level<'a> {
    /// Parses one level. Fails on a string that is not valid Unicode, for example one with a lone surrogate.
    pub fn of(json: &'a RawValue) -> serde_json::Result<Self> {
        let text = json.get();
        Ok(match text.as_bytes().first() {
            Some(b'{') => Self::Object(serde_json::from_str::<Members>(text)?.0),
            Some(b'[') => Self::Array(serde_json::from_str(text)?),
            Some(b'"') => Self::Text(serde_json::from_str(text)?),
            Some(b't' | b'f' | b'n') => Self::Literal(text),
            _ => Self::Number(text),
        })
    }
}

/// The members of an object in their order.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor).map(Self)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Vec<(String, &'de RawValue)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = access.next_entry()? {
            members.push(member);
        }
        Ok(members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(text: &str) -> &RawValue {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn order_and_numbers_are_as_written() {
        let Level::Object(members) =
            Level::of(raw(r#" {"b": 1E5 , "a":[ -0 ,1.0] , "b": "\u0041"} "#)).unwrap()
        else {
            panic!("it is an object");
        };
        let members: Vec<(&str, &str)> =
            members.iter().map(|(key, value)| (key.as_str(), value.get())).collect();
        assert_eq!(members, [("b", "1E5"), ("a", "[ -0 ,1.0]"), ("b", r#""\u0041""#)]);
        assert!(matches!(Level::of(raw("1e400")).unwrap(), Level::Number("1e400")));
        assert!(matches!(Level::of(raw("null")).unwrap(), Level::Literal("null")));
        assert!(matches!(Level::of(raw(r#""\u0041""#)).unwrap(), Level::Text(text) if text == "A"));
        assert!(Level::of(raw(r#""\ud800""#)).is_err());
    }

    /// Key names that `serde_json` uses internally are treated like other keys.
    #[test]
    fn no_key_is_special() {
        for name in ["$serde_json::private::RawValue", "$serde_json::private::Number"] {
            let text = format!(r#"{{"{name}":"[1]"}}"#);
            let Level::Object(members) = Level::of(raw(&text)).unwrap() else {
                panic!("it is an object");
            };
            assert_eq!((members[0].0.as_str(), members[0].1.get()), (name, "\"[1]\""));
        }
    }
}
