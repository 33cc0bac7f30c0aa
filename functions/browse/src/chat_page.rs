//! The chat page: reads a list and the open conversation from the API, and fills the template with them.

use askama::Template;
use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use chrono::SecondsFormat;
use futures::future::try_join;
use shared::{
    App,
    http::{Problem, browser_session::BrowserSession},
    ids::{ConversationId, IdempotencyKey},
    model::report::Reason,
    pages::{
        Html,
        frame::{self, LoggedInUser},
    },
};

use crate::{
    chat_api::{Api, ApiError, Refusal},
    chat_assets,
    chat_data::{Block, Conversation, IgnoredBody, Page as List},
    chat_form::{Action, ChatForm},
    chat_lists::{self, ChatList, ListLink},
    chat_open::{Open, Opening},
    chat_query::{Done, ShowChat, cursor_of},
    chat_view::{BlockedItem, InboxItem, MessageItem, REASONS},
};

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
    list: ChatList,
    lists: Vec<ListLink>,
    entries: EntryItems,
    more: Option<String>,
    chosen: bool,
    open: Option<Open>,
    done: Option<Done>,
    reasons: [(Reason, &'static str); 9],
    client_id: String,
    draft: String,
    comment: String,
    problem: Option<String>,
    blank_conversation: InboxItem,
    blank_message: MessageItem,
}

impl ChatPage {
    /// Returns the target of the link that skips the list: the form of the conversation.
    fn skip(&self) -> &'static str {
        match &self.open {
            Some(open) if open.is_invited() => "#request",
            Some(_) => "#body",
            None => "#chat",
        }
    }

    /// Returns the text of the element `title`.
    fn document_title(&self) -> String {
        self.open.as_ref().map_or_else(|| "Messages".to_owned(), |open| format!("{} · Messages", open.title))
    }
}

/// The entries of the list, for the template.
#[derive(Debug)]
enum EntryItems {
    Conversations(Vec<InboxItem>),
    Blocked(Vec<BlockedItem>),
}

impl EntryItems {
    fn is_empty(&self) -> bool {
        match self {
            Self::Conversations(items) => items.is_empty(),
            Self::Blocked(items) => items.is_empty(),
        }
    }
}

/// Texts that were typed and could not be sent, with the reason.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    /// The text of a message.
    text: String,
    /// The comment of a report.
    comment: String,
    /// The idempotency key of the next attempt; `None` for a new key.
    key: Option<IdempotencyKey>,
    problem: Option<Refusal>,
}

impl Draft {
    /// Creates the draft of a form that the API has refused.
    pub(crate) fn refused(form: ChatForm, problem: Refusal) -> Self {
        // A 409 means that the key was used for another message or is too old. The next attempt needs a new key.
        let key = form.client_id.filter(|_| problem.status != StatusCode::CONFLICT);
        let (text, comment) = match form.action {
            Action::Send { message_body, .. } => (message_body, String::new()),
            Action::Report { comment, .. } => (String::new(), comment),
            _ => (String::new(), String::new()),
        };
        Self { text, comment, key, problem: Some(problem) }
    }
}

/// A page of the list in the API.
enum Entries {
    Conversations(List<Conversation>),
    Blocks(List<Block>),
}

impl Entries {
    fn conversations(&self) -> &[Conversation] {
        match self {
            Self::Conversations(list) => &list.results,
            Self::Blocks(_) => &[],
        }
    }

    fn next(&self) -> Option<&str> {
        match self {
            Self::Conversations(list) => list.next.as_deref(),
            Self::Blocks(list) => list.next.as_deref(),
        }
    }
}

/// The answers of the API to the requests of one page.
struct Found {
    entries: Entries,
    /// True if an invitation waits for an answer.
    waiting: bool,
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
        // The list is refused if the session has ended between two requests, or if the cursor is not valid.
        let found = self.find(api, query).await?;
        let problem = draft.problem.as_ref().or(found.refusal.as_ref());
        let status = problem.map_or(StatusCode::OK, |refusal| refusal.status);
        let problem = problem.map(|refusal| refusal.detail.clone());
        let page = self.template(found, query, draft, problem);
        let mut response = Html(page).into_response();
        if let Some(policy) = frame::policy_with_connections_to(self.app.config.realtime_url.as_deref()) {
            response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
        }
        if response.status() == StatusCode::OK {
            *response.status_mut() = status;
        }
        Ok(response)
    }

    fn template(&self, found: Found, query: &ShowChat, draft: Draft, problem: Option<String>) -> ChatPage {
        let (now, list) = (self.app.clock.now(), query.list);
        let current = found.open.as_ref().map(|open| open.id).or(query.conversation);
        let next = found.entries.next().and_then(cursor_of);
        ChatPage {
            me: self.browser_session.into(),
            csrf: self.browser_session.csrf_token(),
            now: now.to_rfc3339_opts(SecondsFormat::Millis, true),
            icon: shared::pages::assets::ICON.href(),
            styles: chat_assets::styles(),
            script: chat_assets::href("chat.js"),
            modules: chat_assets::modules(),
            list,
            lists: list.links(found.waiting),
            more: next.map(|cursor| format!("{}cursor={cursor}", list.href_with())),
            entries: self.items(&found.entries, list, current),
            chosen: query.conversation.is_some(),
            open: found.open,
            done: query.done,
            reasons: REASONS,
            client_id: draft
                .key
                .map_or_else(|| self.app.random.uuid_at(now), IdempotencyKey::uuid)
                .to_string(),
            draft: draft.text,
            comment: draft.comment,
            problem,
            blank_conversation: InboxItem::blank(),
            blank_message: MessageItem::blank(),
        }
    }

    fn items(&self, entries: &Entries, list: ChatList, current: Option<ConversationId>) -> EntryItems {
        let item = |conversation| InboxItem::new(conversation, self.browser_session.user.id, list, current);
        match entries {
            Entries::Conversations(list) => {
                EntryItems::Conversations(list.results.iter().map(item).collect())
            }
            Entries::Blocks(list) => {
                EntryItems::Blocked(list.results.iter().filter_map(BlockedItem::new).collect())
            }
        }
    }

    /// Reads the list, and the requested conversation or else the first one of the list. A refusal of the conversation is
    /// part of the page.
    async fn find(&self, api: &Api, query: &ShowChat) -> Result<Found, ApiError> {
        let (entries, waiting) = try_join(entries(api, query), is_waiting(api, query.list)).await?;
        let waiting = waiting || (query.list == ChatList::Requests && !entries.conversations().is_empty());
        let first = entries.conversations().first().map(|conversation| conversation.conversation_id);
        let Some(id) = query.conversation.or(first) else {
            return Ok(Found { entries, waiting, open: None, refusal: None });
        };
        let listed = entries.conversations().iter().find(|conversation| conversation.conversation_id == id);
        let opening = Opening { api, query, id, viewer: self.browser_session.user.id };
        let (open, refusal) = match opening.read(listed).await {
            Ok(open) => (Some(open), None),
            Err(ApiError::Refused(refusal)) if refusal.status == StatusCode::NOT_FOUND => {
                let detail = "This conversation does not exist, or you do not have access.".to_owned();
                (None, Some(Refusal { detail, ..refusal }))
            }
            Err(ApiError::Refused(refusal)) => (None, Some(refusal)),
            Err(ApiError::Failed(problem)) => return Err(problem.into()),
        };
        Ok(Found { entries, waiting, open, refusal })
    }
}

/// Reads a page of the list.
async fn entries(api: &Api, query: &ShowChat) -> Result<Entries, ApiError> {
    match query.conversations_path() {
        Some(path) => api.get(&path).await.map(Entries::Conversations),
        None => api.get(&query.blocks_path()).await.map(Entries::Blocks),
    }
}

/// Returns true if an invitation waits for an answer. The list of invitations shows it without this request.
async fn is_waiting(api: &Api, list: ChatList) -> Result<bool, ApiError> {
    if list == ChatList::Requests {
        return Ok(false);
    }
    let invitations: List<IgnoredBody> = api.get(chat_lists::WAITING).await?;
    Ok(!invitations.results.is_empty())
}
