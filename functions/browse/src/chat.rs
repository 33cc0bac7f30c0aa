//! The chat: `GET /` shows the inbox and a conversation; `POST /` sends a message or sets the read mark, for browsers
//! without a script. All its data comes from the API, for the same caller. This module reads no table and makes no
//! decisions about access.

use axum::{
    extract::{Extension, FromRequest as _, Request, State},
    http::{Method, StatusCode, request::Parts},
    response::{IntoResponse, Redirect, Response},
};
use serde_json::{Value, json};
use shared::{
    App,
    http::{
        Fields, FromFields, Json, PageQuery, Problem, RequestBody, browser_session::CurrentBrowserSession,
        csrf, typed,
    },
    ids::{ConversationId, IdempotencyKey, MessageId},
};

use crate::{
    chat_api::{Api, ApiError, Routers},
    chat_data::IgnoredBody,
    chat_page::{Draft, Page},
    chat_query::{ShowChat, encoded},
};

/// The fields of the page's forms.
#[derive(Debug)]
pub(crate) struct ChatForm {
    conversation: ConversationId,
    /// The text of the message; empty in the form that sets the read mark.
    message_body: String,
    /// The idempotency key. It is created with the page, so that a form sends once, even if it is submitted several
    /// times.
    client_id: Option<IdempotencyKey>,
    after: Option<MessageId>,
    /// The message up to which everything is read; only in the form that sets the read mark.
    read: Option<MessageId>,
}

impl FromFields for ChatForm {
    fn read(fields: &mut Fields) -> Option<Self> {
        let conversation = fields.required("conversation", typed);
        let message_body = fields.given("message_body", typed).unwrap_or_default();
        let client_id = fields.optional("client_id", typed);
        let after = fields.optional("after", typed);
        let read = fields.optional("read", typed);
        Some(Self { conversation: conversation?, message_body, client_id, after, read })
    }
}

impl RequestBody for ChatForm {}

/// Answers with the chat page; redirects users who are not logged in to the login.
pub(crate) async fn page(
    current: CurrentBrowserSession,
    State(app): State<App>,
    Extension(routers): Extension<Routers>,
    query: Result<PageQuery<ShowChat>, Problem>,
    parts: Parts,
) -> Result<Response, Problem> {
    let Some(browser_session) = current.0 else {
        return Ok(to_login(&parts));
    };
    let PageQuery(query) = query?;
    let api = Api::new(routers, &parts, &browser_session.csrf_token());
    Page::new(&app, &browser_session).show(&api, &query, Draft::default()).await
}

fn to_login(parts: &Parts) -> Response {
    let here = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    Redirect::to(&format!("/api-auth/login/?next={}", encoded(here))).into_response()
}

/// Sends the message, or sets the read mark, and shows the conversation again. After a failure, the page contains the
/// typed text.
pub(crate) async fn submit(
    current: CurrentBrowserSession,
    State(app): State<App>,
    Extension(routers): Extension<Routers>,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let Some(browser_session) = current.0 else {
        return Ok(to_login(&parts));
    };
    csrf::check(&parts, &browser_session.csrf_token())?;
    let api = Api::new(routers, &parts, &browser_session.csrf_token());
    let Json(form) = Json::<ChatForm>::from_request(Request::from_parts(parts, body), &app).await?;
    match form.send(&api).await {
        Ok(()) => Ok(Redirect::to(&format!("/?conversation={}", form.conversation)).into_response()),
        Err(ApiError::Failed(problem)) => Err(problem),
        Err(ApiError::Refused(refusal)) => {
            let query = ShowChat { conversation: Some(form.conversation), ..ShowChat::default() };
            // A 409 means that the key was used for another message or is too old. The next attempt needs a new key.
            let key = form.client_id.filter(|_| refusal.status != StatusCode::CONFLICT);
            let draft = Draft { text: form.message_body, key, problem: Some(refusal) };
            Page::new(&app, &browser_session).show(&api, &query, draft).await
        }
    }
}

impl ChatForm {
    async fn send(&self, api: &Api) -> Result<(), ApiError> {
        let (method, path, body) = match self.read {
            Some(message) => {
                let path = format!("/api/conversations/{}/read/", self.conversation);
                (Method::PUT, path, json!({ "message": message }))
            }
            None => (Method::POST, "/api/messages/".to_owned(), self.message()),
        };
        api.send(method, &path, &body).await.map(|IgnoredBody {}| ())
    }

    fn message(&self) -> Value {
        let mut message = json!({ "conversation": self.conversation, "message_body": self.message_body });
        if let Some(key) = self.client_id {
            message["client_id"] = key.uuid().to_string().into();
        }
        if let Some(after) = self.after {
            message["after"] = after.to_string().into();
        }
        message
    }
}
