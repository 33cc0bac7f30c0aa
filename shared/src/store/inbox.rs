//! A user's conversations: the page of the inbox, what it shows of each, and everything that a user may read.

use std::collections::HashMap;

use futures::future::{try_join_all, try_join3};

use super::{
    Store, StoreError,
    items::{Conversation, Item, Member, Message},
    messages::unsealed,
    ops::{Consistency, Reading},
    participants::Changed,
    table::{Activity, Key, Span},
    unread::UnreadCount,
};
use crate::{
    ids::{ConversationId, MAX_NUMBER, UserId},
    model::conversation::NESTED_PARTICIPANTS,
};

/// How many of its newest messages a conversation shows.
pub const NESTED_MESSAGES: usize = 20;

/// A conversation with what its representation shows.
#[derive(Debug)]
pub struct Detail {
    /// The conversation.
    pub conversation: Conversation,
    /// The viewer's membership; an admin may have none.
    pub member: Option<Member>,
    /// Participants, at most [`NESTED_PARTICIPANTS`].
    pub participants: Vec<Member>,
    /// The newest messages, newest first, tombstones among them, at most [`NESTED_MESSAGES`].
    pub newest: Vec<Message>,
    /// Unread messages, up to 100.
    pub unread: u64,
    /// Whether there are more than that.
    pub unread_more: bool,
}

impl Detail {
    /// Returns true if the conversation has participants beyond those in `participants`.
    #[must_use]
    pub fn has_more_participants(&self) -> bool {
        self.conversation.participant_count > self.participants.len() as u64
    }
}

impl Detail {
    /// The same after a change.
    #[must_use]
    pub fn changed(self, changed: Changed) -> Self {
        let Changed { conversation, mut participants } = changed;
        participants.truncate(NESTED_PARTICIPANTS);
        Self { conversation, participants, ..self }
    }
}

impl Store {
    /// A page of a user's conversations by last activity (eventually, and by the hour), and whether there are more.
    pub async fn active_conversations(
        &self,
        user: UserId,
        position: Option<Activity>,
        limit: usize,
    ) -> Result<(Vec<Activity>, bool), StoreError> {
        let reading =
            Reading { descending: true, limit: Some(limit + 1), consistency: Consistency::Eventual };
        let (items, more) = self.query_whole_raw(&Span::active(user, position.as_ref()), reading).await?;
        let place = |item: &HashMap<String, _>| -> Option<Activity> {
            let sk: &aws_sdk_dynamodb::types::AttributeValue = item.get("gsi1sk")?;
            Activity::parse(sk.as_s().ok()?)
        };
        let mut places: Vec<Activity> = items.iter().filter_map(place).collect();
        let more = more || places.len() > limit;
        places.truncate(limit);
        Ok((places, more))
    }

    /// A page of a user's conversations in the order of their ids, from one on: the complete list, strongly consistent.
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

    /// What each of `ids` shows to `viewer`; those that are closed or not there are left out. Conversations and
    /// memberships, newest messages and participants are read side by side.
    pub async fn details(&self, viewer: UserId, ids: &[ConversationId]) -> Result<Vec<Detail>, StoreError> {
        self.details_read(viewer, ids, Consistency::Eventual).await
    }

    /// What one shows, participants strongly consistent as well: what a client may put back.
    pub async fn detail(&self, viewer: UserId, id: ConversationId) -> Result<Option<Detail>, StoreError> {
        Ok(self.details_read(viewer, &[id], Consistency::Strong).await?.pop())
    }

    async fn details_read(
        &self,
        viewer: UserId,
        ids: &[ConversationId],
        participants: Consistency,
    ) -> Result<Vec<Detail>, StoreError> {
        let keys = ids.iter().flat_map(|id| [Key::conversation(*id), Key::member(*id, viewer)]).collect();
        let items = self.batch_get(keys, Consistency::Strong);
        let newest = try_join_all(ids.iter().map(|id| self.newest(*id)));
        let nested =
            |id: &ConversationId| self.participants_read(*id, None, NESTED_PARTICIPANTS, participants);
        let participants = try_join_all(ids.iter().map(nested));
        let (items, newest, participants) = try_join3(items, newest, participants).await?;
        let (mut metas, mut members) = (HashMap::new(), HashMap::new());
        for item in items {
            match item {
                Item::Conversation(conversation) => drop(metas.insert(conversation.id, conversation)),
                Item::Member(member) => drop(members.insert(member.conversation, member)),
                _ => {}
            }
        }
        let parts = ids.iter().zip(newest).zip(participants);
        let details = parts.filter_map(|((id, newest), (participants, _))| {
            Some(self.counted(metas.remove(id)?, members.remove(id), newest?, participants))
        });
        try_join_all(details).await
    }

    /// The newest entries of a log and whether there are more; `None` once it is closed.
    async fn newest(&self, id: ConversationId) -> Result<Option<(Vec<Message>, bool)>, StoreError> {
        let reading = Reading::newest_first(Some(NESTED_MESSAGES + 1));
        let page = self.query_whole(Span::messages(id, 1, MAX_NUMBER), reading).await?;
        Ok(unsealed(page.items).map(|messages| (messages, page.more)))
    }

    async fn counted(
        &self,
        conversation: Conversation,
        member: Option<Member>,
        (mut newest, more): (Vec<Message>, bool),
        participants: Vec<Member>,
    ) -> Result<Detail, StoreError> {
        let (unread, unread_more) = match &member {
            Some(member) => {
                let mut count = UnreadCount::new(member);
                count.take(&newest, more);
                self.count_unread(count).await?
            }
            None => (0, false),
        };
        let base = member.as_ref().map_or(0, |member| member.base);
        newest.retain(|message| message.number > base);
        newest.truncate(NESTED_MESSAGES);
        let newest = self.past_tombstones(newest, base).await?;
        Ok(Detail { conversation, member, participants, newest, unread, unread_more })
    }
}
