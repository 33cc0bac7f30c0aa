//! Unread messages. They are counted in the log on request and never stored, so the count cannot drift.

use super::{
    Store, StoreError,
    blocks::ViewersBlocks,
    items::{Member, Message},
    messages::{messages_unless_closed, reading},
    table::Span,
};
use crate::ids::{ConversationId, MAX_NUMBER, UserId};

/// The maximum number of unread messages that is counted exactly.
const UNREAD_EXACT: u64 = 100;
/// The maximum number of messages that one query of a count reads.
const UNREAD_PAGE: usize = 200;
/// The maximum number of messages that a count reads. If the log has more of them above the read mark, the count
/// reports more unread messages, although all of these may be the viewer's own.
const UNREAD_LOOK: u64 = 1000;

/// A count of unread messages in progress, from the newest message downward.
#[derive(Debug, Clone)]
pub struct UnreadCount {
    conversation: ConversationId,
    viewer: UserId,
    blocks: ViewersBlocks,
    floor: u64,
    next: u64,
    seen: u64,
    unread: u64,
}

impl UnreadCount {
    /// Begins the count for a participant. Messages of users whom the participant has blocked are not counted.
    pub(crate) fn new(member: &Member, blocks: ViewersBlocks) -> Self {
        let floor = member.read.max(member.base);
        Self {
            conversation: member.conversation,
            viewer: member.user,
            blocks,
            floor,
            next: MAX_NUMBER,
            seen: 0,
            unread: 0,
        }
    }

    /// Counts messages that were read downward from the present position of the count. `more` is true if further
    /// messages follow.
    pub(crate) fn take(&mut self, messages: &[Message], more: bool) {
        for message in messages.iter().filter(|message| message.number > self.floor) {
            self.seen += 1;
            self.unread += u64::from(self.counts(message));
        }
        let lowest = messages.last().map_or(0, |message| message.number.saturating_sub(1));
        self.next = if more { lowest } else { 0 };
    }

    fn counts(&self, message: &Message) -> bool {
        message.sender != self.viewer && message.deleted_at.is_none() && !self.blocks.contains(message.sender)
    }

    fn unread_span(&self) -> Option<(u64, u64)> {
        let goes_on = self.next > self.floor && self.unread <= UNREAD_EXACT && self.seen < UNREAD_LOOK;
        goes_on.then_some((self.floor + 1, self.next))
    }

    fn result(&self) -> (u64, bool) {
        (self.unread.min(UNREAD_EXACT), self.unread > UNREAD_EXACT || self.next > self.floor)
    }
}

impl Store {
    /// Returns the number of messages above a read mark that are neither the viewer's own nor deleted nor sent by
    /// a user whom the viewer has blocked. The number is
    /// exact up to 100; the second value is true if there are more.
    pub async fn count_unread(&self, mut count: UnreadCount) -> Result<(u64, bool), StoreError> {
        while let Some((low, high)) = count.unread_span() {
            let span = Span::messages(count.conversation, low, high);
            let page = self.query(span, reading(true, Some(UNREAD_PAGE))).await?;
            count.take(&messages_unless_closed(page.items).unwrap_or_default(), page.more);
        }
        Ok(count.result())
    }
}
