//! Unread messages. They are counted in the log on request and never stored, so the count cannot drift.

use super::{
    blocks::ViewersBlocks,
    items::{Member, Message},
    read_budget::{ReadsDown, Wanted},
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
    /// The number since which all messages are small; `None` if it is not known.
    small_since: Option<u64>,
}

impl UnreadCount {
    /// Begins the count for a participant. Messages of users whom the participant has blocked are not counted. All messages
    /// from the number `small_since` on are known to be small.
    pub(crate) fn new(member: &Member, blocks: ViewersBlocks, small_since: Option<u64>) -> Self {
        let floor = member.read.max(member.base);
        Self {
            conversation: member.conversation,
            viewer: member.user,
            blocks,
            floor,
            next: MAX_NUMBER,
            seen: 0,
            unread: 0,
            small_since,
        }
    }

    /// Counts messages that were read downward from the present position of the count. `more` is true if further
    /// messages follow.
    pub(crate) fn add(&mut self, messages: &[Message], more: bool) {
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

    /// Returns the number of unread messages, which is exact up to 100 unless the reading ended before, and true if there
    /// can be more.
    #[must_use]
    pub fn result(&self) -> (u64, bool) {
        (self.unread.min(UNREAD_EXACT), self.unread > UNREAD_EXACT || self.next > self.floor)
    }
}

impl ReadsDown for UnreadCount {
    /// Returns the messages above the read mark. The first ones suffice unless they do not count.
    fn wanted(&self) -> Option<Wanted> {
        let span = self.unread_span()?;
        let first = usize::try_from(UNREAD_EXACT + 1 - self.unread).unwrap_or(UNREAD_PAGE);
        let count = if self.seen == self.unread { first } else { UNREAD_PAGE };
        Some(Wanted::new(self.conversation, span, count, self.small_since))
    }

    fn take(&mut self, messages: Option<Vec<Message>>, more: bool) {
        self.add(&messages.unwrap_or_default(), more);
    }
}
