//! Pages of the inbox, ordered by last activity: the time of the newest message, or of joining if that is later.
//!
//! A message is one write, so no item of the table contains the order of a user's conversations. The order is computed
//! by reading: the strongly consistent list of the user's conversations, the tail of each, then the page. It is exact
//! for up to 300 conversations. A user with more conversations has several windows of whole hours of the index,
//! which contains the hour of the last activity; see `window`. The order is exact inside each window. A window also ends where the newest
//! messages have used up the bytes that a page may read; then its cursor contains the end.

use std::cmp::Reverse;

use futures::future::{try_join, try_join_all};

use super::{ConversationsAndMembers, Detail, Shown, window::Window};
use crate::{
    ids::{ConversationId, UserId},
    store::{
        ReadBudget, Store, StoreError, Time,
        items::{InboxEntry, InboxSettings},
        newest::LogEnd,
        table::Activity,
    },
};

/// The maximum number of conversations of an inbox that is read like one page.
const FEW: usize = 24;

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
    /// The last entry of this window, if the sizes of the newest messages decided on it.
    pub end: Option<Activity>,
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
    /// Returns true if an entry can be on the page. If a conversation is archived and not muted, this depends on its tail,
    /// which is read later.
    fn is_candidate(&self, entry: &InboxEntry) -> bool {
        match entry.settings() {
            InboxSettings { archived_tail: None, .. } => !self.archived,
            InboxSettings { muted, .. } => self.archived || !muted,
        }
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
    /// The window of this page, for the position of a next page that begins before `next`.
    pub window: InboxCursor,
    /// The rest of the page's budget, for counts of unread messages.
    pub budget: ReadBudget,
}

/// A conversation with its tail.
struct Active {
    position: InboxPosition,
    is_archived: bool,
    end: LogEnd,
}

impl Active {
    fn new(entry: &InboxEntry, end: LogEnd) -> Self {
        let active_at = end.tail().map_or(entry.joined_at, |tail| tail.sent_at.max(entry.joined_at));
        let position = InboxPosition { active_at, conversation: entry.conversation };
        let tail = end.tail().map_or(0, |tail| tail.number);
        Self { position, is_archived: entry.settings().is_archived(tail), end }
    }

    /// Returns the conversation with its items; `None` unless the user is a participant and has not hidden it since the
    /// last message.
    fn shown(self, found: &mut ConversationsAndMembers) -> Option<(InboxPosition, Shown)> {
        let id = self.position.conversation;
        let member = found.members.remove(&id)?;
        let hidden = member.hidden && self.end.tail().is_none_or(|tail| tail.number <= member.base);
        let conversation = found.conversations.remove(&id).filter(|_| !hidden)?;
        let (blocks, end) = (found.blocks.clone(), self.end);
        Some((self.position, Shown { conversation, member: Some(member), blocks, end }))
    }
}

/// The conversations of a page, and a part of those after it.
type Found = Vec<(InboxPosition, Shown)>;

impl Store {
    /// Returns a page of a user's conversations by last activity. A conversation without new messages is on exactly one
    /// page. A conversation that becomes active between the reads of two pages moves to the top of the first page.
    ///
    /// If the newest messages fill the budget, later pages of the same window can meet larger ones. Then the window ends
    /// earlier, and the next one begins there: it may show conversations again, and leaves out none.
    pub async fn inbox_page(&self, request: &InboxRequest) -> Result<InboxPage, StoreError> {
        let InboxRequest { cursor, limit, .. } = *request;
        let mut window = self.window(request.user, cursor).await?;
        window.entries.retain(|(_, entry)| request.is_candidate(entry));
        let (few, mut budget) = (window.entries.len() <= FEW.min(2 * limit), ReadBudget::default());
        let mut found = if few && cursor.before.is_none() {
            self.find_all(request, &mut window, &mut budget).await?
        } else {
            self.find_some(request, &mut window, &mut budget).await?
        };
        let more = found.len() > limit;
        found.truncate(limit);
        let before = found.last().map(|(last, _)| *last).filter(|_| more);
        let here = InboxCursor { end: window.end, ..cursor };
        let next = match (before, window.beyond) {
            (Some(_), _) => Some(InboxCursor { before, ..here }),
            (None, beyond) => {
                beyond.map(|beyond| InboxCursor { window: Some(beyond), ..InboxCursor::default() })
            }
        };
        let listed = self.listed(found, request.messages, &mut budget).await?;
        Ok(InboxPage { listed, next, window: here, budget })
    }

    /// Finds the conversations of a window that is hardly larger than the page. Everything is read in parallel.
    async fn find_all(
        &self,
        request: &InboxRequest,
        window: &mut Window,
        budget: &mut ReadBudget,
    ) -> Result<Found, StoreError> {
        let ids = window.ids();
        // A few small logs are read with the messages to show at once.
        let first =
            if budget.has_room_for(ids.len() * request.messages) { request.messages.max(1) } else { 1 };
        let active = self.active(request, window, first, budget);
        let (active, mut found) =
            try_join(active, self.conversations_and_members(request.user, &ids)).await?;
        Ok(active.into_iter().filter_map(|active| active.shown(&mut found)).collect())
    }

    /// Finds at most one conversation more than the page contains.
    async fn find_some(
        &self,
        request: &InboxRequest,
        window: &mut Window,
        budget: &mut ReadBudget,
    ) -> Result<Found, StoreError> {
        let mut active = self.active(request, window, 1, budget).await?;
        active.retain(|active| request.cursor.before.is_none_or(|before| active.position < before));
        let (mut shown, mut rest) = (Found::new(), active.into_iter());
        // A second round is needed only if the first one met conversations that the user has hidden.
        while shown.len() <= request.limit && rest.len() > 0 {
            let some: Vec<Active> = rest.by_ref().take(request.limit + 1 - shown.len()).collect();
            let ids: Vec<ConversationId> = some.iter().map(|active| active.position.conversation).collect();
            let mut found = self.conversations_and_members(request.user, &ids).await?;
            shown.extend(some.into_iter().filter_map(|active| active.shown(&mut found)));
        }
        Ok(shown)
    }

    /// Reads the newest `first` messages of each conversation, and ends the window where the budget is used up. Returns
    /// the conversations of the requested list that are not closed, highest position first.
    async fn active(
        &self,
        request: &InboxRequest,
        window: &mut Window,
        first: usize,
        budget: &mut ReadBudget,
    ) -> Result<Vec<Active>, StoreError> {
        let mut ends: Vec<LogEnd> = window.ids().into_iter().map(|id| LogEnd::new(id, first)).collect();
        self.read_down(&mut ends, budget).await?;
        let read = ends.iter().take_while(|end| end.is_read()).count();
        if read < window.entries.len() {
            window.entries.truncate(read);
            let last = window.entries.last().map(|(activity, _)| *activity);
            (window.beyond, window.end) = (last, last);
        }
        let read = window.entries.iter().zip(ends).filter(|(_, end)| !end.is_closed());
        let mut active: Vec<Active> = read.map(|((_, entry), end)| Active::new(entry, end)).collect();
        active.retain(|active| active.is_archived == request.archived);
        active.sort_unstable_by_key(|active| Reverse(active.position));
        Ok(active)
    }

    /// Reads the messages that conversations show, as far as the budget allows, and builds their details.
    pub(super) async fn listed(
        &self,
        found: Vec<(InboxPosition, Shown)>,
        messages: usize,
        budget: &mut ReadBudget,
    ) -> Result<Vec<Listed>, StoreError> {
        let (positions, mut shown): (Vec<InboxPosition>, Vec<Shown>) = found.into_iter().unzip();
        for shown in &mut shown {
            shown.show(messages);
        }
        self.read_down(&mut shown, budget).await?;
        let details = try_join_all(shown.into_iter().map(|shown| self.detail_of(shown))).await?;
        let listed = positions.into_iter().zip(details);
        Ok(listed.map(|(position, detail)| Listed { position, detail }).collect())
    }
}
