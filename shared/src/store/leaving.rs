//! The race between an account that closes and a group that adds its user: the later of the two removes the membership.

use futures::future::try_join_all;

use super::{
    Command, Store, StoreError, Time,
    items::Conversation,
    participants::{ParticipantsError, Wanted},
};
use crate::{
    ids::{ConversationId, UserId},
    model::conversation::ConversationKind,
};

impl Store {
    /// Removes those of `users` again whose accounts were closed while they were added. Returns the removed users, each
    /// with the conversation after the removal.
    ///
    /// An account that closes leaves its groups after it is closed. So an account that is open in this read will leave
    /// this group itself. A failure between the addition and this removal leaves a participant who cannot log in.
    pub async fn remove_closed(
        &self,
        id: ConversationId,
        users: &[UserId],
        command: Command,
    ) -> Result<Vec<(UserId, Conversation)>, StoreError> {
        let open = self.open_accounts(users.iter().copied()).await?;
        let mut removed = Vec::new();
        for user in users.iter().filter(|user| !open.contains_key(user)) {
            let conversation = self.remove_if_possible(id, *user, command.actor, command.now).await?;
            removed.extend(conversation.map(|conversation| (*user, conversation)));
        }
        Ok(removed)
    }

    /// Leaves every group of a user whose account closes. The user stays a participant of the direct
    /// conversations, which the other participant keeps. A failure leaves memberships of a user who cannot log in; a
    /// repetition removes them.
    pub async fn leave_groups(&self, user: UserId, now: Time) -> Result<(), StoreError> {
        let mut from = None;
        loop {
            from = self.leave_some_groups(user, from, now).await?;
            if from.is_none() {
                return Ok(());
            }
        }
    }

    /// Leaves the groups among the next 100 conversations of a user whose account is closed, beginning with `from`. Returns the
    /// beginning of the next call; `None` at the end. The first call also declines all invitations to groups.
    ///
    /// Calls can be repeated, and run side by side: a group that another call has left is not left again.
    pub async fn leave_some_groups(
        &self,
        user: UserId,
        from: Option<ConversationId>,
        now: Time,
    ) -> Result<Option<ConversationId>, StoreError> {
        if from.is_none() {
            self.decline_groups(user, now).await?;
        }
        let (ids, more) = self.conversations_of(user, from, 100).await?;
        self.leave_each(&ids, user, now).await?;
        // The next page begins with the last conversation of this page, if the user is still a participant of it.
        Ok(ids.last().copied().filter(|_| more))
    }

    /// Leaves every group to which the user is invited. Invitations to direct conversations stay; nobody can read them.
    async fn decline_groups(&self, user: UserId, now: Time) -> Result<(), StoreError> {
        let mut after = None;
        loop {
            let (invitations, more) = self.invitations(user, after, 100).await?;
            let ids: Vec<_> = invitations.iter().map(|position| position.conversation).collect();
            self.leave_each(&ids, user, now).await?;
            after = invitations.last().copied();
            if !more {
                return Ok(());
            }
        }
    }

    /// Leaves those of the conversations that are groups, eight at a time.
    async fn leave_each(&self, ids: &[ConversationId], user: UserId, now: Time) -> Result<(), StoreError> {
        for wave in ids.chunks(8) {
            try_join_all(wave.iter().map(|id| self.leave_group(*id, user, now))).await?;
        }
        Ok(())
    }

    async fn leave_group(&self, id: ConversationId, user: UserId, now: Time) -> Result<(), StoreError> {
        let access = self.conversation_access(id, user).await?;
        if access.is_some_and(|access| access.conversation.kind == ConversationKind::Group) {
            self.remove_if_possible(id, user, user, now).await?;
        }
        Ok(())
    }

    /// Removes a participant and returns the conversation after the removal; `None` if the removal is refused, because
    /// another request removed the participant or closed the conversation before.
    async fn remove_if_possible(
        &self,
        id: ConversationId,
        user: UserId,
        actor: UserId,
        now: Time,
    ) -> Result<Option<Conversation>, StoreError> {
        let command = Command { actor, request: self.random.uuid(), now, limit: None };
        match self.change_participants(id, Wanted::Remove(user), command).await {
            Ok(changed) => Ok(Some(changed.conversation)),
            Err(ParticipantsError::Store(error)) => Err(error),
            // The other refusals concern additions and edits, which this change does not contain.
            Err(_) => Ok(None),
        }
    }
}
