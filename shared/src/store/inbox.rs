//! A conversation with what its representation shows to one user. Pages of the inbox are in `page`.

mod invitations;
mod page;
mod window;

use std::collections::HashMap;

use futures::future::try_join;

pub use self::invitations::InvitationsRequest;
pub use self::page::{InboxCursor, InboxPage, InboxPosition, InboxRequest, Listed};
use super::{
    ReadBudget, Store, StoreError,
    blocks::ViewersBlocks,
    items::{Blocks, Conversation, Member, Message},
    newest::LogEnd,
    ops::{Consistency, Reading},
    participants::Changed,
    read_budget::{ReadsDown, Wanted},
    table::{Key, Span},
    unread::UnreadCount,
};
use crate::{
    ids::{ConversationId, UserId},
    model::conversation::NESTED_PARTICIPANTS,
};

/// The maximum number of its newest messages that a conversation shows.
pub const NESTED_MESSAGES: usize = 20;

/// The number of bytes of nested texts after which a conversation shows no further message.
pub const NESTED_BYTES: usize = 64 * 1024;

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
pub(super) struct ConversationsAndMembers {
    pub(super) conversations: HashMap<ConversationId, Conversation>,
    pub(super) members: HashMap<ConversationId, Member>,
    pub(super) blocks: ViewersBlocks,
}

impl ReadsDown for Detail {
    fn wanted(&self) -> Option<Wanted> {
        self.unread.as_ref()?.wanted()
    }

    fn take(&mut self, messages: Option<Vec<Message>>, more: bool) {
        if let Some(count) = &mut self.unread {
            ReadsDown::take(count, messages, more);
        }
    }
}

/// A conversation that a page shows, with the end of its log while it is read.
struct Shown {
    conversation: Conversation,
    member: Option<Member>,
    blocks: ViewersBlocks,
    end: LogEnd,
}

impl Shown {
    /// Asks for the messages that the conversation shows. It always shows the newest one.
    fn show(&mut self, count: usize) {
        let base = self.member.as_ref().map_or(0, |member| member.base);
        self.end.show(&self.conversation, count.max(1), base);
    }
}

impl ReadsDown for Shown {
    fn wanted(&self) -> Option<Wanted> {
        self.end.wanted()
    }

    fn take(&mut self, messages: Option<Vec<Message>>, more: bool) {
        self.end.take(messages, more);
    }
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
        let (mut budget, mut ends) = (ReadBudget::default(), [LogEnd::new(id, NESTED_MESSAGES)]);
        let ids = [id];
        let found = self.conversations_and_members(viewer, &ids);
        let (mut found, ()) = try_join(found, self.read_down(&mut ends, &mut budget)).await?;
        let [end] = ends;
        let Some(conversation) = found.conversations.remove(&id).filter(|_| !end.is_closed()) else {
            return Ok(None);
        };
        let mut shown = Shown { conversation, member: found.members.remove(&id), blocks: found.blocks, end };
        shown.show(NESTED_MESSAGES);
        self.read_down(std::slice::from_mut(&mut shown), &mut budget).await?;
        self.detail_of(shown).await.map(Some)
    }

    /// Completes the counts of unread messages, as far as the budget allows.
    pub async fn count_unread(
        &self,
        details: &mut [Detail],
        budget: &mut ReadBudget,
    ) -> Result<(), StoreError> {
        self.read_down(details, budget).await
    }

    /// Returns conversations with the viewer's memberships, and the viewer's blocks, strongly consistent. A hundred items cost
    /// one request. Without conversations, nothing is read.
    pub(super) async fn conversations_and_members(
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

    /// Builds the detail of a conversation from the end of its log.
    async fn detail_of(&self, shown: Shown) -> Result<Detail, StoreError> {
        let Shown { conversation, member, blocks, end } = shown;
        let participants = self.first_participants(&conversation).await?;
        let small_since = end.small_since();
        let mut newest = end.into_entries();
        // An invitation counts nowhere.
        let unread = member.as_ref().filter(|member| member.is_accepted()).map(|member| {
            let mut count = UnreadCount::new(member, blocks.clone(), small_since);
            // Numbers have no gaps. So there are more messages below, unless the lowest number is 1.
            count.add(&newest, newest.last().is_some_and(|message| message.number > 1));
            count
        });
        let tail = newest.first().map_or(0, |message| message.number);
        let is_archived = member.as_ref().is_some_and(|member| member.settings().is_archived(tail));
        let base = member.as_ref().map_or(0, |member| member.base);
        newest.retain(|message| message.number > base);
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
