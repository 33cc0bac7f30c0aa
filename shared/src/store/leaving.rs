//! Accounts that close and the groups that they take part in: whichever comes last takes the membership away.

use futures::future::try_join_all;

use super::{
    Store, StoreError, Time,
    conversations::ConversationEdit,
    items::Conversation,
    participants::{ParticipantsWritten, Wanted},
};
use crate::{
    ids::{ConversationId, UserId},
    model::conversation::ConversationKind,
};

impl Store {
    /// Takes those of `users` out again whose accounts were closed while they were let in: an account that closes leaves its
    /// groups after it is closed, so one that this read still sees open comes past here itself. Death in between leaves a
    /// participant who cannot log in. Returns who was removed, each with the conversation after it.
    pub async fn remove_closed(
        &self,
        id: ConversationId,
        actor: UserId,
        users: &[UserId],
        now: Time,
    ) -> Result<Vec<(UserId, Conversation)>, StoreError> {
        let open = self.open_accounts(users.iter().copied()).await?;
        let mut removed = Vec::new();
        for user in users.iter().filter(|user| !open.contains_key(user)) {
            let (edit, request) = (ConversationEdit::default(), self.random.uuid());
            let written =
                self.change_conversation(id, actor, Wanted::Remove(*user), &edit, request, now).await?;
            if let ParticipantsWritten::Done(changed) = written {
                removed.push((*user, changed.conversation));
            }
        }
        Ok(removed)
    }

    /// Leaves every group, eight at a time: for an account that closes. Its direct conversations stay with the other one.
    /// Death in between leaves memberships of a user who cannot log in; a repetition goes on with them.
    pub async fn leave_groups(&self, user: UserId, now: Time) -> Result<(), StoreError> {
        let mut from = None;
        loop {
            let (ids, more) = self.conversations_of(user, from, 100).await?;
            for wave in ids.chunks(8) {
                try_join_all(wave.iter().map(|id| self.leave_group(*id, user, now))).await?;
            }
            // The page begins with the conversation that the last one ended with, if that still stands.
            from = ids.last().copied();
            if !more {
                return Ok(());
            }
        }
    }

    async fn leave_group(&self, id: ConversationId, user: UserId, now: Time) -> Result<(), StoreError> {
        let group = self
            .conversation_access(id, user)
            .await?
            .is_some_and(|access| access.conversation.kind == ConversationKind::Group);
        if group {
            let request = self.random.uuid();
            self.change_conversation(
                id,
                user,
                Wanted::Remove(user),
                &ConversationEdit::default(),
                request,
                now,
            )
            .await?;
        }
        Ok(())
    }
}
