//! The authenticated user of a request, as an extractor, so that no handler can omit authentication. A token is
//! verified without reading the user; a cookie's session and user are read. Operations of admins and sends read the
//! user as well.

use std::sync::Arc;

use axum::{
    extract::{FromRequestParts, Path},
    http::{HeaderMap, header, request::Parts},
};
use serde::de::DeserializeOwned;

use super::{
    browser_session::{BrowserSession, browser_session},
    csrf,
};
use crate::{
    App,
    http::Problem,
    ids::{SessionId, UserId},
    model::user::Role,
    policy::Actor,
    store::{Command, items::Member},
};

/// The authenticated user of a request.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The id of the user.
    pub user: UserId,
    /// The id of the login session, one for each device.
    pub session: SessionId,
    /// The role at the time when the token was issued. It is for display and for choosing a read, never for a decision
    /// about access.
    pub claimed_role: Role,
    /// The browser session with its user, if a cookie authenticated this request.
    pub(crate) known: Option<Arc<BrowserSession>>,
}

impl FromRequestParts<App> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let caller = match bearer(&parts.headers)? {
            Some(token) => Self::of_token(&token, app).await?,
            None => Self::of_cookie(parts, app).await?.ok_or_else(Problem::not_authenticated)?,
        };
        tracing::Span::current().record("user", tracing::field::display(caller.user));
        Ok(caller)
    }
}

impl Caller {
    async fn of_token(token: &str, app: &App) -> Result<Self, Problem> {
        let claims = app.keys.access(&app.store, token, app.clock.now()).await?;
        Ok(Self { user: claims.sub, session: claims.sid, claimed_role: claims.role, known: None })
    }

    /// Returns the caller of a live browser session; `None` without one. Fails with a 403 if the CSRF check of the
    /// request fails.
    async fn of_cookie(parts: &Parts, app: &App) -> Result<Option<Self>, Problem> {
        let Some(browser_session) = browser_session(parts, app).await? else {
            return Ok(None);
        };
        csrf::check(parts, &browser_session.csrf_token())?;
        Ok(Some(Self {
            user: browser_session.user.id,
            session: browser_session.session.id,
            claimed_role: browser_session.user.role,
            known: Some(browser_session),
        }))
    }

    /// Returns the command of a write that this caller requests now.
    #[must_use]
    pub fn command(&self, app: &App) -> Command {
        Command { actor: self.user, request: app.random.uuid(), now: app.clock.now() }
    }

    /// Returns the caller as an actor in a conversation, with the current role and the given membership.
    pub async fn actor(&self, app: &App, member: Option<&Member>) -> Result<Actor, Problem> {
        let role = self.role(app).await?;
        Ok(Actor { user: self.user, role, member: member.map(|member| member.role) })
    }
}

/// Returns the token of the header `Authorization`; `None` without the header. Fails with a 401 for a second header or
/// another scheme.
fn bearer(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    let text =
        value.to_str().ok().filter(|_| values.next().is_none()).ok_or_else(Problem::token_not_valid)?;
    let (scheme, token) = text.split_once(' ').ok_or_else(Problem::token_not_valid)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Problem::not_authenticated());
    }
    Ok(Some(token.trim().to_owned()))
}

/// Ids in the path. An invalid id gets the same 404 as an id that does not exist. In a handler's parameters, [`Caller`]
/// comes first, so that a client without a token gets a 401 in both cases.
#[derive(Debug)]
pub struct Ids<T>(pub T);

impl<T: DeserializeOwned + Send> FromRequestParts<App> for Ids<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let path = Path::from_request_parts(parts, app).await;
        path.map(|Path(ids)| Self(ids)).map_err(|_| Problem::not_found())
    }
}
