//! The newest entries of a log, as a representation nests them. They are read downward: the tail first, which gives the
//! order of the inbox, and then the messages to show. Older messages replace deleted ones.

use super::{
    inbox::{NESTED_BYTES, NESTED_MESSAGES},
    items::{Conversation, Message},
    messages::{ENTRIES_PER_PAGE, ENTRIES_PER_QUERY},
    read_budget::{ReadsDown, Wanted},
};
use crate::ids::{ConversationId, MAX_NUMBER};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    /// Nothing is read yet.
    New,
    /// The log has further entries.
    Open,
    /// The log has no further entries.
    Whole,
    /// The log is closed.
    Closed,
}

/// The newest entries of a log while they are read.
#[derive(Debug)]
pub(super) struct LogEnd {
    conversation: ConversationId,
    progress: Progress,
    /// The number of entries that the first query reads.
    first: usize,
    /// The number of messages to show; 0 as long as only the first query is wanted.
    count: usize,
    /// Nothing at or below this number is shown.
    base: u64,
    /// True if the tail knows since when messages are small.
    knows_sizes: bool,
    /// The entries, newest first, including tombstones.
    entries: Vec<Message>,
}

impl LogEnd {
    /// Begins with the newest `first` entries, and no others until [`LogEnd::show`].
    pub(super) const fn new(conversation: ConversationId, first: usize) -> Self {
        Self {
            conversation,
            progress: Progress::New,
            first,
            count: 0,
            base: 0,
            knows_sizes: false,
            entries: Vec::new(),
        }
    }

    /// Asks for `count` messages of a conversation above the number `base` that are not deleted, as far as a representation
    /// shows them.
    pub(super) fn show(&mut self, conversation: &Conversation, count: usize, base: u64) {
        (self.count, self.base) = (count, base);
        self.knows_sizes = !conversation.has_large_edits;
    }

    /// Returns the number since which all messages up to the tail are small; `None` if it is not known.
    pub(super) fn small_since(&self) -> Option<u64> {
        self.tail().filter(|_| self.knows_sizes)?.small_since
    }

    pub(super) fn is_read(&self) -> bool {
        self.progress != Progress::New
    }

    pub(super) fn is_closed(&self) -> bool {
        self.progress == Progress::Closed
    }

    /// Returns the newest entry; `None` if the log is empty or not read.
    pub(super) fn tail(&self) -> Option<&Message> {
        self.entries.first()
    }

    /// Returns the entries, newest first.
    pub(super) fn into_entries(self) -> Vec<Message> {
        self.entries
    }

    /// Returns the next entries to read. Messages of unknown size are expected to be as large as the largest one so far,
    /// so that no more of them are read than the representation has room for.
    fn further(&self) -> Option<Wanted> {
        let below = self.entries.last()?.number.saturating_sub(1);
        let shown = self.entries.iter().filter(|it| it.number > self.base && it.deleted_at.is_none());
        let (shown, bytes, largest) = shown.fold((0, 0, 1), |(shown, bytes, largest), message| {
            (shown + 1, bytes + message.body.len(), message.body.len().max(largest))
        });
        let deleted = self.entries.len() - shown;
        let missing = self.count.saturating_sub(shown).min(NESTED_BYTES.saturating_sub(bytes) / largest);
        if below <= self.base || missing == 0 || self.entries.len() >= ENTRIES_PER_PAGE {
            return None;
        }
        // A row of deleted entries may go on.
        let count = missing.max(deleted.min(ENTRIES_PER_QUERY));
        Some(Wanted::new(self.conversation, (self.base + 1, below), count, self.small_since()))
    }
}

impl ReadsDown for LogEnd {
    fn wanted(&self) -> Option<Wanted> {
        match self.progress {
            Progress::New => Some(Wanted::new(self.conversation, (1, MAX_NUMBER), self.first, None)),
            Progress::Open => self.further(),
            Progress::Whole | Progress::Closed => None,
        }
    }

    fn take(&mut self, messages: Option<Vec<Message>>, more: bool) {
        // Numbers have no gaps. So there are further entries, unless the lowest number is 1.
        self.progress = match (&messages, self.progress) {
            (None, _) => Progress::Closed,
            // A later release has written entries of another kind at the end.
            (Some(messages), Progress::New)
                if messages.is_empty() && more && self.first < NESTED_MESSAGES =>
            {
                self.first = NESTED_MESSAGES;
                Progress::New
            }
            (Some(messages), _) if messages.last().is_none_or(|lowest| lowest.number == 1) => Progress::Whole,
            _ => Progress::Open,
        };
        self.entries.extend(messages.into_iter().flatten());
    }
}
