//! Cross-origin requests: lets pages of other origins call the API, like the deployed API Gateway with its list of
//! origins. Preflight requests reach the functions in both cases; the gateway only adds headers to the answers.

use std::sync::Arc;

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Response, header};

/// The methods that a page may use.
pub const METHODS: [&str; 7] = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"];

/// The request headers that a page may set.
pub const HEADERS: [&str; 5] =
    ["authorization", "content-type", "idempotency-key", "if-match", "if-none-match"];

/// The response headers that a page may read.
pub const EXPOSED: [&str; 6] = ["accept-patch", "allow", "etag", "location", "retry-after", "x-request-id"];

/// The time for which a browser may cache the answer to a preflight request, in seconds.
pub const MAX_AGE: u16 = 3600;

/// The origins whose pages may call the API; none by default. Clones share the list.
#[derive(Debug, Clone, Default)]
pub struct Cors {
    origins: Arc<[String]>,
}

impl Cors {
    /// Allows exactly these origins, in the form that browsers send: scheme, host, and the port unless it is the
    /// scheme's default.
    #[must_use]
    pub fn of(origins: impl IntoIterator<Item = String>) -> Self {
        Self { origins: origins.into_iter().collect() }
    }

    /// Adds the headers for the page that sent a request, and replaces those that a function has set.
    pub(super) fn add(&self, method: &Method, request: &HeaderMap, response: &mut Response<Bytes>) {
        if self.origins.is_empty() {
            return;
        }
        let headers = response.headers_mut();
        headers.append(header::VARY, HeaderValue::from_static("Origin"));
        let Some(origin) = request.get(header::ORIGIN).filter(|origin| self.allows(origin)) else {
            return;
        };
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        put(headers, header::ACCESS_CONTROL_EXPOSE_HEADERS, &EXPOSED.join(","));
        if method == Method::OPTIONS && request.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD) {
            put(headers, header::ACCESS_CONTROL_ALLOW_METHODS, &METHODS.join(","));
            put(headers, header::ACCESS_CONTROL_ALLOW_HEADERS, &HEADERS.join(","));
            headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from(MAX_AGE));
        }
    }

    fn allows(&self, origin: &HeaderValue) -> bool {
        self.origins.iter().any(|allowed| allowed.as_bytes() == origin.as_bytes())
    }
}

fn put(headers: &mut HeaderMap, name: HeaderName, text: &str) {
    if let Ok(value) = HeaderValue::from_str(text) {
        headers.insert(name, value);
    }
}
