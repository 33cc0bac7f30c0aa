//! The change log: edits, deletions, reactions, joins, leaves and renames, numbered as messages are. One transaction writes a
//! change and the item that it changes (the target). The condition on the change's number orders the changes; the
//! condition on the target refuses a change that is based on an older state.

use super::{
    Command, Store, StoreError,
    items::{Change, ChangeKind, Closed, Item, Member},
    ops::{ABSENT, Consistency, Expression, Reading},
    retries::{LostTry, OwnChange, TriedChange},
    table::{Key, LogPosition, Span},
    transactions::{Step, Transacted},
};
use crate::ids::{ConversationId, UserId};
use futures::future::try_join;

/// The outcome of one try to write a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChangeWritten {
    /// The change took effect, in this try or in an earlier one.
    Done,
    /// Another writer was faster, and nothing was written.
    Lost,
    /// The conversation is closed, and nothing was written.
    Closed,
}

impl ChangeWritten {
    /// Returns the outcome of the try that gave its change this number, with its result; `None` if the conversation is
    /// closed.
    pub(crate) fn finished<T>(self, number: u64, result: T) -> Option<TriedChange<T>> {
        match self {
            Self::Done => Some(TriedChange::Done(result)),
            Self::Lost => Some(TriedChange::Lost(LostTry::new(number, result))),
            Self::Closed => None,
        }
    }
}

/// The end of a change log.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ChangeTail {
    /// The first free number; `None` once the log is closed.
    pub(crate) next: Option<u64>,
    /// True if the log contains the change that an earlier try of this request may have written: it took effect after
    /// this process had given it up.
    pub(crate) is_done: bool,
}

impl Store {
    /// Returns the end of the change log, and whether the log contains the request's own change.
    pub(crate) async fn change_tail(
        &self,
        conversation: ConversationId,
        own: OwnChange,
    ) -> Result<ChangeTail, StoreError> {
        let reading = Reading::newest_first(Some(1));
        let page = self.query(Span::changes(conversation, 1), reading).await?;
        let newest = page.items.first();
        let next = last_change(newest)?.map(|last| last + 1);
        let is_done = own.is(newest) || self.is_below(conversation, own, next).await?;
        Ok(ChangeTail { next, is_done })
    }

    /// Returns the highest number of the change log, 0 if it is empty; `None` if it is closed.
    pub(crate) async fn change_head(&self, conversation: ConversationId) -> Result<Option<u64>, StoreError> {
        let page = self.query(Span::changes(conversation, 1), Reading::newest_first(Some(1))).await?;
        last_change(page.items.first())
    }

    /// Returns true if the request's own change is in the log below the newest entry: others have written changes after it.
    /// `next` is the first free number, `None` if the log is closed.
    async fn is_below(
        &self,
        conversation: ConversationId,
        own: OwnChange,
        next: Option<u64>,
    ) -> Result<bool, StoreError> {
        let Some(number) = own.number.filter(|number| next.is_none_or(|next| next > number + 1)) else {
            return Ok(false);
        };
        let key = Key::log_entry(conversation, LogPosition::Change(number));
        Ok(own.is(self.get(key, Consistency::Strong).await?.as_ref()))
    }

    /// Writes a change together with the items that it changes, or nothing.
    ///
    /// A failure before the commit leaves nothing. If an answer is lost after the commit, the SDK repeats the call with
    /// the same client request token. If such a repetition meets a conflict, the try counts as lost; the next try looks at the
    /// number of its change, where it recognises the change by the request's id.
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
            Transacted::Refused(conditions) => Ok(match conditions.item(0) {
                Some(Item::Change(occupant)) if occupant.request == request => ChangeWritten::Done,
                Some(Item::Closed(_)) => ChangeWritten::Closed,
                _ => ChangeWritten::Lost,
            }),
        }
    }

    /// Reads, in parallel, the viewer's membership and the changes numbered above `after`. Returns at most `limit`
    /// changes in order, up to the first hole (a page that is read forward is not a snapshot), and true if there are
    /// more; `None` instead of changes if the conversation is closed.
    pub async fn changes_after(
        &self,
        conversation: ConversationId,
        viewer: UserId,
        after: u64,
        limit: usize,
    ) -> Result<(Option<Member>, Option<(Vec<Change>, bool)>), StoreError> {
        let changes = self.changes_above(conversation, after, limit);
        try_join(self.member(conversation, viewer), changes).await
    }

    /// Returns at most `limit` changes numbered above `after` like [`Store::changes_after`], without the membership.
    pub(crate) async fn changes_above(
        &self,
        conversation: ConversationId,
        after: u64,
        limit: usize,
    ) -> Result<Option<(Vec<Change>, bool)>, StoreError> {
        let reading = Reading { descending: false, limit: Some(limit + 1), consistency: Consistency::Strong };
        let page = self.query_whole(Span::changes(conversation, after + 1), reading).await?;
        let mut changes = Vec::with_capacity(limit);
        let mut more = page.more;
        for item in page.items {
            match item {
                Item::Closed(_) => return Ok(None),
                Item::Change(change) if change.number != after + 1 + changes.len() as u64 => break,
                Item::Change(_) if changes.len() == limit => more = true,
                Item::Change(change) => changes.push(change),
                _ => break,
            }
        }
        Ok(Some((changes, more)))
    }

    /// Reads, in parallel, the viewer's membership and the newest changes above `after`. Returns at most `limit`
    /// changes, newest first; `None` instead of changes if the conversation is closed, as the closing entry is the
    /// newest entry.
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
}

/// Returns the number of the newest entry of a change log, 0 without an entry; `None` for the closing entry.
fn last_change(newest: Option<&Item>) -> Result<Option<u64>, StoreError> {
    match newest {
        None => Ok(Some(0)),
        Some(Item::Change(change)) => Ok(Some(change.number)),
        Some(Item::Closed(_)) => Ok(None),
        Some(_) => Err(StoreError::corrupt("CHANGE", "not an entry of the change log")),
    }
}

/// Returns the step that puts the closing entry of one of the two logs.
pub(crate) fn closing_entry(conversation: ConversationId, position: LogPosition, command: Command) -> Step {
    let Command { actor, request, now, .. } = command;
    let closed = Closed { conversation, position, actor, closed_at: now, request };
    Step::Put(Item::Closed(closed), Expression::condition(ABSENT))
}

/// Returns an entry of the change log that names no message and no users.
pub(crate) fn change_entry(
    kind: ChangeKind,
    conversation: ConversationId,
    number: u64,
    revision: u64,
    command: Command,
) -> Change {
    Change {
        conversation,
        number,
        kind,
        message: None,
        users: Vec::new(),
        actor: command.actor,
        revision,
        request: command.request,
        changed_at: command.now,
        participant_count: None,
        owners: Vec::new(),
    }
}
