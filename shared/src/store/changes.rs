//! The change log: edits, deletions, joins, leaves and renames, numbered as messages are, each written in one transaction
//! with the item that it changes. The slot's condition orders changes, the target's condition keeps each one based on
//! what was read.

use futures::future::try_join;
use uuid::Uuid;

use super::{
    Store, StoreError,
    items::{Change, Item, Member},
    ops::{ABSENT, Consistency, Expression, Reading},
    table::{Key, LogPosition, Span},
    transactions::{Step, Transacted},
};
use crate::ids::{ConversationId, UserId};

/// What became of writing a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChangeWritten {
    /// It took effect, now or when it was tried before.
    Done,
    /// Somebody else was faster: read again and try again.
    Lost,
    /// The conversation is closed.
    Closed,
}

/// The end of a change log.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ChangeTail {
    /// The first free number; `None` once the log is closed.
    pub(crate) next: Option<u64>,
    /// The request that wrote the last entry.
    request: Option<Uuid>,
}

impl ChangeTail {
    /// Returns true if `request` wrote the last entry: an earlier try of it took effect after it was given up, and what is read
    /// now is its result.
    pub(crate) fn is_of(self, request: Uuid) -> bool {
        self.request == Some(request)
    }
}

impl Store {
    /// The end of the change log.
    pub(crate) async fn change_tail(&self, conversation: ConversationId) -> Result<ChangeTail, StoreError> {
        let reading = Reading::newest_first(Some(1));
        let page = self.query(Span::changes(conversation, 1), reading).await?;
        match page.items.first() {
            None => Ok(ChangeTail { next: Some(1), request: None }),
            Some(Item::Change(change)) => {
                Ok(ChangeTail { next: Some(change.number + 1), request: Some(change.request) })
            }
            Some(Item::Closed(closed)) => Ok(ChangeTail { next: None, request: Some(closed.request) }),
            Some(_) => Err(StoreError::corrupt("CHANGE", "something else stands in the change log")),
        }
    }

    /// Writes a change together with what it changes.
    ///
    /// All of it or nothing takes effect. An answer lost behind the commit is repeated by the SDK with the same client
    /// request token; beyond that the occupant of the slot is recognised by the request's own key.
    pub(crate) async fn write_change(
        &self,
        change: Change,
        steps: Vec<Step>,
    ) -> Result<ChangeWritten, StoreError> {
        let request = change.request;
        let mut all = vec![Step::Put(Item::Change(change), Expression::condition(ABSENT))];
        all.extend(steps);
        match self.transact(&all).await? {
            Transacted::Done => Ok(ChangeWritten::Done),
            Transacted::Conflict => Ok(ChangeWritten::Lost),
            Transacted::Refused(failed) => Ok(match failed.into_iter().next().flatten().flatten() {
                Some(Item::Change(occupant)) if occupant.request == request => ChangeWritten::Done,
                Some(Item::Closed(_)) => ChangeWritten::Closed,
                _ => ChangeWritten::Lost,
            }),
        }
    }

    /// A membership ∥ the changes numbered above `after`, in order, at most `limit`, up to the first hole (a page read
    /// forward is no snapshot). `None` instead of changes where the conversation is closed.
    pub async fn changes_after(
        &self,
        conversation: ConversationId,
        viewer: UserId,
        after: u64,
        limit: usize,
    ) -> Result<(Option<Member>, Option<(Vec<Change>, bool)>), StoreError> {
        let reading = Reading { descending: false, limit: Some(limit + 1), consistency: Consistency::Strong };
        let page = self.query_whole(Span::changes(conversation, after + 1), reading);
        let (member, page) = try_join(self.member(conversation, viewer), page).await?;
        let mut changes = Vec::with_capacity(limit);
        let mut more = page.more;
        for item in page.items {
            match item {
                Item::Closed(_) => return Ok((member, None)),
                Item::Change(change) if change.number != after + 1 + changes.len() as u64 => break,
                Item::Change(_) if changes.len() == limit => more = true,
                Item::Change(change) => changes.push(change),
                _ => break,
            }
        }
        Ok((member, Some((changes, more))))
    }

    /// A membership ∥ the newest changes above `after`, newest first, at most `limit`. `None` instead of changes where the
    /// conversation is closed: the closing entry is the newest entry.
    pub async fn newest_changes(
        &self,
        conversation: ConversationId,
        viewer: UserId,
        after: u64,
        limit: usize,
    ) -> Result<(Option<Member>, Option<Vec<Change>>), StoreError> {
        let reading = Reading::newest_first(Some(limit));
        let page = self.query_whole(Span::changes(conversation, after + 1), reading);
        let (member, page) = try_join(self.member(conversation, viewer), page).await?;
        if matches!(page.items.first(), Some(Item::Closed(_))) {
            return Ok((member, None));
        }
        let change = |item| if let Item::Change(change) = item { Some(change) } else { None };
        Ok((member, Some(page.items.into_iter().filter_map(change).collect())))
    }

    /// A user's memberships in several conversations, strongly consistent.
    pub async fn memberships(&self, user: UserId, ids: &[ConversationId]) -> Result<Vec<Member>, StoreError> {
        let keys = ids.iter().map(|id| Key::member(*id, user)).collect();
        self.members_at(keys).await
    }

    /// The memberships at `keys`, strongly consistent.
    pub(super) async fn members_at(&self, keys: Vec<Key>) -> Result<Vec<Member>, StoreError> {
        let items = self.batch_get(keys, Consistency::Strong).await?;
        Ok(items.into_iter().filter_map(Item::into_member).collect())
    }

    /// A membership, strongly consistent: what decides about access.
    pub async fn member(
        &self,
        conversation: ConversationId,
        user: UserId,
    ) -> Result<Option<Member>, StoreError> {
        Ok(self.get(Key::member(conversation, user), Consistency::Strong).await?.and_then(Item::into_member))
    }
}

/// The closing entry of one of the logs.
pub(crate) fn closing_entry(
    conversation: ConversationId,
    position: LogPosition,
    actor: UserId,
    request: Uuid,
    now: super::Time,
) -> Step {
    let closed = super::items::Closed { conversation, position, actor, closed_at: now, request };
    Step::Put(Item::Closed(closed), Expression::condition(ABSENT))
}
