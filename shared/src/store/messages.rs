//! Messages in the log: reading one message, and pages of messages. The append is in `log`, edits are in `edits`.

mod progress;

use futures::future::try_join;

pub use self::progress::ENTRIES_PER_PAGE;
pub(super) use self::progress::ENTRIES_PER_QUERY;
use self::progress::{PAGE_BYTES, Progress};
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
    /// The approximate size of the entries that were read for the page, in bytes.
    pub bytes_read: usize,
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

impl Source {
    /// The whole log of a conversation, without tombstones.
    #[must_use]
    pub const fn of(conversation: ConversationId) -> Self {
        Self { conversation, base: 0, tombstones: false }
    }

    pub(super) fn shows(self, message: &Message) -> bool {
        self.tombstones || message.deleted_at.is_none()
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
            Around::After(number) => self.upward(source, number, Progress::new(limit)).await,
            Around::Middle(number) => self.middle(source, number, limit).await,
        }
    }

    /// Returns a page of which half is up to a number and half above it. If no message up to the number is visible, the
    /// page begins above it. If the half up to the number has read 1 MB, the page ends at the number.
    async fn middle(
        &self,
        source: Source,
        number: u64,
        limit: usize,
    ) -> Result<Option<MessagePage>, StoreError> {
        let Some(mut page) = self.messages_down_from(source, number, limit.div_ceil(2)).await? else {
            return Ok(None);
        };
        if page.bytes_read >= PAGE_BYTES {
            return Ok(Some(page));
        }
        let progress = Progress::after(page.bytes_read, limit / 2);
        let Some(newer) = self.upward(source, number, progress).await? else {
            return Ok(None);
        };
        page.newer = newer.newer;
        page.messages.extend(newer.messages);
        if let (true, Some(above)) = (page.messages.is_empty(), page.newer) {
            let newer = self.upward(source, above, Progress::after(newer.bytes_read, limit)).await?;
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
            progress.read(&entries);
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
            if count == 0 || progress.ends(is_short, page.messages.is_empty()) {
                break;
            }
        }
        page.messages.reverse();
        page.bytes_read = progress.bytes;
        Ok(Some(page))
    }

    /// Returns the oldest messages above `number`, as many as there is room for; `None` if the closing entry is among them.
    async fn upward(
        &self,
        source: Source,
        number: u64,
        mut progress: Progress,
    ) -> Result<Option<MessagePage>, StoreError> {
        let mut reached = number.max(source.base);
        let older = (reached > source.base).then(|| (reached + 1).min(MAX_NUMBER));
        let mut page = MessagePage { older, ..MessagePage::default() };
        loop {
            // One entry more than the page contains shows that there is more.
            let wanted = progress.wanted() + 1;
            let span = Span::messages(source.conversation, reached + 1, MAX_NUMBER);
            let read = self.query(span, reading(false, Some(wanted))).await?;
            let Some(entries) = messages_unless_closed(read.items) else {
                return Ok(None);
            };
            let (count, mut is_end) = (entries.len(), !read.more);
            progress.read(&entries);
            page.bytes_read = progress.bytes;
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
            if is_end || progress.ends(count < wanted, page.messages.is_empty()) {
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
