//! The open conversation of the chat page: reads it from the API with its messages.

use axum::http::StatusCode;
use futures::future::{join_all, try_join};
use shared::{
    http::Problem,
    ids::{ConversationId, MessageId, UserId},
    model::conversation::ConversationKind,
};

use crate::{
    chat_api::{Api, ApiError},
    chat_data::{Change, Conversation, IgnoredBody, Message, Page as List, State, User},
    chat_query::ShowChat,
    chat_view::{self, Avatar, MessageItem},
};

/// The open conversation, for the template.
#[derive(Debug)]
pub(crate) struct Open {
    pub(crate) id: ConversationId,
    /// The path of this page.
    pub(crate) here: String,
    pub(crate) title: String,
    pub(crate) with: String,
    pub(crate) avatar: Avatar,
    pub(crate) messages: Vec<MessageItem>,
    /// The newest message on the page.
    pub(crate) last: Option<MessageId>,
    /// The number of the newest change before the messages were read.
    pub(crate) changes: u64,
    /// The path of the page with earlier messages.
    pub(crate) earlier: Option<String>,
    /// True if the conversation has newer messages than the page.
    pub(crate) past: bool,
    /// The message up to which the user marks everything as read; `None` if nothing is unread.
    pub(crate) unread_up_to: Option<MessageId>,
    /// The kind of the conversation in the API.
    pub(crate) kind: &'static str,
    pub(crate) state: State,
    pub(crate) muted: bool,
    /// The user whom the viewer can block.
    pub(crate) other: Option<Other>,
    /// The name of the other user of a direct conversation who has not accepted it yet.
    pub(crate) awaited: Option<String>,
}

impl Open {
    /// Returns true if the viewer has not accepted the conversation.
    pub(crate) fn is_invited(&self) -> bool {
        self.state == State::Invited
    }

    pub(crate) fn is_archived(&self) -> bool {
        self.state == State::Archived
    }

    /// Returns the title of an invitation.
    pub(crate) fn invitation(&self) -> String {
        match &self.other {
            Some(other) => format!("{} invites you to this conversation", other.name),
            None => "You are invited to this conversation".to_owned(),
        }
    }
}

/// A user whom the viewer can block, or has blocked.
#[derive(Debug)]
pub(crate) struct Other {
    pub(crate) id: UserId,
    pub(crate) name: String,
    pub(crate) blocked: bool,
}

impl Other {
    /// Returns the label of the button that changes the block.
    pub(crate) fn label(&self) -> String {
        format!("{} {}", if self.blocked { "Unblock" } else { "Block" }, self.name)
    }
}

/// The messages of a page, in reading order.
struct MessagesView {
    messages: Vec<Message>,
    /// True if the conversation has older messages.
    has_older: bool,
    /// True if the conversation may have newer messages.
    has_newer: bool,
}

impl MessagesView {
    /// Brings a page of the API into reading order. Only a page around a message already is.
    fn new(list: List<Message>, query: &ShowChat) -> Self {
        let (mut older, mut newer, mut messages) = (list.next, list.previous, list.results);
        if query.before.is_none() && query.around.is_some() {
            std::mem::swap(&mut older, &mut newer);
        } else {
            messages.reverse();
        }
        let has_newer = query.before.is_some() || newer.is_some();
        Self { messages, has_older: older.is_some(), has_newer }
    }

    /// Reads a page of messages, and the messages to which some of them reply.
    async fn read(api: &Api, query: &ShowChat, id: ConversationId) -> Result<(Self, Vec<Message>), ApiError> {
        let view = Self::new(api.get(&query.messages_path(id)).await?, query);
        let answered = answered(api, &view.messages).await?;
        Ok((view, answered))
    }
}

/// A conversation that the page opens, for one viewer.
pub(crate) struct Opening<'a> {
    pub(crate) api: &'a Api,
    pub(crate) query: &'a ShowChat,
    pub(crate) id: ConversationId,
    pub(crate) viewer: UserId,
}

impl Opening<'_> {
    /// Reads a conversation with its messages. `listed` is the conversation if a list has it. The newest change is read
    /// before the messages: a change between the two reads is then among the changes that the script reads after it.
    pub(crate) async fn read(&self, listed: Option<&Conversation>) -> Result<Open, ApiError> {
        let Self { api, query, id, viewer } = *self;
        let changes = format!("/api/conversations/{id}/changes/?order=newest&limit=1");
        let detail = async {
            match listed {
                Some(_) => Ok(None),
                None => api.get::<Conversation>(&format!("/api/conversations/{id}/")).await.map(Some),
            }
        };
        let (changes, detail) = try_join(api.get::<List<Change>>(&changes), detail).await?;
        let conversation = listed.or(detail.as_ref()).ok_or_else(Problem::not_found)?;
        let messages = MessagesView::read(api, query, id);
        let ((view, answered), other) = try_join(messages, other(api, conversation, viewer)).await?;
        let newest_change = changes.results.first().map_or(0, |change| change.number);
        Ok(Open { changes: newest_change, other, ..self.open(conversation, &view, &answered) })
    }

    /// Builds the view of a conversation. `answered` are the messages to which some of its messages reply.
    fn open(&self, conversation: &Conversation, view: &MessagesView, answered: &[Message]) -> Open {
        let Self { query, id, viewer, .. } = *self;
        let MessagesView { messages, has_older, has_newer } = view;
        let first = messages.first().filter(|_| *has_older);
        let last = messages.last().map(|message| message.message_id);
        let unread = if *has_newer { 0 } else { conversation.unread };
        let earlier = |first: &Message| {
            format!("{}conversation={id}&before={}", query.list.href_with(), first.message_id)
        };
        Open {
            id,
            here: format!("{}conversation={id}", query.list.href_with()),
            title: conversation.title(viewer),
            with: chat_view::with(conversation, viewer),
            avatar: chat_view::avatar(conversation, viewer),
            messages: chat_view::conversation_of(messages, answered, viewer, unread),
            last,
            changes: 0,
            earlier: first.map(earlier),
            past: *has_newer,
            unread_up_to: last.filter(|_| unread > 0),
            kind: match conversation.kind {
                ConversationKind::Direct => "direct",
                ConversationKind::Group => "group",
            },
            state: conversation.state,
            muted: conversation.muted,
            other: None,
            awaited: conversation.awaited(viewer).map(User::name),
        }
    }
}

/// Returns the user whom the viewer can block, with the block. The API answers 404 if there is no block.
async fn other(api: &Api, conversation: &Conversation, viewer: UserId) -> Result<Option<Other>, ApiError> {
    let Some(user) = conversation.blockable(viewer) else { return Ok(None) };
    let path = format!("/api/users/me/blocks/{}/", user.user_id);
    let blocked = match api.get::<IgnoredBody>(&path).await {
        Ok(IgnoredBody {}) => true,
        Err(ApiError::Refused(refusal)) if refusal.status == StatusCode::NOT_FOUND => false,
        Err(error) => return Err(error),
    };
    Ok(Some(Other { id: user.user_id, name: user.name(), blocked }))
}

/// Returns the messages that some of `messages` answer: those on the page, and others that are read from the API.
/// Messages that do not exist any more are left out.
async fn answered(api: &Api, messages: &[Message]) -> Result<Vec<Message>, Problem> {
    let mut found: Vec<Message> = messages.to_vec();
    let here = |id: &MessageId| messages.iter().any(|message| message.message_id == *id);
    let mut missing: Vec<MessageId> =
        messages.iter().filter_map(|message| message.reply_to).filter(|id| !here(id)).collect();
    missing.sort_unstable_by_key(|id| id.number);
    missing.dedup();
    let ask = |id: MessageId| async move { api.get::<Message>(&format!("/api/messages/{id}/")).await };
    for answer in join_all(missing.into_iter().map(ask)).await {
        match answer {
            Ok(message) => found.push(message),
            Err(ApiError::Refused(_)) => {}
            Err(ApiError::Failed(problem)) => return Err(problem),
        }
    }
    Ok(found)
}
