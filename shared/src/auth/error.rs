//! The errors of authentication, without HTTP. [`crate::http::Problem`] gives each of them a status, a code and a text
//! for clients.

use std::error::Error;

use crate::{model::Faults, store::StoreError};

/// A failure of authentication. The texts are for a terminal and for the log.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// One or more fields of an account cannot be accepted.
    #[error("{0}")]
    Fields(Faults),
    /// The token is malformed, expired, from another issuer, or signed with an unknown key.
    #[error("the token is not valid")]
    TokenNotValid,
    /// The same for a refresh token, which cannot be refreshed.
    #[error("the refresh token is not valid")]
    RefreshTokenNotValid,
    /// Too many attempts with one email. The attempt was not counted.
    #[error("too many attempts with this email address; wait {retry_after} seconds")]
    Throttled {
        /// The time to wait, in seconds, at least 1.
        retry_after: u64,
    },
    /// The token's key is unknown. A look-up failed a moment ago, and the next one is not due yet.
    #[error("the key of the token was looked up a moment ago")]
    KeyNotLookedUp {
        /// The time to wait, in seconds.
        retry_after: u64,
    },
    /// No key is available that can sign tokens.
    #[error("tokens cannot be signed")]
    CannotSign {
        /// The time to wait, in seconds.
        retry_after: u64,
        /// The cause, for the log only.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The signing key has a successor, so its tokens become invalid at the end that was set for it.
    #[error("this signing key was retired; use a new seed")]
    SigningKeyRetired,
    /// A failure that no caller can cause.
    #[error("authentication failed")]
    Internal(#[source] Box<dyn Error + Send + Sync>),
    /// A request to the table failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl AuthError {
    /// Returns the error for a failure that no caller can cause. Only the log contains `source`.
    pub(super) fn internal(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Internal(source.into())
    }
}

impl From<crate::model::Invalid> for AuthError {
    fn from(fault: crate::model::Invalid) -> Self {
        let mut faults = Faults::default();
        faults.note(fault);
        Self::Fields(faults)
    }
}
