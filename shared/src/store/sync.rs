//! Resume by number: pages of what is above the numbers that a client holds. The conversations come from the user's
//! list in the base table, in the order of their ids, so neither a time nor an index decides what is new.
//!
//! A page reads at most about 2 MB: the newest entries of both logs of a few conversations, then the entries above the
//! client's numbers in rounds. The rounds are in `rounds`.

mod rounds;

use std::collections::{BTreeMap, BTreeSet};

use futures::future::{try_join, try_join_all};

use self::rounds::Behind;
use super::{
    Store, StoreError,
    inbox::ConversationsAndMembers,
    items::{Change, Conversation, Member, Message},
};
use crate::ids::{ConversationId, UserId};

/// The maximum number of conversations of a page. The newest entries of their logs, at most 53 KB each, are read in
/// parallel: less than 1 MB.
const CONVERSATIONS: usize = 16;

/// The number of the newest messages that a client gets of a conversation whose numbers it does not hold.
pub const FIRST_MESSAGES: u64 = 20;

/// The numbers of the last message and of the last change of a conversation; 0 for none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Numbers {
    /// The number of the last message.
    pub message: u64,
    /// The number of the last change.
    pub change: u64,
}

impl Numbers {
    /// Returns true if both numbers are at most those of the other pair.
    const fn is_within(self, other: Self) -> bool {
        self.message <= other.message && self.change <= other.change
    }
}

/// The position at which a page begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SyncPosition {
    /// The first conversation of the page.
    pub conversation: ConversationId,
    /// The numbers that earlier pages have reached in it; `None` if none of them has read it.
    pub reached: Option<Numbers>,
}

/// A request for a page.
#[derive(Debug)]
pub struct SyncRequest<'a> {
    /// The user whose conversations are read.
    pub user: UserId,
    /// The numbers that the client holds.
    pub held: &'a BTreeMap<ConversationId, Numbers>,
    /// Only conversations with higher ids are read.
    pub after: Option<ConversationId>,
    /// Conversations with higher ids are not read.
    pub until: Option<ConversationId>,
    /// The position at which the page begins; `None` for the first page.
    pub position: Option<SyncPosition>,
}

/// A conversation of a page.
#[derive(Debug)]
pub struct Synced {
    /// The conversation's item. It is read after the newest number of its changes.
    pub conversation: Conversation,
    /// The user's membership.
    pub member: Member,
    /// True if the user has archived the conversation, and no message has brought it back.
    pub is_archived: bool,
    /// The numbers that the client holds after this page.
    pub reached: Numbers,
}

/// A page of what is above the client's numbers.
#[derive(Debug, Default)]
pub struct SyncPage {
    /// The conversations of the page, in the order of their ids.
    pub conversations: Vec<Synced>,
    /// Messages with tombstones, by conversation and number.
    pub messages: Vec<Message>,
    /// Changes, by conversation and number.
    pub changes: Vec<Change>,
    /// The conversations of the request of which the user is not a participant. They may not exist.
    pub gone: Vec<ConversationId>,
    /// The conversations of the request whose numbers are above the ends of their logs.
    pub beyond: Vec<ConversationId>,
    /// The position of the next page; `None` at the end.
    pub next: Option<SyncPosition>,
}

impl SyncRequest<'_> {
    /// Returns true if a page of this request can contain the conversation.
    fn covers(&self, id: ConversationId) -> bool {
        self.after.is_none_or(|after| id > after) && self.until.is_none_or(|until| id <= until)
    }

    /// Returns the numbers that the client holds of a conversation, with those that earlier pages have reached.
    fn numbers(&self, id: ConversationId) -> Option<Numbers> {
        let reached = self.position.filter(|position| position.conversation == id);
        reached.and_then(|position| position.reached).or_else(|| self.held.get(&id).copied())
    }
}

impl Store {
    /// Returns a page of what is above the client's numbers. Everything is read strongly consistent. A conversation is
    /// `gone` also if it is closed, or if the user has hidden it and it has no newer message.
    pub async fn sync_page(&self, request: &SyncRequest<'_>) -> Result<SyncPage, StoreError> {
        let mut ids = self.ids_to_sync(request).await?;
        let beyond = (ids.len() > CONVERSATIONS).then(|| ids.pop()).flatten();
        // The heads are read before the conversations. A change behind the head of its log is returned by a later call;
        // a change up to it is part of the conversation that is read.
        let heads = try_join_all(ids.iter().map(|id| self.heads(*id))).await?;
        let found = self.conversations_and_members(request.user, &ids).await?;
        let blocks = found.blocks.clone();
        let (mut page, behind) = sorted(request, ids.into_iter().zip(heads), found);
        if page.beyond.is_empty() {
            self.read_behind(behind, &mut page).await?;
            blocks.mask(&mut page.messages);
            page.next = page.next.or(beyond.map(|conversation| SyncPosition { conversation, reached: None }));
        }
        Ok(page)
    }

    /// Returns the ids of the conversations of a page and of the one after it: those of the user's list and those that
    /// the client names.
    async fn ids_to_sync(&self, request: &SyncRequest<'_>) -> Result<Vec<ConversationId>, StoreError> {
        let from = request.position.map(|position| position.conversation).max(request.after);
        // The list begins with `after`, which is not part of the page.
        let (mut ids, _) = self.conversations_of(request.user, from, CONVERSATIONS + 2).await?;
        let held = request.held.keys().filter(|id| from.is_none_or(|from| **id >= from));
        ids.extend(held);
        let ids: BTreeSet<ConversationId> = ids.into_iter().filter(|id| request.covers(*id)).collect();
        Ok(ids.into_iter().take(CONVERSATIONS + 1).collect())
    }

    /// Returns the last numbers of both logs of a conversation; `None` if it is closed.
    async fn heads(&self, id: ConversationId) -> Result<Option<Numbers>, StoreError> {
        let (message, change) = try_join(self.tail(id), self.change_head(id)).await?;
        Ok(message.zip(change).map(|(message, change)| Numbers { message, change }))
    }
}

/// Divides the conversations of a page into those to read, those that are gone, and those whose numbers are too high.
fn sorted(
    request: &SyncRequest<'_>,
    heads: impl Iterator<Item = (ConversationId, Option<Numbers>)>,
    mut found: ConversationsAndMembers,
) -> (SyncPage, Vec<Behind>) {
    let (mut page, mut behind) = (SyncPage::default(), Vec::new());
    for (id, head) in heads {
        let there = found.conversations.remove(&id).zip(found.members.remove(&id)).zip(head);
        let Some(((conversation, member), head)) =
            there.filter(|((_, member), head)| !is_hidden(member, *head))
        else {
            // Without a membership, a conversation of the list was left or closed since the list was read.
            page.gone.extend(request.held.contains_key(&id).then_some(id));
            continue;
        };
        let numbers = request.numbers(id);
        if numbers.is_some_and(|numbers| !numbers.is_within(head)) {
            page.beyond.push(id);
        }
        let first = Numbers { message: head.message.saturating_sub(FIRST_MESSAGES), ..head };
        let mut reached = numbers.unwrap_or(first);
        reached.message = reached.message.max(member.base);
        let is_archived = member.settings().is_archived(head.message);
        behind.push(Behind { synced: Synced { conversation, member, is_archived, reached }, head });
    }
    (page, behind)
}

/// Returns true if the user has hidden the conversation, and its log has no newer message.
const fn is_hidden(member: &Member, head: Numbers) -> bool {
    member.hidden && head.message <= member.base
}
