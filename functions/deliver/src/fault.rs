//! The faults of records: a passing fault is reported, so that Lambda repeats the record; a permanent one goes to the
//! dead-letter queue, so that the record does not hold up its shard.

use std::{collections::BTreeSet, panic::AssertUnwindSafe};

use futures::FutureExt;
use shared::{realtime::QueueError, store::StoreError, telemetry};

/// The positions of records in their batch.
pub(crate) type Records = BTreeSet<usize>;

/// The reason why records are not done.
#[derive(Debug, Clone)]
pub(crate) struct Fault {
    /// The reason, for operators. It contains no text of a user.
    pub(crate) reason: String,
    /// True if another try gives the same result.
    pub(crate) is_permanent: bool,
}

/// Records with their fault.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) records: Records,
    pub(crate) fault: Fault,
}

impl Fault {
    pub(crate) fn permanent(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), is_permanent: true }
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        let is_permanent = matches!(error, StoreError::Corrupt { .. });
        Self { reason: telemetry::causes(&error), is_permanent }
    }
}

impl From<QueueError> for Fault {
    fn from(error: QueueError) -> Self {
        Self { reason: error.to_string(), is_permanent: false }
    }
}

impl From<serde_json::Error> for Fault {
    fn from(error: serde_json::Error) -> Self {
        Self::permanent(error.to_string())
    }
}

/// Does a part of the work, for these records. A panic is a permanent fault of these records and not of their batch.
pub(crate) async fn for_records<T>(
    records: Records,
    work: impl Future<Output = Result<T, Fault>>,
) -> Result<T, Failed> {
    let done = AssertUnwindSafe(work).catch_unwind().await;
    done.unwrap_or_else(|_| Err(Fault::permanent("the processing has panicked")))
        .map_err(|fault| Failed { records, fault })
}
