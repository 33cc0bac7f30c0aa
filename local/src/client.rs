//! A client of the API inside the process. Its requests go through the gateway, like those of any client. It has no
//! retries and no knowledge of endpoints.

use axum::body::Bytes;
use axum::http::{Method, Request, StatusCode, header};
use local::gateway::Gateway;
use serde_json::Value;

/// A client with or without an access token.
#[derive(Debug, Clone)]
pub(crate) struct Client<'a> {
    gateway: &'a Gateway,
    token: Option<String>,
}

impl<'a> Client<'a> {
    pub(crate) fn anonymous(gateway: &'a Gateway) -> Self {
        Self { gateway, token: None }
    }

    /// Returns the client with an access token.
    pub(crate) fn with_token(self, token: &str) -> Self {
        let token = Some(format!("Bearer {token}"));
        Self { token, ..self }
    }

    pub(crate) async fn get(&self, uri: &str) -> (StatusCode, Value) {
        self.call(Method::GET, uri, Bytes::new()).await
    }

    /// Sends a request with JSON as its body, or with an empty body if `body` is null.
    pub(crate) async fn send(&self, method: Method, uri: &str, body: &Value) -> (StatusCode, Value) {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.call(method, uri, body.into()).await
    }

    /// Sends a request. Returns the status and the JSON of the answer, or null if the answer has no JSON.
    async fn call(&self, method: Method, uri: &str, body: Bytes) -> (StatusCode, Value) {
        let mut request = Request::builder().method(method).uri(uri);
        if !body.is_empty() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        if let Some(token) = &self.token {
            request = request.header(header::AUTHORIZATION, token);
        }
        // The request is invalid only if `uri` is not a URI. The URIs in answers of the API are valid.
        let Ok(request) = request.body(body) else {
            return (StatusCode::BAD_REQUEST, Value::Null);
        };
        let response = self.gateway.handle(request).await;
        let json = serde_json::from_slice(response.body()).unwrap_or_default();
        (response.status(), json)
    }
}
