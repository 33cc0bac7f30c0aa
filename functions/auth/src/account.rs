//! `DELETE /api/users/me/`: closes the caller's account. The messages of the account stay, with a deleted user as their
//! sender.

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use shared::{
    App,
    auth::Password,
    events::Event,
    http::{
        Authenticated, Caller, Fields, FromFields, Problem, RequestBody, Site, Unchecked, Unversioned,
        browser_session::NextBrowserSession, cookies, schemas::PasswordText, typed,
    },
    store::{ClosingError, StandingError},
};
use utoipa::ToSchema;

use crate::password::confirmed;

/// The password that confirms the closing.
#[derive(Debug, ToSchema)]
pub struct CloseAccount {
    /// The current password.
    #[schema(value_type = PasswordText)]
    pub password: Password,
}

impl FromFields for CloseAccount {
    fn read(fields: &mut Fields) -> Option<Self> {
        Some(Self { password: fields.required("password", typed)? })
    }
}

impl RequestBody for CloseAccount {}

/// Closes the caller's account.
///
/// The messages of the account stay. Their sender is shown as a deleted user. All sessions end. If the response is lost or
/// an error, repeat the request with the same token or cookie: it continues, or the response is 401 because the account
/// is closed and the session has ended.
#[utoipa::path(delete, path = "/api/users/me/", operation_id = "close_own_account",
    request_body = CloseAccount, responses((status = 204), (status = 409), (status = 429)))]
pub async fn close(
    Authenticated(caller, app): Authenticated,
    site: Site,
    Unversioned(unversioned): Unversioned,
    request: Unchecked<CloseAccount>,
) -> Result<Response, Problem> {
    let (request, ()) = request.and(unversioned).finish()?;
    close_once(&app, &caller, &request.password).await?;
    // The account is closed: it cannot log in, refresh tokens, send messages, administer, or be added to a group. If one of
    // these calls fails, the session of this request is still live, because it ends last. So the client can repeat the
    // request, which continues with them.
    let now = app.clock.now();
    app.store.end_other_sessions(caller.user, caller.session, now).await?;
    app.store.leave_groups(caller.user, now).await?;
    app.store.end_session(caller.user, caller.session, now).await?;
    let mut response = StatusCode::NO_CONTENT.into_response();
    if caller.is_browser() {
        cookies::end(response.headers_mut(), &site);
        response.extensions_mut().insert(NextBrowserSession(None));
    }
    Ok(response)
}

/// Closes the account if the password is right. An account that an earlier try of this request has closed has no password
/// any more, and stays closed.
async fn close_once(app: &App, caller: &Caller, password: &Password) -> Result<(), Problem> {
    let user = app.store.user(caller.user).await?.ok_or_else(Problem::token_not_valid)?;
    if user.closed_at.is_some() {
        return Ok(());
    }
    confirmed(app, caller, &user, ("password", password)).await?;
    let closed = app.store.close_account(user, caller.session, app.clock.now()).await;
    // A closing that failed may have taken effect. Then a repetition finds the account closed, so the event is reported now.
    let is_reported = matches!(closed, Ok(true) | Err(ClosingError::Standing(StandingError::Store(_))));
    if is_reported {
        caller.report(Event::AccountClosed, Some(&caller.user));
    }
    closed.map(drop).map_err(|error| match error {
        ClosingError::SessionOver => Problem::token_not_valid(),
        ClosingError::Standing(error) => error.into(),
    })
}
