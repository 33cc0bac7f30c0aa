//! The end of a conversation: a group is closed for all its participants, and a direct conversation is hidden for one
//! of them.

use aws_sdk_dynamodb::types::AttributeValue;
use futures::future::try_join;

use super::{
    Command, Store, StoreError,
    changes::closing_entry,
    items::Member,
    ops::{Consistency, Expression, Written},
    retries::{OwnChange, Tried},
    table::{Key, LogPosition},
    transactions::Transacted,
};
use crate::ids::{ConversationId, UserId};

impl Store {
    /// Deletes a group: closes both logs in one transaction, then removes all memberships. Every writer meets the
    /// closing entries, as the tail or at the number of its write. They are never removed. Returns false if they
    /// existed before.
    ///
    /// A failure before the transaction leaves everything. A failure after the transaction leaves memberships of a
    /// conversation that refuses every write and whose lists answer "not found"; a repetition of the request removes
    /// them. The actor's own membership is removed last, so that the actor can repeat the request.
    pub async fn close_conversation(&self, id: ConversationId, command: Command) -> Result<bool, StoreError> {
        let closed_now = self.retry(|| self.try_to_close(id, command)).await?;
        self.remove_all_members(id, command.actor).await?;
        Ok(closed_now)
    }

    /// One try to close both logs; false if another request closed them before.
    async fn try_to_close(&self, id: ConversationId, command: Command) -> Result<Tried<bool>, StoreError> {
        // Nothing follows a closing entry, so this request's own entry is the newest one.
        let changes = self.change_tail(id, OwnChange::newest(command));
        let (tail, changes) = try_join(self.tail(id), changes).await?;
        let (Some(tail), Some(number)) = (tail, changes.next) else {
            return Ok(Tried::Done(changes.is_done));
        };
        let steps = [
            closing_entry(id, LogPosition::Message(tail + 1), command),
            closing_entry(id, LogPosition::Change(number), command),
        ];
        Ok(match self.transact(&steps).await? {
            Transacted::Done => Tried::Done(true),
            // Another writer took one of the two numbers, or an earlier try of this request closed the logs. The next
            // try reads which.
            Transacted::Refused(_) | Transacted::Conflict => Tried::Lost,
        })
    }

    /// Removes the memberships of a closed conversation in batches. Nobody can join the conversation or accept meanwhile,
    /// because its change log is closed. A failure leaves some memberships; a repetition removes them.
    pub(super) async fn remove_all_members(
        &self,
        id: ConversationId,
        last: UserId,
    ) -> Result<(), StoreError> {
        let members = self.all_members(id).await?;
        let both = |member: &Member| [Key::entry_of(member), Key::member(id, member.user)];
        let (last, others): (Vec<_>, Vec<_>) = members.iter().partition(|member| member.user == last);
        self.delete_all(others.into_iter().flat_map(both).collect()).await?;
        for key in last.into_iter().flat_map(both) {
            self.delete(key).await?;
        }
        Ok(())
    }

    /// Hides a direct conversation for one of its participants until its log has a new message: nothing at or below the
    /// new base of the membership is shown or counted. The base moves forward only. Returns false if there is no
    /// membership.
    ///
    /// A failure before the update leaves the conversation visible. A repetition sets the same base or a higher one.
    pub async fn hide_conversation(&self, id: ConversationId, user: UserId) -> Result<bool, StoreError> {
        let Some((member, tail)) = self.member_and_tail(id, user).await? else {
            return Ok(false);
        };
        if member.hidden && member.base >= tail {
            return Ok(true);
        }
        if let Some(position) = member.invitation() {
            self.decline_direct(user, position, tail).await?;
            return Ok(true);
        }
        // A later request may have set a higher base, or another request may have removed the membership, between the
        // read and this update. Then the condition fails, and the base or the absence stays.
        Ok(match self.update(Key::member(id, user), hiding(tail)).await? {
            Written::Done(_) | Written::Refused(Some(_)) => true,
            Written::Refused(None) => false,
        })
    }

    /// Returns true if a conversation exists and is not closed. A caller with a membership does not need this read.
    pub async fn is_open(&self, id: ConversationId) -> Result<bool, StoreError> {
        let meta = self.get(Key::conversation(id), Consistency::Strong);
        let (meta, tail) = try_join(meta, self.tail(id)).await?;
        Ok(meta.is_some() && tail.is_some())
    }
}

/// Returns the update that hides a direct conversation for a participant up to the number `tail`. It refuses to lower the
/// base, and does not create a membership.
pub(super) fn hiding(tail: u64) -> Expression {
    Expression::update("SET #base = :tail, #hidden = :hidden", "#base <= :tail")
        .number(":tail", tail)
        .value(":hidden", AttributeValue::Bool(true))
}
