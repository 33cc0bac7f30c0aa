//! Repeating a write while other writers are faster. It decides nothing about the write: each try reads the present
//! state and decides again.

use uuid::Uuid;

use super::{
    Command, Store, StoreError,
    backoff::Backoff,
    items::{Change, Item},
};

/// The outcome of one try of a write that was neither refused nor failed.
#[derive(Debug)]
pub(crate) enum Tried<T> {
    /// The write took effect, or there was nothing to write.
    Done(T),
    /// Another writer was faster, and nothing was written.
    Lost,
}

impl<T> Tried<T> {
    /// Returns the same outcome with another result.
    pub(crate) fn map<U>(self, result: impl FnOnce(T) -> U) -> Tried<U> {
        match self {
            Self::Done(done) => Tried::Done(result(done)),
            Self::Lost => Tried::Lost,
        }
    }

    /// Returns the outcome of one call that DynamoDB refuses while a transaction uses the same item. Such a conflict
    /// writes nothing, and the SDK does not retry it.
    pub(crate) fn of(answer: Result<T, StoreError>) -> Result<Self, StoreError> {
        match answer {
            Err(StoreError::Contention) => Ok(Self::Lost),
            other => other.map(Self::Done),
        }
    }
}

/// One try of a command that writes a change.
#[derive(Debug)]
pub(crate) struct Attempt<T> {
    /// The command. It is the same in every try.
    pub(crate) command: Command,
    lost: Option<LostTry<T>>,
}

/// A try that was lost, or that seemed so: the first attempt of its transaction may have taken effect while the SDK's
/// repetition met a conflict.
#[derive(Debug)]
pub(crate) struct LostTry<T> {
    /// The number of its change.
    number: u64,
    /// The result of the command if this change took effect.
    result: T,
}

/// The outcome of one try of a change that was neither refused nor failed.
#[derive(Debug)]
pub(crate) enum TriedChange<T> {
    /// The change took effect, or there was nothing to change.
    Done(T),
    /// Another writer was faster.
    Lost(LostTry<T>),
}

impl<T> LostTry<T> {
    pub(crate) const fn new(number: u64, result: T) -> Self {
        Self { number, result }
    }
}

/// The place of a change that an earlier try of a request may have written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OwnChange {
    request: Uuid,
    /// The number of the change in the last try. In the tries before it, the change had this number too, or one that another
    /// change has: a try begins at the first free number, and the log has no holes.
    pub(crate) number: Option<u64>,
}

impl OwnChange {
    /// The newest entry of the log, if this request wrote it.
    pub(crate) const fn newest(command: Command) -> Self {
        Self { request: command.request, number: None }
    }

    /// Returns true if the request wrote this entry of the change log.
    pub(crate) fn is(self, entry: Option<&Item>) -> bool {
        match entry {
            Some(Item::Change(Change { request, .. })) => *request == self.request,
            Some(Item::Closed(closed)) => closed.request == self.request,
            _ => false,
        }
    }
}

impl<T> Attempt<T> {
    /// Returns the place of the change that the last try may have written.
    pub(crate) fn own_change(&self) -> OwnChange {
        OwnChange { request: self.command.request, number: self.lost.as_ref().map(|lost| lost.number) }
    }

    /// Returns the result of the last try, which has taken effect if `is_done`; `None` otherwise.
    pub(crate) fn result_if(&mut self, is_done: bool) -> Option<TriedChange<T>> {
        self.lost.take_if(|_| is_done).map(|lost| TriedChange::Done(lost.result))
    }
}

impl Store {
    /// Runs `once` until its change has taken effect, and waits between two tries.
    ///
    /// # Errors
    /// The error of `once`; [`StoreError::Contention`] after [`super::PATIENCE`].
    pub(crate) async fn retry_change<T, E, F>(
        &self,
        command: Command,
        mut once: impl FnMut(Attempt<T>) -> F,
    ) -> Result<T, E>
    where
        E: From<StoreError>,
        F: Future<Output = Result<TriedChange<T>, E>>,
    {
        let mut backoff = Backoff::new(&self.random);
        let mut attempt = Attempt { command, lost: None };
        loop {
            match once(attempt).await? {
                TriedChange::Done(done) => return Ok(done),
                TriedChange::Lost(lost) => attempt = Attempt { command, lost: Some(lost) },
            }
            backoff.lose().await?;
        }
    }

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
