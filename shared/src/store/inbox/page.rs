//! Pages of the inbox, ordered by last activity: the newest message, or joining where that is later.
//!
//! A message is one write, so nothing in the table says which of a user's conversations was active last. The order is found
//! by reading: the strongly consistent list of the user's conversations, the tail of each, then the page. This is exact for
//! up to [`WINDOW`] conversations. A user with more has several windows of whole hours of the index, which holds the hour of
//! joining; the order is exact inside each window.

use futures::future::{try_join, try_join_all};

use super::{ConversationsAndMembers, Detail};
use crate::{
    ids::{ConversationId, UserId},
    store::{
        Store, StoreError, Time,
        items::{InboxEntry, Item, Message},
        ops::{Consistency, Reading},
        table::{Activity, Key, Span},
    },
};

/// Most conversations whose tails are read for one page: one read unit each.
const WINDOW: usize = 300;
/// Most tails that are read side by side, each in a request of its own.
const TAILS: usize = 50;
/// Most conversations whose nested messages are read side by side.
const NESTED: usize = 25;
/// A page ends behind so many bytes of nested messages, and the next one goes on.
const PAGE_BYTES: usize = 2 * 1024 * 1024;

/// A conversation's position in the inbox; the page has the highest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct InboxPosition {
    /// The time of the newest message, deleted or not, or of joining where that is later.
    pub active_at: Time,
    /// The conversation: distinguishes those that were active at the same time.
    pub conversation: ConversationId,
}

/// The position behind a page of the inbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct InboxCursor {
    /// The last entry, by the index, of the windows that were shown.
    pub window: Option<Activity>,
    /// The last position that was shown of this window.
    pub before: Option<InboxPosition>,
}

/// A request for a page.
#[derive(Debug, Clone, Copy)]
pub struct InboxRequest {
    /// The user whose inbox it is.
    pub user: UserId,
    /// The position at which the page begins.
    pub cursor: InboxCursor,
    /// Most conversations.
    pub limit: usize,
    /// Most nested messages of each; the newest one is read in any case.
    pub messages: usize,
}

/// A conversation on a page.
#[derive(Debug)]
pub struct Listed {
    /// Its position when the page was read.
    pub position: InboxPosition,
    /// The conversation with its newest messages.
    pub detail: Detail,
}

/// A page of the inbox.
#[derive(Debug)]
pub struct InboxPage {
    /// In order.
    pub listed: Vec<Listed>,
    /// The position of the next page; `None` at the end of the inbox.
    pub next: Option<InboxCursor>,
}

/// Conversations whose order is known once their tails are read.
struct Window {
    entries: Vec<InboxEntry>,
    /// The last of them by the index, if there are more.
    beyond: Option<Activity>,
}

/// A conversation with the newest entries of its log; without them once it is closed.
struct Active {
    position: InboxPosition,
    newest: Option<Vec<Message>>,
}

impl Active {
    fn new(entry: &InboxEntry, newest: Vec<Message>) -> Self {
        let active_at = newest.first().map_or(entry.joined_at, |tail| tail.sent_at.max(entry.joined_at));
        let position = InboxPosition { active_at, conversation: entry.conversation };
        Self { position, newest: Some(newest) }
    }

    fn conversation(&self) -> ConversationId {
        self.position.conversation
    }

    /// About what its messages take.
    fn bytes(&self) -> usize {
        let metadata =
            |message: &Message| message.metadata.as_ref().map_or(0, |metadata| metadata.as_str().len());
        self.newest.iter().flatten().map(|message| message.body.len() + metadata(message)).sum()
    }
}

impl Store {
    /// A page of a user's conversations by last activity. Conversations that nobody writes to meanwhile are on exactly one
    /// page; one that becomes active between two pages moves to the top of the first.
    pub async fn inbox_page(&self, request: &InboxRequest) -> Result<InboxPage, StoreError> {
        let InboxRequest { cursor, limit, .. } = *request;
        let window = self.window(request.user, cursor.window).await?;
        let few = window.entries.len() <= NESTED.min(2 * limit);
        let (mut listed, cut) = if few && cursor.before.is_none() {
            (self.all_listed(request, &window.entries).await?, false)
        } else {
            self.some_listed(request, &window.entries).await?
        };
        let more = cut || listed.len() > limit;
        listed.truncate(limit);
        let before = listed.last().map(|last| last.position).filter(|_| more);
        let next = match (before, window.beyond) {
            (Some(before), _) => Some(InboxCursor { before: Some(before), ..cursor }),
            (None, beyond) => beyond.map(|window| InboxCursor { window: Some(window), before: None }),
        };
        Ok(InboxPage { listed, next })
    }

    /// A window of hardly more conversations than the page has: all is read side by side.
    async fn all_listed(
        &self,
        request: &InboxRequest,
        entries: &[InboxEntry],
    ) -> Result<Vec<Listed>, StoreError> {
        let ids: Vec<ConversationId> = entries.iter().map(|entry| entry.conversation).collect();
        let active = self.active(entries, request.messages.max(1));
        let (active, found) = try_join(active, self.conversations_and_members(request.user, &ids)).await?;
        self.listed(active, found, request.messages).await
    }

    /// One conversation more than the page has, if there are so many; and whether the page ends early for its size.
    async fn some_listed(
        &self,
        request: &InboxRequest,
        entries: &[InboxEntry],
    ) -> Result<(Vec<Listed>, bool), StoreError> {
        let mut active = self.active(entries, 1).await?;
        active.retain(|active| request.cursor.before.is_none_or(|before| active.position < before));
        let (mut listed, mut rest, mut bytes) = (Vec::new(), active.into_iter(), 0);
        // Again only where conversations were met that the user has hidden.
        while listed.len() <= request.limit && rest.len() > 0 {
            let mut some: Vec<Active> = rest.by_ref().take(request.limit + 1 - listed.len()).collect();
            let ids: Vec<ConversationId> = some.iter().map(Active::conversation).collect();
            let nested = self.nested(&mut some, request.messages, &mut bytes);
            let (found, cut) = try_join(self.conversations_and_members(request.user, &ids), nested).await?;
            listed.extend(self.listed(some, found, request.messages).await?);
            if cut {
                return Ok((listed, true));
            }
        }
        Ok((listed, false))
    }

    /// The conversations of a window. Who is a participant is decided on the table: the index only says where to look.
    async fn window(&self, user: UserId, after: Option<Activity>) -> Result<Window, StoreError> {
        let reading = Reading { descending: false, limit: Some(WINDOW), consistency: Consistency::Strong };
        if after.is_none() {
            let page = self.query_whole(Span::inbox(user, None), reading).await?;
            if !page.more {
                return Ok(Window { entries: entries(page.items), beyond: None });
            }
        }
        let reading = Reading { descending: true, consistency: Consistency::Eventual, ..reading };
        let (found, more) = self.query_whole_raw(&Span::active(user, after.as_ref()), reading).await?;
        let mut activities: Vec<Activity> =
            found.iter().filter_map(|item| Activity::parse(item.get("gsi1sk")?.as_s().ok()?)).collect();
        if more {
            whole_hours(&mut activities);
        }
        let keys = activities.iter().map(|activity| Key::inbox(user, activity.conversation)).collect();
        let entries = entries(self.batch_get(keys, Consistency::Strong).await?);
        Ok(Window { entries, beyond: activities.last().copied().filter(|_| more) })
    }

    /// Entries with the newest `count` messages of each, latest first; closed conversations are left out.
    async fn active(&self, entries: &[InboxEntry], count: usize) -> Result<Vec<Active>, StoreError> {
        let mut active = Vec::with_capacity(entries.len());
        for wave in entries.chunks(TAILS) {
            let newest = self.newest_of(wave.iter().map(|entry| entry.conversation), count).await?;
            let open =
                wave.iter().zip(newest).filter_map(|(entry, newest)| Some(Active::new(entry, newest?)));
            active.extend(open);
        }
        active.sort_unstable_by_key(|active| std::cmp::Reverse(active.position));
        Ok(active)
    }

    /// Reads the messages that are nested, in waves, until there are enough bytes; true if the page ends there.
    async fn nested(
        &self,
        active: &mut Vec<Active>,
        count: usize,
        bytes: &mut usize,
    ) -> Result<bool, StoreError> {
        let mut whole = 0;
        for wave in active.chunks_mut(NESTED) {
            if count > 1 {
                let newest = self.newest_of(wave.iter().map(Active::conversation), count).await?;
                for (active, newest) in wave.iter_mut().zip(newest) {
                    active.newest = newest;
                }
            }
            whole += wave.len();
            *bytes += wave.iter().map(Active::bytes).sum::<usize>();
            if *bytes > PAGE_BYTES {
                break;
            }
        }
        let cut = whole < active.len();
        active.truncate(whole);
        Ok(cut)
    }

    /// Those that the user takes part in and has not hidden since the last message.
    async fn listed(
        &self,
        active: Vec<Active>,
        mut found: ConversationsAndMembers,
        messages: usize,
    ) -> Result<Vec<Listed>, StoreError> {
        let listed = active.into_iter().filter_map(|Active { position, newest }| {
            let conversation = found.conversations.remove(&position.conversation)?;
            let member = found.members.remove(&position.conversation)?;
            let newest = newest?;
            let hidden = member.hidden && newest.first().is_none_or(|tail| tail.number <= member.base);
            let detail = self.detail_of(conversation, Some(member), newest, messages.max(1));
            (!hidden).then_some(async move { Ok(Listed { position, detail: detail.await? }) })
        });
        try_join_all(listed).await
    }
}

/// Leaves the last hour to the next window, as it may go on there; unless there is no other.
fn whole_hours(activities: &mut Vec<Activity>) {
    let last = activities.last().map(|last| last.hour);
    if activities.first().map(|first| first.hour) != last {
        activities.retain(|activity| Some(activity.hour) != last);
    }
}

fn entries(items: Vec<Item>) -> Vec<InboxEntry> {
    items.into_iter().filter_map(Item::into_inbox).collect()
}
