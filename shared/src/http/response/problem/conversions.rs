//! The problems of the errors of other modules: each error type is converted here once. Other problems are created where
//! they occur.

use super::{Code, Problem};
use crate::{
    auth::AuthError,
    model::{Faults, Invalid},
    store::{MOST_ADMINS, StandingError, StoreError},
};

impl From<Vec<Invalid>> for Problem {
    fn from(errors: Vec<Invalid>) -> Self {
        let mut problem =
            Self::new(Code::InvalidRequest, "Some fields are not valid. The reasons are listed by field.");
        problem.more.errors = errors;
        problem
    }
}

impl From<Faults> for Problem {
    fn from(faults: Faults) -> Self {
        let left_out = faults.left_out();
        let mut problem = Self::from(faults.into_vec());
        if left_out > 0 {
            problem.detail = format!("{} Errors that are not listed: {left_out}.", problem.detail);
        }
        problem
    }
}

impl From<Invalid> for Problem {
    fn from(error: Invalid) -> Self {
        vec![error].into()
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let problem = match &error {
            StoreError::Contention => Self::new(
                Code::Contention,
                "Too many requests write to the same resource. It is unknown whether anything was written. \
                 Try again.",
            ),
            StoreError::Throttled(_) => Self::new(
                Code::Unavailable,
                "The database is busy. It is unknown whether anything was written. Try again.",
            ),
            StoreError::Unavailable(_) => Self::new(
                Code::Unavailable,
                "The database did not answer in time. It is unknown whether anything was written. Try again.",
            ),
            StoreError::SessionEnded => return Self::token_not_valid(),
            StoreError::Corrupt { .. } | StoreError::Refused(_) => {
                return Self::internal(error);
            }
        };
        problem.retry_after(1).caused_by(error)
    }
}

impl From<StandingError> for Problem {
    fn from(error: StandingError) -> Self {
        match error {
            StandingError::Closed => Self::not_found(),
            StandingError::LastAdmin => Self::new(
                Code::LastAdmin,
                "This is the last admin who can act. Give another user the role `admin` first.",
            ),
            StandingError::TooManyAdmins => {
                Self::field("role", format!("cannot be `admin` for more than {MOST_ADMINS} users"))
            }
            StandingError::Store(error) => error.into(),
        }
    }
}

impl From<AuthError> for Problem {
    fn from(error: AuthError) -> Self {
        match error {
            AuthError::Fields(faults) => faults.into(),
            AuthError::TokenNotValid => Self::token_not_valid(),
            AuthError::RefreshTokenNotValid => Self::refresh_token_not_valid(),
            AuthError::Throttled { retry_after } => Self::new(
                Code::Throttled,
                "Too many attempts with this email address. Wait for the seconds in the header `Retry-After`.",
            )
            .retry_after(retry_after),
            AuthError::KeyNotLookedUp { retry_after } => {
                Self::new(Code::Unavailable, "The key of this token could not be read. Try again.")
                    .retry_after(retry_after)
            }
            AuthError::CannotSign { retry_after, source } => {
                Self::new(Code::Unavailable, "The server cannot sign tokens at the moment. Try again.")
                    .retry_after(retry_after)
                    .caused_by(source)
            }
            AuthError::SigningKeyRetired | AuthError::Internal(_) => Self::internal(error),
            AuthError::Store(error) => error.into(),
        }
    }
}
