//! A caller of the API inside the process: requests go through the gateway as those of any client do.
//! It retries nothing and knows no endpoint.

use axum::body::Bytes;
use axum::http::{Method, Request, StatusCode, header};
use local::gateway::Gateway;
use serde_json::Value;

/// Somebody who calls the API.
#[derive(Debug, Clone)]
pub(crate) struct Client<'a> {
    gateway: &'a Gateway,
    token: Option<String>,
}

impl<'a> Client<'a> {
    pub(crate) fn anonymous(gateway: &'a Gateway) -> Self {
        Self { gateway, token: None }
    }

    /// The same caller with an access token.
    pub(crate) fn with_token(self, token: &str) -> Self {
        let token = Some(format!("Bearer {token}"));
        Self { token, ..self }
    }

    pub(crate) async fn get(&self, uri: &str) -> (StatusCode, Value) {
        self.call(Method::GET, uri, Bytes::new()).await
    }

    /// With JSON as its body, or without one where that is null.
    pub(crate) async fn send(&self, method: Method, uri: &str, body: &Value) -> (StatusCode, Value) {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.call(method, uri, body.into()).await
    }

    /// The answer's JSON, or null where it has none.
    async fn call(&self, method: Method, uri: &str, body: Bytes) -> (StatusCode, Value) {
        let mut request = Request::builder().method(method).uri(uri);
        if !body.is_empty() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        if let Some(token) = &self.token {
            request = request.header(header::AUTHORIZATION, token);
        }
        // Fails for a `uri` that is none; what stands in an answer of the API is one.
        let Ok(request) = request.body(body) else {
            return (StatusCode::BAD_REQUEST, Value::Null);
        };
        let response = self.gateway.handle(request).await;
        let json = serde_json::from_slice(response.body()).unwrap_or_default();
        (response.status(), json)
    }
}
