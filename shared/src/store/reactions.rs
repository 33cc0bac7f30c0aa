//! Reactions to a message. They are part of the message, so that every read of messages has them.

use super::{
    Command, Store, StoreError,
    items::{ChangeKind, Message, reactions_text},
    message_changes::{Basis, MessageChange, Present, next_revision},
    retries::{Attempt, TriedChange},
    table::Key,
    transactions::Step,
};
use crate::{
    ids::MessageId,
    model::{emoji::Emoji, reactions::TooManyReactions},
};

/// A reaction that the actor adds or removes.
#[derive(Debug, Clone, Copy)]
pub struct ReactionChange {
    /// The emoji.
    pub emoji: Emoji,
    /// True to add the reaction, false to remove it.
    pub present: bool,
}

/// The reason why a reaction is not added or removed.
#[derive(Debug, thiserror::Error)]
pub enum ReactionError {
    /// The message is deleted or does not exist, or its conversation is closed.
    #[error("no such message")]
    NotFound,
    /// The message has as many reactions as possible.
    #[error(transparent)]
    TooMany(#[from] TooManyReactions),
    /// The table did not answer as expected. The change may have taken effect.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Store {
    /// Adds or removes a reaction of the actor. Returns the message after that. A change that changes nothing writes
    /// nothing.
    ///
    /// Another request may change the message between the read and the write. Then the revision differs, the condition on
    /// the message fails, and the change is tried again on the new state, so that no reaction is lost. A failure before
    /// the commit leaves nothing; a repetition after the commit finds the change done.
    pub async fn change_reaction(
        &self,
        id: MessageId,
        reaction: ReactionChange,
        command: Command,
    ) -> Result<Message, ReactionError> {
        self.retry_change(command, |attempt| self.try_to_react(id, reaction, attempt)).await
    }

    async fn try_to_react(
        &self,
        id: MessageId,
        reaction: ReactionChange,
        mut attempt: Attempt<Message>,
    ) -> Result<TriedChange<Message>, ReactionError> {
        let command = attempt.command;
        let Present { message: before, number, .. } = match self.basis(id, &mut attempt).await? {
            Basis::Present(present) => present,
            Basis::Done(done) => return Ok(done),
            Basis::Missing => return Err(ReactionError::NotFound),
        };
        let mut after = before.changed();
        let is_changed = if reaction.present {
            after.reactions.add(reaction.emoji, command.actor)?
        } else {
            after.reactions.remove(reaction.emoji, command.actor)
        };
        if !is_changed {
            return Ok(TriedChange::Done(before));
        }
        if reaction.present && after.is_too_large() {
            return Err(TooManyReactions::Reactions.into());
        }
        let steps = vec![reactions_step(&after)];
        let change = MessageChange { kind: reaction.kind(), before, after, steps };
        self.write_message_change(change, number, command).await?.ok_or(ReactionError::NotFound)
    }
}

impl ReactionChange {
    const fn kind(self) -> ChangeKind {
        if self.present { ChangeKind::ReactionAdded } else { ChangeKind::ReactionRemoved }
    }
}

/// Returns the step that sets the reactions of a message.
fn reactions_step(after: &Message) -> Step {
    let expression = if after.reactions.is_empty() {
        next_revision(after, " REMOVE #reactions")
    } else {
        next_revision(after, ", #reactions = :reactions")
            .text(":reactions", reactions_text::text(&after.reactions))
    };
    Step::Update(Key::message(after.id()), expression)
}
