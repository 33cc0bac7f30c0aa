//! The only error type of the HTTP edge: RFC 9457 problem details with a stable `code`. An exhaustive match in `code`
//! gives the status and the code of each kind. The source of a problem is not sent to the client; the layer `problems`
//! logs it once.

mod code;
mod conversions;

use std::{error::Error, fmt, sync::Arc};

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use chrono::TimeDelta;
use serde_json::{Map, Value, json};

pub use self::code::Code;
use crate::{
    model::Invalid,
    store::log::{UNANSWERED_BYTES, UNANSWERED_MESSAGES},
    telemetry,
};

/// The answer to an unsuccessful request.
#[derive(Debug, Clone)]
pub struct Problem {
    code: Code,
    detail: String,
    more: Box<RareFields>,
}

/// The fields that few problems have. They are boxed, because every `Result` of the HTTP edge has room for a problem.
#[derive(Debug, Clone, Default)]
struct RareFields {
    errors: Vec<Invalid>,
    retry_after: Option<u64>,
    members: Map<String, Value>,
    /// The header `Allow` of a 405.
    allow: Option<HeaderValue>,
    source: Option<Arc<dyn Error + Send + Sync>>,
}

impl Problem {
    /// Creates a problem. `detail` is a sentence for the client.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), more: Box::default() }
    }

    /// Creates a 400 for one invalid field. `reason` is a text that follows the name of the field, such as "is
    /// required".
    pub fn field(field: &'static str, reason: impl Into<String>) -> Self {
        Invalid::new(field, reason).into()
    }

    /// Creates a 404. It is the same, byte for byte, for a resource that does not exist and for one that the caller may
    /// not know about.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(Code::NotFound, "Not found, or you do not have access.")
    }

    /// Creates a 403 for an operation that the caller may not do, on a resource that the caller may know about.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(Code::PermissionDenied, detail)
    }

    /// Creates a 403 for a write of a user who is invited to the conversation and has not accepted.
    #[must_use]
    pub fn not_accepted() -> Self {
        Self::new(
            Code::NotAccepted,
            "You are invited to this conversation. Accept the invitation at \
             /api/conversations/{id}/accept/ before you write.",
        )
    }

    /// Creates a 403 for a message after an invitation that nobody has accepted.
    #[must_use]
    pub fn invitation_pending() -> Self {
        let (messages, bytes) = (UNANSWERED_MESSAGES, UNANSWERED_BYTES);
        Self::new(
            Code::InvitationPending,
            format!(
                "Nobody has accepted your invitation to this conversation yet. Until then, you can send at most {messages} \
                 messages of at most {bytes} bytes each, metadata included."
            ),
        )
    }

    /// Creates a 401 for a request without credentials.
    #[must_use]
    pub fn not_authenticated() -> Self {
        Self::new(
            Code::NotAuthenticated,
            "Authentication is required. Get a token at /api/token/ and send it in the header \
             `Authorization: Bearer <access token>`, or log in at /api-auth/login/.",
        )
    }

    /// Creates a 401 for a token that is malformed, expired, from another issuer, or of an ended session.
    #[must_use]
    pub fn token_not_valid() -> Self {
        Self::new(
            Code::TokenNotValid,
            "The token is not valid or has expired. Get a new one at /api/token/refresh/, or log in again.",
        )
    }

    /// Creates a 401 for a refresh token that is malformed, expired, already used, or of an ended session.
    #[must_use]
    pub fn refresh_token_not_valid() -> Self {
        Self::new(
            Code::TokenNotValid,
            "The refresh token is not valid, has expired or was already used, or its session has ended. Log in again at \
             /api/token/.",
        )
    }

    /// Creates a 500 for a fault that no client has caused. `source` is only for the log.
    pub fn internal(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(
            Code::Internal,
            "The server could not process the request. If this happens again, report the `request_id`.",
        )
        .caused_by(source)
    }

    /// Creates a 412 for a request whose `If-Match` or `If-None-Match` excludes the current version.
    #[must_use]
    pub fn precondition_failed() -> Self {
        Self::new(
            Code::PreconditionFailed,
            "The current version does not satisfy `If-Match` or `If-None-Match`. Read the resource again, \
             then repeat the request with its current `ETag`.",
        )
    }

    /// Creates a 412 for a request that requires a version of a resource without versions.
    #[must_use]
    pub fn unversioned() -> Self {
        Self::new(
            Code::PreconditionFailed,
            "This resource has no ETag. Repeat the request without `If-Match` and `If-None-Match`.",
        )
    }

    /// Creates a 429. A client that waits for the whole seconds of `Retry-After` has waited for at least `wait`.
    #[must_use]
    pub fn throttled(detail: impl Into<String>, wait: TimeDelta) -> Self {
        let microseconds =
            wait.num_microseconds().and_then(|wait| u64::try_from(wait).ok()).unwrap_or_default();
        Self::new(Code::Throttled, detail).retry_after(microseconds.div_ceil(1_000_000).max(1))
    }

    /// Adds the header `Retry-After`, in seconds.
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.more.retry_after = Some(seconds);
        self
    }

    /// Adds an extension member (RFC 9457, section 3.2).
    #[must_use]
    pub fn member(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.more.members.insert(name.to_owned(), value.into());
        self
    }

    /// Adds the header `Allow` with the methods of the path.
    #[must_use]
    pub(crate) fn allow(mut self, methods: HeaderValue) -> Self {
        self.more.allow = Some(methods);
        self
    }

    /// Adds the cause, which is written to the log and not sent to the client.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.more.source = Some(Arc::from(source.into()));
        self
    }

    /// Returns the kind of the problem.
    #[must_use]
    pub fn code(&self) -> Code {
        self.code
    }

    /// Logs the source and its causes on one line; nothing without a source.
    pub fn log_causes(&self) {
        if let Some(source) = self.more.source.as_deref() {
            tracing::warn!(code = self.code.parts().1, causes = telemetry::causes(source), "problem");
        }
    }

    /// Returns the complete answer, with the problem as JSON in its body.
    pub(crate) fn render(&self, request_id: &str) -> Response {
        let (status, code) = self.code.parts();
        let mut body = self.more.members.clone();
        body.insert("type".to_owned(), json!("about:blank"));
        body.insert("title".to_owned(), json!(status.canonical_reason()));
        body.insert("status".to_owned(), json!(status.as_u16()));
        body.insert("detail".to_owned(), json!(self.detail));
        body.insert("code".to_owned(), json!(code));
        body.insert("request_id".to_owned(), json!(request_id));
        if !self.more.errors.is_empty() {
            body.insert("errors".to_owned(), self.errors_by_field());
        }
        let content_type = (header::CONTENT_TYPE, "application/problem+json");
        self.answer_with(([content_type], Value::Object(body).to_string()))
    }

    /// Returns an answer with the problem's status and headers and another body, for pages that show the problem.
    pub fn answer_with(&self, body: impl IntoResponse) -> Response {
        let status = self.code.parts().0;
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        if let Some(seconds) = self.more.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(methods) = &self.more.allow {
            headers.insert(header::ALLOW, methods.clone());
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, self.challenge());
        }
        response
    }

    fn errors_by_field(&self) -> Value {
        let mut by_field: Map<String, Value> = Map::new();
        for Invalid { field, reason } in &self.more.errors {
            let reasons = by_field.entry(field.to_string()).or_insert_with(|| json!([]));
            if let Value::Array(reasons) = reasons {
                reasons.push(json!(reason));
            }
        }
        Value::Object(by_field)
    }

    /// Returns the value of the header `WWW-Authenticate` (RFC 6750, section 3).
    fn challenge(&self) -> HeaderValue {
        HeaderValue::from_static(match self.code {
            Code::TokenNotValid => "Bearer realm=\"api\", error=\"invalid_token\"",
            _ => "Bearer realm=\"api\"",
        })
    }
}

impl fmt::Display for Problem {
    /// Writes the problem on one line, for a terminal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.more.errors.as_slice() {
            [] => f.write_str(&self.detail),
            errors => f.write_str(&errors.iter().map(Invalid::to_string).collect::<Vec<_>>().join("; ")),
        }
    }
}

impl Error for Problem {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.more.source.as_deref().map(|source| source as _)
    }
}

impl IntoResponse for Problem {
    /// Returns an empty answer with the problem as its extension. The layer `problems` renders the body, because it
    /// knows the request id.
    fn into_response(self) -> Response {
        let mut response = self.code.parts().0.into_response();
        response.extensions_mut().insert(self);
        response
    }
}
