//! Editing and deleting a message. Each is one transaction of the change, the message and its earlier bodies.

use aws_sdk_dynamodb::types::AttributeValue;
use futures::future::try_join;

use super::{
    Command, Store, StoreError, Time,
    items::{ChangeKind, Item, Message, Revision, user_ids},
    log,
    message_changes::{Basis, MessageChange, Present, message_change},
    messages::reading,
    ops::{ABSENT, Expression},
    retries::{Attempt, TriedChange},
    table::{Key, Span},
    transactions::Step,
};
use crate::{
    ids::MessageId,
    model::{Expected, MetadataChange, TooLarge, reactions::Reactions},
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
    /// The message has too many reactions for a text of this size.
    #[error("the message would be too large with its reactions")]
    TooLarge,
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
    /// Returns the earlier bodies of a message after the one with the number `after`, oldest first, and true if there are more. A page
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
        let mentions = async {
            match &edit.body {
                Some(body) => self.mentions(id.conversation, body).await.map(Some),
                None => Ok(None),
            }
        };
        let (basis, mentions) = try_join(self.basis(id, &mut attempt), mentions).await?;
        let Present { member, message, number } = match basis {
            Basis::Present(present) => present,
            Basis::Done(done) => return Ok(done),
            Basis::Missing => return Err(EditError::NotFound),
        };
        if !edit.expected.allows(message.revision) {
            return Err(EditError::Stale);
        }
        let Some(edited) = edit.apply(&message, command.now)? else {
            return Ok(TriedChange::Done(message));
        };
        let mentions = mentions.unwrap_or_else(|| message.mentions.clone());
        let edited = Message { mentions, ..edited };
        if message.edit_count() >= MAX_EDITS {
            return Err(EditError::TooManyEdits);
        }
        if edited.is_too_large() {
            return Err(EditError::TooLarge);
        }
        if member.is_some_and(|member| log::is_too_large(&member, &edited)) {
            return Err(EditError::Unanswered);
        }
        let steps = vec![edit_step(&edited, message.revision), earlier_body(&message)];
        let change = MessageChange { kind: ChangeKind::MessageEdited, before: message, after: edited, steps };
        self.write_message_change(change, number, command).await?.ok_or(EditError::NotFound)
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
        let (bodies, is_pinned) = (message.edit_count(), message.pinned);
        let deleted = message.deleted(command.now);
        let change = message_change(ChangeKind::MessageDeleted, &deleted, number, command);
        let mut steps = vec![tombstone_step(&deleted, seen)];
        // These steps have no condition: the result is the same if the pin or an earlier body does not exist.
        steps.extend(is_pinned.then(|| Step::Delete(Key::pin(id), Expression::default())));
        steps.extend((0..bodies).map(|edits| Step::Delete(Key::revision(id, edits), Expression::default())));
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
        let (revision, edits) = (message.revision + 1, message.edits.map(|edits| edits + 1));
        Ok(Some(Message { body, metadata, edited_at: Some(now), revision, edits, ..message.clone() }))
    }
}

impl Message {
    /// Returns the tombstone of the message.
    fn deleted(self, now: Time) -> Self {
        let (body, mentions, reactions) = (String::new(), Vec::new(), Reactions::default());
        let (deleted_at, revision) = (Some(now), self.revision + 1);
        Self { body, metadata: None, mentions, reactions, pinned: false, deleted_at, revision, ..self }
    }
}

/// Returns the step that sets the edited attributes, on condition that the message has the revision that was read. A
/// deletion sets another revision too.
fn edit_step(edited: &Message, seen: u64) -> Step {
    let mut values = vec![
        ("body", AttributeValue::S(edited.body.clone())),
        ("edited_at", micros(edited.edited_at)),
        ("revision", AttributeValue::N(edited.revision.to_string())),
    ];
    values.extend(edited.edits.map(|edits| ("edits", AttributeValue::N(edits.to_string()))));
    let metadata = edited.metadata.as_ref().map(|metadata| metadata.as_str().to_owned());
    let mentions = (!edited.mentions.is_empty()).then(|| user_ids::text(&edited.mentions));
    let (mut set, mut removed) = (values, Vec::new());
    for (name, text) in [("metadata", metadata), ("mentions", mentions)] {
        match text {
            Some(text) => set.push((name, AttributeValue::S(text))),
            None => removed.push(format!("#{name}")),
        }
    }
    let assigned: Vec<String> = set.iter().map(|(name, _)| format!("#{name} = :{name}")).collect();
    let remove = if removed.is_empty() { String::new() } else { format!(" REMOVE {}", removed.join(", ")) };
    let update = format!("SET {}{remove}", assigned.join(", "));
    let expression = Expression::update(&update, "#revision = :seen").number(":seen", seen);
    let expression = set
        .into_iter()
        .fold(expression, |expression, (name, value)| expression.value(&format!(":{name}"), value));
    Step::Update(Key::message(edited.id()), expression)
}

fn micros(time: Option<Time>) -> AttributeValue {
    AttributeValue::N(time.unwrap_or_default().timestamp_micros().to_string())
}

/// Returns the step that removes a message's text, on condition that the message has the revision that was read.
fn tombstone_step(deleted: &Message, seen: u64) -> Step {
    let update = "SET #deleted_at = :now, #revision = :revision REMOVE #body, #metadata, #mentions, #reactions, #pinned";
    let expression = Expression::update(update, "#revision = :seen")
        .number(":now", deleted.deleted_at.unwrap_or_default().timestamp_micros())
        .number(":revision", deleted.revision)
        .number(":seen", seen);
    Step::Update(Key::message(deleted.id()), expression)
}

fn earlier_body(message: &Message) -> Step {
    let revision = Revision {
        conversation: message.conversation,
        place: (message.number, message.edit_count()),
        body: message.body.clone(),
        metadata: message.metadata.clone(),
        written_at: message.edited_at.unwrap_or(message.sent_at),
    };
    Step::Put(Item::Revision(revision), Expression::condition(ABSENT))
}
