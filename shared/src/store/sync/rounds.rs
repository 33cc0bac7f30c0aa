//! The rounds of a page of `sync`: the logs above the numbers that the client holds, as many in one round as are small
//! together. A round that is large enough ends the page.

use std::{collections::VecDeque, iter};

use futures::future::{try_join, try_join_all};

use super::{Numbers, SyncPage, SyncPosition, Synced};
use crate::store::{
    Store, StoreError,
    items::{Change, Message},
    messages::{Around, MessagePage, Source},
};

/// The maximum number of entries that conversations which are read in the same round have together. At most 53 KB
/// each, they have less than 1 MB.
const ENTRIES_PER_ROUND: u64 = 16;

/// The maximum number of messages, and of changes, that a page reads of one conversation. The messages end at 1 MB.
const ENTRIES_PER_LOG: u64 = 100;

/// The number of messages and changes after which a page ends.
const ENOUGH_ENTRIES: usize = 100;

/// The size of the messages, in bytes, after which a page ends. The last round may add 1 MB. An answer of Lambda, in
/// which a quotation mark takes four bytes, may have 6 MB.
const ENOUGH_BYTES: usize = 256 * 1024;

/// The maximum number of rounds of a page.
const ROUNDS: usize = 4;

/// A conversation with the numbers that the client holds and with the ends of its logs.
pub(super) struct Behind {
    pub(super) synced: Synced,
    pub(super) head: Numbers,
}

impl Behind {
    /// Returns the number of entries that the client does not have.
    fn entries(&self) -> u64 {
        let reached = self.synced.reached;
        (self.head.message - reached.message.min(self.head.message)) + (self.head.change - reached.change)
    }

    fn position(&self) -> SyncPosition {
        let Synced { conversation, reached, .. } = &self.synced;
        SyncPosition { conversation: conversation.id, reached: Some(*reached) }
    }
}

/// The entries of both logs of one conversation; `None` for a log that is closed.
type Entries = (Option<MessagePage>, Option<(Vec<Change>, bool)>);

impl Store {
    /// Adds the conversations to the page, with their messages and changes, until the page is large enough.
    pub(super) async fn read_behind(
        &self,
        behind: Vec<Behind>,
        page: &mut SyncPage,
    ) -> Result<(), StoreError> {
        let (mut rest, mut bytes, mut rounds) = (VecDeque::from(behind), 0, 0);
        while let Some(round) = next_round(&mut rest) {
            let is_idle = round.iter().all(|behind| behind.entries() == 0);
            let is_enough =
                bytes > ENOUGH_BYTES || page.messages.len() + page.changes.len() >= ENOUGH_ENTRIES;
            if !is_idle && (is_enough || rounds == ROUNDS) {
                page.next = round.first().map(Behind::position);
                return Ok(());
            }
            rounds += usize::from(!is_idle);
            let entries = try_join_all(round.iter().map(|behind| self.entries_behind(behind))).await?;
            for (behind, entries) in round.into_iter().zip(entries) {
                bytes += entries.0.as_ref().map_or(0, |messages| messages.bytes_read);
                page.next = page.take(behind, entries);
                if page.next.is_some() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Reads what the client does not have of one conversation, up to the ends that were read before.
    async fn entries_behind(&self, behind: &Behind) -> Result<Entries, StoreError> {
        let Behind { synced: Synced { conversation, member, reached, .. }, head } = behind;
        let id = conversation.id;
        let source = Source { conversation: id, base: member.base, tombstones: true };
        let messages = async {
            match limit(reached.message, head.message) {
                0 => Ok(Some(MessagePage::default())),
                limit => Box::pin(self.messages(source, Around::After(reached.message), limit)).await,
            }
        };
        let changes = async {
            match limit(reached.change, head.change) {
                0 => Ok(Some((Vec::new(), false))),
                limit => self.changes_above(id, reached.change, limit).await,
            }
        };
        try_join(messages, changes).await
    }
}

impl SyncPage {
    /// Adds a conversation with its entries. Returns the position of the next page if there are more entries below the
    /// ends of the logs: a page of a log is bounded, and it ends before a hole.
    fn take(&mut self, behind: Behind, entries: Entries) -> Option<SyncPosition> {
        let Behind { mut synced, head } = behind;
        let id = synced.conversation.id;
        let (Some(messages), Some((changes, _))) = entries else {
            // Another request has closed the conversation since its ends were read.
            self.gone.push(id);
            return None;
        };
        let reached = &mut synced.reached;
        reached.message = messages.messages.last().map_or(reached.message, |last: &Message| last.number);
        reached.change = changes.last().map_or(reached.change, |last| last.number);
        let reached = *reached;
        self.messages.extend(messages.messages);
        self.changes.extend(changes);
        self.conversations.push(synced);
        (!head.is_within(reached)).then_some(SyncPosition { conversation: id, reached: Some(reached) })
    }
}

/// Returns the number of entries to read above `reached`.
fn limit(reached: u64, head: u64) -> usize {
    usize::try_from(head.saturating_sub(reached).min(ENTRIES_PER_LOG)).unwrap_or_default()
}

/// Takes the conversations of the next round: the first one, and those after it that are small together with it.
/// `None` without conversations.
fn next_round(rest: &mut VecDeque<Behind>) -> Option<Vec<Behind>> {
    let first = rest.pop_front()?;
    let mut entries = first.entries();
    let others = iter::from_fn(|| {
        entries += rest.front()?.entries();
        if entries <= ENTRIES_PER_ROUND { rest.pop_front() } else { None }
    });
    let others: Vec<Behind> = others.collect();
    Some(iter::once(first).chain(others).collect())
}
