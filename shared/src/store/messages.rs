//! Messages once they stand in the log: reading one, reading pages, editing, deleting.

use futures::future::try_join;
use uuid::Uuid;

use super::{
    Store, StoreError, Time,
    backoff::Backoff,
    changes::ChangeWritten,
    items::{Change, ChangeKind, Item, Member, Message, Revision},
    ops::{ABSENT, Consistency, Expression, PRESENT, Reading, Step},
    table::{Key, Span},
};
use crate::{
    ids::{ConversationId, MAX_NUMBER, MessageId, UserId},
    model::Expected,
};

/// Most edits of one message: a deletion removes all earlier bodies in its one transaction of at most 100 items.
pub const MAX_EDITS: u64 = 90;

/// Which messages of a conversation a page shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Around {
    /// The newest.
    Newest,
    /// The newest below a number.
    Before(u64),
    /// The oldest above a number.
    After(u64),
    /// Half of them up to a number, half above it.
    Middle(u64),
}

/// Messages in the order of their numbers.
#[derive(Debug, Default)]
pub struct MessagePage {
    /// Tombstones among them.
    pub messages: Vec<Message>,
    /// Whether there are older ones than the first.
    pub older: bool,
    /// Whether there are newer ones than the last.
    pub newer: bool,
}

/// What an edit sets; `None` leaves as it is.
#[derive(Debug, Clone)]
pub struct MessageEdit {
    /// What the message says from now on.
    pub body: Option<String>,
    /// The client's own data from now on, `None` inside for none.
    pub metadata: Option<Option<String>>,
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
}

impl Store {
    /// A membership and a message, strongly consistent, in one request.
    pub async fn message(
        &self,
        id: MessageId,
        viewer: UserId,
    ) -> Result<(Option<Member>, Option<Message>), StoreError> {
        let keys = vec![Key::member(id.conversation, viewer), Key::message(id)];
        let (mut member, mut message) = (None, None);
        for item in self.batch_get(keys, Consistency::Strong).await? {
            match item {
                Item::Member(found) => member = Some(found),
                Item::Message(found) => message = Some(found),
                _ => {}
            }
        }
        Ok((member, message))
    }

    /// The highest number of the log, 0 while it is empty; `None` once it is closed.
    pub async fn tail(&self, conversation: ConversationId) -> Result<Option<u64>, StoreError> {
        let page = self
            .query(
                Span::messages(conversation, 1, MAX_NUMBER),
                reading(true, Some(1)),
            )
            .await?;
        match page.items.first() {
            None => Ok(Some(0)),
            Some(Item::Message(message)) => Ok(Some(message.number)),
            Some(Item::Closed(_)) => Ok(None),
            Some(_) => Err(StoreError::corrupt("MSG", "something else stands in the log")),
        }
    }

    /// A page of messages above `base`; `None` where it meets the seal. A page ends at its limit or at 1 MB, and one that
    /// is read forward before the first hole: number n + 1 may have been written while n was being read past.
    pub async fn messages(
        &self,
        conversation: ConversationId,
        base: u64,
        around: Around,
        limit: usize,
    ) -> Result<Option<MessagePage>, StoreError> {
        match around {
            Around::Newest => self.downward(conversation, base, MAX_NUMBER, limit).await,
            Around::Before(number) => {
                self.downward(conversation, base, number.saturating_sub(1), limit)
                    .await
            }
            Around::After(number) => self.upward(conversation, base, number, limit).await,
            Around::Middle(number) => {
                let (older, newer) = (limit.div_ceil(2), limit / 2);
                let older = self.downward(conversation, base, number, older);
                let (older, newer) = try_join(older, self.upward(conversation, base, number, newer)).await?;
                Ok(older.zip(newer).map(|(mut page, newer)| {
                    page.messages.extend(newer.messages);
                    MessagePage {
                        newer: newer.newer,
                        ..page
                    }
                }))
            }
        }
    }

    /// The newest messages from `top` down to the one above `base`.
    async fn downward(
        &self,
        conversation: ConversationId,
        base: u64,
        top: u64,
        limit: usize,
    ) -> Result<Option<MessagePage>, StoreError> {
        if limit == 0 || top <= base {
            return Ok(Some(MessagePage {
                newer: top < MAX_NUMBER,
                ..MessagePage::default()
            }));
        }
        let page = self
            .query(
                Span::messages(conversation, base + 1, top),
                reading(true, Some(limit)),
            )
            .await?;
        let Some(mut messages) = unsealed(page.items) else {
            return Ok(None);
        };
        messages.reverse();
        let older = messages
            .first()
            .map_or(page.more, |first| first.number > base + 1);
        Ok(Some(MessagePage {
            messages,
            older,
            newer: top < MAX_NUMBER,
        }))
    }

    /// The oldest messages above `number`.
    async fn upward(
        &self,
        conversation: ConversationId,
        base: u64,
        number: u64,
        limit: usize,
    ) -> Result<Option<MessagePage>, StoreError> {
        let number = number.max(base);
        let span = Span::messages(conversation, number + 1, MAX_NUMBER);
        let page = self.query(span, reading(false, Some(limit + 1))).await?;
        let Some(mut messages) = unsealed(page.items) else {
            return Ok(None);
        };
        let unbroken = messages
            .iter()
            .zip(number + 1..)
            .take_while(|(message, n)| message.number == *n)
            .count();
        let newer = page.more || unbroken > limit || unbroken < messages.len();
        messages.truncate(unbroken.min(limit));
        Ok(Some(MessagePage {
            messages,
            older: number > 0,
            newer,
        }))
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
            let (found, number) =
                try_join(self.message(id, actor), self.next_change(id.conversation)).await?;
            let (Some(message), Some(number)) =
                (found.1.filter(|message| message.deleted_at.is_none()), number)
            else {
                return Ok(MessageWritten::Gone);
            };
            if !edit.expected.allows(message.revision) {
                return Ok(MessageWritten::Stale);
            }
            let Some(edited) = edit.apply(&message, now) else {
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
            let (found, number) =
                try_join(self.message(id, actor), self.next_change(id.conversation)).await?;
            let (Some(message), Some(number)) = (found.1, number) else {
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
            let gone = Message {
                body,
                metadata: None,
                deleted_at: Some(now),
                revision: seen + 1,
                ..message
            };
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

    /// What a message said before its edits, oldest first.
    pub async fn revisions(&self, id: MessageId) -> Result<Vec<Revision>, StoreError> {
        let page = self.query(Span::revisions(id), reading(false, None)).await?;
        Ok(page.items.into_iter().filter_map(Item::into_revision).collect())
    }

    /// A user's memberships in several conversations, strongly consistent.
    pub async fn memberships(&self, user: UserId, ids: &[ConversationId]) -> Result<Vec<Member>, StoreError> {
        let keys = ids.iter().map(|id| Key::member(*id, user)).collect();
        Ok(self
            .batch_get(keys, Consistency::Strong)
            .await?
            .into_iter()
            .filter_map(Item::into_member)
            .collect())
    }

    /// A membership ∥ a page of messages above its base. The page is read from the start of the log while the base is
    /// not known, and cut then; only a caller who cleared a direct conversation has one.
    pub async fn member_and_messages(
        &self,
        conversation: ConversationId,
        viewer: UserId,
        around: Around,
        limit: usize,
    ) -> Result<(Option<Member>, Option<MessagePage>), StoreError> {
        let read = self.messages(conversation, 0, around, limit);
        let (member, page) = try_join(self.member(conversation, viewer), Box::pin(read)).await?;
        match (member, page) {
            (Some(member), Some(_)) if member.base > 0 => {
                let page = self.messages(conversation, member.base, around, limit).await?;
                Ok((Some(member), page))
            }
            other => Ok(other),
        }
    }

    /// How many messages stand above a read mark that are neither the viewer's own nor deleted: exact up to 100, and
    /// whether there are more.
    pub(crate) async fn count_unread(&self, mut count: UnreadCount) -> Result<(u64, bool), StoreError> {
        while let Some((low, high)) = count.unread_span() {
            let span = Span::messages(count.conversation, low, high);
            let page = self.query(span, reading(true, Some(UNREAD_PAGE))).await?;
            count.take(&unsealed(page.items).unwrap_or_default(), page.more);
        }
        Ok(count.result())
    }
}

/// Most unread messages that are told apart.
const UNREAD_EXACT: u64 = 100;
/// How many messages one query of a count reads.
const UNREAD_PAGE: usize = 200;
/// How many messages a count looks at: behind these, one's own are taken for more.
const UNREAD_LOOK: u64 = 1000;

/// A count of unread messages, downward from the newest.
#[derive(Debug)]
pub(crate) struct UnreadCount {
    conversation: ConversationId,
    viewer: UserId,
    floor: u64,
    next: u64,
    seen: u64,
    unread: u64,
}

impl UnreadCount {
    pub(crate) fn new(member: &Member) -> Self {
        let floor = member.read.max(member.base);
        Self {
            conversation: member.conversation,
            viewer: member.user,
            floor,
            next: MAX_NUMBER,
            seen: 0,
            unread: 0,
        }
    }

    /// Takes messages that were read downward from where the count stands.
    pub(crate) fn take(&mut self, messages: &[Message], more: bool) {
        for message in messages.iter().filter(|message| message.number > self.floor) {
            self.seen += 1;
            self.unread += u64::from(message.sender != self.viewer && message.deleted_at.is_none());
        }
        let lowest = messages
            .last()
            .map_or(0, |message| message.number.saturating_sub(1));
        self.next = if more { lowest } else { 0 };
    }

    fn unread_span(&self) -> Option<(u64, u64)> {
        let goes_on = self.next > self.floor && self.unread <= UNREAD_EXACT && self.seen < UNREAD_LOOK;
        goes_on.then_some((self.floor + 1, self.next))
    }

    fn result(&self) -> (u64, bool) {
        (
            self.unread.min(UNREAD_EXACT),
            self.unread > UNREAD_EXACT || self.next > self.floor,
        )
    }
}

fn reading(descending: bool, limit: Option<usize>) -> Reading {
    Reading {
        descending,
        limit,
        consistency: Consistency::Strong,
    }
}

/// The messages of a page; `None` where the seal is among them. Kinds of a later release are passed over.
pub(crate) fn unsealed(items: Vec<Item>) -> Option<Vec<Message>> {
    let mut messages = Vec::with_capacity(items.len());
    for item in items {
        match item {
            Item::Closed(_) => return None,
            Item::Message(message) => messages.push(message),
            _ => {}
        }
    }
    Some(messages)
}

impl MessageEdit {
    /// The message as the edit makes it; `None` if it is so already.
    fn apply(&self, message: &Message, now: Time) -> Option<Message> {
        let body = self.body.clone().unwrap_or_else(|| message.body.clone());
        let metadata = self.metadata.clone().unwrap_or_else(|| message.metadata.clone());
        if body == message.body && metadata == message.metadata {
            return None;
        }
        let edited_at = Some(now);
        Some(Message {
            body,
            metadata,
            edited_at,
            revision: message.revision + 1,
            ..message.clone()
        })
    }
}

/// Sets what an edit changes, on the revision that was read.
fn edit_step(edited: &Message, seen: u64) -> Step {
    let metadata = if edited.metadata.is_some() {
        ", #metadata = :metadata"
    } else {
        " REMOVE #metadata"
    };
    let update = format!("SET #body = :body, #edited_at = :now, #revision = :revision{metadata}");
    let condition = format!("{PRESENT} AND #revision = :seen AND attribute_not_exists(#deleted_at)");
    let mut expression = Expression::update(&update, &condition)
        .text(":body", &edited.body)
        .number(":now", edited.edited_at.unwrap_or_default().timestamp_micros())
        .number(":revision", edited.revision)
        .number(":seen", seen);
    if let Some(metadata) = &edited.metadata {
        expression = expression.text(":metadata", metadata);
    }
    Step::Update(Key::message(edited.id()), expression)
}

/// Takes a message's text away, on the revision that was read.
fn tombstone_step(gone: &Message, seen: u64) -> Step {
    let condition = format!("{PRESENT} AND #revision = :seen AND attribute_not_exists(#deleted_at)");
    let update = "SET #deleted_at = :now, #revision = :revision REMOVE #body, #metadata";
    let expression = Expression::update(update, &condition)
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
