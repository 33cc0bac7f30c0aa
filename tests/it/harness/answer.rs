//! What the API answered, in process or over the network, with what tests say about it.

use std::io::Read as _;

use axum::http::HeaderMap;
use serde_json::Value;

use super::environment;

/// One answer.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
    /// What was asked, for whoever reads a failed test.
    pub asked: String,
}

impl Answer {
    /// The body as JSON; `null` for none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.unpacked()).unwrap_or_default()
    }

    /// The body without the coding that it travelled in.
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

    /// The stable name of a problem; empty for other answers.
    pub fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    /// Whether it says to come back later, as it may on an engine that takes one call at a time; the embedded one is quick
    /// enough for everything here.
    pub fn is_slow_tables(&self) -> bool {
        self.status == 503 && self.header("retry-after").is_some() && environment::dynamodb().is_some()
    }

    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self}");
        self
    }

    /// 200, and its JSON.
    #[track_caller]
    pub fn ok(self) -> Value {
        self.expect(200).json()
    }

    /// 201, and its JSON.
    #[track_caller]
    pub fn created(self) -> Value {
        self.expect(201).json()
    }

    /// 204 without a body.
    #[track_caller]
    pub fn nothing(self) {
        assert!(self.status == 204 && self.body.is_empty(), "{self}");
    }

    /// A complete problem with this status and code.
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

    /// A 400 that names this field.
    #[track_caller]
    pub fn refuses(self, field: &str) {
        let shown = self.to_string();
        let body = self.problem(400, "invalid_request");
        assert!(body["errors"][field].is_array(), "`{field}` is not named: {shown}");
    }

    /// All that a stranger could tell two answers apart by: status, headers and body, but for the request's id and the time.
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
