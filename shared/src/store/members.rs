//! The memberships of conversations: those of one user, those of several users, and pages of all. Reading only:
//! `participants` writes them.

use futures::future::try_join;

use super::{
    Store, StoreError,
    items::{Item, Member},
    ops::{Consistency, Reading},
    table::{Key, Span},
};
use crate::ids::{ConversationId, UserId};

impl Store {
    /// Returns a membership, strongly consistent, as decisions about access need it; `None` if there is none.
    pub async fn member(
        &self,
        conversation: ConversationId,
        user: UserId,
    ) -> Result<Option<Member>, StoreError> {
        Ok(self.get(Key::member(conversation, user), Consistency::Strong).await?.and_then(Item::into_member))
    }

    /// Returns a membership with the number of the last message, which are read in parallel and strongly consistent; `None` if
    /// there is no membership or the conversation is closed.
    pub async fn member_and_tail(
        &self,
        conversation: ConversationId,
        user: UserId,
    ) -> Result<Option<(Member, u64)>, StoreError> {
        let (member, tail) = try_join(self.member(conversation, user), self.tail(conversation)).await?;
        Ok(member.zip(tail))
    }

    /// Returns the memberships of one user in several conversations, in no order and strongly consistent.
    pub async fn memberships(&self, user: UserId, ids: &[ConversationId]) -> Result<Vec<Member>, StoreError> {
        self.get_all(ids.iter().map(|id| Key::member(*id, user)).collect()).await
    }

    /// Returns the memberships of several users in one conversation, in no order and strongly consistent.
    pub async fn members(&self, id: ConversationId, users: &[UserId]) -> Result<Vec<Member>, StoreError> {
        self.get_all(users.iter().map(|user| Key::member(id, *user)).collect()).await
    }

    /// Returns at most `limit` participants whose ids come after `after`, in the order of their ids, and true if there
    /// are more. Strongly consistent: the list shows a participant who was just added.
    pub async fn participants(
        &self,
        id: ConversationId,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<(Vec<Member>, bool), StoreError> {
        let reading = Reading { descending: false, limit: Some(limit + 1), consistency: Consistency::Strong };
        let (mut members, more): (Vec<Member>, _) =
            self.query_kind(Span::members(id, after), reading).await?;
        let more = more || members.len() > limit;
        members.truncate(limit);
        Ok((members, more))
    }

    /// Returns all memberships of a conversation (at most 1,000), in the order of the users' ids and strongly
    /// consistent.
    pub(crate) async fn all_members(&self, id: ConversationId) -> Result<Vec<Member>, StoreError> {
        let reading = Reading { descending: false, limit: None, consistency: Consistency::Strong };
        Ok(self.query_kind(Span::members(id, None), reading).await?.0)
    }
}
