//! An answer's JSON as people read it: indented, coloured by kinds, with ids and addresses to follow. What people wrote stays
//! text.

use std::fmt;

use serde::{
    Deserializer,
    de::{DeserializeSeed, MapAccess, SeqAccess, Visitor},
};
use uuid::Uuid;

/// Most bytes that are shown; a function's answer has its limit, and markup is several times its text.
const SHOWN: usize = 400_000;

/// A piece of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// The class that colours it; empty for none.
    pub class: &'static str,
    /// What it says.
    pub text: String,
    /// Where it leads.
    pub href: Option<String>,
}

/// The pieces of a JSON text, and whether that is all of it.
pub fn tokens(json: &[u8]) -> (Vec<Token>, bool) {
    let mut printer = Printer { tokens: Vec::new(), length: 0 };
    let place = Place { key: "", depth: 0, is_ours: true };
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let whole = Print { printer: &mut printer, place }.deserialize(&mut deserializer).is_ok();
    (printer.tokens, whole)
}

struct Printer {
    tokens: Vec<Token>,
    length: usize,
}

/// Where in the text a value stands.
#[derive(Clone, Copy)]
struct Place<'a> {
    /// The key that it is of, or that the list is of in which it is.
    key: &'a str,
    depth: usize,
    /// Whether the server wrote it: a client's own data is not linked.
    is_ours: bool,
}

/// The end of what is shown.
fn full<E: serde::de::Error>() -> E {
    E::custom("too long to be shown")
}

impl Printer {
    fn add<E: serde::de::Error>(
        &mut self,
        class: &'static str,
        text: String,
        href: Option<String>,
    ) -> Result<(), E> {
        self.length += text.len();
        if self.length > SHOWN {
            return Err(full());
        }
        // Punctuation and spaces that follow each other are one piece.
        match self.tokens.last_mut() {
            Some(last) if class.is_empty() && last.class.is_empty() => last.text.push_str(&text),
            _ => self.tokens.push(Token { class, text, href }),
        }
        Ok(())
    }

    fn punctuate<E: serde::de::Error>(&mut self, text: &str) -> Result<(), E> {
        self.add("", text.to_owned(), None)
    }

    fn line<E: serde::de::Error>(&mut self, depth: usize) -> Result<(), E> {
        self.add("", format!("\n{:width$}", "", width = depth * 4), None)
    }
}

/// Prints one value.
struct Print<'p, 'a> {
    printer: &'p mut Printer,
    place: Place<'a>,
}

impl<'de> DeserializeSeed<'de> for Print<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Print<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        self.printer.add("l", "null".to_owned(), None)
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<(), E> {
        self.printer.add("l", value.to_string(), None)
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<(), E> {
        self.printer.add("n", value.to_string(), None)
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<(), E> {
        self.printer.add("n", value.to_string(), None)
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<(), E> {
        self.printer.add("n", serde_json::to_string(&value).map_err(E::custom)?, None)
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<(), E> {
        let href = self.place.is_ours.then(|| link(self.place.key, value)).flatten();
        self.printer.add("s", serde_json::to_string(value).map_err(E::custom)?, href)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<(), A::Error> {
        let place = Place { depth: self.place.depth + 1, ..self.place };
        self.printer.punctuate("[")?;
        let mut count = 0;
        loop {
            // The comma and the line before a value that is not there are taken back.
            let before = (self.printer.tokens.len(), self.printer.tokens.last().map(|last| last.text.len()));
            self.printer.punctuate(if count == 0 { "" } else { "," })?;
            self.printer.line(place.depth)?;
            if access.next_element_seed(Print { printer: &mut *self.printer, place })?.is_none() {
                self.printer.take_back(before);
                break;
            }
            count += 1;
        }
        if count > 0 {
            self.printer.line(self.place.depth)?;
        }
        self.printer.punctuate("]")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<(), A::Error> {
        let depth = self.place.depth + 1;
        self.printer.punctuate("{")?;
        let mut count = 0;
        while let Some(key) = access.next_key::<String>()? {
            self.printer.punctuate(if count == 0 { "" } else { "," })?;
            self.printer.line(depth)?;
            self.printer.add("k", serde_json::to_string(&key).map_err(serde::de::Error::custom)?, None)?;
            self.printer.punctuate(": ")?;
            let is_ours = self.place.is_ours && key != "metadata";
            let place = Place { key: &key, depth, is_ours };
            access.next_value_seed(Print { printer: &mut *self.printer, place })?;
            count += 1;
        }
        if count > 0 {
            self.printer.line(self.place.depth)?;
        }
        self.printer.punctuate("}")
    }
}

impl Printer {
    fn take_back(&mut self, (tokens, length): (usize, Option<usize>)) {
        self.tokens.truncate(tokens);
        if let (Some(last), Some(length)) = (self.tokens.last_mut(), length) {
            last.text.truncate(length);
        }
    }
}

/// Where a value of this key leads: the thing whose id it is, or the address that the server gave.
fn link(key: &str, value: &str) -> Option<String> {
    let folder = match key {
        "conversation_id" | "conversation" => "conversations",
        "message_id" | "message" | "reply_to" | "read" => "messages",
        "user_id" | "created_by" | "actor" | "users" | "owners" => "users",
        "session_id" => "users/me/sessions",
        _ => "",
    };
    match Uuid::try_parse(value) {
        Ok(id) if !folder.is_empty() => Some(format!("/api/{folder}/{id}/")),
        _ => is_address(key, value).then(|| value.to_owned()),
    }
}

/// Whether it is an address that the server has made: such keys hold nothing that people wrote.
fn is_address(key: &str, value: &str) -> bool {
    const NAMED: [&str; 12] = [
        "next",
        "previous",
        "conversations",
        "messages",
        "users",
        "me",
        "sessions",
        "token",
        "keys",
        "health",
        "schema",
        "docs",
    ];
    (NAMED.contains(&key) || key.ends_with("_url"))
        && ["/", "http://", "https://"].iter().any(|start| value.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(json: &str) -> String {
        let (tokens, whole) = tokens(json.as_bytes());
        assert!(whole, "{json}");
        tokens.into_iter().map(|token| token.text).collect()
    }

    fn links(json: &str) -> Vec<String> {
        tokens(json.as_bytes()).0.into_iter().filter_map(|token| token.href).collect()
    }

    #[test]
    fn json_is_indented_in_its_order() {
        assert_eq!(
            text(r#"{"b":[1,{"c":null}],"a":{},"e":[],"d":"<\n>","f":[[-1.5,true]]}"#),
            "{\n    \"b\": [\n        1,\n        {\n            \"c\": null\n        }\n    ],\n    \"a\": {},\n    \
             \"e\": [],\n    \"d\": \"<\\n>\",\n    \"f\": [\n        [\n            -1.5,\n            true\n        ]\n    ]\n}"
        );
        assert_eq!(text("[]"), "[]");
    }

    #[test]
    fn ids_and_addresses_lead_somewhere_and_what_people_wrote_does_not() {
        let id = "01010101-0101-8010-8404-040000000000";
        let json = format!(
            r#"{{"conversation":"{id}","next":"https://api.test/api/","owners":["{id}"],"metadata":{{"conversation":"{id}","next":"https://a.test/"}},
                "message_body":"https://a.test/","user_id":"javascript:alert(1)","messages_url":"javascript:alert(1)","next":null}}"#
        );
        assert_eq!(
            links(&json),
            [
                format!("/api/conversations/{id}/"),
                "https://api.test/api/".to_owned(),
                format!("/api/users/{id}/")
            ]
        );
    }

    #[test]
    fn what_is_too_long_is_cut() {
        let long = serde_json::to_string(&vec!["x".repeat(1000); 500]).unwrap();
        let (tokens, whole) = tokens(long.as_bytes());
        let length: usize = tokens.iter().map(|token| token.text.len()).sum();
        assert!(!whole && length <= SHOWN && length > SHOWN / 2, "{length}");
    }
}
