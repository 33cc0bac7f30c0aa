//! Messages in the log: reading one message, and pages of messages. The append is in `log`, edits are in `edits`.

use futures::future::try_join;

use super::{
    Store, StoreError,
    blocks::ViewersBlocks,
    items::{Blocks, Item, Member, Message},
    ops::{Consistency, Reading},
    table::{Key, Span},
};
use crate::ids::{ConversationId, MAX_NUMBER, MessageId, UserId};

/// The position of a page in a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Around {
    /// The newest messages.
    Newest,
    /// The newest messages below a number.
    Before(u64),
    /// The oldest messages above a number.
    After(u64),
    /// Half of the page up to a number, half above it.
    Middle(u64),
}

/// Messages in the order of their numbers.
#[derive(Debug, Default)]
pub struct MessagePage {
    /// The messages. They include tombstones if [`Source::tombstones`] is true.
    pub messages: Vec<Message>,
    /// Older entries are below this number; `None` if there are none.
    pub older: Option<u64>,
    /// Newer entries are above this number; `None` if there are none.
    pub newer: Option<u64>,
}

/// The part of a log that a page is read from.
#[derive(Debug, Clone, Copy)]
pub struct Source {
    /// The conversation whose log is read.
    pub conversation: ConversationId,
    /// Nothing at or below this number is read.
    pub base: u64,
    /// True if the page contains tombstones too.
    pub tombstones: bool,
}

/// The number of bytes after which a page ends before its limit, as in `DynamoDB`.
const PAGE_BYTES: usize = 1024 * 1024;

/// The maximum number of entries that a page without tombstones reads. Then the page ends with fewer messages or none,
/// and the next page continues.
pub const ENTRIES_PER_PAGE: usize = 1000;

/// The number of entries that each further query of a page reads.
const ENTRIES_PER_QUERY: usize = 200;

impl Source {
    /// The whole log of a conversation, without tombstones.
    #[must_use]
    pub const fn of(conversation: ConversationId) -> Self {
        Self { conversation, base: 0, tombstones: false }
    }

    fn shows(self, message: &Message) -> bool {
        self.tombstones || message.deleted_at.is_none()
    }
}

impl MessagePage {
    /// Returns the approximate size of the messages, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let metadata =
            |message: &Message| message.metadata.as_ref().map_or(0, |metadata| metadata.as_str().len());
        self.messages.iter().map(|message| message.body.len() + metadata(message)).sum()
    }
}

/// The progress of reading a page.
struct Progress {
    /// The number of messages that the page can still contain.
    room: usize,
    /// The number of entries that were read.
    entries: usize,
}

impl Progress {
    const fn new(limit: usize) -> Self {
        Self { room: limit, entries: 0 }
    }

    /// Returns the limit of the next query. The first query reads as many entries as the page contains if none is a
    /// tombstone.
    const fn wanted(&self) -> usize {
        if self.entries == 0 { self.room } else { ENTRIES_PER_QUERY }
    }

    /// Counts the entries of a query and returns true if reading ends after it: at the bound, or if 1 MB ended the
    /// query and the page is not empty.
    const fn ends(&mut self, entries: usize, is_short: bool, is_empty: bool) -> bool {
        self.entries += entries;
        self.room == 0 || self.entries >= ENTRIES_PER_PAGE || (is_short && !is_empty)
    }
}

impl Store {
    /// Returns the viewer's membership and a message, strongly consistent and in one request with the viewer's blocks.
    pub async fn message(
        &self,
        id: MessageId,
        viewer: UserId,
    ) -> Result<(Option<Member>, Option<Message>), StoreError> {
        let keys = vec![Key::member(id.conversation, viewer), Key::blocks(viewer), Key::message(id)];
        let (mut members, mut blocks, mut messages) =
            self.get_all_of_three::<Member, Blocks, Message>(keys).await?;
        ViewersBlocks::from(blocks.pop()).mask(&mut messages);
        Ok((members.pop(), messages.pop()))
    }

    /// Returns the highest number of the log, 0 if it is empty; `None` if it is closed.
    pub async fn tail(&self, conversation: ConversationId) -> Result<Option<u64>, StoreError> {
        let page = self.query(Span::messages(conversation, 1, MAX_NUMBER), reading(true, Some(1))).await?;
        match page.items.first() {
            None => Ok(Some(0)),
            Some(Item::Message(message)) => Ok(Some(message.number)),
            Some(Item::Closed(_)) => Ok(None),
            Some(_) => Err(StoreError::corrupt("MSG", "not an entry of the log")),
        }
    }

    /// Returns a page of messages; `None` if it meets the closing entry. A page ends at its limit, at 1 MB, or at
    /// [`ENTRIES_PER_PAGE`]. A page that is read forward also ends before the first hole: another request may write
    /// numbers n and n + 1 while the query passes, and the query may see n + 1 only.
    pub async fn messages(
        &self,
        source: Source,
        around: Around,
        limit: usize,
    ) -> Result<Option<MessagePage>, StoreError> {
        match around {
            Around::Newest => self.messages_down_from(source, MAX_NUMBER, limit).await,
            Around::Before(number) => self.messages_down_from(source, number.saturating_sub(1), limit).await,
            Around::After(number) => self.upward(source, number, limit).await,
            Around::Middle(number) => self.middle(source, number, limit).await,
        }
    }

    /// Returns a page of which half is up to a number and half above it. If no message up to the number is visible, the
    /// page begins above it.
    async fn middle(
        &self,
        source: Source,
        number: u64,
        limit: usize,
    ) -> Result<Option<MessagePage>, StoreError> {
        let older = self.messages_down_from(source, number, limit.div_ceil(2));
        let (older, newer) = try_join(older, self.upward(source, number, limit / 2)).await?;
        let Some((mut page, mut newer)) = older.zip(newer) else {
            return Ok(None);
        };
        // Each half ends at 1 MB. Both together must end there too.
        if page.bytes() + newer.bytes() > PAGE_BYTES
            && !page.messages.is_empty()
            && !newer.messages.is_empty()
        {
            newer = MessagePage { newer: Some(number), ..MessagePage::default() };
        }
        page.newer = newer.newer;
        page.messages.extend(newer.messages);
        if let (true, Some(above)) = (page.messages.is_empty(), page.newer) {
            let newer = self.upward(source, above, limit).await?;
            return Ok(newer.map(|newer| MessagePage { older: page.older, ..newer }));
        }
        Ok(Some(page))
    }

    /// Returns the newest messages from number `top` down to the base, at most `limit`; `None` if the closing entry is
    /// among them. Tombstones are skipped, and at most [`ENTRIES_PER_PAGE`] entries are read: `older` shows the end of
    /// the reading.
    pub async fn messages_down_from(
        &self,
        source: Source,
        top: u64,
        limit: usize,
    ) -> Result<Option<MessagePage>, StoreError> {
        let Source { conversation, base, .. } = source;
        // This includes 0, where nothing is read: all messages are above it.
        let newer = (top < MAX_NUMBER).then_some(top);
        let mut page = MessagePage { newer, ..MessagePage::default() };
        let (mut top, mut progress) = (top, Progress::new(limit));
        while top > base && limit > 0 {
            let wanted = progress.wanted();
            let span = Span::messages(conversation, base + 1, top);
            let read = self.query(span, reading(true, Some(wanted))).await?;
            let Some(entries) = messages_unless_closed(read.items) else {
                return Ok(None);
            };
            let (count, is_short) = (entries.len(), read.more && entries.len() < wanted);
            page.older = None;
            for message in entries {
                if progress.room == 0 {
                    break;
                }
                top = message.number - 1;
                page.older = (top > base).then_some(message.number);
                if source.shows(&message) {
                    page.messages.push(message);
                    progress.room -= 1;
                }
            }
            if count == 0 || progress.ends(count, is_short, page.messages.is_empty()) {
                break;
            }
        }
        page.messages.reverse();
        Ok(Some(page))
    }

    /// Returns the oldest messages above `number`, at most `limit`; `None` if the closing entry is among them.
    async fn upward(
        &self,
        source: Source,
        number: u64,
        limit: usize,
    ) -> Result<Option<MessagePage>, StoreError> {
        let mut reached = number.max(source.base);
        let older = (reached > source.base).then(|| (reached + 1).min(MAX_NUMBER));
        let mut page = MessagePage { older, ..MessagePage::default() };
        let mut progress = Progress::new(limit);
        loop {
            // One entry more than the page contains shows that there is more.
            let wanted = progress.wanted() + 1;
            let span = Span::messages(source.conversation, reached + 1, MAX_NUMBER);
            let read = self.query(span, reading(false, Some(wanted))).await?;
            let Some(entries) = messages_unless_closed(read.items) else {
                return Ok(None);
            };
            let (count, mut is_end) = (entries.len(), !read.more);
            for message in entries {
                if progress.room == 0 || message.number != reached + 1 {
                    page.newer = Some(reached);
                    return Ok(Some(page));
                }
                reached = message.number;
                if source.shows(&message) {
                    page.messages.push(message);
                    progress.room -= 1;
                }
            }
            is_end |= count == 0;
            if is_end || progress.ends(count, count < wanted, page.messages.is_empty()) {
                page.newer = (!is_end).then_some(reached);
                return Ok(Some(page));
            }
        }
    }

    /// Reads, in parallel, a membership with the viewer's blocks, and a page of messages. The page is read again if the
    /// membership has a base above `source.base`; only a viewer who hid a direct conversation has such a base.
    pub async fn member_and_messages(
        &self,
        source: Source,
        viewer: UserId,
        around: Around,
        limit: usize,
    ) -> Result<(Option<Member>, Option<MessagePage>), StoreError> {
        let read = self.messages(source, around, limit);
        let member = self.member_and_blocks(source.conversation, viewer);
        let ((member, blocks), mut page) = try_join(member, Box::pin(read)).await?;
        let base = member.as_ref().map_or(0, |member| member.base);
        if page.is_some() && base > source.base {
            page = self.messages(Source { base, ..source }, around, limit).await?;
        }
        blocks.mask(page.iter_mut().flat_map(|page| &mut page.messages));
        Ok((member, page))
    }
}

/// Returns a strongly consistent reading.
pub(super) fn reading(descending: bool, limit: Option<usize>) -> Reading {
    Reading { descending, limit, consistency: Consistency::Strong }
}

/// Returns the messages among `items`; `None` if the closing entry is among them. Kinds of a later release are skipped.
pub(crate) fn messages_unless_closed(items: Vec<Item>) -> Option<Vec<Message>> {
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
