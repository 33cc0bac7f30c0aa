//! An answer of the API, received in process or over the network, with assertions about its status and its body. Failed
//! assertions print the request and the whole answer.
//!
//! ```rust
//! let message = ann.try_send(&conversation, "memo").await.created();
//! ann.get("/api/messages/none/").await.problem(404, "not_found");
//! ```

use std::io::Read as _;

use axum::http::HeaderMap;
use serde_json::Value;

use super::environment;

/// An answer with its status, headers and body.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
    /// The method and the path of the request, for the message of a failed assertion.
    pub asked: String,
}

impl Answer {
    /// Returns the body as JSON; `null` if it is not JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.unpacked()).unwrap_or_default()
    }

    /// Returns the body after decompression.
    pub fn unpacked(&self) -> Vec<u8> {
        let Some(coding) = self.header("content-encoding") else {
            return self.body.clone();
        };
        assert_eq!(coding, "gzip");
        let mut bytes = Vec::new();
        flate2::read::GzDecoder::new(&*self.body).read_to_end(&mut bytes).unwrap();
        bytes
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Returns the field `code` of a problem; empty for other answers.
    pub fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    /// Returns true for a 503 with `Retry-After` from an engine at `DYNAMODB_ENDPOINT`. `DynamoDB` Local answers from
    /// one core and may be too slow on a busy machine; the embedded engine is not.
    pub fn is_slow_tables(&self) -> bool {
        self.status == 503 && self.header("retry-after").is_some() && environment::dynamodb().is_some()
    }

    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self}");
        self
    }

    /// Asserts the status 200 and returns the JSON body.
    #[track_caller]
    pub fn ok(self) -> Value {
        self.expect(200).json()
    }

    /// Asserts the status 201 and returns the JSON body.
    #[track_caller]
    pub fn created(self) -> Value {
        self.expect(201).json()
    }

    /// Asserts the status 204 and an empty body.
    #[track_caller]
    pub fn nothing(self) {
        assert!(self.status == 204 && self.body.is_empty(), "{self}");
    }

    /// Asserts a complete problem (RFC 9457) with this status and code, and returns its body.
    #[track_caller]
    pub fn problem(self, status: u16, code: &str) -> Value {
        let body = self.json();
        assert_eq!((self.status, self.code().as_str()), (status, code), "{self}");
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self}");
        assert_eq!(body["status"], status, "{self}");
        for member in ["type", "title", "detail"] {
            assert!(body[member].as_str().is_some_and(|text| !text.is_empty()), "{member}: {self}");
        }
        assert_eq!(body["request_id"].as_str(), self.header("x-request-id"), "{self}");
        body
    }

    /// Asserts a 400 whose `errors` contain this field.
    #[track_caller]
    pub fn refuses(self, field: &str) {
        let shown = self.to_string();
        let body = self.problem(400, "invalid_request");
        assert!(body["errors"][field].is_array(), "`errors` does not contain `{field}`: {shown}");
    }

    /// Returns everything that a client can compare in two answers: status, headers and body, except the request id and
    /// the date.
    pub fn fingerprint(&self) -> String {
        let id = self.header("x-request-id").unwrap_or_default();
        let mut headers: Vec<String> = self
            .headers
            .iter()
            .filter(|(name, _)| !["x-request-id", "date"].contains(&name.as_str()))
            .map(|(name, value)| format!("{name}: {value:?}"))
            .collect();
        headers.sort();
        let body = match id {
            "" => self.text(),
            id => self.text().replace(id, "<request id>"),
        };
        format!("{}\n{}\n\n{body}", self.status, headers.join("\n"))
    }
}

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} -> {} {}", self.asked, self.status, self.text())
    }
}
