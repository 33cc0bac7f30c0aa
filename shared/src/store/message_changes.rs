//! A change of a message that stays in the log: an edit, a reaction or a pin. Each is one transaction of the change, the message and
//! the items that belong to it. The callers decide on the change; deletions are in `edits`.

use futures::future::try_join;

use super::{
    Command, Store, StoreError,
    changes::{ChangeTail, change_entry},
    conversations::large_edit_step,
    items::{Change, ChangeKind, Item, Member, Message},
    ops::{Consistency, Expression},
    retries::{Attempt, OwnChange, TriedChange},
    table::Key,
    transactions::Step,
};
use crate::ids::{MessageId, UserId};

/// The state of a message on which one try of a change is based.
pub(super) enum Basis {
    /// An earlier try of the same request has taken effect.
    Done(TriedChange<Message>),
    /// The message is deleted or does not exist, or its conversation is closed.
    Missing,
    /// The message exists.
    Present(Present),
}

/// A message that exists, the actor's membership, and the first free number of the change log.
pub(super) struct Present {
    pub(super) member: Option<Member>,
    pub(super) message: Message,
    pub(super) number: u64,
}

/// A change of a message.
pub(super) struct MessageChange {
    pub(super) kind: ChangeKind,
    pub(super) before: Message,
    pub(super) after: Message,
    /// The step that updates the message, on condition that it has the revision of `before`, and further steps.
    pub(super) steps: Vec<Step>,
}

impl Store {
    /// Reads the actor's membership, a message and the end of the change log in parallel.
    pub(super) async fn message_and_changes(
        &self,
        id: MessageId,
        actor: UserId,
        own: OwnChange,
    ) -> Result<(Option<Member>, Option<Message>, ChangeTail), StoreError> {
        let ((member, message), changes) =
            try_join(self.message(id, actor), self.change_tail(id.conversation, own)).await?;
        Ok((member, message, changes))
    }

    /// Reads the state on which a try is based.
    pub(super) async fn basis(
        &self,
        id: MessageId,
        attempt: &mut Attempt<Message>,
    ) -> Result<Basis, StoreError> {
        let (member, found, changes) =
            self.message_and_changes(id, attempt.command.actor, attempt.own_change()).await?;
        if let Some(done) = attempt.result_if(changes.is_done) {
            return Ok(Basis::Done(done));
        }
        let message = found.filter(|message| message.deleted_at.is_none());
        Ok(match message.zip(changes.next) {
            Some((message, number)) => Basis::Present(Present { member, message, number }),
            None => Basis::Missing,
        })
    }

    /// Writes a change with this number. Returns `None` if the conversation is closed.
    pub(super) async fn write_message_change(
        &self,
        change: MessageChange,
        number: u64,
        command: Command,
    ) -> Result<Option<TriedChange<Message>>, StoreError> {
        let MessageChange { kind, before, after, mut steps } = change;
        match self.note_of(&before, &after).await? {
            Some(note) => steps.extend(note),
            None => return Ok(None),
        }
        let entry = message_change(kind, &after, number, command);
        Ok(self.write_change(entry, steps).await?.finished(number, after))
    }

    /// Returns the step that notes a change which makes a small message large, unless the conversation has this note;
    /// `None` if there is no such conversation.
    async fn note_of(&self, before: &Message, after: &Message) -> Result<Option<Vec<Step>>, StoreError> {
        if !after.outgrows(before) {
            return Ok(Some(Vec::new()));
        }
        Ok(match self.get(Key::conversation(before.conversation), Consistency::Strong).await? {
            Some(Item::Conversation(conversation)) if conversation.has_large_edits => Some(Vec::new()),
            Some(_) => Some(vec![large_edit_step(before.conversation)]),
            None => None,
        })
    }
}

/// Returns the entry of the change log for a change of a message.
pub(super) fn message_change(kind: ChangeKind, message: &Message, number: u64, command: Command) -> Change {
    let entry = change_entry(kind, message.conversation, number, message.revision, command);
    Change { message: Some(message.number), ..entry }
}

/// Returns the update that gives a message the next revision, together with further attributes, on condition that it has the
/// revision before. A deletion sets another revision too.
pub(super) fn next_revision(after: &Message, further: &str) -> Expression {
    let update = format!("SET #edits = :edits, #revision = :revision{further}");
    Expression::update(&update, "#revision = :seen")
        .number(":edits", after.edit_count())
        .number(":revision", after.revision)
        .number(":seen", after.revision - 1)
}
