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
    ids::{ConversationId, IdempotencyKey, MessageId},
    pages::{Html, frame::LoggedInUser},
};

use crate::{
    chat::ShowChat,
    chat_api::{Api, Refusal},
    chat_assets,
    chat_data::{Change, Conversation, Message, Page as List},
    chat_view::{self, Avatar, InboxItem, MessageItem},
};

/// The number of conversations on a page of the inbox.
const INBOX: usize = 20;
/// The number of messages in the first view. It is low, so that the page stays small.
const MESSAGES: usize = 30;

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

/// A text that was typed and could not be sent, with the reason.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    pub(crate) text: String,
    /// The idempotency key of the next attempt; `None` for a new key.
    pub(crate) key: Option<IdempotencyKey>,
    pub(crate) problem: Option<Refusal>,
}

/// The answers of the API that the page needs.
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
        let found = match self.find(api, query).await? {
            Ok(found) => found,
            // The session may have ended between two requests, or the cursor is invalid.
            Err(refusal) => return Err(refusal.into()),
        };
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

    /// Reads the inbox, and the requested or otherwise the newest conversation.
    async fn find(&self, api: &Api, query: &ShowChat) -> Result<Result<Found, Refusal>, Problem> {
        let cursor = query.cursor.as_ref().map(|cursor| format!("&cursor={}", encoded(cursor)));
        let path = format!("/api/conversations/?limit={INBOX}&messages=0{}", cursor.unwrap_or_default());
        let inbox: List<Conversation> = match api.get(&path).await? {
            Ok(inbox) => inbox,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let newest = inbox.results.first().map(|conversation| conversation.conversation_id);
        let Some(id) = query.conversation.or(newest) else {
            return Ok(Ok(Found { inbox, open: None, refusal: None }));
        };
        let listed = inbox.results.iter().find(|conversation| conversation.conversation_id == id);
        let (open, refusal) = match self.open(api, id, listed, query).await? {
            Ok(open) => (Some(open), None),
            Err(refusal) if refusal.status == StatusCode::NOT_FOUND => {
                let detail = "This conversation does not exist, or you do not have access.".to_owned();
                (None, Some(Refusal { detail, ..refusal }))
            }
            Err(refusal) => (None, Some(refusal)),
        };
        Ok(Ok(Found { inbox, open, refusal }))
    }

    /// Reads a conversation with its messages. The newest change is read before the messages: a change between the two
    /// reads is in the change log after that number, where the script finds it.
    async fn open(
        &self,
        api: &Api,
        id: ConversationId,
        listed: Option<&Conversation>,
        query: &ShowChat,
    ) -> Result<Result<Open, Refusal>, Problem> {
        let changes = format!("/api/conversations/{id}/changes/?order=newest&limit=1");
        let detail = async {
            match listed {
                Some(_) => Ok(None),
                None => api.get::<Conversation>(&format!("/api/conversations/{id}/")).await.map(Some),
            }
        };
        let (changes, detail) = try_join(api.get::<List<Change>>(&changes), detail).await?;
        let messages = api.get::<List<Message>>(&messages_path(id, query)).await?;
        let (changes, mut list, detail) = match (changes, messages, detail.transpose()) {
            (Ok(changes), Ok(messages), Ok(detail)) => (changes, messages, detail),
            (Err(refusal), ..) | (_, Err(refusal), _) | (.., Err(refusal)) => return Ok(Err(refusal)),
        };
        let Some(conversation) = listed.or(detail.as_ref()) else {
            return Err(Problem::not_found());
        };
        let around = query.before.is_none() && query.around.is_some();
        let (mut older, mut newer) = (list.next.take(), list.previous.take());
        if around {
            // These messages are already in reading order.
            std::mem::swap(&mut older, &mut newer);
        } else {
            list.results.reverse();
        }
        let answered = self.answered(api, &list.results).await?;
        let past = query.before.is_some() || newer.is_some();
        Ok(Ok(self.opened(conversation, &list.results, &answered, past, older.is_some(), &changes)))
    }

    fn opened(
        &self,
        conversation: &Conversation,
        messages: &[Message],
        answered: &[Message],
        past: bool,
        older: bool,
        changes: &List<Change>,
    ) -> Open {
        let (id, viewer) = (conversation.conversation_id, self.browser_session.user.id);
        let first = messages.first().filter(|_| older);
        let last = messages.last().map(|message| message.message_id);
        let unread = if past { 0 } else { conversation.unread };
        Open {
            id,
            title: conversation.title(viewer),
            with: chat_view::with(conversation, viewer),
            avatar: chat_view::avatar(conversation, viewer),
            messages: chat_view::conversation_of(messages, answered, viewer, unread),
            last,
            changes: changes.results.first().map_or(0, |change| change.number),
            earlier: first.map(|first| format!("/?conversation={id}&before={}", first.message_id)),
            past,
            unread_up_to: last.filter(|_| unread > 0),
        }
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
            found.extend(answer?.ok());
        }
        Ok(found)
    }
}

fn messages_path(id: ConversationId, query: &ShowChat) -> String {
    let place = match (query.before, query.around) {
        (Some(before), _) => format!("&before={before}"),
        (None, Some(around)) => format!("&around={around}"),
        (None, None) => String::new(),
    };
    format!("/api/messages/?conversation={id}{place}&tombstones=1&limit={MESSAGES}")
}

/// Returns the cursor in a link of the API; `None` if there is none.
fn cursor_of(link: &str) -> Option<&str> {
    link.split(['?', '&']).find_map(|pair| pair.strip_prefix("cursor="))
}

/// Encodes a text as the value of a URL parameter.
pub(crate) fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
