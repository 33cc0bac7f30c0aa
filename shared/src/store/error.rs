//! The errors of requests to the table, distinguished by the possible reactions of the caller. A missing item is not an
//! error but `None`.

use std::error::Error;

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};

/// A request to the table that failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Other requests wrote to the same item for longer than a request may wait.
    #[error("other requests wrote to the same item for too long")]
    Contention,
    /// The table throttles, also after the SDK's retries. An earlier try may have taken effect without an answer.
    #[error("the table throttles requests")]
    Throttled(#[source] Box<dyn Error + Send + Sync>),
    /// A stored item that cannot be decoded, or that breaks a rule which every writer keeps.
    #[error("corrupt item of kind {entity}")]
    Corrupt {
        /// The kind of the item, by a prefix of its key.
        entity: String,
        /// The error of the decoder, or the broken rule.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// No usable answer. A write may have taken effect.
    #[error("the table did not answer")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
    /// The session of the request has ended or expired. Nothing was written.
    #[error("the session is not live")]
    SessionEnded,
    /// The request could not be encoded, or the table rejected it, because of a defect in this program or a missing
    /// permission. Nothing was written.
    #[error("the table refused the request")]
    Refused(#[source] Box<dyn Error + Send + Sync>),
}

impl StoreError {
    /// Returns the error for an item that breaks a rule which every writer keeps.
    pub(crate) fn corrupt(entity: &str, what: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Corrupt { entity: entity.to_owned(), source: what.into() }
    }
}

const CONFLICT: [&str; 2] = ["TransactionConflictException", "TransactionInProgressException"];
const THROTTLING: [&str; 4] =
    ["ThrottlingException", "ProvisionedThroughputExceededException", "RequestLimitExceeded", "Throttling"];

/// Converts an error of the SDK by its meaning for the caller.
pub(crate) fn classify<E, R>(error: SdkError<E, R>) -> StoreError
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    R: std::fmt::Debug + Send + Sync + 'static,
{
    let code = error.code().unwrap_or_default();
    if CONFLICT.contains(&code) {
        StoreError::Contention
    } else if THROTTLING.contains(&code) {
        StoreError::Throttled(error.into())
    } else if matches!(&error, SdkError::ServiceError(_))
        && !matches!(code, "" | "InternalServerError" | "ServiceUnavailable")
    {
        StoreError::Refused(error.into())
    } else {
        StoreError::Unavailable(error.into())
    }
}
