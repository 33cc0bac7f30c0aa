//! The WebSocket connections of users. `realtime` writes and deletes them, `deliver` reads, changes and deletes them.

use super::{
    Store, StoreError,
    items::{Item, Link},
    ops::{ABSENT, Consistency, Expression, PRESENT, Reading},
    table::{Key, Span},
};
use crate::ids::{ConnectionId, UserId};

impl Store {
    /// Puts a new connection. API Gateway uses the id of a connection once, so an item that refuses the put was written by
    /// an earlier try of the same call. If this call fails, the item may exist: no frame reaches its connection, and the
    /// first post finds it gone and deletes the item.
    pub async fn put_link(&self, link: &Link) -> Result<(), StoreError> {
        self.put(&Item::Link(link.clone()), Expression::condition(ABSENT)).await.map(drop)
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

    /// Notes that the frame `ready` was sent. The update never creates an item, so a late try does not recreate a connection
    /// that was deleted since. If this call fails, later frames are sent behind another `ready`.
    pub async fn mark_link_ready(&self, user: UserId, connection: &ConnectionId) -> Result<(), StoreError> {
        let expression = Expression::update("SET #is_ready = :true", PRESENT)
            .value(":true", aws_sdk_dynamodb::types::AttributeValue::Bool(true));
        self.update(Key::link(user, connection), expression).await.map(drop)
    }

    /// Deletes a connection. A retry is harmless, because the id of a connection is used once. If this call fails before it
    /// takes effect, the next post to the connection finds it gone and deletes the item, or TTL does.
    pub async fn delete_link(&self, user: UserId, connection: &ConnectionId) -> Result<(), StoreError> {
        self.delete(Key::link(user, connection)).await
    }
}
