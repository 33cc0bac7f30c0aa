//! Pages of the inbox, ordered by last activity: the time of the newest message, or of joining if that is later.
//!
//! A message is one write, so no item of the table contains the order of a user's conversations. The order is computed
//! by reading: the strongly consistent list of the user's conversations, the tail of each, then the page. It is exact
//! for up to [`WINDOW`] conversations. A user with more conversations has several windows of whole hours of the index,
//! which contains the hour of joining. The order is exact inside each window.

use futures::future::{try_join, try_join_all};

use super::{ConversationsAndMembers, Detail, Newest};
use crate::{
    ids::{ConversationId, UserId},
    store::{
        Store, StoreError, Time,
        items::{InboxEntry, InboxSettings, Message},
        ops::{Consistency, Reading},
        table::{Activity, Key, Span},
    },
};

/// The maximum number of conversations whose tails are read for one page. Each tail costs one read unit.
const WINDOW: usize = 300;
/// The maximum number of tails that are read in parallel, each in its own request.
const TAILS: usize = 50;
/// The maximum number of conversations whose nested messages are read in parallel.
const NESTED: usize = 25;
/// The number of bytes of nested messages after which a page ends. The next page continues.
const PAGE_BYTES: usize = 2 * 1024 * 1024;

/// A conversation's position in the inbox. Pages begin with the highest position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct InboxPosition {
    /// The time of the newest message, deleted or not, or of joining if that is later.
    pub active_at: Time,
    /// The conversation. It orders conversations that were active at the same time.
    pub conversation: ConversationId,
}

/// The position at which the next page of the inbox begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct InboxCursor {
    /// The last entry of the earlier windows, by the order of the index; `None` in the first window.
    pub window: Option<Activity>,
    /// The last position of this window that an earlier page contained; `None` at the beginning of the window.
    pub before: Option<InboxPosition>,
}

/// A request for a page of the inbox.
#[derive(Debug, Clone, Copy)]
pub struct InboxRequest {
    /// The user whose inbox it is.
    pub user: UserId,
    /// The position at which the page begins.
    pub cursor: InboxCursor,
    /// True for the archived conversations, false for the others.
    pub archived: bool,
    /// The maximum number of conversations.
    pub limit: usize,
    /// The maximum number of nested messages of each conversation. The newest message is read in any case.
    pub messages: usize,
}

impl InboxRequest {
    /// Returns the entries that can be on the page. If a conversation is archived and not muted, this depends on its tail,
    /// which is read later.
    fn candidates(&self, mut entries: Vec<InboxEntry>) -> Vec<InboxEntry> {
        entries.retain(|entry| match entry.settings() {
            InboxSettings { archived_tail: None, .. } => !self.archived,
            InboxSettings { muted, .. } => self.archived || !muted,
        });
        entries
    }
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
    /// The conversations, highest position first.
    pub listed: Vec<Listed>,
    /// The position of the next page; `None` at the end of the inbox.
    pub next: Option<InboxCursor>,
}

/// Conversations that are ordered by their tails.
struct Window {
    entries: Vec<InboxEntry>,
    /// The last of the conversations by the order of the index, if there are more; `None` otherwise.
    beyond: Option<Activity>,
}

/// A conversation with the newest entries of its log; `None` if it is closed.
struct Active {
    position: InboxPosition,
    is_archived: bool,
    newest: Option<Vec<Message>>,
}

impl Active {
    fn new(entry: &InboxEntry, newest: Vec<Message>) -> Self {
        let active_at = newest.first().map_or(entry.joined_at, |tail| tail.sent_at.max(entry.joined_at));
        let position = InboxPosition { active_at, conversation: entry.conversation };
        let tail = newest.first().map_or(0, |tail| tail.number);
        Self { position, is_archived: entry.settings().is_archived(tail), newest: Some(newest) }
    }

    fn conversation(&self) -> ConversationId {
        self.position.conversation
    }

    /// Returns the approximate size of its messages, in bytes.
    fn bytes(&self) -> usize {
        let metadata =
            |message: &Message| message.metadata.as_ref().map_or(0, |metadata| metadata.as_str().len());
        self.newest.iter().flatten().map(|message| message.body.len() + metadata(message)).sum()
    }
}

impl Store {
    /// Returns a page of a user's conversations by last activity. A conversation without new messages is on exactly one
    /// page. A conversation that becomes active between the reads of two pages moves to the top of the first page.
    pub async fn inbox_page(&self, request: &InboxRequest) -> Result<InboxPage, StoreError> {
        let InboxRequest { cursor, limit, .. } = *request;
        let window = self.window(request.user, cursor.window).await?;
        let entries = request.candidates(window.entries);
        let few = entries.len() <= NESTED.min(2 * limit);
        let (mut listed, cut) = if few && cursor.before.is_none() {
            (self.all_listed(request, &entries).await?, false)
        } else {
            self.some_listed(request, &entries).await?
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

    /// Lists a window that is hardly larger than the page. Everything is read in parallel.
    async fn all_listed(
        &self,
        request: &InboxRequest,
        entries: &[InboxEntry],
    ) -> Result<Vec<Listed>, StoreError> {
        let ids: Vec<ConversationId> = entries.iter().map(|entry| entry.conversation).collect();
        let active = self.active(request, entries, request.messages.max(1));
        let (active, found) = try_join(active, self.conversations_and_members(request.user, &ids)).await?;
        self.listed(active, found, request.messages).await
    }

    /// Lists at most one conversation more than the page contains. Returns true if the page ends early because of its
    /// size.
    async fn some_listed(
        &self,
        request: &InboxRequest,
        entries: &[InboxEntry],
    ) -> Result<(Vec<Listed>, bool), StoreError> {
        let mut active = self.active(request, entries, 1).await?;
        active.retain(|active| request.cursor.before.is_none_or(|before| active.position < before));
        let (mut listed, mut rest, mut bytes) = (Vec::new(), active.into_iter(), 0);
        // A second round is needed only if the first one met conversations that the user has hidden.
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

    /// Returns the conversations of a window. Participation is decided on the table; the index only proposes the
    /// conversations.
    async fn window(&self, user: UserId, after: Option<Activity>) -> Result<Window, StoreError> {
        let reading = Reading { descending: false, limit: Some(WINDOW), consistency: Consistency::Strong };
        if after.is_none() {
            // DynamoDB says that there may be more after a query that ends at its limit. One entry above the window proves it.
            let all = Reading { limit: Some(WINDOW + 1), ..reading };
            let (entries, more) = self.query_kind(Span::inbox(user, None), all).await?;
            if !more {
                return Ok(Window { entries, beyond: None });
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
        let entries = self.get_all(keys).await?;
        Ok(Window { entries, beyond: activities.last().copied().filter(|_| more) })
    }

    /// Returns the entries of the requested list with the newest `count` messages of each, highest position first and
    /// without closed conversations.
    async fn active(
        &self,
        request: &InboxRequest,
        entries: &[InboxEntry],
        count: usize,
    ) -> Result<Vec<Active>, StoreError> {
        let mut active = Vec::with_capacity(entries.len());
        for wave in entries.chunks(TAILS) {
            let newest = self.newest_of(wave.iter().map(|entry| entry.conversation), count).await?;
            let open =
                wave.iter().zip(newest).filter_map(|(entry, newest)| Some(Active::new(entry, newest?)));
            active.extend(open);
        }
        active.retain(|active| active.is_archived == request.archived);
        active.sort_unstable_by_key(|active| std::cmp::Reverse(active.position));
        Ok(active)
    }

    /// Reads the nested messages, [`NESTED`] conversations at a time, up to [`PAGE_BYTES`]. Returns true if the page
    /// ends there.
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

    /// Returns the conversations in which the user is a participant and that the user has not hidden since the last
    /// message.
    async fn listed(
        &self,
        active: Vec<Active>,
        mut found: ConversationsAndMembers,
        messages: usize,
    ) -> Result<Vec<Listed>, StoreError> {
        let listed = active.into_iter().filter_map(|Active { position, newest, .. }| {
            let conversation = found.conversations.remove(&position.conversation)?;
            let member = found.members.remove(&position.conversation)?;
            let newest = newest?;
            let hidden = member.hidden && newest.first().is_none_or(|tail| tail.number <= member.base);
            let newest = Newest { messages: newest, count: messages.max(1), blocks: found.blocks.clone() };
            let detail = self.detail_of(conversation, Some(member), newest);
            (!hidden).then_some(async move { Ok(Listed { position, detail: detail.await? }) })
        });
        try_join_all(listed).await
    }
}

/// Removes the last hour, which may continue in the next window, unless it is the only one.
fn whole_hours(activities: &mut Vec<Activity>) {
    let last = activities.last().map(|last| last.hour);
    if activities.first().map(|first| first.hour) != last {
        activities.retain(|activity| Some(activity.hour) != last);
    }
}
