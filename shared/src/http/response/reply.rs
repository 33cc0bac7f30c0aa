//! A successful answer: a representation as JSON, its status, and its headers `ETag` and `Location` if it has them.
//! Unsuccessful answers are [`Problem`]s.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use super::problem::Problem;
use crate::http::request::etag;

/// A JSON answer with its status and headers.
#[derive(Debug)]
pub struct Reply<T> {
    status: StatusCode,
    body: T,
    version: Option<u64>,
    location: Option<String>,
}

impl<T: Serialize> Reply<T> {
    /// Creates a 200 answer.
    pub const fn ok(body: T) -> Self {
        Self { status: StatusCode::OK, body, version: None, location: None }
    }

    /// Creates a 201 answer. The header `Location` contains the absolute URL of the new resource.
    pub fn created(body: T, location: String) -> Self {
        Self { status: StatusCode::CREATED, location: Some(location), ..Self::ok(body) }
    }

    /// Creates a 201 answer for something that has no URL.
    pub fn made(body: T) -> Self {
        Self { status: StatusCode::CREATED, ..Self::ok(body) }
    }

    /// Sets the version for the header `ETag`. Clients send it back in `If-Match`.
    #[must_use]
    pub fn version(mut self, version: u64) -> Self {
        self.version = Some(version);
        self
    }
}

impl<T: Serialize> IntoResponse for Reply<T> {
    fn into_response(self) -> Response {
        let body = match serde_json::to_vec(&self.body) {
            Ok(body) => body,
            Err(error) => return Problem::internal(error).into_response(),
        };
        let mut response = (self.status, [(header::CONTENT_TYPE, "application/json")], body).into_response();
        let headers = response.headers_mut();
        if let Some(version) = self.version {
            headers.insert(header::ETAG, etag::header(version));
        }
        if let Some(location) = self.location.and_then(|location| HeaderValue::from_str(&location).ok()) {
            headers.insert(header::LOCATION, location);
        }
        response
    }
}
