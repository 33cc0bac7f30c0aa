//! The change of a participant's role. Joining and leaving are in the other files here.

use super::{
    CurrentGroup,
    writing::{role_step, with_participants},
};
use crate::{
    ids::{ConversationId, UserId},
    model::conversation::{MAX_OWNERS, MemberRole},
    store::{
        Command, Store, StoreError,
        conversations::{conversation_change, meta_step},
        items::{ChangeKind, Conversation, Member},
        retries::{Attempt, TriedChange},
    },
};

/// The reason why a role is not changed.
#[derive(Debug, thiserror::Error)]
pub enum RoleError {
    /// The conversation does not exist or is closed, or the user is not a participant of it.
    #[error("no such participant")]
    NotFound,
    /// The conversation would have more than [`MAX_OWNERS`] owners.
    #[error("the conversation would have too many owners")]
    TooManyOwners,
    /// The conversation would have no owner.
    #[error("the conversation would have no owner")]
    LastOwner,
    /// The table did not answer as expected. The change may have taken effect.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Store {
    /// Sets the role of a participant and returns the membership after the change. If the participant has the role
    /// already, nothing is written.
    ///
    /// Two owners may take each other's role at the same time. Then the condition on META's version refuses one of the
    /// two changes, and that change is tried again on the new state. A failure before the commit leaves nothing; after
    /// a failure behind the commit, the next try finds its own change, or the role already set.
    pub async fn set_member_role(
        &self,
        id: ConversationId,
        user: UserId,
        role: MemberRole,
        command: Command,
    ) -> Result<Member, RoleError> {
        self.retry_change(command, |attempt| self.try_to_set_role(id, user, role, attempt)).await
    }

    async fn try_to_set_role(
        &self,
        id: ConversationId,
        user: UserId,
        role: MemberRole,
        mut attempt: Attempt<Member>,
    ) -> Result<TriedChange<Member>, RoleError> {
        let command = attempt.command;
        let (current, is_done) = self.current_group(id, &attempt).await?;
        if let Some(done) = attempt.result_if(is_done) {
            return Ok(done);
        }
        let current = current.ok_or(RoleError::NotFound)?;
        let member = self.member(id, user).await?.ok_or(RoleError::NotFound)?;
        if member.role == role {
            return Ok(TriedChange::Done(member));
        }
        let CurrentGroup { conversation, number, .. } = current;
        let conversation = with_role(conversation, user, role)?;
        let change = conversation_change(ChangeKind::RoleChanged, &conversation, number, command);
        let steps = vec![meta_step(&conversation), role_step(id, user, role)];
        let change = with_participants(change, vec![user], &conversation);
        let written = self.write_change(change, steps).await?;
        written.finished(number, Member { role, ..member }).ok_or(RoleError::NotFound)
    }
}

/// Returns the next version of a conversation, in which `user` has `role`.
fn with_role(
    mut conversation: Conversation,
    user: UserId,
    role: MemberRole,
) -> Result<Conversation, RoleError> {
    conversation.version += 1;
    conversation.owners.retain(|owner| *owner != user);
    if role == MemberRole::Owner {
        conversation.owners.push(user);
    }
    match conversation.owners.len() {
        0 => Err(RoleError::LastOwner),
        1..=MAX_OWNERS => Ok(conversation),
        _ => Err(RoleError::TooManyOwners),
    }
}
