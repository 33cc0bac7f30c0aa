//! The limit of live sessions: a further login ends the oldest session of the user.

use super::{
    Store, StoreError,
    items::Session,
    ops::{Consistency, Reading},
    table::Span,
};
use crate::ids::SessionId;

/// The maximum number of live sessions of one user.
pub const MOST_SESSIONS: usize = 50;

impl Store {
    /// Returns the sessions that the new session `begun` has to end: the oldest live ones beyond the limit.
    ///
    /// The read is eventually consistent, at half the cost: it runs at the same time as the put of `begun`, and so
    /// sees the sessions of parallel logins in no case. The next login ends what such logins leave.
    pub async fn sessions_beyond_limit(&self, begun: &Session) -> Result<Vec<SessionId>, StoreError> {
        let reading = Reading { descending: false, limit: None, consistency: Consistency::Eventual };
        let (sessions, _): (Vec<Session>, _) =
            self.query_kind(Span::sessions(begun.user, None), reading).await?;
        Ok(oldest_beyond_limit(sessions, begun))
    }

    /// Ends sessions of a user. If a call fails, the others may have taken effect, and the next login ends the rest.
    pub async fn end_oldest(&self, begun: &Session, oldest: Vec<SessionId>) -> Result<(), StoreError> {
        self.end_all(begun.user, oldest.into_iter(), begun.created_at).await
    }
}

fn oldest_beyond_limit(mut sessions: Vec<Session>, begun: &Session) -> Vec<SessionId> {
    sessions.retain(|session| {
        session.id != begun.id
            && session.expires_at > begun.created_at
            && session.credential_version == begun.credential_version
    });
    sessions.sort_unstable_by_key(|session| (session.created_at, session.id));
    let beyond = (sessions.len() + 1).saturating_sub(MOST_SESSIONS);
    sessions.into_iter().take(beyond).map(|session| session.id).collect()
}
