//! Who is asking: an extractor, so that no handler can forget it. A token is verified and nothing is read; a cookie's session
//! and profile are read. What only an admin may do, and a send, read the profile as well.

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
    store::items::Member,
};

/// The authenticated user.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Who.
    pub user: UserId,
    /// On which device.
    pub session: SessionId,
    /// The role when the token was made: for display and for choosing what to read, never for a decision.
    pub claimed_role: Role,
    /// What was read for this request already: a cookie's session and its user.
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

    /// The caller of a live session's cookie, whose page sent the request.
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

    /// The caller before a conversation, with the membership that was read.
    pub async fn actor(&self, app: &App, member: Option<&Member>) -> Result<Actor, Problem> {
        let role = self.role(app).await?;
        Ok(Actor { user: self.user, role, member: member.map(|member| member.role) })
    }
}

/// The token of the one `Authorization` header; `None` where there is no header.
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

/// Ids in the path. One that is no id of that kind is like one that nobody has: 404. Stands behind [`Caller`] in a
/// handler's parameters, so that nobody learns anything without a token.
#[derive(Debug)]
pub struct Ids<T>(pub T);

impl<T: DeserializeOwned + Send> FromRequestParts<App> for Ids<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let path = Path::from_request_parts(parts, app).await;
        path.map(|Path(ids)| Self(ids)).map_err(|_| Problem::not_found())
    }
}
