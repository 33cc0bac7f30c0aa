//! Changes of a conversation: name, metadata, participants and roles. Each change reads, decides and writes, and does
//! so again if another writer was faster. `planning` decides about participants, `writing` has the transaction, `roles`
//! changes roles.

mod planning;
mod roles;
pub(super) mod writing;

use futures::future::{try_join, try_join3};

use self::planning::ParticipantsPlan;
pub use self::{planning::Wanted, roles::RoleError};
use super::{
    Command, LimitReached, Store, StoreError,
    conversations::{ConversationAccess, ConversationEdit},
    items::{Conversation, Member},
    retries::{Attempt, TriedChange},
};
use crate::{
    ids::{ConversationId, UserId},
    model::TooLarge,
};

/// The maximum number of memberships that one transaction of 100 items can change: two items for each, besides the
/// change, the conversation, the role of a new owner, the bucket of the actor and the wait for an acceptance. A change that
/// closes the conversation has two closing entries and adds nobody.
pub const MEMBERSHIPS_PER_CHANGE: usize = 47;

/// A conversation after a change, as the change read and wrote it. Later changes have no influence on it.
#[derive(Debug, Clone)]
pub struct Changed {
    /// The conversation's item.
    pub conversation: Conversation,
    /// Participants by the order of their ids: those that the request names, or all of them if it sets all or none.
    pub participants: Vec<Member>,
}

impl Changed {
    fn new(conversation: Conversation, mut participants: Vec<Member>) -> Self {
        participants.sort_unstable_by_key(|member| member.user);
        Self { conversation, participants }
    }

    /// Returns the same after some participants were removed again, one after the other.
    #[must_use]
    pub fn without(mut self, removed: Vec<(UserId, Conversation)>) -> Self {
        for (user, conversation) in removed {
            self.participants.retain(|member| member.user != user);
            self.conversation = conversation;
        }
        self
    }
}

/// The reason why a conversation or its participants are not changed.
#[derive(Debug, thiserror::Error)]
pub enum ParticipantsError {
    /// The conversation does not exist, or it is closed.
    #[error("no such conversation")]
    NotFound,
    /// The client's copy is of another version.
    #[error("the conversation has another version")]
    Stale,
    /// The change would remove participants, and the actor may not remove others.
    #[error("the actor may not remove participants")]
    MayNotRemove,
    /// The user to remove is not a participant.
    #[error("no such participant")]
    NoSuchParticipant,
    /// These users have blocked the actor, and are not participants any more.
    #[error("the actor is blocked by users to add")]
    Blocked(Vec<UserId>),
    /// The conversation would have too many participants.
    #[error("the conversation would have too many participants")]
    Full,
    /// The change adds and removes more than [`MEMBERSHIPS_PER_CHANGE`] participants, or replaces more than are nested.
    #[error("too many participants for one change")]
    TooManyAtOnce,
    /// The actor has reached the limit of new conversations and added participants.
    #[error(transparent)]
    Limit(#[from] LimitReached),
    /// The client's own data would be too large after the merge.
    #[error(transparent)]
    MetadataTooLarge(#[from] TooLarge),
    /// The table did not answer as expected. The change may have taken effect.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A group as it was read, with the ends of its logs.
pub(super) struct CurrentGroup {
    pub(super) conversation: Conversation,
    /// The number of the last message.
    pub(super) tail: u64,
    /// The first free number of the change log.
    pub(super) number: u64,
}

impl Store {
    /// Reads a group with the ends of its logs; `None` instead of the group if it does not exist or is closed. Returns true
    /// beside it if the last try has taken effect.
    pub(super) async fn current_group<T>(
        &self,
        id: ConversationId,
        attempt: &Attempt<T>,
    ) -> Result<(Option<CurrentGroup>, bool), StoreError> {
        let access = self.conversation_access(id, attempt.command.actor);
        let changes = self.change_tail(id, attempt.own_change());
        let (access, tail, changes) = try_join3(access, self.tail(id), changes).await?;
        let current = match (access, tail, changes.next) {
            (Some(ConversationAccess { conversation, .. }), Some(tail), Some(number)) => {
                Some(CurrentGroup { conversation, tail, number })
            }
            _ => None,
        };
        Ok((current, changes.is_done))
    }

    /// Changes participants only. See [`Store::change_conversation`].
    pub async fn change_participants(
        &self,
        id: ConversationId,
        wanted: Wanted<'_>,
        command: Command,
    ) -> Result<Changed, ParticipantsError> {
        self.change_conversation(id, wanted, &ConversationEdit::default(), command).await
    }

    /// Changes participants, name and metadata in one transaction. New participants can read the earlier messages,
    /// which count as read. A change that changes nothing writes nothing.
    ///
    /// Another request may add or remove the same user between the read and the write; then the condition on the
    /// membership fails. Another request may change the number of participants; then the condition on META's version
    /// fails. Another request of the actor may pay from the same bucket; then the condition on the bucket fails. In all
    /// cases the change is tried again on the new state. A failure before the commit leaves nothing. After a failure behind
    /// the commit, the next try recognises its own entry in the change log, also behind entries of others.
    pub async fn change_conversation(
        &self,
        id: ConversationId,
        wanted: Wanted<'_>,
        edit: &ConversationEdit,
        command: Command,
    ) -> Result<Changed, ParticipantsError> {
        self.retry_change(command, |attempt| self.try_to_change(id, wanted, edit, attempt)).await
    }

    async fn try_to_change(
        &self,
        id: ConversationId,
        wanted: Wanted<'_>,
        edit: &ConversationEdit,
        mut attempt: Attempt<Changed>,
    ) -> Result<TriedChange<Changed>, ParticipantsError> {
        let command = attempt.command;
        let current = self.current_group(id, &attempt);
        let ((current, is_done), bucket) = try_join(current, self.bucket(wanted.payer(command))).await?;
        if let Some(done) = attempt.result_if(is_done) {
            return Ok(done);
        }
        let current = current.ok_or(ParticipantsError::NotFound)?;
        if !edit.expected.allows(current.conversation.version) {
            return Err(ParticipantsError::Stale);
        }
        let edited = edit.apply(&current.conversation)?;
        let mut plan = self.plan(&current.conversation, wanted, command.actor).await?;
        if plan.is_empty() && edited.is_none() {
            return Ok(TriedChange::Done(Changed::new(current.conversation, plan.present)));
        }
        plan.payment = command.payment(bucket.as_ref(), plan.coming.len())?;
        let version = current.conversation.version + 1;
        let conversation = plan.applied(edited.unwrap_or(current.conversation.clone()), version);
        let written = self.write_plan(&current, &conversation, &plan, command).await?;
        let participants = plan.participants(&conversation, current.tail, command.now);
        let changed = Changed::new(conversation, participants);
        written.finished(current.number, changed).ok_or(ParticipantsError::NotFound)
    }
}
