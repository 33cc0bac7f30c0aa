//! Sessions: the devices on which a user is logged in.

use chrono::{DateTime, Utc};

use super::{
    Store, StoreError,
    backoff::Backoff,
    items::{Item, Session, User},
    ops::{ABSENT, Consistency, Expression, Reading, Written},
    table::{Key, Span},
    transactions::{Step, Transacted},
};
use crate::ids::{SessionId, UserId};

/// How a session goes on with its next generation.
#[derive(Debug, Clone, Copy)]
pub struct Rotation {
    /// Whose.
    pub user: UserId,
    /// Which session.
    pub session: SessionId,
    /// The generation that ends.
    pub generation: u64,
    /// When.
    pub now: DateTime<Utc>,
    /// When the next generation ends unless it is refreshed.
    pub expires_at: DateTime<Utc>,
}

impl Store {
    /// Begins a session. Its id is random, so what stands there on a refusal is what an earlier try of this call has put: the
    /// condition keeps a late try from setting back a session that has gone on. Where this fails, nobody holds a token of the
    /// session that may stand.
    pub async fn begin_session(&self, session: &Session) -> Result<(), StoreError> {
        let item = Item::Session(session.clone());
        self.put(&item, Expression::condition(ABSENT)).await.map(drop)
    }

    /// A session that is not over at `now`, strongly consistent.
    pub async fn session(
        &self,
        user: UserId,
        session: SessionId,
        now: DateTime<Utc>,
    ) -> Result<Option<Session>, StoreError> {
        let item = self.get(Key::session(user, session), Consistency::Strong).await?;
        Ok(item.and_then(Item::into_session).filter(|session| session.expires_at > now))
    }

    /// A session and its user's profile as one reading has them, strongly consistent, in one request.
    pub async fn session_and_user(
        &self,
        user: UserId,
        session: SessionId,
    ) -> Result<Option<(Session, User)>, StoreError> {
        let keys = vec![Key::session(user, session), Key::user(user)];
        let (mut found, mut owner) = (None, None);
        for item in self.batch_get(keys, Consistency::Strong).await? {
            match item {
                Item::Session(session) => found = Some(session),
                Item::User(user) => owner = Some(user),
                _ => {}
            }
        }
        Ok(found.zip(owner))
    }

    /// A page of a user's sessions in the order of their ids, those that expired and were not yet swept among them, and
    /// whether there are more.
    pub async fn sessions_of(
        &self,
        user: UserId,
        after: Option<SessionId>,
        limit: Option<usize>,
    ) -> Result<(Vec<Session>, bool), StoreError> {
        let reading = Reading { descending: false, limit, consistency: Consistency::Strong };
        let page = self.query_whole(Span::sessions(user, after), reading).await?;
        let sessions = page.items.into_iter().filter_map(Item::into_session).collect();
        Ok((sessions, page.more))
    }

    /// Goes on with the next generation: `Ok` with the session as it is now, or `Err` with what stands there instead.
    ///
    /// Of parallel refreshes of one generation the condition lets one take effect; the others, and the retry of a call whose
    /// answer was lost, find the next generation standing. A session that was ended is not brought back.
    pub async fn rotate_session(
        &self,
        rotation: Rotation,
    ) -> Result<Result<Session, Option<Session>>, StoreError> {
        let condition = "#kind = :token AND #generation = :seen AND #expires_at > :present";
        let update = "SET #generation = :next, #rotated_at = :now, #expires_at = :expires_at";
        let expression = Expression::update(update, condition)
            .text(":token", "token")
            .number(":seen", rotation.generation)
            .number(":present", rotation.now.timestamp())
            .number(":next", rotation.generation + 1)
            .number(":now", rotation.now.timestamp_micros())
            .number(":expires_at", rotation.expires_at.timestamp());
        let key = Key::session(rotation.user, rotation.session);
        Ok(match self.update(key, expression).await? {
            Written::Done(item) => {
                let rotated = item.and_then(Item::into_session);
                Ok(rotated.ok_or_else(|| StoreError::corrupt("SESSION", "another kind of item"))?)
            }
            Written::Refused(standing) => Err(standing.and_then(Item::into_session)),
        })
    }

    /// Ends a session, and with it every refresh. One that is over already stays so.
    pub async fn end_session(&self, user: UserId, session: SessionId) -> Result<(), StoreError> {
        self.delete(Key::session(user, session)).await
    }

    /// Ends a session if its credential version is older than `version`; `false` where it stands and is not.
    ///
    /// The condition closes the race with a change of the password that keeps this session: it has the newer version then.
    pub async fn end_session_before(
        &self,
        user: UserId,
        session: SessionId,
        version: u64,
    ) -> Result<bool, StoreError> {
        let older = Expression::condition("#credential_version < :version").number(":version", version);
        let steps = [Step::Delete(Key::session(user, session), older)];
        let mut backoff = Backoff::new(&self.random);
        loop {
            match self.transact(&steps).await? {
                Transacted::Done => return Ok(true),
                Transacted::Refused(reasons) => return Ok(matches!(reasons.as_slice(), [Some(None)])),
                Transacted::Conflict => backoff.lose().await?,
            }
        }
    }

    /// Ends a user's sessions of a credential version older than `before`, or all of them. An older session stays older, as
    /// only those of the present version are moved on, so that none that goes on is ended here. Those that begin meanwhile
    /// with the old version end by that, as do those that are left where this fails half-way.
    pub async fn end_sessions(&self, user: UserId, before: Option<u64>) -> Result<(), StoreError> {
        let (sessions, _) = self.sessions_of(user, None, None).await?;
        let over = |session: &&Session| before.is_none_or(|version| session.credential_version < version);
        let keys = sessions.iter().filter(over).map(|session| Key::session(user, session.id));
        self.delete_all(keys.collect()).await
    }
}
