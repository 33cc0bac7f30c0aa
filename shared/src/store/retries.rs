//! Repeating a write while other writers are faster. It decides nothing about the write: each try reads the present
//! state and decides again.

use super::{Store, StoreError, backoff::Backoff};

/// The outcome of one try of a write that was neither refused nor failed.
#[derive(Debug)]
pub(crate) enum Tried<T> {
    /// The write took effect, or there was nothing to write.
    Done(T),
    /// Another writer was faster, and nothing was written.
    Lost,
}

impl<T> Tried<T> {
    /// Returns the outcome of one call that DynamoDB refuses while a transaction uses the same item. Such a conflict
    /// writes nothing, and the SDK does not retry it.
    pub(crate) fn of(answer: Result<T, StoreError>) -> Result<Self, StoreError> {
        match answer {
            Err(StoreError::Contention) => Ok(Self::Lost),
            other => other.map(Self::Done),
        }
    }
}

impl Store {
    /// Runs `once` until it is not lost, and waits between two tries.
    ///
    /// # Errors
    /// The error of `once`; [`StoreError::Contention`] after [`super::PATIENCE`].
    pub(crate) async fn retry<T, E, F>(&self, mut once: impl FnMut() -> F) -> Result<T, E>
    where
        E: From<StoreError>,
        F: Future<Output = Result<Tried<T>, E>>,
    {
        let mut backoff = Backoff::new(&self.random);
        loop {
            match once().await? {
                Tried::Done(done) => return Ok(done),
                Tried::Lost => backoff.lose().await?,
            }
        }
    }
}
