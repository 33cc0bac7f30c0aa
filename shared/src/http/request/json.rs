//! Strict JSON: the reader notes JSON that a usual reader would accept with a loss or a change. Each such fault has a
//! path and is reported with the other faults of the request.

use std::{cell::RefCell, fmt};

use serde::{
    Deserializer,
    de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Number, Value, value::RawValue};

use super::fields::shortened;
use crate::http::{Code, Problem};
use crate::model::{
    Faults, Invalid, Metadata,
    text::{CONTROL_CHARACTER, is_refused},
};

/// The name of the field that contains JSON of the client. It is stored as text.
pub(super) const KEPT_AS_TEXT: &str = "metadata";

/// The maximum depth of nested JSON, in levels.
const MAX_DEPTH: usize = 16;

fn malformed(detail: impl Into<String>) -> Problem {
    Problem::new(Code::MalformedBody, detail)
}

/// Reads one JSON object. The error is a 400 for a text that is not JSON or contains lone surrogates. Duplicate keys,
/// control characters, deep nesting and numbers that a double would change are noted in `faults`. [`Metadata`] reads
/// the field `metadata`, and keeps numbers as they are written.
pub fn json_object(bytes: &[u8], faults: &mut Faults) -> Result<Map<String, Value>, Problem> {
    let noted = RefCell::new(Faults::new());
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = Strict { place: Place::Body, depth: 0, faults: &noted }
        .deserialize(&mut deserializer)
        .and_then(|value| deserializer.end().map(|()| value))
        .map_err(|error| malformed(format!("The body is not valid JSON: {error}.")))?;
    faults.append(noted.into_inner());
    match value {
        Value::Object(fields) => Ok(fields),
        _ => Err(malformed("The body must be a JSON object.")),
    }
}

/// Reads JSON text for the field [`KEPT_AS_TEXT`]. The error is a text that follows the field's name.
pub(super) fn metadata(bytes: &[u8]) -> Result<Value, String> {
    let json: &RawValue =
        serde_json::from_slice(bytes).map_err(|error| format!("is not valid JSON: {error}"))?;
    carried(json)
}

fn carried(json: &RawValue) -> Result<Value, String> {
    Metadata::carried(json, MAX_DEPTH - 1)
}

/// The place of a value in the body.
#[derive(Clone, Copy)]
enum Place<'a> {
    Body,
    Member(&'a Self, &'a str),
    Element(&'a Self, usize),
}

impl fmt::Display for Place<'_> {
    /// Writes the path, such as `participants[0].user_id`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Body => Ok(()),
            Self::Member(Self::Body, name) => f.write_str(&shortened(name)),
            Self::Member(object, name) => write!(f, "{object}.{}", shortened(name)),
            Self::Element(list, index) => write!(f, "{list}[{index}]"),
        }
    }
}

/// Builds a [`Value`], and notes where [`Value`] itself would accept JSON with a loss or a change.
struct Strict<'a> {
    place: Place<'a>,
    depth: usize,
    faults: &'a RefCell<Faults>,
}

impl<'a> Strict<'a> {
    fn note(&self, reason: impl Into<String>) {
        self.faults.borrow_mut().note(Invalid::new(self.place.to_string(), reason));
    }

    /// Returns the reader of a value inside this one.
    fn inside<'b>(&self, place: Place<'b>) -> Strict<'b>
    where
        'a: 'b,
    {
        Strict { place, depth: self.depth + 1, faults: self.faults }
    }

    fn is_too_deep(&self) -> bool {
        if self.depth == MAX_DEPTH {
            self.note(format!("must not be nested deeper than {MAX_DEPTH} levels"));
        }
        self.depth == MAX_DEPTH
    }

    /// Reads the value of an object's key. A fault of `metadata` leaves `null`, so that it is not reported twice.
    fn member<'de, A: MapAccess<'de>>(&self, name: &str, access: &mut A) -> Result<Value, A::Error> {
        let inner = self.inside(Place::Member(&self.place, name));
        if name.chars().any(is_refused) {
            inner.note("has a name with a control character");
        }
        if self.depth > 0 || name != KEPT_AS_TEXT {
            return access.next_value_seed(inner);
        }
        let json: &RawValue = access.next_value()?;
        Ok(carried(json).unwrap_or_else(|reason| {
            inner.note(reason);
            Value::Null
        }))
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
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

    /// Notes a float of 2^53 or more, because a double cannot represent every whole number from there on.
    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        if value.abs() >= 9_007_199_254_740_992.0 {
            self.note("is out of range; send the number as a string");
        }
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        if value.chars().any(is_refused) {
            self.note(CONTROL_CHARACTER);
        }
        Ok(Value::String(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        if self.is_too_deep() {
            while access.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(Value::Null);
        }
        while let Some(value) =
            access.next_element_seed(self.inside(Place::Element(&self.place, list.len())))?
        {
            list.push(value);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut fields = Map::new();
        if self.is_too_deep() {
            while access.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            return Ok(Value::Null);
        }
        while let Some(name) = access.next_key::<String>()? {
            if fields.contains_key(&name) {
                self.inside(Place::Member(&self.place, &name)).note("must be given only once");
                access.next_value::<IgnoredAny>()?;
            } else {
                let value = self.member(&name, &mut access)?;
                fields.insert(name, value);
            }
        }
        Ok(Value::Object(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(text: &str) -> Vec<String> {
        let mut faults = Faults::new();
        json_object(text.as_bytes(), &mut faults).unwrap();
        faults.into_vec().into_iter().map(|fault| fault.to_string()).collect()
    }

    #[test]
    fn a_text_that_is_not_json_is_refused() {
        for bad in [
            "",
            "{",
            "[]",
            "1",
            r#"{"a":"\ud800"}"#,
            r#"{"a":1e999}"#,
            r#"{"a":1}{"#,
            r#"{"a":NaN}"#,
            r#"{"metadata":01}"#,
            r#"{"metadata":{"a":1}"#,
            "{\"a\":\"\u{1}\"}",
        ] {
            assert!(json_object(bad.as_bytes(), &mut Faults::new()).is_err(), "{bad}");
        }
        assert!(json_object(b"{\"a\":\"\xff\"}", &mut Faults::new()).is_err());
        let text = br#"{"a":"\ud83d\ude00\n"}"#;
        assert_eq!(json_object(text, &mut Faults::new()).unwrap()["a"], "😀\n");
    }

    #[test]
    fn each_fault_has_its_path() {
        for (bad, fault) in [
            (r#"{"a":1,"a":2}"#, "a must be given only once"),
            (r#"{"l":[0,{"b":1,"b":1}]}"#, "l[1].b must be given only once"),
            (r#"{"a":"\u0000"}"#, "a contains a control character"),
            (r#"{"a":{"x\u0000":1}}"#, "a.x\u{fffd} has a name with a control character"),
            (r#"{"a":123456789012345678901234567890}"#, "a is out of range"),
            (r#"{"metadata":{"a":1,"a":2}}"#, "metadata has the key \"a\" twice"),
            (r#"{"metadata":{},"metadata":{}}"#, "metadata must be given only once"),
            (r#"{"metadata":{"a":"\ud800"}}"#, "metadata is not valid JSON: "),
        ] {
            let found = faults(bad);
            assert!(found.len() == 1 && found[0].starts_with(fault), "{bad}: {found:?}");
        }
    }

    #[test]
    fn all_faults_of_a_text_are_noted() {
        let text = r#"{"a":"\u0001","a":1,"b":[1e300,{"c":0,"c":1}],"metadata":{"d":[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]}}"#;
        assert_eq!(faults(text).len(), 5, "{:?}", faults(text));
        for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
            let deep = |levels: usize| format!("{{\"a\":{}1{}}}", open.repeat(levels), close.repeat(levels));
            assert!(faults(&deep(MAX_DEPTH - 1)).is_empty());
            assert!(faults(&deep(MAX_DEPTH))[0].ends_with("must not be nested deeper than 16 levels"));
        }
    }
}
