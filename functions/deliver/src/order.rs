//! The order of inboxes: the inbox entries of participants move to the hour of a new message, at most once an hour. Only the
//! first message of an hour moves them, so the entries are not read.

use std::collections::{BTreeMap, BTreeSet};

use futures::stream::{self, StreamExt, TryStreamExt};
use shared::{
    ids::{ConversationId, UserId},
    store::{StoreError, fanout::Fanout, items::Message, table::Activity},
};

use crate::{Deliver, plan::News};

/// The maximum number of inbox entries of one conversation that are moved at the same time.
const MOVED_AT_ONCE: usize = 25;

impl Deliver {
    /// Moves inbox entries. A failure leaves the others; the repetition of the records finds those that were moved.
    pub(crate) async fn move_entries(&self, moves: Vec<(UserId, Activity)>) -> Result<(), StoreError> {
        let moves: Vec<_> =
            moves.into_iter().map(|(user, activity)| self.app.store.move_in_inbox(user, activity)).collect();
        stream::iter(moves).buffer_unordered(MOVED_AT_ONCE).try_collect().await
    }
}

/// Returns the numbers of the messages before the new ones, unless they are new themselves.
pub(crate) fn before_new_messages(news: &[News]) -> BTreeSet<u64> {
    let new: BTreeSet<u64> = new_messages(news).map(|message| message.number).collect();
    new.iter().map(|number| number - 1).filter(|before| *before > 0 && !new.contains(before)).collect()
}

/// Returns the inbox entries to move: those of all accepted participants, if a new message is the first one of its hour. The
/// latest hour counts. If the message before is not known, the entries are moved, which is harmless.
pub(crate) fn moves(id: ConversationId, fanout: &Fanout, news: &[News]) -> Vec<(UserId, Activity)> {
    let hour = |message: &Message| Activity::at(message.sent_at, id);
    let mut known: BTreeMap<u64, Activity> =
        fanout.messages.values().map(|message| (message.number, hour(message))).collect();
    known.extend(new_messages(news).map(|message| (message.number, hour(message))));
    let firsts = new_messages(news).filter(|message| {
        let before = message.number.checked_sub(1).and_then(|before| known.get(&before));
        before.is_none_or(|before| *before < hour(message))
    });
    let Some(latest) = firsts.map(hour).max() else {
        return Vec::new();
    };
    fanout.accepted.iter().map(|user| (*user, latest)).collect()
}

fn new_messages(news: &[News]) -> impl Iterator<Item = &Message> {
    news.iter().filter_map(|news| match news {
        News::Message(message) => Some(message),
        _ => None,
    })
}
