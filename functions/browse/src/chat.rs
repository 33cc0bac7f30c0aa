//! The chat: `GET /` shows a list and a conversation; `POST /` takes the forms of the page. All its data comes from the
//! API, for the same caller. This module reads no table and makes no decisions about access.

use axum::{
    extract::{Extension, FromRequest as _, Request, State},
    http::{StatusCode, request::Parts},
    response::{IntoResponse, Redirect, Response},
};
use shared::{
    App,
    http::{Json, PageQuery, Problem, browser_session::CurrentBrowserSession, csrf},
};

use crate::{
    chat_api::{Api, ApiError, Routers},
    chat_data::IgnoredBody,
    chat_form::{Action, ChatForm},
    chat_page::{Draft, Page},
    chat_query::{ShowChat, encoded},
};

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

/// Sends the request of a form to the API, and redirects to the page that follows. After a failure, the page contains
/// the typed text.
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
    let (method, path, body) = form.request(browser_session.user.id);
    match api.send(method, &path, body.as_ref()).await {
        Ok(IgnoredBody {}) => Ok(Redirect::to(&form.next()).into_response()),
        Err(ApiError::Failed(problem)) => Err(problem),
        // The invitation is declined already, perhaps by an earlier try.
        Err(ApiError::Refused(refusal))
            if refusal.status == StatusCode::NOT_FOUND && matches!(form.action, Action::Decline(_)) =>
        {
            Ok(Redirect::to(&form.next()).into_response())
        }
        Err(ApiError::Refused(refusal)) => {
            let query =
                ShowChat { list: form.list, conversation: Some(form.conversation), ..ShowChat::default() };
            Page::new(&app, &browser_session).show(&api, &query, Draft::refused(form, refusal)).await
        }
    }
}
