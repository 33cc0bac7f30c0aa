//! An answer's JSON for people: indented, coloured by the kinds of values, with ids and URLs as links. Text that users
//! wrote is never a link.

use serde_json::value::RawValue;
use uuid::Uuid;

use crate::model::json::Level;

/// The maximum size of the shown text, in bytes. A function's answer has a size limit, and markup is several times as
/// large as its text.
const SHOWN: usize = 700_000;

/// A piece of the shown text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// The CSS class for its colour; empty for none.
    pub class: &'static str,
    /// The text of the piece.
    pub text: String,
    /// The target of the link; `None` if the piece is no link.
    pub href: Option<String>,
}

impl Token {
    /// Returns true if the piece links to a session of the caller.
    pub fn is_own_session(&self) -> bool {
        self.href.as_ref().is_some_and(|href| href.starts_with("/api/users/me/sessions/"))
    }
}

/// Returns the pieces of a JSON text, and true if they are the whole text.
pub fn tokens(json: &[u8]) -> (Vec<Token>, bool) {
    let mut printer = Printer { tokens: Vec::new(), length: 0 };
    let place = Place { key: "", depth: 0, is_ours: true };
    let whole = serde_json::from_slice(json).is_ok_and(|json| printer.print(json, place).is_ok());
    (printer.tokens, whole)
}

/// Returns a client's own JSON on several lines, with keys and numbers as they are written.
pub fn indented(json: &RawValue) -> String {
    tokens(json.get().as_bytes()).0.into_iter().map(|token| token.text).collect()
}

struct Printer {
    tokens: Vec<Token>,
    length: usize,
}

/// The position of a value in the text.
#[derive(Clone, Copy)]
struct Place<'a> {
    /// The key of the value, or the key of the list that contains it.
    key: &'a str,
    depth: usize,
    /// True if the server wrote the value. A client's own data gets no links.
    is_ours: bool,
}

/// The reason to stop printing: the text is too long or not valid JSON.
struct Stopped;

impl From<serde_json::Error> for Stopped {
    fn from(_: serde_json::Error) -> Self {
        Self
    }
}

impl Printer {
    fn add(&mut self, class: &'static str, text: String, href: Option<String>) -> Result<(), Stopped> {
        self.length += text.len();
        if self.length > SHOWN {
            return Err(Stopped);
        }
        // Consecutive punctuation and white space form one piece.
        match self.tokens.last_mut() {
            Some(last) if class.is_empty() && last.class.is_empty() => last.text.push_str(&text),
            _ => self.tokens.push(Token { class, text, href }),
        }
        Ok(())
    }

    fn punctuate(&mut self, text: &str) -> Result<(), Stopped> {
        self.add("", text.to_owned(), None)
    }

    fn line(&mut self, depth: usize) -> Result<(), Stopped> {
        self.add("", format!("\n{:width$}", "", width = depth * 4), None)
    }

    /// Prints one value.
    fn print(&mut self, json: &RawValue, place: Place) -> Result<(), Stopped> {
        match Level::of(json)? {
            Level::Literal(literal) => self.add("l", literal.to_owned(), None),
            Level::Number(number) => self.add("n", number.to_owned(), None),
            Level::Text(text) => {
                let href = place.is_ours.then(|| link(place.key, &text)).flatten();
                self.add("s", serde_json::to_string(&text)?, href)
            }
            Level::Array(elements) => self.array(&elements, place),
            Level::Object(members) => self.object(&members, place),
        }
    }

    fn array(&mut self, elements: &[&RawValue], place: Place) -> Result<(), Stopped> {
        let inner = Place { depth: place.depth + 1, ..place };
        self.punctuate("[")?;
        for (count, element) in elements.iter().enumerate() {
            self.punctuate(if count == 0 { "" } else { "," })?;
            self.line(inner.depth)?;
            self.print(element, inner)?;
        }
        if !elements.is_empty() {
            self.line(place.depth)?;
        }
        self.punctuate("]")
    }

    fn object(&mut self, members: &[(String, &RawValue)], place: Place) -> Result<(), Stopped> {
        let depth = place.depth + 1;
        self.punctuate("{")?;
        for (count, (key, value)) in members.iter().enumerate() {
            self.punctuate(if count == 0 { "" } else { "," })?;
            self.line(depth)?;
            self.add("k", serde_json::to_string(key)?, None)?;
            self.punctuate(": ")?;
            let is_ours = place.is_ours && key != "metadata";
            self.print(value, Place { key, depth, is_ours })?;
        }
        if !members.is_empty() {
            self.line(place.depth)?;
        }
        self.punctuate("}")
    }
}

/// Returns the target of a value's link: the resource with this id, or the URL that the server wrote; `None` if it is
/// no link.
fn link(key: &str, value: &str) -> Option<String> {
    let folder = match key {
        "conversation_id" | "conversation" => "conversations",
        "message_id" | "message" | "reply_to" | "read" => "messages",
        "user_id" | "created_by" | "invited_by" | "handled_by" | "closed_by" | "actor" | "user" | "users"
        | "owners" => "users",
        "report_id" => "reports",
        "session_id" => "users/me/sessions",
        _ => "",
    };
    match Uuid::try_parse(value) {
        Ok(id) if !folder.is_empty() => Some(format!("/api/{folder}/{id}/")),
        _ => is_address(key, value).then(|| value.to_owned()),
    }
}

/// Returns true if the value is a URL that the server made. Values of these keys contain no text of users.
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
        let numbers = "[\n    1E5,\n    -0,\n    1e400,\n    0.1234567890123456789\n]";
        assert_eq!(text("[1E5,-0,1e400,0.1234567890123456789]"), numbers, "digit for digit");
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
        let long = serde_json::to_string(&vec!["x".repeat(1000); 800]).unwrap();
        let (tokens, whole) = tokens(long.as_bytes());
        let length: usize = tokens.iter().map(|token| token.text.len()).sum();
        assert!(!whole && length <= SHOWN && length > SHOWN / 2, "{length}");
    }
}
