//! Editing and deleting a message: one transaction each, of the change, the message and its earlier body.

use futures::future::try_join;
use uuid::Uuid;

use super::{
    Store, StoreError, Time,
    backoff::Backoff,
    changes::ChangeWritten,
    items::{Change, ChangeKind, Item, Message, Revision},
    messages::reading,
    ops::{ABSENT, Expression},
    table::{Key, Span},
    transactions::Step,
};
use crate::{
    ids::{MessageId, UserId},
    model::{Expected, MetadataChange, TooLarge},
};

/// Most edits of one message: a deletion removes all earlier bodies in its one transaction of at most 100 items.
pub const MAX_EDITS: u64 = 90;

/// What an edit sets; `None` leaves as it is.
#[derive(Debug, Clone)]
pub struct MessageEdit {
    /// What the message says from now on.
    pub body: Option<String>,
    /// The change of the client's own data.
    pub metadata: Option<MetadataChange>,
    /// The revision that the client's copy has, if it insists.
    pub expected: Expected,
}

/// What became of an edit or a deletion.
#[derive(Debug)]
pub enum MessageWritten {
    /// It took effect, or nothing was to be changed: the message as it is now.
    Done(Message),
    /// There is no such message any more.
    Gone,
    /// The client's copy is of another revision.
    Stale,
    /// It was changed too often.
    TooManyEdits,
    /// The client's own data would be too large after the merge.
    MetadataTooLarge,
}

impl Store {
    /// Returns the earlier bodies of a message, oldest first.
    pub async fn revisions(&self, id: MessageId) -> Result<Vec<Revision>, StoreError> {
        let page = self.query_whole(Span::revisions(id), reading(false, None)).await?;
        Ok(page.items.into_iter().filter_map(Item::into_revision).collect())
    }

    /// Changes what a message says and keeps what it said, for a message that `actor` may edit.
    ///
    /// The target's condition closes the race with another edit and with a deletion: both set another revision. The
    /// request is repeated on what it then reads; if that is what it wants already, nothing is written.
    pub async fn edit_message(
        &self,
        id: MessageId,
        actor: UserId,
        edit: &MessageEdit,
        request: Uuid,
        now: Time,
    ) -> Result<MessageWritten, StoreError> {
        let mut backoff = Backoff::new(&self.random);
        loop {
            let (found, changes) =
                try_join(self.message(id, actor), self.change_tail(id.conversation)).await?;
            // An earlier try of this request took effect, maybe after the message was read.
            let is_done = changes.is_of(request);
            let found = if is_done { self.message(id, actor).await? } else { found };
            let (Some(message), Some(number)) =
                (found.1.filter(|message| message.deleted_at.is_none()), changes.next)
            else {
                return Ok(MessageWritten::Gone);
            };
            if is_done {
                return Ok(MessageWritten::Done(message));
            }
            if !edit.expected.allows(message.revision) {
                return Ok(MessageWritten::Stale);
            }
            let Ok(edited) = edit.apply(&message, now) else {
                return Ok(MessageWritten::MetadataTooLarge);
            };
            let Some(edited) = edited else {
                return Ok(MessageWritten::Done(message));
            };
            if message.revision >= MAX_EDITS {
                return Ok(MessageWritten::TooManyEdits);
            }
            let change = message_change(ChangeKind::MessageEdited, &edited, number, actor, request, now);
            let steps = vec![edit_step(&edited, message.revision), earlier_body(message)];
            match self.write_change(change, steps).await? {
                ChangeWritten::Done => return Ok(MessageWritten::Done(edited)),
                ChangeWritten::Closed => return Ok(MessageWritten::Gone),
                ChangeWritten::Lost => backoff.lose().await?,
            }
        }
    }

    /// Leaves a tombstone of a message that `actor` may delete, and removes its earlier bodies in the same transaction.
    /// Repeated, it finds the tombstone and changes nothing.
    pub async fn delete_message(
        &self,
        id: MessageId,
        actor: UserId,
        expected: &Expected,
        request: Uuid,
        now: Time,
    ) -> Result<MessageWritten, StoreError> {
        let mut backoff = Backoff::new(&self.random);
        loop {
            let (found, changes) =
                try_join(self.message(id, actor), self.change_tail(id.conversation)).await?;
            let (Some(message), Some(number)) = (found.1, changes.next) else {
                return Ok(MessageWritten::Gone);
            };
            if message.deleted_at.is_some() {
                return Ok(MessageWritten::Done(message));
            }
            if !expected.allows(message.revision) {
                return Ok(MessageWritten::Stale);
            }
            let seen = message.revision;
            let body = String::new();
            let gone = Message { body, metadata: None, deleted_at: Some(now), revision: seen + 1, ..message };
            let change = message_change(ChangeKind::MessageDeleted, &gone, number, actor, request, now);
            let mut steps = vec![tombstone_step(&gone, seen)];
            // Nothing is asked of an earlier body: it is there, or it does not matter.
            steps.extend(
                (0..seen).map(|revision| Step::Delete(Key::revision(id, revision), Expression::default())),
            );
            match self.write_change(change, steps).await? {
                ChangeWritten::Done => return Ok(MessageWritten::Done(gone)),
                ChangeWritten::Closed => return Ok(MessageWritten::Gone),
                ChangeWritten::Lost => backoff.lose().await?,
            }
        }
    }
}

impl MessageEdit {
    /// The message as the edit makes it; `None` if it is so already.
    fn apply(&self, message: &Message, now: Time) -> Result<Option<Message>, TooLarge> {
        let body = self.body.clone().unwrap_or_else(|| message.body.clone());
        let present = message.metadata.as_ref();
        let metadata = self.metadata.as_ref().map(|change| change.applied(present)).transpose()?;
        let metadata = metadata.unwrap_or_else(|| message.metadata.clone());
        if body == message.body && metadata == message.metadata {
            return Ok(None);
        }
        let edited_at = Some(now);
        Ok(Some(Message { body, metadata, edited_at, revision: message.revision + 1, ..message.clone() }))
    }
}

/// Sets what an edit changes, on the revision that was read; deleting makes one too.
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

/// Takes a message's text away, on the revision that was read.
fn tombstone_step(gone: &Message, seen: u64) -> Step {
    let update = "SET #deleted_at = :now, #revision = :revision REMOVE #body, #metadata";
    let expression = Expression::update(update, "#revision = :seen")
        .number(":now", gone.deleted_at.unwrap_or_default().timestamp_micros())
        .number(":revision", gone.revision)
        .number(":seen", seen);
    Step::Update(Key::message(gone.id()), expression)
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

fn message_change(
    kind: ChangeKind,
    message: &Message,
    number: u64,
    actor: UserId,
    request: Uuid,
    now: Time,
) -> Change {
    Change {
        conversation: message.conversation,
        number,
        kind,
        message: Some(message.number),
        users: Vec::new(),
        actor,
        revision: message.revision,
        request,
        changed_at: now,
        participant_count: None,
        owners: Vec::new(),
    }
}
