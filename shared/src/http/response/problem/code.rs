//! The kinds of problems: one exhaustive match gives the status and the stable name of each. The texts for the client
//! are in [`Problem`](super::Problem).

use axum::http::StatusCode;

/// The kinds of problems.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the codes say it")]
pub enum Code {
    InvalidRequest,
    MalformedBody,
    NotAuthenticated,
    TokenNotValid,
    InvalidCredentials,
    PermissionDenied,
    Suspended,
    CsrfFailed,
    NotAccepted,
    InvitationPending,
    NotFound,
    MethodNotAllowed,
    NotAcceptable,
    ClientIdReused,
    OutcomeUnknown,
    LastAdmin,
    TooManyReactions,
    TooManyPins,
    PreconditionFailed,
    PayloadTooLarge,
    UnsupportedMediaType,
    Throttled,
    Internal,
    Contention,
    Unavailable,
}

impl Code {
    /// Returns the HTTP status and the stable name.
    #[must_use]
    pub const fn parts(self) -> (StatusCode, &'static str) {
        match self {
            Self::InvalidRequest => (StatusCode::BAD_REQUEST, "invalid_request"),
            Self::MalformedBody => (StatusCode::BAD_REQUEST, "malformed_body"),
            Self::NotAuthenticated => (StatusCode::UNAUTHORIZED, "not_authenticated"),
            Self::TokenNotValid => (StatusCode::UNAUTHORIZED, "token_not_valid"),
            Self::InvalidCredentials => (StatusCode::UNAUTHORIZED, "invalid_credentials"),
            Self::PermissionDenied => (StatusCode::FORBIDDEN, "permission_denied"),
            Self::Suspended => (StatusCode::FORBIDDEN, "suspended"),
            Self::CsrfFailed => (StatusCode::FORBIDDEN, "csrf_failed"),
            Self::NotAccepted => (StatusCode::FORBIDDEN, "not_accepted"),
            Self::InvitationPending => (StatusCode::FORBIDDEN, "invitation_pending"),
            Self::NotFound => (StatusCode::NOT_FOUND, "not_found"),
            Self::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed"),
            Self::NotAcceptable => (StatusCode::NOT_ACCEPTABLE, "not_acceptable"),
            Self::ClientIdReused => (StatusCode::CONFLICT, "client_id_reused"),
            Self::OutcomeUnknown => (StatusCode::CONFLICT, "outcome_unknown"),
            Self::LastAdmin => (StatusCode::CONFLICT, "last_admin"),
            Self::TooManyReactions => (StatusCode::CONFLICT, "too_many_reactions"),
            Self::TooManyPins => (StatusCode::CONFLICT, "too_many_pins"),
            Self::PreconditionFailed => (StatusCode::PRECONDITION_FAILED, "precondition_failed"),
            Self::PayloadTooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large"),
            Self::UnsupportedMediaType => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type"),
            Self::Throttled => (StatusCode::TOO_MANY_REQUESTS, "throttled"),
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "internal_error"),
            Self::Contention => (StatusCode::SERVICE_UNAVAILABLE, "contention"),
            Self::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
        }
    }
}
