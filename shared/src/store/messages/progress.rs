//! The bounds of one page of messages: how many entries its queries read, and after how many bytes it ends.

use crate::store::items::Message;

/// The number of bytes after which a page ends before its limit, as in `DynamoDB`.
pub(super) const PAGE_BYTES: usize = 1024 * 1024;

/// The maximum number of entries that a page without tombstones reads, unless they have 1 MB before. Then the page ends
/// with fewer messages or none, and the next page continues.
pub const ENTRIES_PER_PAGE: usize = 1000;

/// The number of entries that each further query of a page reads.
pub(in crate::store) const ENTRIES_PER_QUERY: usize = 200;

/// The progress of reading a page.
pub(super) struct Progress {
    /// The number of messages that the page can still contain.
    pub(super) room: usize,
    /// The number of entries that were read.
    entries: usize,
    /// Their approximate size, in bytes.
    pub(super) bytes: usize,
}

impl Progress {
    pub(super) const fn new(limit: usize) -> Self {
        Self::after(0, limit)
    }

    /// Begins for the rest of a page that has read `bytes`.
    pub(super) const fn after(bytes: usize, limit: usize) -> Self {
        Self { room: limit, entries: 0, bytes }
    }

    /// Returns the limit of the next query. The first query reads as many entries as the page contains if none is a
    /// tombstone.
    pub(super) const fn wanted(&self) -> usize {
        if self.entries == 0 { self.room } else { ENTRIES_PER_QUERY }
    }

    /// Counts the entries of a query.
    pub(super) fn read(&mut self, entries: &[Message]) {
        self.entries += entries.len();
        self.bytes += entries.iter().map(Message::bytes).sum::<usize>();
    }

    /// Returns true if reading ends: at a bound, or if 1 MB ended the last query and the page is not empty. The last query
    /// reads at most 1 MB more than the bound.
    pub(super) const fn ends(&self, is_short: bool, is_empty: bool) -> bool {
        let is_at_bound = self.entries >= ENTRIES_PER_PAGE || self.bytes >= PAGE_BYTES;
        self.room == 0 || is_at_bound || (is_short && !is_empty)
    }
}
