//! The end of a conversation: a group is closed for everybody, a direct conversation hidden from one.

use aws_sdk_dynamodb::types::AttributeValue;
use futures::future::try_join;
use uuid::Uuid;

use super::{
    Store, StoreError, Time,
    backoff::Backoff,
    changes::closing_entry,
    ops::{Consistency, Expression, Written},
    table::{Key, LogPosition},
    transactions::Transacted,
};
use crate::ids::{ConversationId, UserId};

impl Store {
    /// Deletes a group: closes both logs in one transaction, which every writer meets as tail or as occupant, then takes
    /// its participants' memberships away. The closing entries stay for good; `false` where they stood before.
    ///
    /// Death after the closing entries are written leaves memberships to a conversation that refuses every write and whose lists end in
    /// "not found"; whoever repeats the request takes them away. The actor's own goes last, so that it can be repeated.
    pub async fn close_conversation(
        &self,
        id: ConversationId,
        actor: UserId,
        request: Uuid,
        now: Time,
    ) -> Result<bool, StoreError> {
        let mut backoff = Backoff::new(&self.random);
        let closed_now = loop {
            let (tail, changes) = try_join(self.tail(id), self.change_tail(id)).await?;
            let (Some(tail), Some(number)) = (tail, changes.next) else {
                break changes.is_of(request);
            };
            let steps = [
                closing_entry(id, LogPosition::Message(tail + 1), actor, request, now),
                closing_entry(id, LogPosition::Change(number), actor, request, now),
            ];
            match self.transact(&steps).await? {
                Transacted::Done => break true,
                Transacted::Refused(_) | Transacted::Conflict => backoff.lose().await?,
            }
        };
        self.remove_all_members(id, actor).await?;
        Ok(closed_now)
    }

    /// Takes the memberships of a closed conversation away, in slices. Nobody can join it any more: its change log is
    /// closed.
    async fn remove_all_members(&self, id: ConversationId, last: UserId) -> Result<(), StoreError> {
        let members = self.all_members(id).await?;
        let both = |user: UserId| [Key::inbox(user, id), Key::member(id, user)];
        let others = members.iter().map(|member| member.user).filter(|user| *user != last);
        self.delete_all(others.flat_map(both).collect()).await?;
        for key in both(last) {
            self.delete(key).await?;
        }
        Ok(())
    }

    /// Hides a direct conversation from one of its participants until something is said in it again: nothing at or below
    /// the membership's new base is shown or counted. The base moves forward only. `false` where there is no membership.
    pub async fn hide_conversation(&self, id: ConversationId, user: UserId) -> Result<bool, StoreError> {
        let (member, tail) = try_join(self.member(id, user), self.tail(id)).await?;
        let (Some(member), Some(tail)) = (member, tail) else {
            return Ok(false);
        };
        if member.hidden && member.base >= tail {
            return Ok(true);
        }
        // A late request brings back neither what a later one has hidden nor a membership that was removed meanwhile.
        let expression = Expression::update("SET #base = :tail, #hidden = :hidden", "#base <= :tail")
            .number(":tail", tail)
            .value(":hidden", AttributeValue::Bool(true));
        Ok(match self.update(Key::member(id, user), expression).await? {
            Written::Done(_) | Written::Refused(Some(_)) => true,
            Written::Refused(None) => false,
        })
    }

    /// Whether a conversation stands and is not closed; asked where no membership answers it.
    pub async fn is_open(&self, id: ConversationId) -> Result<bool, StoreError> {
        let meta = self.get(Key::conversation(id), Consistency::Strong);
        let (meta, tail) = try_join(meta, self.tail(id)).await?;
        Ok(meta.is_some() && tail.is_some())
    }
}
