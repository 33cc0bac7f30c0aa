//! What can go wrong between a function and its table, told apart by what the caller can do about it.

use std::error::Error;

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};

/// A question to the table that has no answer. Absence is not among them: that is an `Option`.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Others wrote to the same place for longer than a request may wait.
    #[error("lost to other writers for too long")]
    Contention,
    /// The table answers with throttling, also after the SDK's retries. An earlier try may have taken effect unanswered.
    #[error("the table throttles")]
    Throttled(#[source] Box<dyn Error + Send + Sync>),
    /// A stored item that cannot be read.
    #[error("corrupt item of kind {entity}")]
    Corrupt {
        /// Which kind of item, by the prefix of its key.
        entity: String,
        /// What the decoder said.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// No usable answer: whether a write took effect is unknown.
    #[error("the table did not answer")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
    /// The table refused what this program asked: a defect here, or a wrong permission. Nothing was written.
    #[error("the table refused the request")]
    Refused(#[source] Box<dyn Error + Send + Sync>),
}

impl StoreError {
    /// An item that breaks a rule which every writer keeps.
    pub(crate) fn corrupt(entity: &str, what: &'static str) -> Self {
        Self::Corrupt { entity: entity.to_owned(), source: what.into() }
    }
}

const CONFLICT: [&str; 2] = ["TransactionConflictException", "TransactionInProgressException"];
const THROTTLING: [&str; 4] =
    ["ThrottlingException", "ProvisionedThroughputExceededException", "RequestLimitExceeded", "Throttling"];

/// Sorts an SDK error by what it means for the caller.
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
