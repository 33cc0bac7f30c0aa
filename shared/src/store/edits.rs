//! Editing and deleting a message. Each is one transaction of the change, the message and its earlier bodies.

use futures::future::try_join;

use super::{
    Command, Store, StoreError, Time,
    changes::{ChangeTail, change_entry},
    conversations::large_edit_step,
    items::{Change, ChangeKind, Item, Member, Message, Revision},
    log,
    messages::reading,
    ops::{ABSENT, Consistency, Expression},
    retries::{Attempt, OwnChange, TriedChange},
    table::{Key, Span},
    transactions::Step,
};
use crate::{
    ids::{MessageId, UserId},
    model::{Expected, MetadataChange, TooLarge},
};

/// The maximum number of edits of one message: a deletion removes all earlier bodies in one transaction of at most 100
/// items.
pub const MAX_EDITS: u64 = 90;

/// The new values of an edit. A field that is `None` stays as it is.
#[derive(Debug, Clone)]
pub struct MessageEdit {
    /// The new text.
    pub body: Option<String>,
    /// The change of the client's own data.
    pub metadata: Option<MetadataChange>,
    /// The revisions that the client accepts as the base of the edit.
    pub expected: Expected,
}

/// The reason why a message is not edited.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// The message does not exist any more, or its conversation is closed.
    #[error("no such message")]
    NotFound,
    /// The client's copy is of another revision.
    #[error("the message has another revision")]
    Stale,
    /// The message was edited [`MAX_EDITS`] times.
    #[error("the message was edited too often")]
    TooManyEdits,
    /// Nobody has accepted the actor's invitation, and the message would be larger than a send may be.
    #[error("the invitation is not accepted yet")]
    Unanswered,
    /// The client's own data would be too large after the merge.
    #[error(transparent)]
    MetadataTooLarge(#[from] TooLarge),
    /// The table did not answer as expected. The edit may have taken effect.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The reason why a message is not deleted.
#[derive(Debug, thiserror::Error)]
pub enum DeleteError {
    /// The message does not exist, or its conversation is closed.
    #[error("no such message")]
    NotFound,
    /// The client's copy is of another revision.
    #[error("the message has another revision")]
    Stale,
    /// The table did not answer as expected. The deletion may have taken effect.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Store {
    /// Returns the earlier bodies of a message above the revision `after`, oldest first, and true if there are more. A page
    /// ends at 1 MB.
    pub async fn revisions(
        &self,
        id: MessageId,
        after: Option<u64>,
    ) -> Result<(Vec<Revision>, bool), StoreError> {
        let page = self.query(Span::revisions(id, after), reading(false, None)).await?;
        let revision = |item| if let Item::Revision(revision) = item { Some(revision) } else { None };
        Ok((page.items.into_iter().filter_map(revision).collect(), page.more))
    }

    /// Changes a message that the actor may edit, and keeps its earlier body. Returns the message after the edit. An
    /// edit that changes nothing writes nothing.
    ///
    /// Another request may edit or delete the message between the read and the write. Then the revision differs, the
    /// condition on the target fails, and the edit is tried again on the new state. A failure before the commit leaves
    /// nothing. After a failure behind the commit, the next try finds the change of this request at the number of the try
    /// before it.
    pub async fn edit_message(
        &self,
        id: MessageId,
        edit: &MessageEdit,
        command: Command,
    ) -> Result<Message, EditError> {
        self.retry_change(command, |attempt| self.try_to_edit(id, edit, attempt)).await
    }

    async fn try_to_edit(
        &self,
        id: MessageId,
        edit: &MessageEdit,
        mut attempt: Attempt<Message>,
    ) -> Result<TriedChange<Message>, EditError> {
        let command = attempt.command;
        let (member, found, changes) =
            self.message_and_changes(id, command.actor, attempt.own_change()).await?;
        if let Some(done) = attempt.result_if(changes.is_done) {
            return Ok(done);
        }
        let (Some(message), Some(number)) =
            (found.filter(|message| message.deleted_at.is_none()), changes.next)
        else {
            return Err(EditError::NotFound);
        };
        if !edit.expected.allows(message.revision) {
            return Err(EditError::Stale);
        }
        let Some(edited) = edit.apply(&message, command.now)? else {
            return Ok(TriedChange::Done(message));
        };
        if message.revision >= MAX_EDITS {
            return Err(EditError::TooManyEdits);
        }
        if member.is_some_and(|member| log::is_too_large(&member, &edited)) {
            return Err(EditError::Unanswered);
        }
        let change = message_change(ChangeKind::MessageEdited, &edited, number, command);
        let mut steps = self.note_of(&message, &edited).await?;
        steps.extend([edit_step(&edited, message.revision), earlier_body(message)]);
        self.write_change(change, steps).await?.finished(number, edited).ok_or(EditError::NotFound)
    }

    /// Returns the step that notes an edit which makes a small message large, unless the conversation has this note.
    async fn note_of(&self, message: &Message, edited: &Message) -> Result<Vec<Step>, EditError> {
        if !edited.outgrows(message) {
            return Ok(Vec::new());
        }
        match self.get(Key::conversation(message.conversation), Consistency::Strong).await? {
            Some(Item::Conversation(conversation)) if conversation.has_large_edits => Ok(Vec::new()),
            Some(_) => Ok(vec![large_edit_step(message.conversation)]),
            None => Err(EditError::NotFound),
        }
    }

    /// Reads the actor's membership, a message and the end of the change log in parallel.
    async fn message_and_changes(
        &self,
        id: MessageId,
        actor: UserId,
        own: OwnChange,
    ) -> Result<(Option<Member>, Option<Message>, ChangeTail), StoreError> {
        let ((member, message), changes) =
            try_join(self.message(id, actor), self.change_tail(id.conversation, own)).await?;
        Ok((member, message, changes))
    }

    /// Replaces a message that the actor may delete by a tombstone, and removes its earlier bodies in the same
    /// transaction.
    ///
    /// Another request may edit the message between the read and the write. Then the condition on the revision fails,
    /// and the deletion is tried again. A failure before the commit leaves nothing; a repetition after the commit finds
    /// its own change, or the tombstone, and changes nothing.
    pub async fn delete_message(
        &self,
        id: MessageId,
        expected: &Expected,
        command: Command,
    ) -> Result<(), DeleteError> {
        self.retry_change(command, |attempt| self.try_to_delete(id, expected, attempt)).await
    }

    async fn try_to_delete(
        &self,
        id: MessageId,
        expected: &Expected,
        mut attempt: Attempt<()>,
    ) -> Result<TriedChange<()>, DeleteError> {
        let command = attempt.command;
        let (_, found, changes) = self.message_and_changes(id, command.actor, attempt.own_change()).await?;
        if let Some(done) = attempt.result_if(changes.is_done) {
            return Ok(done);
        }
        let (Some(message), Some(number)) = (found, changes.next) else {
            return Err(DeleteError::NotFound);
        };
        if message.deleted_at.is_some() {
            return Ok(TriedChange::Done(()));
        }
        if !expected.allows(message.revision) {
            return Err(DeleteError::Stale);
        }
        let seen = message.revision;
        let (body, deleted_at) = (String::new(), Some(command.now));
        let deleted = Message { body, metadata: None, deleted_at, revision: seen + 1, ..message };
        let change = message_change(ChangeKind::MessageDeleted, &deleted, number, command);
        let mut steps = vec![tombstone_step(&deleted, seen)];
        // These steps have no condition: the result is the same if an earlier body does not exist.
        steps.extend(
            (0..seen).map(|revision| Step::Delete(Key::revision(id, revision), Expression::default())),
        );
        self.write_change(change, steps).await?.finished(number, ()).ok_or(DeleteError::NotFound)
    }
}

impl MessageEdit {
    /// Returns the message after the edit; `None` if the edit changes nothing.
    fn apply(&self, message: &Message, now: Time) -> Result<Option<Message>, TooLarge> {
        let body = self.body.clone().unwrap_or_else(|| message.body.clone());
        let metadata = MetadataChange::applied_if_any(self.metadata.as_ref(), message.metadata.as_ref())?;
        if body == message.body && metadata == message.metadata {
            return Ok(None);
        }
        let edited_at = Some(now);
        Ok(Some(Message { body, metadata, edited_at, revision: message.revision + 1, ..message.clone() }))
    }
}

/// Returns the step that sets the edited attributes, on condition that the message has the revision that was read. A
/// deletion sets another revision too.
fn edit_step(edited: &Message, seen: u64) -> Step {
    let metadata = if edited.metadata.is_some() { ", #metadata = :metadata" } else { " REMOVE #metadata" };
    let update = format!("SET #body = :body, #edited_at = :now, #revision = :revision{metadata}");
    let mut expression = Expression::update(&update, "#revision = :seen")
        .text(":body", &edited.body)
        .number(":now", edited.edited_at.unwrap_or_default().timestamp_micros())
        .number(":revision", edited.revision)
        .number(":seen", seen);
    if let Some(metadata) = &edited.metadata {
        expression = expression.text(":metadata", metadata.as_str());
    }
    Step::Update(Key::message(edited.id()), expression)
}

/// Returns the step that removes a message's text, on condition that the message has the revision that was read.
fn tombstone_step(deleted: &Message, seen: u64) -> Step {
    let update = "SET #deleted_at = :now, #revision = :revision REMOVE #body, #metadata";
    let expression = Expression::update(update, "#revision = :seen")
        .number(":now", deleted.deleted_at.unwrap_or_default().timestamp_micros())
        .number(":revision", deleted.revision)
        .number(":seen", seen);
    Step::Update(Key::message(deleted.id()), expression)
}

fn earlier_body(message: Message) -> Step {
    let revision = Revision {
        conversation: message.conversation,
        place: (message.number, message.revision),
        body: message.body,
        metadata: message.metadata,
        written_at: message.edited_at.unwrap_or(message.sent_at),
    };
    Step::Put(Item::Revision(revision), Expression::condition(ABSENT))
}

fn message_change(kind: ChangeKind, message: &Message, number: u64, command: Command) -> Change {
    let entry = change_entry(kind, message.conversation, number, message.revision, command);
    Change { message: Some(message.number), ..entry }
}
