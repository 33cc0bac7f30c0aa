//! Threads: the replies to a message, and the replies to these. Each reply has a pointer below the number of the thread's first
//! message, its root, so that a list of replies reads no other messages.

use futures::future::try_join3;

use super::{
    Store, StoreError,
    items::{Item, Member, Message, ThreadPointer},
    messages::{Around, MessagePage, Source},
    ops::{Consistency, Expression, Reading},
    table::{Key, Span},
};
use crate::ids::{MAX_NUMBER, UserId};

/// The maximum number of replies on a page: of the largest ones, 1.1 MB.
pub const REPLIES_PER_PAGE: usize = 20;

/// The part of a thread that a page has.
#[derive(Debug, Clone, Copy)]
struct Part {
    /// The number of the first message of the thread.
    root: u64,
    /// The lowest and the highest number.
    span: (u64, u64),
    /// True to read from the highest number down.
    descending: bool,
    limit: usize,
}

impl Store {
    /// Puts the pointer of a reply, so that the list of its thread has it. Has no effect for a message that is no reply.
    ///
    /// The consumer of the table's stream calls this, perhaps more than once and late. The pointer of a reply is always the
    /// same item, so a repetition is harmless, and the put has no condition. A failure before the put leaves the reply out of
    /// the list until the next call.
    pub async fn put_thread_pointer(&self, reply: &Message) -> Result<(), StoreError> {
        let Some(root) = reply.thread else { return Ok(()) };
        let pointer = ThreadPointer { conversation: reply.conversation, place: (root, reply.number) };
        self.put(&Item::ThreadPointer(pointer), Expression::default()).await.map(drop)
    }

    /// Reads a viewer's membership, and a page of the replies in the thread of message `root`; `None` instead of the page if
    /// the conversation is closed. A page has at most [`REPLIES_PER_PAGE`] entries. [`Around::Middle`] is the newest page.
    ///
    /// The pointers are written after the replies, by the consumer of the stream. So they are read eventually consistent, and
    /// the replies themselves strongly consistent.
    pub async fn member_and_replies(
        &self,
        source: Source,
        viewer: UserId,
        root: u64,
        (around, limit): (Around, usize),
    ) -> Result<(Option<Member>, Option<MessagePage>), StoreError> {
        let part = Part::of(root, around, source.base, limit.min(REPLIES_PER_PAGE));
        let member = self.member_and_blocks(source.conversation, viewer);
        let pointers = self.replies(source, part);
        let ((member, blocks), tail, mut numbers) =
            try_join3(member, self.tail(source.conversation), pointers).await?;
        if tail.is_none() {
            return Ok((member, None));
        }
        let base = member.as_ref().map_or(0, |member| member.base);
        let source = Source { base: base.max(source.base), ..source };
        let part = Part::of(root, around, source.base, part.limit);
        if numbers.0.iter().any(|number| *number <= source.base) {
            numbers = self.replies(source, part).await?;
        }
        let mut page = self.page_of_replies(source, part, numbers).await?;
        blocks.mask(&mut page.messages);
        Ok((member, Some(page)))
    }

    /// Returns the numbers of replies in the order of reading, and true if there are more.
    async fn replies(&self, source: Source, part: Part) -> Result<(Vec<u64>, bool), StoreError> {
        let Part { root, span, descending, limit } = part;
        let limit = Some(limit + 1);
        let reading = Reading { descending, limit, consistency: Consistency::Eventual };
        if span.0 > span.1 {
            return Ok((Vec::new(), false));
        }
        let span = Span::replies(source.conversation.message(root), span);
        let (pointers, _) = self.query_kind::<ThreadPointer>(span, reading).await?;
        let mut numbers: Vec<u64> = pointers.iter().map(|pointer| pointer.place.1).collect();
        let more = numbers.len() > part.limit;
        numbers.truncate(part.limit);
        Ok((numbers, more))
    }

    /// Reads the replies with these numbers. Tombstones are left out unless `source` includes them, so a page can be short.
    async fn page_of_replies(
        &self,
        source: Source,
        part: Part,
        (numbers, more): (Vec<u64>, bool),
    ) -> Result<MessagePage, StoreError> {
        let keys = numbers.iter().map(|number| Key::message(source.conversation.message(*number)));
        let mut messages: Vec<Message> = self.get_all(keys.collect()).await?;
        messages.sort_unstable_by_key(|message| message.number);
        messages.retain(|message| source.shows(message));
        let last = numbers.last().copied().filter(|_| more);
        let (low, high) = part.span;
        Ok(if part.descending {
            let newer = (high < MAX_NUMBER && high > 0).then_some(high);
            MessagePage { messages, older: last, newer, bytes_read: 0 }
        } else {
            let older = (low > source.base + 1).then_some(low);
            MessagePage { messages, older, newer: last, bytes_read: 0 }
        })
    }
}

impl Part {
    fn of(root: u64, around: Around, base: u64, limit: usize) -> Self {
        let (span, descending) = match around {
            Around::Newest | Around::Middle(_) => ((base + 1, MAX_NUMBER), true),
            Around::Before(number) => ((base + 1, number.saturating_sub(1)), true),
            Around::After(number) => ((number.max(base) + 1, MAX_NUMBER), false),
        };
        Self { root, span, descending, limit }
    }
}
