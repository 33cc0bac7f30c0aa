//! The limit of live sessions: a further login ends the oldest session of the user. It also ends the sessions that a
//! password change has left behind.

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
    /// Returns the sessions that the new session `begun` has to end: those of an earlier password, and the oldest live
    /// ones beyond the limit.
    ///
    /// The read is eventually consistent, at half the cost: it runs at the same time as the put of `begun`, and so
    /// sees the sessions of parallel logins in no case. The next login ends what such logins leave.
    pub async fn sessions_beyond_limit(&self, begun: &Session) -> Result<Vec<SessionId>, StoreError> {
        let reading = Reading { descending: false, limit: None, consistency: Consistency::Eventual };
        let (sessions, _): (Vec<Session>, _) =
            self.query_kind(Span::sessions(begun.user, None), reading).await?;
        Ok(superfluous(sessions, begun))
    }

    /// Ends sessions of a user. If a call fails, the others may have taken effect, and the next login ends the rest.
    pub async fn end_oldest(&self, begun: &Session, oldest: Vec<SessionId>) -> Result<(), StoreError> {
        self.end_all(begun.user, oldest.into_iter(), begun.created_at).await
    }
}

fn superfluous(mut sessions: Vec<Session>, begun: &Session) -> Vec<SessionId> {
    sessions.retain(|session| session.id != begun.id && session.expires_at > begun.created_at);
    let version = begun.credential_version;
    let old = sessions.extract_if(.., |session| session.credential_version < version);
    let mut superfluous: Vec<SessionId> = old.map(|session| session.id).collect();
    // A session of a later password is not counted: this login ends because of it.
    sessions.retain(|session| session.credential_version == version);
    sessions.sort_unstable_by_key(|session| (session.created_at, session.id));
    let beyond = (sessions.len() + 1).saturating_sub(MOST_SESSIONS);
    superfluous.extend(sessions.into_iter().take(beyond).map(|session| session.id));
    superfluous
}
