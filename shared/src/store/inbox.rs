//! A conversation with what its representation shows to one user. Pages of the inbox are in `page`.

mod invitations;
mod page;

use std::collections::HashMap;

use futures::future::{try_join, try_join_all};

pub use self::invitations::InvitationsRequest;
pub use self::page::{InboxCursor, InboxPage, InboxPosition, InboxRequest, Listed};
use super::{
    Store, StoreError,
    blocks::ViewersBlocks,
    items::{Blocks, Conversation, Member, Message},
    messages::messages_unless_closed,
    ops::{Consistency, Reading},
    participants::Changed,
    table::{Key, Span},
    unread::UnreadCount,
};
use crate::{
    ids::{ConversationId, MAX_NUMBER, UserId},
    model::conversation::NESTED_PARTICIPANTS,
};

/// The maximum number of its newest messages that a conversation shows.
pub const NESTED_MESSAGES: usize = 20;

/// A conversation with what its representation shows.
#[derive(Debug)]
pub struct Detail {
    /// The conversation's item.
    pub conversation: Conversation,
    /// The viewer's membership; `None` for an admin who is not a participant.
    pub member: Option<Member>,
    /// The first participants by id, at most [`NESTED_PARTICIPANTS`].
    pub participants: Vec<UserId>,
    /// Those of `participants` who have accepted the conversation; `None` if only their memberships tell.
    pub accepted: Option<Vec<UserId>>,
    /// The newest messages above the viewer's base, newest first, including tombstones.
    pub newest: Vec<Message>,
    /// True if the viewer has archived the conversation, and no message has brought it back.
    pub is_archived: bool,
    /// The count of unread messages as far as `newest` contains them; [`Store::count_unread`] completes it.
    pub unread: Option<UnreadCount>,
}

impl Detail {
    /// Returns true if the conversation has participants beyond those in `participants`.
    #[must_use]
    pub fn has_more_participants(&self) -> bool {
        self.conversation.participant_count > self.participants.len() as u64
    }
}

impl Detail {
    /// Returns the same detail after a change.
    #[must_use]
    pub fn changed(self, changed: Changed) -> Self {
        let Changed { conversation, mut participants } = changed;
        participants.truncate(NESTED_PARTICIPANTS);
        let accepted = Some(accepted(&participants));
        let participants = participants.into_iter().map(|member| member.user).collect();
        Self { conversation, participants, accepted, ..self }
    }

    /// Returns the same detail after participants were removed again, one after the other.
    #[must_use]
    pub fn without(mut self, removed: Vec<(UserId, Conversation)>) -> Self {
        for (user, conversation) in removed {
            self.participants.retain(|participant| *participant != user);
            self.conversation = conversation;
        }
        self
    }
}

/// Returns the users of the memberships that are accepted.
pub(super) fn accepted(members: &[Member]) -> Vec<UserId> {
    members.iter().filter(|member| member.is_accepted()).map(|member| member.user).collect()
}

/// Conversations with the viewer's memberships and blocks.
struct ConversationsAndMembers {
    conversations: HashMap<ConversationId, Conversation>,
    members: HashMap<ConversationId, Member>,
    blocks: ViewersBlocks,
}

/// The newest entries of a log, as they were read.
struct Newest {
    messages: Vec<Message>,
    /// The number of messages that the detail shows.
    count: usize,
    blocks: ViewersBlocks,
}

impl Store {
    /// Returns at most `limit` of a user's conversations, in the order of their ids and beginning with `from`, and true
    /// if there are more. The list is complete and strongly consistent.
    pub async fn conversations_of(
        &self,
        user: UserId,
        from: Option<ConversationId>,
        limit: usize,
    ) -> Result<(Vec<ConversationId>, bool), StoreError> {
        let reading = Reading { descending: false, limit: Some(limit), consistency: Consistency::Strong };
        let (items, more) = self.query_whole_raw(&Span::inbox(user, from), reading).await?;
        let conversations = items.iter().filter_map(|item| Key::of(item)?.inbox_conversation()).collect();
        Ok((conversations, more))
    }

    /// Returns the conversation `id` as `viewer` sees it, with its newest messages; `None` if it does not exist or is
    /// closed.
    pub async fn detail(&self, viewer: UserId, id: ConversationId) -> Result<Option<Detail>, StoreError> {
        let (mut found, newest) =
            try_join(self.conversations_and_members(viewer, &[id]), self.newest(id, NESTED_MESSAGES)).await?;
        match found.conversations.remove(&id).zip(newest) {
            Some((conversation, newest)) => {
                let member = found.members.remove(&id);
                let newest = Newest { messages: newest, count: NESTED_MESSAGES, blocks: found.blocks };
                self.detail_of(conversation, member, newest).await.map(Some)
            }
            None => Ok(None),
        }
    }

    /// Returns conversations with the viewer's memberships, and the viewer's blocks, strongly consistent. A hundred items cost
    /// one request. Without conversations, nothing is read.
    async fn conversations_and_members(
        &self,
        viewer: UserId,
        ids: &[ConversationId],
    ) -> Result<ConversationsAndMembers, StoreError> {
        let of_conversation = |id: &ConversationId| [Key::conversation(*id), Key::member(*id, viewer)];
        let blocks = (!ids.is_empty()).then(|| Key::blocks(viewer));
        let keys = blocks.into_iter().chain(ids.iter().flat_map(of_conversation)).collect();
        let (conversations, members, mut blocks) =
            self.get_all_of_three::<Conversation, Member, Blocks>(keys).await?;
        Ok(ConversationsAndMembers {
            conversations: conversations
                .into_iter()
                .map(|conversation| (conversation.id, conversation))
                .collect(),
            members: members.into_iter().map(|member| (member.conversation, member)).collect(),
            blocks: blocks.pop().into(),
        })
    }

    /// Returns the newest `count` entries of a log, newest first; `None` if the log is closed.
    async fn newest(&self, id: ConversationId, count: usize) -> Result<Option<Vec<Message>>, StoreError> {
        let reading = Reading::newest_first(Some(count));
        let page = self.query_whole(Span::messages(id, 1, MAX_NUMBER), reading).await?;
        Ok(messages_unless_closed(page.items))
    }

    /// Returns the newest entries of several logs, which are read in parallel; `None` for each log that is closed.
    async fn newest_of(
        &self,
        ids: impl Iterator<Item = ConversationId>,
        count: usize,
    ) -> Result<Vec<Option<Vec<Message>>>, StoreError> {
        try_join_all(ids.map(|id| self.newest(id, count))).await
    }

    /// Builds the detail of a conversation from the newest entries of its log. Older messages are read if tombstones
    /// are among these entries.
    async fn detail_of(
        &self,
        conversation: Conversation,
        member: Option<Member>,
        newest: Newest,
    ) -> Result<Detail, StoreError> {
        let Newest { messages: mut newest, count, blocks } = newest;
        let participants = self.first_participants(&conversation).await?;
        // An invitation counts nowhere.
        let unread = member.as_ref().filter(|member| member.is_accepted()).map(|member| {
            let mut count = UnreadCount::new(member, blocks.clone());
            // Numbers have no gaps. So there are more messages below, unless the lowest number is 1.
            count.take(&newest, newest.last().is_some_and(|message| message.number > 1));
            count
        });
        let tail = newest.first().map_or(0, |message| message.number);
        let is_archived = member.as_ref().is_some_and(|member| member.settings().is_archived(tail));
        let base = member.as_ref().map_or(0, |member| member.base);
        newest.retain(|message| message.number > base);
        let mut newest = self.past_tombstones(newest, base, count).await?;
        blocks.mask(&mut newest);
        // Nobody has accepted the invitations of this participant yet, so no other participant has accepted.
        let accepted = match (conversation.has_invited, conversation.awaiting) {
            (false, _) => Some(participants.clone()),
            (true, Some(user)) => Some(vec![user]),
            (true, None) => None,
        };
        Ok(Detail { conversation, member, participants, accepted, newest, is_archived, unread })
    }

    /// Returns the first participants by the order of their ids. The conversation's item contains them, unless an
    /// earlier release wrote it; then the memberships are read.
    async fn first_participants(&self, conversation: &Conversation) -> Result<Vec<UserId>, StoreError> {
        if let Some(pair) = conversation.pair {
            return Ok(pair.to_vec());
        }
        if !conversation.first_participants.is_empty() {
            return Ok(conversation.first_participants.clone());
        }
        let members = self.participants(conversation.id, None, NESTED_PARTICIPANTS);
        let (members, _) = members.await?;
        Ok(members.into_iter().map(|member| member.user).collect())
    }
}
