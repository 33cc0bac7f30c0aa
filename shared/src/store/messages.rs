//! Messages once they stand in the log: reading one, and pages of them.

use futures::future::try_join;

use super::{
    Store, StoreError,
    items::{Item, Member, Message, Revision},
    ops::{Consistency, Reading},
    table::{Key, Span},
};
use crate::ids::{ConversationId, MAX_NUMBER, MessageId, UserId};

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

/// What ends a page before its limit, as it does in `DynamoDB`.
const PAGE_BYTES: usize = 1024 * 1024;

impl MessagePage {
    /// About what its messages take.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let size = |message: &Message| {
            message.body.len() + message.metadata.as_ref().map_or(0, |metadata| metadata.as_str().len())
        };
        self.messages.iter().map(size).sum()
    }
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
        let page = self.query(Span::messages(conversation, 1, MAX_NUMBER), reading(true, Some(1))).await?;
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
                self.downward(conversation, base, number.saturating_sub(1), limit).await
            }
            Around::After(number) => self.upward(conversation, base, number, limit).await,
            Around::Middle(number) => {
                let (older, newer) = (limit.div_ceil(2), limit / 2);
                let older = self.downward(conversation, base, number, older);
                let (older, newer) = try_join(older, self.upward(conversation, base, number, newer)).await?;
                Ok(older.zip(newer).map(|(mut page, mut newer)| {
                    // Each half ends at 1 MB, and so shall both.
                    if page.bytes() + newer.bytes() > PAGE_BYTES {
                        newer.newer |= !newer.messages.is_empty();
                        newer.messages.clear();
                    }
                    page.messages.extend(newer.messages);
                    MessagePage { newer: newer.newer, ..page }
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
            return Ok(Some(MessagePage { newer: top < MAX_NUMBER, ..MessagePage::default() }));
        }
        let page =
            self.query(Span::messages(conversation, base + 1, top), reading(true, Some(limit))).await?;
        let Some(mut messages) = unsealed(page.items) else {
            return Ok(None);
        };
        messages.reverse();
        let older = messages.first().map_or(page.more, |first| first.number > base + 1);
        Ok(Some(MessagePage { messages, older, newer: top < MAX_NUMBER }))
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
        let unbroken =
            messages.iter().zip(number + 1..).take_while(|(message, n)| message.number == *n).count();
        let newer = page.more || unbroken > limit || unbroken < messages.len();
        messages.truncate(unbroken.min(limit));
        Ok(Some(MessagePage { messages, older: number > base, newer }))
    }

    /// What a message said before its edits, oldest first.
    pub async fn revisions(&self, id: MessageId) -> Result<Vec<Revision>, StoreError> {
        let page = self.query_whole(Span::revisions(id), reading(false, None)).await?;
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
}

pub(super) fn reading(descending: bool, limit: Option<usize>) -> Reading {
    Reading { descending, limit, consistency: Consistency::Strong }
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
