//! Windows of the inbox: the conversations whose tails are read to order a page. Which of them the page shows is decided in
//! `page`.

use std::{cmp::Reverse, collections::HashMap};

use super::InboxCursor;
use crate::{
    ids::{ConversationId, UserId},
    store::{
        Store, StoreError,
        items::InboxEntry,
        ops::{Consistency, Reading},
        table::{Activity, Key, Span},
    },
};

/// The maximum number of conversations whose tails are read for one page. Each tail costs one read unit.
const WINDOW: usize = 300;

/// Conversations that are ordered by their tails, in the order of the index.
pub(super) struct Window {
    pub(super) entries: Vec<(Activity, InboxEntry)>,
    /// The last of the conversations, if there are more; `None` otherwise.
    pub(super) beyond: Option<Activity>,
    /// The last of the conversations, if their sizes decided on it.
    pub(super) end: Option<Activity>,
}

impl Window {
    fn new(mut entries: Vec<(Activity, InboxEntry)>, beyond: Option<Activity>) -> Self {
        entries.sort_unstable_by_key(|(activity, _)| Reverse(*activity));
        Self { entries, beyond, end: None }
    }

    /// Ends the window with the entry at `end`.
    fn up_to(mut self, end: Option<Activity>) -> Self {
        if let Some(end) = end {
            self.entries.retain(|(activity, _)| *activity >= end);
            (self.beyond, self.end) = (Some(end), Some(end));
        }
        self
    }

    pub(super) fn ids(&self) -> Vec<ConversationId> {
        self.entries.iter().map(|(activity, _)| activity.conversation).collect()
    }
}

impl Store {
    /// Returns the conversations of a window. Participation is decided on the table; the index only proposes the
    /// conversations.
    pub(super) async fn window(&self, user: UserId, cursor: InboxCursor) -> Result<Window, StoreError> {
        // DynamoDB says that there may be more after a query that ends at its limit. One entry above the window proves it.
        let all = Reading { descending: false, limit: Some(WINDOW + 1), consistency: Consistency::Strong };
        let (entries, more) = self.query_kind::<InboxEntry>(Span::inbox(user, None), all).await?;
        if more {
            return Ok(self.window_of_many(user, cursor.window).await?.up_to(cursor.end));
        }
        let entries =
            entries.into_iter().map(|entry| (Activity::at(entry.joined_at, entry.conversation), entry));
        let entries = entries.filter(|(activity, _)| cursor.window.is_none_or(|after| *activity < after));
        Ok(Window::new(entries.collect(), None).up_to(cursor.end))
    }

    /// Returns the conversations after a position of the index, up to a whole hour.
    async fn window_of_many(&self, user: UserId, after: Option<Activity>) -> Result<Window, StoreError> {
        let reading = Reading { descending: true, limit: Some(WINDOW), consistency: Consistency::Eventual };
        let (found, more) = self.query_whole_raw(&Span::active(user, after.as_ref()), reading).await?;
        let mut activities: Vec<Activity> =
            found.iter().filter_map(|item| Activity::parse(item.get("gsi1sk")?.as_s().ok()?)).collect();
        if more {
            whole_hours(&mut activities);
        }
        let keys = activities.iter().map(|activity| Key::inbox(user, activity.conversation)).collect();
        let mut entries: HashMap<_, InboxEntry> = self
            .get_all(keys)
            .await?
            .into_iter()
            .map(|entry: InboxEntry| (entry.conversation, entry))
            .collect();
        let beyond = activities.last().copied().filter(|_| more);
        let entries = activities.into_iter().filter_map(|it| Some((it, entries.remove(&it.conversation)?)));
        Ok(Window::new(entries.collect(), beyond))
    }
}

/// Removes the last hour, which may continue in the next window, unless it is the only one.
fn whole_hours(activities: &mut Vec<Activity>) {
    let last = activities.last().map(|last| last.hour);
    if activities.first().map(|first| first.hour) != last {
        activities.retain(|activity| Some(activity.hour) != last);
    }
}
