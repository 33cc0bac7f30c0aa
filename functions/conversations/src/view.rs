//! The representation of a conversation, with nested participants and newest messages, as in the Django API.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use futures::future::try_join;
use serde::{Deserialize, Serialize};
use shared::{
    App,
    http::{
        MessageView, Origin, Problem, UserView, VisibleUsers,
        schemas::{self, ConversationName, Link},
        user::timestamp,
    },
    ids::{ConversationId, UserId},
    model::{
        Metadata,
        conversation::{ConversationKind, MemberRole},
    },
    policy::Actor,
    store::{
        ReadBudget, UnreadCount,
        inbox::{Detail, NESTED_BYTES, NESTED_MESSAGES},
        items::{Member, Message},
    },
};
use utoipa::ToSchema;

/// The limits of a page of conversations.
#[derive(Debug)]
pub(crate) struct Nesting {
    /// The maximum number of messages that each conversation nests.
    pub(crate) messages: usize,
    /// The bytes that the counts of unread messages may read.
    pub(crate) budget: ReadBudget,
}

/// A conversation.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Conversation)]
pub struct ConversationView {
    /// The id of the conversation.
    pub conversation_id: ConversationId,
    /// The state of the conversation for the caller.
    pub state: ConversationState,
    /// The user who invited the caller; `null` unless `state` is `invited`.
    #[schema(required)]
    pub invited_by: Option<UserId>,
    /// True if the caller has muted the conversation.
    pub muted: bool,
    /// The kind of the conversation.
    pub kind: ConversationKind,
    /// The name of a group; `null` if it has none.
    #[schema(value_type = Option<ConversationName>, required)]
    pub name: Option<String>,
    /// The client's own data.
    #[schema(value_type = Option<schemas::Metadata>, required)]
    pub metadata: Option<Metadata>,
    /// The participants, at most 50. `participants_url` lists all of them.
    pub participants: Vec<UserView>,
    /// The number of participants.
    pub participant_count: u64,
    /// The URL of the list of participants.
    #[schema(value_type = Link)]
    pub participants_url: String,
    /// The newest messages, oldest first, at most 20 and 64 KB. `messages_url` lists all messages. In the list of
    /// conversations, the parameter `messages` sets the maximum number.
    pub messages: Vec<MessageView>,
    /// The URL of the list of messages.
    #[schema(value_type = Link)]
    pub messages_url: String,
    /// The newest message that is not deleted; `null` if there is none. It is also `null` if the conversation ends
    /// with more than 1,000 deleted messages in a row, or if the request has read 1.25 MB of messages before.
    /// `messages_url` lists the messages before them.
    #[schema(required)]
    pub last_message: Option<MessageView>,
    /// The number of unread messages, exact up to 100. Unread messages are above the caller's read mark, and neither
    /// deleted nor sent by the caller or by a user whom the caller has blocked.
    pub unread: u64,
    /// True if there are more than 100 unread messages, or can be: the count ends when the request has read 1.25 MB of
    /// messages.
    pub unread_more: bool,
    /// The user who created the conversation.
    pub created_by: UserId,
    /// The time when the conversation was created.
    #[serde(serialize_with = "timestamp")]
    pub created_at: DateTime<Utc>,
}

/// The state of a conversation for the caller. `active` conversations are in the inbox, `invited` ones wait for the
/// caller's answer, and `archived` ones wait for the next message.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(default = "active")]
pub enum ConversationState {
    /// In the inbox.
    #[default]
    Active,
    /// Not accepted yet.
    Invited,
    /// Archived by the caller.
    Archived,
}

impl ConversationState {
    /// Returns the parameter of a link to this list; empty for the list without the parameter.
    pub(crate) const fn parameter(self) -> &'static str {
        match self {
            Self::Active => "",
            Self::Invited => "&state=invited",
            Self::Archived => "&state=archived",
        }
    }

    pub(crate) fn of(member: Option<&Member>, is_archived: bool) -> Self {
        match member {
            Some(member) if !member.is_accepted() => Self::Invited,
            Some(_) if is_archived => Self::Archived,
            _ => Self::Active,
        }
    }
}

/// The state of a participant: `invited` until they accept.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ParticipantState {
    /// Takes part.
    Accepted,
    /// Can read the conversation and has not accepted the invitation.
    Invited,
}

/// A participant.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Participant)]
pub struct ParticipantView {
    /// The user; `null` if the user no longer exists.
    #[schema(required)]
    user: Option<UserView>,
    /// The role of the participant in the conversation.
    role: MemberRole,
    /// The state of the participant.
    state: ParticipantState,
    /// The user who invited the participant; `null` if the participant did not have to accept.
    #[schema(required)]
    invited_by: Option<UserId>,
    /// The time of joining.
    #[serde(serialize_with = "timestamp")]
    joined_at: DateTime<Utc>,
    /// The number of the last message that the participant has read; 0 if there is none, or if the participant has not
    /// accepted.
    last_read: u64,
}

impl ParticipantView {
    pub(crate) fn new(member: &Member, visible_users: &VisibleUsers) -> Self {
        Self {
            user: visible_users.view(member.conversation, member.user),
            role: member.role,
            state: if member.is_accepted() { ParticipantState::Accepted } else { ParticipantState::Invited },
            invited_by: member.invited_by,
            joined_at: member.joined_at,
            last_read: if member.is_accepted() { member.read } else { 0 },
        }
    }

    /// Creates the views of several participants of one conversation. Their profiles are read in one batch.
    pub(crate) async fn all(app: &App, actor: &Actor, members: &[Member]) -> Result<Vec<Self>, Problem> {
        let Some(first) = members.first() else { return Ok(Vec::new()) };
        let visible_users = VisibleUsers::of(actor, first.conversation).members(members);
        let visible_users = visible_users.find(app, members.iter().map(|member| member.user)).await?;
        Ok(members.iter().map(|member| Self::new(member, &visible_users)).collect())
    }
}

impl ConversationView {
    /// Creates the view of one conversation. Profiles that `visible_users` does not contain are read.
    pub(crate) async fn of(
        app: &App,
        origin: &Origin,
        detail: Detail,
        visible_users: VisibleUsers,
    ) -> Result<Self, Problem> {
        let budget = ReadBudget::after(&detail.newest);
        let nesting = Nesting { messages: NESTED_MESSAGES, budget };
        let views = Box::pin(Self::all(app, origin, vec![detail], nesting, visible_users)).await?;
        views.into_iter().next().ok_or_else(Problem::not_found)
    }

    /// Creates the views of several conversations. Profiles that `visible_users` does not contain, and memberships that
    /// tell who has accepted, are read in one batch, while the unread messages are counted.
    pub(crate) async fn all(
        app: &App,
        origin: &Origin,
        details: Vec<Detail>,
        mut nesting: Nesting,
        mut visible_users: VisibleUsers,
    ) -> Result<Vec<Self>, Problem> {
        let (mut details, shown): (Vec<Detail>, Vec<Vec<Message>>) = details.into_iter().map(nested).unzip();
        let (mut users, mut found) = (BTreeSet::new(), Vec::new());
        for (detail, messages) in details.iter().zip(&shown) {
            let id = detail.conversation.id;
            users.extend(&detail.participants);
            users.extend(messages.iter().map(|message| message.sender));
            visible_users = visible_users.members(&detail.member);
            match &detail.accepted {
                Some(accepted) => visible_users = visible_users.accepted(id, accepted.iter().copied()),
                None => found.extend(detail.participants.iter().map(|user| (id, *user))),
            }
            if detail.has_more_participants() {
                found.extend(messages.iter().map(|message| (id, message.sender)));
            }
        }
        let unread = async { Ok(app.store.count_unread(&mut details, &mut nesting.budget).await?) };
        let (visible_users, ()) = try_join(visible_users.find_all(app, users, found), unread).await?;
        let views = details.into_iter().zip(shown).map(|(detail, messages)| {
            let mut view = Self::new(detail, messages, &visible_users, origin);
            view.messages.drain(..view.messages.len().saturating_sub(nesting.messages));
            view
        });
        Ok(views.collect())
    }

    fn new(detail: Detail, messages: Vec<Message>, visible_users: &VisibleUsers, origin: &Origin) -> Self {
        let state = ConversationState::of(detail.member.as_ref(), detail.is_archived);
        let Detail { conversation, participants, member, unread, .. } = detail;
        let (unread, unread_more) = unread.as_ref().map_or((0, false), UnreadCount::result);
        let muted = member.as_ref().is_some_and(|member| member.muted);
        let invited_by = member.filter(|_| state == ConversationState::Invited).and_then(|it| it.invited_by);
        let id = conversation.id;
        let last = messages.last().cloned();
        Self {
            conversation_id: id,
            state,
            invited_by,
            muted,
            kind: conversation.kind,
            name: conversation.name,
            metadata: conversation.metadata,
            participants: participants.iter().filter_map(|user| visible_users.view(id, *user)).collect(),
            participant_count: conversation.participant_count,
            participants_url: origin.link(&format!("/api/conversations/{id}/participants/")),
            messages: messages.into_iter().map(|message| MessageView::new(message, visible_users)).collect(),
            messages_url: origin.link(&format!("/api/messages/?conversation={id}")),
            last_message: last.map(|message| MessageView::new(message, visible_users)),
            unread,
            unread_more,
            created_by: conversation.created_by,
            created_at: conversation.created_at,
        }
    }
}

/// Returns the nested messages in reading order. The newest message is always among them, whatever its size.
fn nested(mut detail: Detail) -> (Detail, Vec<Message>) {
    let mut bytes = 0;
    let newest =
        std::mem::take(&mut detail.newest).into_iter().filter(|message| message.deleted_at.is_none());
    let mut messages: Vec<Message> = newest
        .take_while(|message| {
            let first = bytes == 0;
            bytes += message.body.len();
            first || bytes <= NESTED_BYTES
        })
        .collect();
    messages.reverse();
    (detail, messages)
}
