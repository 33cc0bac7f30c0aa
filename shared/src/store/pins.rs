//! Pinned messages of a conversation. Each pin is an item, written in the transaction of its change, and the message says that
//! it is pinned. A deleted message has no pin.

use aws_sdk_dynamodb::types::AttributeValue;
use futures::future::try_join3;

use super::{
    Command, Store, StoreError, Time,
    items::{ChangeKind, Item, Member, Message, Pin},
    message_changes::{Basis, MessageChange, Present, next_revision},
    ops::{Expression, Reading},
    retries::{Attempt, TriedChange},
    table::{Key, Span},
    transactions::Step,
};
use crate::ids::{ConversationId, MessageId, UserId};

/// The maximum number of pins of a conversation.
pub const MOST_PINS: usize = 50;

/// The maximum number of pinned messages on a page: of the largest ones, 1.1 MB.
pub const PINS_PER_PAGE: usize = 20;

/// The reason why a message is not pinned or unpinned.
#[derive(Debug, thiserror::Error)]
pub enum PinError {
    /// The message is deleted or does not exist, or its conversation is closed.
    #[error("no such message")]
    NotFound,
    /// The conversation has [`MOST_PINS`] pins.
    #[error("the conversation has too many pins")]
    TooMany,
    /// The table did not answer as expected. The change may have taken effect.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The position of a pin in the list: its time, and the number of its message.
pub type PinPosition = (Time, u64);

/// A page of pinned messages, the newest pin first.
#[derive(Debug)]
pub struct PinPage {
    /// The pins with their messages.
    pub pins: Vec<(Pin, Message)>,
    /// The position of the last pin of the page; `None` at the end of the list.
    pub next: Option<PinPosition>,
}

impl Pin {
    fn position(&self) -> PinPosition {
        (self.pinned_at, self.number)
    }
}

impl Store {
    /// Pins a message, or removes its pin. Returns the message after that. A change that changes nothing writes nothing.
    ///
    /// The pins are counted after the end of the change log was read. Every pin is an entry of this log, so none is added
    /// between the count and the commit: otherwise the number of the change is taken, and the change is tried again.
    /// Another request may also change or delete the message; then the condition on its revision fails. A failure before
    /// the commit leaves nothing; a repetition after the commit finds the change done.
    pub async fn change_pin(
        &self,
        id: MessageId,
        pinned: bool,
        command: Command,
    ) -> Result<Message, PinError> {
        self.retry_change(command, |attempt| self.try_to_pin(id, pinned, attempt)).await
    }

    async fn try_to_pin(
        &self,
        id: MessageId,
        pinned: bool,
        mut attempt: Attempt<Message>,
    ) -> Result<TriedChange<Message>, PinError> {
        let command = attempt.command;
        let Present { message: before, number, .. } = match self.basis(id, &mut attempt).await? {
            Basis::Present(present) => present,
            Basis::Done(done) => return Ok(done),
            Basis::Missing => return Err(PinError::NotFound),
        };
        if before.pinned == pinned {
            return Ok(TriedChange::Done(before));
        }
        if pinned && self.pins(id.conversation).await?.len() >= MOST_PINS {
            return Err(PinError::TooMany);
        }
        let after = Message { pinned, ..before.changed() };
        let (kind, steps) = if pinned { pin_steps(&after, command) } else { unpin_steps(&after) };
        let change = MessageChange { kind, before, after, steps };
        self.write_message_change(change, number, command).await?.ok_or(PinError::NotFound)
    }

    /// Returns the pins of a conversation in the order of their messages.
    async fn pins(&self, conversation: ConversationId) -> Result<Vec<Pin>, StoreError> {
        let reading = Reading::newest_first(Some(MOST_PINS));
        Ok(self.query_kind(Span::pins(conversation), reading).await?.0)
    }

    /// Reads the viewer's membership, and a page of pinned messages after a position; `None` instead of the page if the
    /// conversation is closed. Messages at or below the viewer's base are left out.
    pub async fn pin_page(
        &self,
        conversation: ConversationId,
        viewer: UserId,
        after: Option<PinPosition>,
    ) -> Result<(Option<Member>, Option<PinPage>), StoreError> {
        let member = self.member_and_blocks(conversation, viewer);
        let ((member, blocks), pins, tail) =
            try_join3(member, self.pins(conversation), self.tail(conversation)).await?;
        if tail.is_none() {
            return Ok((member, None));
        }
        let base = member.as_ref().map_or(0, |member| member.base);
        let (pins, next) = page_of(pins, base, after);
        let keys = pins.iter().map(|pin| Key::message(conversation.message(pin.number))).collect();
        let mut messages: Vec<Message> = self.get_all(keys).await?;
        blocks.mask(&mut messages);
        // A message that was deleted since the pins were read has no pin any more.
        let pins = pins.into_iter().filter_map(|pin| {
            let place = messages.iter().position(|message| message.number == pin.number && message.pinned)?;
            Some((pin, messages.swap_remove(place)))
        });
        Ok((member, Some(PinPage { pins: pins.collect(), next })))
    }
}

/// Returns the pins above `base` that follow a position, the newest first, and the position of the last one if there are
/// more.
fn page_of(mut pins: Vec<Pin>, base: u64, after: Option<PinPosition>) -> (Vec<Pin>, Option<PinPosition>) {
    pins.retain(|pin| pin.number > base && after.is_none_or(|after| pin.position() < after));
    pins.sort_unstable_by_key(|pin| std::cmp::Reverse(pin.position()));
    let more = pins.len() > PINS_PER_PAGE;
    pins.truncate(PINS_PER_PAGE);
    let next = pins.last().filter(|_| more).map(Pin::position);
    (pins, next)
}

/// Returns the steps that pin a message. The pin has no condition: the message says that it has none.
fn pin_steps(after: &Message, command: Command) -> (ChangeKind, Vec<Step>) {
    let Command { actor, now, .. } = command;
    let pin =
        Pin { conversation: after.conversation, number: after.number, pinned_by: actor, pinned_at: now };
    let message = next_revision(after, ", #pinned = :true").value(":true", AttributeValue::Bool(true));
    let steps = vec![
        Step::Update(Key::message(after.id()), message),
        Step::Put(Item::Pin(pin), Expression::default()),
    ];
    (ChangeKind::MessagePinned, steps)
}

/// Returns the steps that remove the pin of a message. The result is the same if the pin does not exist.
fn unpin_steps(after: &Message) -> (ChangeKind, Vec<Step>) {
    let steps = vec![
        Step::Update(Key::message(after.id()), next_revision(after, " REMOVE #pinned")),
        Step::Delete(Key::pin(after.id()), Expression::default()),
    ];
    (ChangeKind::MessageUnpinned, steps)
}
