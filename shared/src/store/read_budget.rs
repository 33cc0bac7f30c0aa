//! The bytes of messages that a request may read. Others decide on the size of the messages that a user reads, so reading
//! ends when these bytes are used up. No read begins that could exceed them: a message of unknown size counts as the
//! largest one.

use futures::future::try_join_all;

use super::{
    Store, StoreError,
    items::Message,
    messages::messages_unless_closed,
    ops::{QueryPage, Reading},
    table::Span,
};
use crate::{
    ids::ConversationId,
    model::{
        METADATA_BYTES,
        message::{BODY, MOST_MENTIONS},
    },
};

/// The number of bytes of messages that a page reads. The other items of the page fit into the rest of 2 MB.
const BYTES: usize = 1280 * 1024;
/// The maximum number of bytes that one query reads, whatever its limit.
const QUERY: usize = 1024 * 1024;
/// The number of bytes of an item besides its body, its metadata, its mentions and its reactions: keys, times and the names of attributes.
const OVERHEAD: usize = 512;
/// The maximum size of one of several ids of users, in bytes.
const USER_ID: usize = 22;
/// The maximum number of bytes of a message's body, metadata, mentions and reactions. Reactions have no room of their own,
/// because every message of unknown size counts as the largest one.
const LARGEST_CONTENT: usize = BODY.max_bytes + METADATA_BYTES + MOST_MENTIONS * USER_ID;
/// The size of the largest message, in bytes.
const LARGEST: usize = OVERHEAD + LARGEST_CONTENT;
/// The maximum number of bytes of a small message's body, metadata, mentions and reactions. The nested messages of 20 conversations fit
/// into one round trip if all are small.
const SMALL_CONTENT: usize = 2 * 1024;
/// The size of the largest small message, in bytes.
const SMALL: usize = OVERHEAD + SMALL_CONTENT;
/// The maximum number of queries that a request makes in parallel.
const PARALLEL: usize = 50;

impl Message {
    /// Returns the approximate size of the item, in bytes, and never less than its size.
    #[must_use]
    pub fn bytes(&self) -> usize {
        OVERHEAD + self.content_bytes()
    }

    /// Returns the size of the text and the client's own data, in bytes.
    pub(super) fn text_bytes(&self) -> usize {
        self.body.len() + self.metadata.as_ref().map_or(0, |metadata| metadata.as_str().len())
    }

    fn content_bytes(&self) -> usize {
        self.text_bytes() + self.mentions.len() * USER_ID + self.reactions.bytes()
    }

    /// Returns true if the message with its reactions is larger than a message may be.
    pub(super) fn is_too_large(&self) -> bool {
        self.content_bytes() > LARGEST_CONTENT
    }

    /// Returns true if this message is large and `before`, the same message before a change, was small.
    pub(super) fn outgrows(&self, before: &Self) -> bool {
        self.content_bytes() > SMALL_CONTENT && before.content_bytes() <= SMALL_CONTENT
    }

    /// Returns the number since which all messages up to this one are small, if the message before this one has
    /// `before` as this number; `None` if this message is not small.
    pub(super) fn small_since(&self, before: Option<u64>) -> Option<u64> {
        (self.content_bytes() <= SMALL_CONTENT).then(|| before.unwrap_or(self.number))
    }
}

/// The number of bytes of messages that a request may still read.
#[derive(Debug, Clone, Copy)]
pub struct ReadBudget {
    left: usize,
}

impl Default for ReadBudget {
    fn default() -> Self {
        Self { left: BYTES }
    }
}

impl ReadBudget {
    /// Returns the rest of the budget of a request that has read these messages.
    #[must_use]
    pub fn after(messages: &[Message]) -> Self {
        let mut budget = Self::default();
        budget.take(messages);
        budget
    }

    fn take<'m>(&mut self, messages: impl IntoIterator<Item = &'m Message>) {
        let read: usize = messages.into_iter().map(Message::bytes).sum();
        self.left = self.left.saturating_sub(read);
    }

    /// Returns true if `count` messages fit, whatever their size.
    pub(super) const fn has_room_for(self, count: usize) -> bool {
        count.saturating_mul(LARGEST) <= self.left
    }
}

/// The next messages of a log that a request wants to read, downward.
#[derive(Debug)]
pub(super) struct Wanted {
    span: Span,
    /// The maximum number of messages.
    count: usize,
    /// The number of those at the top that are known to be small.
    small: usize,
}

impl Wanted {
    /// Returns the newest messages from number `high` down to `low`, at most `count`. Those from the number `small_since` on are
    /// known to be small.
    pub(super) fn new(
        conversation: ConversationId,
        (low, high): (u64, u64),
        count: usize,
        small_since: Option<u64>,
    ) -> Self {
        let entries_from = |low: u64| usize::try_from((high + 1).saturating_sub(low)).unwrap_or(usize::MAX);
        let count = count.min(entries_from(low));
        let small = small_since.map_or(0, entries_from).min(count);
        Self { span: Span::messages(conversation, low, high), count, small }
    }

    /// Returns the maximum size of the first `count` messages, in bytes.
    fn most(&self, count: usize) -> usize {
        let small = self.small.min(count);
        QUERY.min(small * SMALL + (count - small) * LARGEST)
    }

    /// Returns the number of messages that fit into `left` bytes, whatever their size, and the maximum of this size;
    /// `None` if none fits.
    fn fitting(&self, left: usize) -> Option<(usize, usize)> {
        let small = self.small * SMALL;
        let count = match left.checked_sub(small) {
            _ if self.most(self.count) <= left => self.count,
            Some(left) => self.small + left / LARGEST,
            None => left / SMALL,
        };
        (count > 0).then(|| (count, self.most(count)))
    }
}

/// A reader of a log that reads downward until it has enough.
pub(super) trait ReadsDown {
    /// Returns the messages that it wants next; `None` if it has enough.
    fn wanted(&self) -> Option<Wanted>;

    /// Takes messages that it wanted, or fewer of them; `None` if it met the closing entry. `more` is true if others
    /// follow. Each call changes the result of `wanted`.
    fn take(&mut self, messages: Option<Vec<Message>>, more: bool);
}

impl Store {
    /// Lets readers read until they have enough or the budget is used up. Those at the front come first. Each round trip
    /// reads as much as surely fits, so messages that are known to be small need one.
    pub(super) async fn read_down(
        &self,
        readers: &mut [impl ReadsDown],
        budget: &mut ReadBudget,
    ) -> Result<(), StoreError> {
        loop {
            let pages = self.read_some(readers, budget.left).await?;
            if pages.is_empty() {
                return Ok(());
            }
            for (reader, page) in pages {
                let messages = messages_unless_closed(page.items);
                budget.take(messages.iter().flatten());
                reader.take(messages, page.more);
            }
        }
    }

    /// Makes the reads of one round trip, of at most `left` bytes.
    async fn read_some<'r, R: ReadsDown>(
        &self,
        readers: &'r mut [R],
        mut left: usize,
    ) -> Result<Vec<(&'r mut R, QueryPage)>, StoreError> {
        let reads = readers.iter_mut().filter_map(|reader| {
            let wanted = reader.wanted()?;
            let (count, most) = wanted.fitting(left)?;
            left -= most;
            let page = self.query(wanted.span, Reading::newest_first(Some(count)));
            Some(async move { Ok((reader, page.await?)) })
        });
        try_join_all(reads.take(PARALLEL)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(count: usize, small: u64) -> Wanted {
        let since = (small > 0).then_some(101 - small);
        Wanted::new(ConversationId::from_prefix([1; 10]), (1, 100), count, since)
    }

    #[test]
    fn a_read_never_exceeds_what_is_left() {
        assert_eq!(wanted(19, 0).fitting(LARGEST - 1), None);
        assert_eq!(wanted(19, 0).fitting(2 * LARGEST), Some((2, 2 * LARGEST)));
        assert_eq!(wanted(19, 0).fitting(BYTES), Some((19, 19 * LARGEST)), "19 of the largest fit");
        assert_eq!(
            wanted(200, 0).fitting(QUERY),
            Some((100, QUERY)),
            "a query ends at 1 MB, and the log at 100"
        );
        assert_eq!(wanted(19, 100).fitting(BYTES), Some((19, 19 * SMALL)));
        assert_eq!(wanted(19, 100).fitting(3 * SMALL), Some((3, 3 * SMALL)));
        assert_eq!(wanted(19, 5).fitting(5 * SMALL + LARGEST), Some((6, 5 * SMALL + LARGEST)));
        assert_eq!(wanted(19, 5).fitting(5 * SMALL), Some((5, 5 * SMALL)));
    }
}
