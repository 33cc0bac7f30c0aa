//! `POST /api/users/me/password/`: changes the password, and logs out every other device.

use std::sync::Arc;

use axum::{
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use shared::{
    App,
    auth::{NewPassword, Password, attempt},
    events::Event,
    http::{
        Authenticated, Caller, Fields, FromFields, Problem, Reply, RequestBody, Site, Unchecked,
        browser_session::{BrowserSession, NextBrowserSession},
        schemas::{NewPasswordText, PasswordText},
        typed,
    },
    store::{
        PasswordChange, PasswordChangeError, Replacement,
        items::{Credential, Session, User},
    },
};
use utoipa::ToSchema;

use crate::{TokenPair, browser::cookie_session, login::token_session};

/// The current password and the new password.
#[derive(Debug, ToSchema)]
pub struct ChangePassword {
    /// The current password.
    #[schema(value_type = PasswordText)]
    pub old_password: Password,
    /// A password of 15 to 128 characters, or of 8 or more that are hard to guess.
    #[schema(value_type = NewPasswordText)]
    pub new_password: Password,
}

impl FromFields for ChangePassword {
    fn read(fields: &mut Fields) -> Option<Self> {
        let old_password = fields.required("old_password", typed);
        // The handler checks the rules that depend on the user.
        let new_password = fields.required("new_password", |password: Password| {
            password.clone().accept("new_password", None, &[]).map(|_| password)
        });
        Some(Self { old_password: old_password?, new_password: new_password? })
    }
}

impl RequestBody for ChangePassword {}

/// Changes the caller's password.
///
/// All other sessions of the account end. A new session replaces the session of the request, as after a login: the response
/// has its tokens, or a new cookie if a cookie authenticated the request. The old tokens and the old cookie are not valid
/// any more. If the response is lost, log in with the new password.
#[utoipa::path(post, path = "/api/users/me/password/", operation_id = "change_password",
    request_body = ChangePassword, responses((status = 200, body = TokenPair), (status = 204), (status = 429)))]
pub async fn change(
    Authenticated(caller, app): Authenticated,
    site: Site,
    headers: HeaderMap,
    request: Unchecked<ChangePassword>,
) -> Result<Response, Problem> {
    let user = caller.profile(&app).await?;
    let (old, new) = passwords(&user, request)?;
    let credential = confirmed(&app, &caller, &user, ("old_password", &old)).await?;
    let version = credential.version + 1;
    let (session, cookie) = if caller.is_browser() {
        let (session, cookie) = cookie_session(&app, &credential, &headers);
        (session, Some(cookie))
    } else {
        (token_session(&app, &credential, &headers), None)
    };
    let begun = Session { credential_version: version, ..session };
    let hash = new.hash(&app.random, app.hashing).await?;
    let session = Some(Replacement { ended: caller.session, begun: begun.clone() });
    let change = PasswordChange { credential: &credential, hash, session };
    let changed = app.store.change_password(&change).await;
    changed.map_err(|error| refused(error, &caller))?;
    caller.report(Event::PasswordChanged, Some(&caller.user));
    // The other sessions have an older credential version now, so they are not refreshed. This call ends their access tokens.
    // If it fails, the client gets an error, and logs in with the new password; the login ends them.
    app.store.end_sessions(caller.user, Some(version), begun.created_at).await?;
    match cookie {
        Some(cookie) => Ok(with_cookie(BrowserSession::new(cookie, begun, user), &site)),
        None => Ok(Reply::ok(TokenPair::of(&app, &begun, user.role).await?).into_response()),
    }
}

/// Returns the old and the new password. Fails with all faults of the request.
fn passwords(user: &User, request: Unchecked<ChangePassword>) -> Result<(Password, NewPassword), Problem> {
    let names = [user.first_name.as_str(), user.last_name.as_str()];
    let mut new = None;
    let request = request.check(|request, faults| {
        let accepted = request.new_password.clone().accept("new_password", user.email.as_ref(), &names);
        new = faults.check(accepted);
    })?;
    let new = new.ok_or_else(|| Problem::internal("a password without a verdict"))?;
    Ok((request.old_password, new))
}

/// Returns the caller's credential if the password of this field is right. Fails with a fault of the field otherwise. The
/// attempt is counted in the tally of the session, so a stolen token makes few guesses.
pub(crate) async fn confirmed(
    app: &App,
    caller: &Caller,
    user: &User,
    (field, password): (&'static str, &Password),
) -> Result<Credential, Problem> {
    let email = user.email.as_ref().ok_or_else(|| Problem::internal("an open account without an email"))?;
    let credential = attempt::confirm(app, caller.session, email, password).await?;
    let credential = credential.filter(|credential| credential.user == caller.user);
    if credential.is_none() {
        caller.report(Event::PasswordNotConfirmed, Some(&caller.user));
    }
    credential.ok_or_else(|| Problem::field(field, "is not the current password"))
}

/// Returns the answer to a change that was refused or failed. A change that failed may have taken effect. Then a repetition
/// is refused because of the old password, so the event is reported now.
fn refused(error: PasswordChangeError, caller: &Caller) -> Problem {
    match error {
        PasswordChangeError::SessionOver => Problem::token_not_valid(),
        PasswordChangeError::Superseded => {
            Problem::field("old_password", "is no longer the current password")
        }
        PasswordChangeError::Store(error) => {
            caller.report(Event::PasswordChanged, Some(&caller.user));
            error.into()
        }
    }
}

/// Returns the answer to a browser: the cookies of its new session.
fn with_cookie(begun: BrowserSession, site: &Site) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    begun.set_cookies(response.headers_mut(), site);
    response.extensions_mut().insert(NextBrowserSession(Some(Arc::new(begun))));
    response
}
