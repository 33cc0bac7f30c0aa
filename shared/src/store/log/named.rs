//! The items that a message names: the message that it replies to, and the participants that its text mentions. A send reads
//! them in one batch with the sender's membership, so they need no further round trip.

use crate::{
    ids::{ConversationId, UserId},
    model::message::{Draft, mentioned},
    store::{
        Store, StoreError,
        items::{Member, Message},
        table::Key,
    },
};

/// The parts of a message that depend on the items that it names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Named {
    /// The number of the first message of the thread; `None` for a message that is no reply.
    pub(super) thread: Option<u64>,
    /// The mentioned users who have accepted the conversation.
    pub(super) mentions: Vec<UserId>,
}

/// Returns the keys of the items that a message names. The membership of its sender is read in any case.
pub(super) fn keys(draft: &Draft, sender: UserId) -> Vec<Key> {
    let others = mentioned(&draft.body).into_iter().filter(|user| *user != sender);
    let members = others.map(|user| Key::member(draft.conversation, user));
    draft.reply_to.map(Key::message).into_iter().chain(members).collect()
}

impl Named {
    /// Returns what a message names. `members` and `replied` are the items that were found.
    pub(super) fn of(draft: &Draft, members: &[Member], replied: Option<&Message>) -> Self {
        let thread = replied.map(|message| message.thread.unwrap_or(message.number));
        Self { thread, mentions: accepted(mentioned(&draft.body), members) }
    }
}

/// Returns those of `users` who are accepted participants, in their order.
fn accepted(users: Vec<UserId>, members: &[Member]) -> Vec<UserId> {
    let is_accepted = |user: &UserId| members.iter().any(|it| it.user == *user && it.is_accepted());
    users.into_iter().filter(is_accepted).collect()
}

impl Store {
    /// Returns the users whom a text mentions and who are accepted participants.
    pub(in crate::store) async fn mentions(
        &self,
        conversation: ConversationId,
        text: &str,
    ) -> Result<Vec<UserId>, StoreError> {
        let users = mentioned(text);
        let keys = users.iter().map(|user| Key::member(conversation, *user)).collect();
        Ok(accepted(users, &self.get_all(keys).await?))
    }
}
