//! The chat page: reads the inbox and the open conversation from the API, and fills the template with them.

use askama::Template;
use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use chrono::SecondsFormat;
use futures::future::{join_all, try_join};
use shared::{
    App,
    http::{Problem, browser_session::BrowserSession},
    ids::{ConversationId, IdempotencyKey, MessageId, UserId},
    pages::{Html, frame::LoggedInUser},
};

use crate::{
    chat_api::{Api, ApiError, Refusal},
    chat_assets,
    chat_data::{Change, Conversation, Message, Page as List},
    chat_query::{ShowChat, cursor_of},
    chat_view::{self, Avatar, InboxItem, MessageItem},
};

/// The open conversation, for the template.
#[derive(Debug)]
struct Open {
    id: ConversationId,
    title: String,
    with: String,
    avatar: Avatar,
    messages: Vec<MessageItem>,
    /// The newest message on the page.
    last: Option<MessageId>,
    /// The number of the newest change before the messages were read.
    changes: u64,
    /// The path of the page with earlier messages.
    earlier: Option<String>,
    /// True if the conversation has newer messages than the page.
    past: bool,
    /// The message up to which the user marks everything as read; `None` if nothing is unread.
    unread_up_to: Option<MessageId>,
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
}

impl Open {
    /// Builds the view of a conversation. `answered` are the messages to which some of its messages reply.
    fn new(
        conversation: &Conversation,
        view: &MessagesView,
        answered: &[Message],
        newest_change: u64,
        viewer: UserId,
    ) -> Self {
        let id = conversation.conversation_id;
        let MessagesView { messages, has_older, has_newer } = view;
        let first = messages.first().filter(|_| *has_older);
        let last = messages.last().map(|message| message.message_id);
        let unread = if *has_newer { 0 } else { conversation.unread };
        Self {
            id,
            title: conversation.title(viewer),
            with: chat_view::with(conversation, viewer),
            avatar: chat_view::avatar(conversation, viewer),
            messages: chat_view::conversation_of(messages, answered, viewer, unread),
            last,
            changes: newest_change,
            earlier: first.map(|first| format!("/?conversation={id}&before={}", first.message_id)),
            past: *has_newer,
            unread_up_to: last.filter(|_| unread > 0),
        }
    }
}

/// The fields of the chat page's template.
#[derive(Debug, Template)]
#[template(path = "chat.html")]
struct ChatPage {
    me: LoggedInUser,
    csrf: String,
    now: String,
    icon: String,
    styles: Vec<String>,
    script: String,
    modules: Vec<String>,
    inbox: Vec<InboxItem>,
    more: Option<String>,
    chosen: bool,
    open: Option<Open>,
    client_id: String,
    draft: String,
    problem: Option<String>,
    blank_conversation: InboxItem,
    blank_message: MessageItem,
}

impl ChatPage {
    /// Returns the text of the element `title`.
    fn document_title(&self) -> String {
        self.open.as_ref().map_or_else(|| "Messages".to_owned(), |open| format!("{} · Messages", open.title))
    }
}

/// A text that was typed and could not be sent, with the reason.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    pub(crate) text: String,
    /// The idempotency key of the next attempt; `None` for a new key.
    pub(crate) key: Option<IdempotencyKey>,
    pub(crate) problem: Option<Refusal>,
}

/// The answers of the API to the requests of one page.
struct Found {
    inbox: List<Conversation>,
    open: Option<Open>,
    refusal: Option<Refusal>,
}

/// Creates the page for one viewer.
#[derive(Debug)]
pub(crate) struct Page<'a> {
    app: &'a App,
    browser_session: &'a BrowserSession,
}

impl<'a> Page<'a> {
    pub(crate) fn new(app: &'a App, browser_session: &'a BrowserSession) -> Self {
        Self { app, browser_session }
    }

    pub(crate) async fn show(&self, api: &Api, query: &ShowChat, draft: Draft) -> Result<Response, Problem> {
        // The inbox is refused if the session has ended between two requests, or if the cursor is not valid.
        let found = self.find(api, query).await?;
        let problem = draft.problem.as_ref().or(found.refusal.as_ref());
        let status = problem.map_or(StatusCode::OK, |refusal| refusal.status);
        let problem = problem.map(|refusal| refusal.detail.clone());
        let page = self.template(found, query.conversation, draft, problem);
        let mut response = Html(page).into_response();
        if response.status() == StatusCode::OK {
            *response.status_mut() = status;
        }
        Ok(response)
    }

    fn template(
        &self,
        found: Found,
        chosen: Option<ConversationId>,
        draft: Draft,
        problem: Option<String>,
    ) -> ChatPage {
        let now = self.app.clock.now();
        let current = found.open.as_ref().map(|open| open.id).or(chosen);
        let item = |conversation| InboxItem::new(conversation, self.browser_session.user.id, current);
        ChatPage {
            me: self.browser_session.into(),
            csrf: self.browser_session.csrf_token(),
            now: now.to_rfc3339_opts(SecondsFormat::Millis, true),
            icon: shared::pages::assets::ICON.href(),
            styles: chat_assets::styles(),
            script: chat_assets::href("chat.js"),
            modules: chat_assets::modules(),
            inbox: found.inbox.results.iter().map(item).collect(),
            more: found.inbox.next.as_deref().and_then(cursor_of).map(|cursor| format!("/?cursor={cursor}")),
            chosen: chosen.is_some(),
            open: found.open,
            client_id: draft
                .key
                .map_or_else(|| self.app.random.uuid_at(now), IdempotencyKey::uuid)
                .to_string(),
            draft: draft.text,
            problem,
            blank_conversation: InboxItem::blank(),
            blank_message: MessageItem::blank(),
        }
    }

    /// Reads the inbox, and the requested conversation or else the newest one. A refusal of the conversation is part of
    /// the page.
    async fn find(&self, api: &Api, query: &ShowChat) -> Result<Found, ApiError> {
        let inbox: List<Conversation> = api.get(&query.inbox_path()).await?;
        let newest = inbox.results.first().map(|conversation| conversation.conversation_id);
        let Some(id) = query.conversation.or(newest) else {
            return Ok(Found { inbox, open: None, refusal: None });
        };
        let listed = inbox.results.iter().find(|conversation| conversation.conversation_id == id);
        let (open, refusal) = match self.open(api, id, listed, query).await {
            Ok(open) => (Some(open), None),
            Err(ApiError::Refused(refusal)) if refusal.status == StatusCode::NOT_FOUND => {
                let detail = "This conversation does not exist, or you do not have access.".to_owned();
                (None, Some(Refusal { detail, ..refusal }))
            }
            Err(ApiError::Refused(refusal)) => (None, Some(refusal)),
            Err(ApiError::Failed(problem)) => return Err(problem.into()),
        };
        Ok(Found { inbox, open, refusal })
    }

    /// Reads a conversation with its messages. The newest change is read before the messages: a change between the two
    /// reads is then among the changes that the script reads after it.
    async fn open(
        &self,
        api: &Api,
        id: ConversationId,
        listed: Option<&Conversation>,
        query: &ShowChat,
    ) -> Result<Open, ApiError> {
        let changes = format!("/api/conversations/{id}/changes/?order=newest&limit=1");
        let detail = async {
            match listed {
                Some(_) => Ok(None),
                None => api.get::<Conversation>(&format!("/api/conversations/{id}/")).await.map(Some),
            }
        };
        let (changes, detail) = try_join(api.get::<List<Change>>(&changes), detail).await?;
        let list = api.get::<List<Message>>(&query.messages_path(id)).await?;
        let conversation = listed.or(detail.as_ref()).ok_or_else(Problem::not_found)?;
        let view = MessagesView::new(list, query);
        let answered = self.answered(api, &view.messages).await?;
        let newest_change = changes.results.first().map_or(0, |change| change.number);
        Ok(Open::new(conversation, &view, &answered, newest_change, self.browser_session.user.id))
    }

    /// Returns the messages that some of `messages` answer: those on the page, and others that are read from the API.
    /// Messages that do not exist any more are left out.
    async fn answered(&self, api: &Api, messages: &[Message]) -> Result<Vec<Message>, Problem> {
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
}
