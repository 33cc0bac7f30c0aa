//! The check that the session of a request is live. The store of a request reads the session together with the
//! request's first read, so the check costs one read unit and no round trip. Before the check has succeeded, nothing is
//! written.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicBool, Ordering},
};

use futures::future::BoxFuture;

use super::{
    Store, StoreError, Time,
    items::{Item, Session, SessionKind},
    ops::Consistency,
    table::Key,
};
use crate::ids::{SessionId, UserId};

/// The check of one request's session.
#[derive(Debug)]
pub(super) struct SessionCheck {
    user: UserId,
    session: SessionId,
    now: Time,
    /// True if a read has taken the check over. If that read fails or is cancelled, the next write makes the check.
    is_taken: AtomicBool,
    /// True if the session is live; empty until it was read.
    is_live: OnceLock<bool>,
}

impl SessionCheck {
    pub(super) fn key(&self) -> Key {
        Key::session(self.user, self.session)
    }

    /// Returns true if the item is in the place of the session.
    pub(super) fn is_of(&self, item: &Item) -> bool {
        match item {
            Item::Session(session) => session.id == self.session,
            Item::EndedSession(ended) => ended.id == self.session,
            _ => false,
        }
    }

    /// Keeps the outcome. Fails if the item is not a live session with tokens.
    pub(super) fn settle(&self, item: Option<Item>) -> Result<(), StoreError> {
        let is_live = |session: Session| session.kind == SessionKind::Token && session.expires_at > self.now;
        result(*self.is_live.get_or_init(|| item.and_then(Item::into_session).is_some_and(is_live)))
    }
}

fn result(is_live: bool) -> Result<(), StoreError> {
    if is_live { Ok(()) } else { Err(StoreError::SessionEnded) }
}

impl Store {
    /// Returns a store for one request of a session that begins at `now`. Its reads and writes fail with
    /// [`StoreError::SessionEnded`] if the session is not live.
    #[must_use]
    pub fn for_session(&self, user: UserId, session: SessionId, now: Time) -> Self {
        let check =
            SessionCheck { user, session, now, is_taken: AtomicBool::default(), is_live: OnceLock::new() };
        Self { session_check: Some(Arc::new(check)), ..self.clone() }
    }

    /// Fails with [`StoreError::SessionEnded`] if this store is for a session that is not live. Reads the session,
    /// strongly consistent, unless an earlier call did.
    pub async fn check_session(&self) -> Result<(), StoreError> {
        match self.session_check.as_ref().map(|check| (check, check.is_live.get())) {
            Some((_, Some(is_live))) => result(*is_live),
            Some((check, None)) => Box::pin(self.read_session(check)).await,
            None => Ok(()),
        }
    }

    /// Runs a read, and the check at the same time if no other read has taken it over. If both fail, the error is that of
    /// the check.
    pub(super) async fn checked<T>(
        &self,
        read: BoxFuture<'_, Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let Some(check) = self.take_check() else {
            return read.await;
        };
        let (checked, read) = tokio::join!(Box::pin(self.read_session(check)), read);
        checked.and(read)
    }

    /// Returns the check if this is the first read that can make it.
    pub(super) fn take_check(&self) -> Option<&SessionCheck> {
        self.session_check.as_deref().filter(|check| !check.is_taken.swap(true, Ordering::Relaxed))
    }

    async fn read_session(&self, check: &SessionCheck) -> Result<(), StoreError> {
        check.settle(self.get_once(check.key(), Consistency::Strong).await?)
    }
}
