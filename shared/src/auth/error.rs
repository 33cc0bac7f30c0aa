//! Errors of authentication, without HTTP. [`crate::http::Problem`] gives each its status, its code and its text for clients.

use std::error::Error;

use crate::{model::Faults, store::StoreError};

/// A failure of authentication. The texts are for a terminal and for the log.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// Some fields of an account cannot be accepted.
    #[error("{0}")]
    Fields(Faults),
    /// The token is malformed, expired, of another issuer, or signed with an unknown key.
    #[error("the token is not valid")]
    TokenNotValid,
    /// Too many attempts at the password of one email address.
    #[error("too many attempts with this email address; wait {retry_after} seconds")]
    Throttled {
        /// The time to wait, in seconds.
        retry_after: u64,
    },
    /// An unknown key was looked up a moment ago, and is not looked up again yet.
    #[error("the key of the token was looked up a moment ago")]
    KeyNotLookedUp {
        /// The time to wait, in seconds.
        retry_after: u64,
    },
    /// No key is available to sign tokens with.
    #[error("tokens cannot be signed")]
    CannotSign {
        /// The time to wait, in seconds.
        retry_after: u64,
        /// The cause.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The signing key has a successor, and its tokens are soon refused.
    #[error("this signing key was retired; use a new seed")]
    SigningKeyRetired,
    /// A failure that no caller can cause.
    #[error("authentication failed")]
    Internal(#[source] Box<dyn Error + Send + Sync>),
    /// The table.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl AuthError {
    /// A failure that no caller can cause; `source` is for the log.
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
