//! The authenticated user of a request, as an extractor, so that no handler can omit authentication. A token's session
//! is read together with the first read of the request; a cookie's session and user are read before. Operations of
//! admins and sends read the user as well.

use std::{fmt::Display, net::IpAddr, sync::Arc};

use axum::{
    extract::{FromRequestParts, Path},
    http::{HeaderMap, header, request::Parts},
};
use serde::de::DeserializeOwned;

use super::{
    browser_session::{BrowserSession, browser_session, has_cookie},
    client_address::ClientAddress,
    csrf,
};
use crate::{
    App,
    events::{self, Data, Event},
    http::{Problem, layers::session::RequestSession},
    ids::{ConversationId, MessageId, SessionId, UserId},
    model::user::Role,
    policy::Actor,
    store::{
        Command,
        items::{Member, Message},
    },
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
    /// The address of the client.
    pub client: IpAddr,
    /// The browser session with its user, if a cookie authenticated this request.
    pub(crate) known: Option<Arc<BrowserSession>>,
}

/// The caller and the state for the caller's request, as an extractor. In a handler's parameters, it comes first.
#[derive(Debug)]
pub struct Authenticated(pub Caller, pub App);

impl FromRequestParts<App> for Authenticated {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let authenticated = match bearer(&parts.headers)? {
            Some(token) => Self::of_token(&token, parts, app).await?,
            None => Self(Caller::of_cookie(parts, app).await?, app.clone()),
        };
        let Self(caller, app) = &authenticated;
        tracing::Span::current().record("user", tracing::field::display(caller.user));
        if let Some(session) = parts.extensions.get::<RequestSession>() {
            session.begin(&app.store);
        }
        Ok(authenticated)
    }
}

impl Authenticated {
    /// Returns the caller of a token, and a store that checks the token's session with its first read.
    async fn of_token(token: &str, parts: &Parts, app: &App) -> Result<Self, Problem> {
        let now = app.clock.now();
        let claims = app.keys.access(&app.store, token, now).await?;
        let app = App { store: app.store.for_session(claims.sub, claims.sid, now), ..app.clone() };
        let caller = Caller {
            user: claims.sub,
            session: claims.sid,
            claimed_role: claims.role,
            client: ClientAddress::of_parts(parts).0,
            known: None,
        };
        Ok(Self(caller, app))
    }
}

impl Caller {
    /// Returns the caller of a live browser session. Fails with a 401 without one, and with a 403 if the CSRF check of
    /// the request fails.
    async fn of_cookie(parts: &Parts, app: &App) -> Result<Self, Problem> {
        let browser_session = browser_session(parts, app).await?.ok_or_else(Problem::not_authenticated)?;
        csrf::check(parts, &browser_session.csrf_token())?;
        Ok(Self {
            user: browser_session.user.id,
            session: browser_session.session.id,
            claimed_role: browser_session.user.role,
            client: ClientAddress::of_parts(parts).0,
            known: Some(browser_session),
        })
    }

    /// Returns true if the cookie of a browser session authenticated this request.
    #[must_use]
    pub const fn is_browser(&self) -> bool {
        self.known.is_some()
    }

    /// Returns the command of a write that this caller requests now.
    #[must_use]
    pub fn command(&self, app: &App) -> Command {
        let limit = app.config.limits.conversations;
        Command { actor: self.user, request: app.random.uuid(), now: app.clock.now(), limit }
    }

    /// Returns the caller as an actor in a conversation, with the current role and the given membership.
    pub async fn actor(&self, app: &App, member: Option<&Member>) -> Result<Actor, Problem> {
        let role = self.role(app).await?;
        Ok(Actor {
            user: self.user,
            role,
            member: member.map(|member| member.role),
            is_accepted: member.is_some_and(Member::is_accepted),
        })
    }

    /// Returns true if the caller, as this actor, may read the conversation. The memberships of a conversation end when it
    /// is closed. For an admin without a membership, the log shows if it is closed, and the access is a security event.
    pub async fn may_read(
        &self,
        app: &App,
        actor: &Actor,
        conversation: ConversationId,
    ) -> Result<bool, Problem> {
        if actor.member.is_some() || !actor.may_read() {
            return Ok(actor.may_read());
        }
        let is_open = app.store.is_open(conversation).await?;
        if is_open {
            self.report(Event::AdminAccess(Data::Conversation), Some(&conversation));
        }
        Ok(is_open)
    }

    /// Returns a message that the caller may read, with the caller as an actor in its conversation; `None` if there is no
    /// such message. The membership is checked first. A deleted message is returned, too.
    pub async fn readable_message(
        &self,
        app: &App,
        id: MessageId,
    ) -> Result<Option<(Message, Actor)>, Problem> {
        let (member, message) = app.store.message(id, self.user).await?;
        let actor = self.actor(app, member.as_ref()).await?;
        let base = member.as_ref().map_or(0, |member| member.base);
        let readable = self.may_read(app, &actor, id.conversation).await?;
        Ok(message.filter(|message| readable && message.number > base).map(|message| (message, actor)))
    }

    /// Reports a security event that this caller caused. `target` is the id of the user or the conversation.
    pub fn report(&self, event: Event, target: Option<&dyn Display>) {
        events::report(event, Some(self.user), target, Some(self.client));
    }
}

/// Returns true if a request has a token or the cookie of a browser session, valid or not.
#[must_use]
pub fn has_credentials(parts: &Parts) -> bool {
    parts.headers.contains_key(header::AUTHORIZATION) || has_cookie(parts)
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

/// Ids in the path. An invalid id gets the same 404 as an id that does not exist. In a handler's parameters, [`Authenticated`]
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
