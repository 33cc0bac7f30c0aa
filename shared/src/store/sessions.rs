//! Sessions: the devices on which a user is logged in. Tokens and cookies, which contain the id of a session, are in
//! `auth`.

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    Store, StoreError,
    items::{EndedSession, Item, Session, User},
    ops::{ABSENT, Consistency, Expression, Reading, Written},
    table::{Key, Span},
};
use crate::ids::{SessionId, UserId};

/// The longest time from a login to the end of its session, however often it is refreshed.
const LONGEST_SESSION: TimeDelta = TimeDelta::days(90);

/// The time for which a marker stays in the place of a session or a credential that has ended.
pub(super) const MARKED: TimeDelta = TimeDelta::hours(1);

/// The change of a session to its next generation.
#[derive(Debug, Clone, Copy)]
pub struct Rotation {
    /// The user of the session.
    pub user: UserId,
    /// The id of the session.
    pub session: SessionId,
    /// The generation that ends.
    pub generation: u64,
    /// The time of the refresh.
    pub now: DateTime<Utc>,
    /// The time at which the session ends if it is not refreshed again.
    pub expires_at: DateTime<Utc>,
}

/// The reason why a session is not rotated.
#[derive(Debug, thiserror::Error)]
pub enum RotationError {
    /// The session does not have the generation that should end. Contains the present session; `None` if there is none.
    #[error("the session does not have this generation")]
    Refused(Option<Box<Session>>),
    /// The table did not answer as expected. The rotation may have taken effect.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Store {
    /// Puts a new session. Its id is random, so an item that refuses the put was written by an earlier try of the same
    /// call. The condition prevents a late try from resetting a session that was refreshed since, and from beginning a
    /// session again that has ended since. If this call fails, the session may exist, but no client has a token for it.
    pub async fn begin_session(&self, session: &Session) -> Result<(), StoreError> {
        let item = Item::Session(session.clone());
        self.put(&item, Expression::condition(ABSENT)).await.map(drop)
    }

    /// Returns a session, strongly consistent; `None` if it does not exist or has expired at `now`.
    pub async fn session(
        &self,
        user: UserId,
        session: SessionId,
        now: DateTime<Utc>,
    ) -> Result<Option<Session>, StoreError> {
        let item = self.get(Key::session(user, session), Consistency::Strong).await?;
        Ok(item.and_then(Item::into_session).filter(|session| session.expires_at > now))
    }

    /// Returns a session and its user's profile, strongly consistent, in one request; `None` if one of them does not
    /// exist. The session may have ended.
    pub async fn session_and_user(
        &self,
        user: UserId,
        session: SessionId,
    ) -> Result<Option<(Session, User)>, StoreError> {
        let (session, user) = self.get_two([Key::session(user, session), Key::user(user)]).await?;
        Ok(session.zip(user))
    }

    /// Returns a page of a user's sessions in the order of their ids, and true if more follow. It includes expired
    /// sessions that TTL has not deleted yet. All sessions are read, because the markers of ended ones fill no page.
    pub async fn sessions_of(
        &self,
        user: UserId,
        after: Option<SessionId>,
        limit: Option<usize>,
    ) -> Result<(Vec<Session>, bool), StoreError> {
        let reading = Reading { descending: false, limit: None, consistency: Consistency::Strong };
        let (mut sessions, _): (Vec<Session>, _) =
            self.query_kind(Span::sessions(user, after), reading).await?;
        let more = limit.is_some_and(|limit| sessions.len() > limit);
        sessions.truncate(limit.unwrap_or(usize::MAX));
        Ok((sessions, more))
    }

    /// Replaces a generation of a session by the next one, and returns the session after that. The session ends at
    /// `rotation.expires_at`, but not later than 90 days after its login.
    ///
    /// Parallel refreshes may start from the same generation. The condition lets only one of them take effect. The
    /// others, and the retry of a call whose answer was lost, find the next generation. A session that has ended is not
    /// recreated.
    pub async fn rotate_session(&self, rotation: Rotation) -> Result<Session, RotationError> {
        // A session that began before this time ends earlier than `expires_at`. Its login is known only from the refusal.
        let recent = rotation.expires_at - LONGEST_SESSION;
        match self.rotate_since(rotation, recent).await {
            Err(RotationError::Refused(Some(present)))
                if present.created_at < recent && present.generation == rotation.generation =>
            {
                let expires_at = present.created_at + LONGEST_SESSION;
                self.rotate_since(Rotation { expires_at, ..rotation }, present.created_at).await
            }
            rotated => rotated,
        }
    }

    /// Rotates a session whose login was not before `recent`.
    async fn rotate_since(
        &self,
        rotation: Rotation,
        recent: DateTime<Utc>,
    ) -> Result<Session, RotationError> {
        let condition = "#kind = :token AND #generation = :seen AND #expires_at > :present AND \
                         #created_at >= :recent";
        let update = "SET #generation = :next, #rotated_at = :now, #expires_at = :expires_at";
        let expression = Expression::update(update, condition)
            .text(":token", "token")
            .number(":seen", rotation.generation)
            .number(":present", rotation.now.timestamp())
            .number(":recent", recent.timestamp_micros())
            .number(":next", rotation.generation + 1)
            .number(":now", rotation.now.timestamp_micros())
            .number(":expires_at", rotation.expires_at.timestamp());
        let key = Key::session(rotation.user, rotation.session);
        match self.update(key, expression).await? {
            Written::Done(item) => {
                let rotated = item.and_then(Item::into_session);
                rotated.ok_or_else(|| StoreError::corrupt("SESSION", "another kind of item").into())
            }
            Written::Refused(present) => {
                Err(RotationError::Refused(present.and_then(Item::into_session).map(Box::new)))
            }
        }
    }

    /// Ends a session, so that it can no longer be used or refreshed: puts a marker in its place, which TTL deletes.
    ///
    /// The put has no condition, so a retry is harmless; a late try of it ends nothing else, because the id of a session is
    /// used once. A failure before the put leaves the session.
    pub async fn end_session(
        &self,
        user: UserId,
        session: SessionId,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        self.put(&marker(user, session, now), Expression::default()).await.map(drop)
    }

    /// Ends a user's sessions whose credential version is older than `before`, or all sessions if `before` is `None`. The
    /// version of a session never changes, so no valid session ends here. Another request may begin a session with the
    /// old version in the meantime: it reads the profile after that, and ends its session. The sessions that remain if
    /// this call fails half-way are not refreshed any more, and the next login ends them.
    pub async fn end_sessions(
        &self,
        user: UserId,
        before: Option<u64>,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let (sessions, _) = self.sessions_of(user, None, None).await?;
        let over = |session: &&Session| before.is_none_or(|version| session.credential_version < version);
        self.end_all(user, sessions.iter().filter(over).map(|session| session.id), now).await
    }

    /// Ends all sessions of a user except one. If this call fails half-way, the rest stays until it is repeated.
    pub async fn end_other_sessions(
        &self,
        user: UserId,
        kept: SessionId,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let (sessions, _) = self.sessions_of(user, None, None).await?;
        let others = sessions.iter().map(|session| session.id).filter(|session| *session != kept);
        self.end_all(user, others, now).await
    }

    /// Ends sessions of a user. If a request fails, the others may have taken effect.
    pub(super) async fn end_all(
        &self,
        user: UserId,
        sessions: impl Iterator<Item = SessionId>,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let markers: Vec<Item> = sessions.map(|session| marker(user, session, now)).collect();
        self.put_all(&markers).await
    }
}

/// Returns the item that takes the place of a session which ends.
pub(super) fn marker(user: UserId, id: SessionId, now: DateTime<Utc>) -> Item {
    Item::EndedSession(EndedSession { user, id, expires_at: now + MARKED })
}
