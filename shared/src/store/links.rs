//! The WebSocket connections of users. `realtime` writes and deletes them, `deliver` reads, changes and deletes them.

use chrono::TimeDelta;
use futures::future::try_join;

use super::{
    Store, StoreError, Time,
    items::{ConnectionUser, Item, Link, Session, User},
    ops::{Consistency, Expression, PRESENT, Reading, Written},
    table::{Key, Span},
};
use crate::ids::{ConnectionId, UserId};

/// The shortest time between two frames `typing` of a connection that are passed on.
pub const BETWEEN_TYPING: TimeDelta = TimeDelta::seconds(2);

impl Store {
    /// Puts a new connection and, in parallel, the item that names its user. API Gateway uses the id of a connection once, so
    /// a retry puts the same items; a late one forgets that `ready` was sent, and `ready` is sent again. If this call fails,
    /// each of the items may exist: the connection is refused, the first post finds it gone and deletes the link, and TTL
    /// deletes the other item.
    pub async fn put_link(&self, link: &Link) -> Result<(), StoreError> {
        let (link, of) = (Item::Link(link.clone()), Item::ConnectionUser(link.into()));
        let put = async |item| self.put(item, Expression::default()).await;
        try_join(put(&link), put(&of)).await.map(drop)
    }

    /// Returns a connection, strongly consistent; `None` if it does not exist.
    pub async fn link(&self, user: UserId, connection: &ConnectionId) -> Result<Option<Link>, StoreError> {
        Ok(self.get(Key::link(user, connection), Consistency::Strong).await?.and_then(Item::into_link))
    }

    /// Returns all connections of a user, strongly consistent, in no particular order. It includes expired ones that TTL has
    /// not deleted yet.
    pub async fn links_of(&self, user: UserId) -> Result<Vec<Link>, StoreError> {
        let reading = Reading { descending: false, limit: None, consistency: Consistency::Strong };
        Ok(self.query_kind(Span::links(user), reading).await?.0)
    }

    /// Returns the user and the session of a connection, strongly consistent; `None` if the connection was never made, or
    /// has ended.
    pub async fn user_of_connection(
        &self,
        connection: &ConnectionId,
    ) -> Result<Option<ConnectionUser>, StoreError> {
        let item = self.get(Key::connection_user(connection), Consistency::Strong).await?;
        Ok(item.and_then(Item::into_connection_user))
    }

    /// Returns the link of a connection if it and its session are live at `now`: the link exists, the session has not ended,
    /// and neither the password nor the standing of the user has changed since. Reads all three, strongly consistent, in
    /// one request.
    pub async fn live_link(&self, of: &ConnectionUser, now: Time) -> Result<Option<Link>, StoreError> {
        let keys =
            vec![Key::link(of.user, &of.connection), Key::session(of.user, of.session), Key::user(of.user)];
        let (mut links, sessions, users) = self.get_all_of_three::<Link, Session, User>(keys).await?;
        let is_live = |link: &Link| match (&*sessions, &*users) {
            ([session], [user]) => {
                session.is_live(user, now) && link.credential_version == user.credential_version
            }
            _ => false,
        };
        Ok(links.pop().filter(is_live))
    }

    /// Notes that the frame `ready` was sent. The update never creates an item, so a late try does not recreate a connection
    /// that was deleted since. If this call fails, later frames are sent behind another `ready`.
    pub async fn mark_link_ready(&self, user: UserId, connection: &ConnectionId) -> Result<(), StoreError> {
        let expression = Expression::update("SET #is_ready = :true", PRESENT)
            .value(":true", aws_sdk_dynamodb::types::AttributeValue::Bool(true));
        self.update(Key::link(user, connection), expression).await.map(drop)
    }

    /// Notes in a connection that its user is writing. Returns true if the last note is [`BETWEEN_TYPING`] old, so that this
    /// one is passed on. Of two calls at the same time, the condition lets one succeed. The update never creates an item.
    /// A retry after a lost answer finds its own note and returns false: one frame `typing` is missing, and the next one
    /// comes in a few seconds.
    pub async fn note_typing(
        &self,
        user: UserId,
        connection: &ConnectionId,
        now: Time,
    ) -> Result<bool, StoreError> {
        let condition = format!("{PRESENT} AND (attribute_not_exists(#typed_at) OR #typed_at <= :before)");
        let expression = Expression::update("SET #typed_at = :now", &condition)
            .number(":now", now.timestamp_micros())
            .number(":before", (now - BETWEEN_TYPING).timestamp_micros());
        let written = self.update(Key::link(user, connection), expression).await?;
        Ok(matches!(written, Written::Done(_)))
    }

    /// Deletes a connection. A retry is harmless, because the id of a connection is used once. If this call fails before it
    /// takes effect, the next post to the connection finds it gone and deletes the item, or TTL does. The item that names
    /// the user stays: a frame of the client then finds no link, and the connection is closed.
    pub async fn delete_link(&self, user: UserId, connection: &ConnectionId) -> Result<(), StoreError> {
        self.delete(Key::link(user, connection)).await
    }

    /// Deletes a connection that has ended, and the item that names its user. If this call fails half-way, TTL deletes the
    /// rest.
    pub async fn forget_connection(&self, user: UserId, connection: &ConnectionId) -> Result<(), StoreError> {
        let of = self.delete(Key::connection_user(connection));
        try_join(self.delete_link(user, connection), of).await.map(drop)
    }
}
