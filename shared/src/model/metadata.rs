//! A client's own data on a conversation or a message: a JSON object that the server keeps and does not interpret. It is kept as
//! text: keys in their order, numbers digit for digit (`1E5`, `-0`, `1.0`, thirty digits). Insignificant white space and the
//! spelling of strings (`"\u0041"` for `"A"`) are not kept, so texts that differ in nothing else are equal. A number that common
//! parsers refuse, as `1e400`, is refused: one participant's data must not make the answers unreadable for the others.

use std::{collections::HashSet, fmt};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, MapAccess, Visitor},
};
use serde_json::{Value, value::RawValue};

use super::{json::Level, text::is_refused};

/// Most bytes of a `metadata` object as it is stored: compact JSON.
pub const METADATA_BYTES: usize = 4096;

/// Most characters of a number. Jackson, a parser in Java, refuses longer ones.
const NUMBER_LENGTH: usize = 1000;

/// The key of the object that carries a text through a [`Value`]. No client can send it: it holds a control character.
const CARRIER: &str = "\u{0}json";

/// A JSON object of a client, at most 4 KB.
#[derive(Clone)]
pub struct Metadata(Box<RawValue>);

impl Metadata {
    /// The compact JSON text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.get()
    }

    /// Reads the text that was stored.
    pub fn stored(text: String) -> serde_json::Result<Self> {
        RawValue::from_string(text).map(Self)
    }

    /// The outermost members in their order.
    pub fn members(&self) -> serde_json::Result<Vec<(String, &RawValue)>> {
        match Level::of(&self.0)? {
            Level::Object(members) => Ok(members),
            _ => Err(Error::custom("not a JSON object")),
        }
    }

    /// Carries a request's JSON as text to the type that reads it, through the [`Value`] that the other fields are read from.
    /// Fails as a strict reader does: on a key that is named twice, on control characters, on lone surrogates, and on what nests
    /// deeper than `depth` levels.
    pub fn carried(json: &RawValue, depth: usize) -> serde_json::Result<Value> {
        let mut text = String::with_capacity(json.get().len());
        compact(json, depth, &mut text)?;
        Ok(if text == "null" { Value::Null } else { serde_json::json!({ CARRIER: text }) })
    }

    /// Reads what was carried.
    fn read<E: Error>(text: String) -> Result<Self, E> {
        if !text.starts_with('{') {
            return Err(E::custom("must be a JSON object"));
        }
        if text.len() > METADATA_BYTES {
            let length = text.len();
            return Err(E::custom(format_args!(
                "is {length} bytes as compact JSON; at most {METADATA_BYTES} are allowed"
            )));
        }
        Self::stored(text).map_err(E::custom)
    }
}

impl fmt::Debug for Metadata {
    /// A client's own data does not belong into a log.
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
    /// Writes the object itself, as it stands in an answer.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Metadata {
    /// Reads the field of a request, as [`Metadata::carried`] has prepared it.
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
            _ => Err(A::Error::custom("must be read from a JSON body")),
        }
    }
}

/// Appends a JSON text without insignificant white space, with each string in its shortest spelling.
fn compact(json: &RawValue, depth: usize, text: &mut String) -> serde_json::Result<()> {
    match Level::of(json)? {
        Level::Number(number) if is_readable(number) => text.push_str(number),
        Level::Number(_) => {
            return Err(serde_json::Error::custom("a number is out of range; send it as a string"));
        }
        Level::Literal(literal) => text.push_str(literal),
        Level::Text(string) => text.push_str(&quoted(&string)?),
        Level::Array(_) | Level::Object(_) if depth == 0 => {
            return Err(serde_json::Error::custom("nests too deep"));
        }
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

fn compact_members(
    members: &[(String, &RawValue)],
    depth: usize,
    text: &mut String,
) -> serde_json::Result<()> {
    let mut named = HashSet::with_capacity(members.len());
    text.push('{');
    for (place, (key, value)) in members.iter().enumerate() {
        let key_text = quoted(key)?;
        if !named.insert(key) {
            return Err(serde_json::Error::custom(format_args!("the key {key_text} is named twice")));
        }
        text.push_str(if place == 0 { "" } else { "," });
        text.push_str(&key_text);
        text.push(':');
        compact(value, depth - 1, text)?;
    }
    text.push('}');
    Ok(())
}

/// Returns true if parsers that hold numbers as doubles can read it: some of them fail on a number above their range.
fn is_readable(number: &str) -> bool {
    number.len() <= NUMBER_LENGTH && number.parse().is_ok_and(f64::is_finite)
}

/// A string in quotation marks, if it holds no control character.
fn quoted(string: &str) -> serde_json::Result<String> {
    if string.chars().any(is_refused) {
        let reason = "a string holds a control character; of those only tab and newline are allowed";
        return Err(serde_json::Error::custom(reason));
    }
    serde_json::to_string(string)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads `text` as a request's field is read.
    fn read(text: &str) -> serde_json::Result<Option<Metadata>> {
        let json: &RawValue = serde_json::from_str(text)?;
        serde_json::from_value(Metadata::carried(json, 15)?)
    }

    #[test]
    fn numbers_and_the_order_of_keys_are_kept() {
        for kept in [
            r#"{"b":1,"a":2,"10":3,"2":4}"#,
            r#"{"n":[1E5,1e5,1e+5,-0,-0.0,0e0,1.0,1,0.10,1e308,1e-400,5E-324]}"#,
            r#"{"n":[123456789012345678901234567890,0.1234567890123456789,18446744073709551616,9007199254740993]}"#,
            r#"{"a":{"z":[{"y":1,"x":{}}],"b":[]},"c":null,"d":[true,false],"e":"é😀\n\"\\/"}"#,
            r#"{"$serde_json::private::RawValue":"[1]","$serde_json::private::Number":"1"}"#,
            "{}",
        ] {
            let metadata = read(kept).unwrap().unwrap();
            assert_eq!(metadata.as_str(), kept);
            assert_eq!(serde_json::to_string(&metadata).unwrap(), kept, "in an answer");
            assert_eq!(Metadata::stored(kept.to_owned()).unwrap(), metadata);
        }
    }

    #[test]
    fn white_space_and_the_spelling_of_strings_are_not_kept() {
        let spelled = read(" { \"\\u0041\" :\t[ 1 ,\n\"\\u00e9\\/\\ud83d\\ude00\" ] } ").unwrap().unwrap();
        assert_eq!(spelled.as_str(), r#"{"A":[1,"é/😀"]}"#);
        assert_eq!(read("null").unwrap(), None);
        assert_ne!(read(r#"{"a":1}"#).unwrap(), read(r#"{"a":1.0}"#).unwrap());
    }

    #[test]
    fn what_a_strict_reader_refuses_is_refused() {
        let deep = format!(r#"{{"a":{}{}}}"#, "[".repeat(15), "]".repeat(15));
        let long = format!(r#"{{"a":"{}"}}"#, "x".repeat(METADATA_BYTES));
        for bad in [
            r#"{"a":1,"a":2}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"{"b":[{"a":1,"a":2}]}"#,
            r#"{"a":"\u0000"}"#,
            r#"{"a\u007f":1}"#,
            r#"{"a":["\ud800"]}"#,
            r#"{"a":01}"#,
            r#"{"a":NaN}"#,
            r#"{"a":1e400}"#,
            r#"{"a":[-1E309]}"#,
            &format!(r#"{{"a":0.{}}}"#, "1".repeat(NUMBER_LENGTH)),
            r#"{"a":1}x"#,
            "{\"a\":\"\u{1}\"}",
            "[]",
            "1",
            r#""{}""#,
            &deep,
            &long,
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
        assert!(read(&format!(r#"{{"a":{}{}}}"#, "[".repeat(14), "]".repeat(14))).is_ok());
        let longest = format!(r#"{{ "a" : "{}" }}"#, "\\u0041".repeat(METADATA_BYTES - 8));
        assert_eq!(read(&longest).unwrap().unwrap().as_str().len(), METADATA_BYTES, "what is stored counts");
    }

    #[test]
    fn nobody_but_the_reader_of_bodies_makes_it() {
        for bad in [serde_json::json!({ "a": 1 }), serde_json::json!("{}"), serde_json::json!([])] {
            assert!(serde_json::from_value::<Metadata>(bad).is_err());
        }
        let forged = read(r#"{"\u0000json":"{}"}"#);
        assert!(forged.is_err(), "its key holds a control character");
    }
}
