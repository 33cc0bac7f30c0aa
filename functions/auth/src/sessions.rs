//! `/api/users/me/sessions/` and `/api/users/{id}/sessions/`: lists the sessions of the caller or, for admins, of any
//! user, one for each logged-in device, and ends sessions.

use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use serde::Serialize;
use shared::{
    App,
    events::{Data, Event},
    http::{
        Authenticated, Caller, Fields, FromFields, Ids, Limit, NoParameters, Origin, Page, Problem, Query,
        Reply, UncheckedQuery, Unversioned,
        page::{List, Owned, owned_cursor, read_owned_cursor},
        schemas::Cursor,
        typed,
        user::timestamp,
    },
    ids::{SessionId, UserId},
    model::Invalid,
    store::items::{Session, SessionKind, User},
};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

const ONLY_ADMINS: &str =
    "Only admins can see and end the sessions of other users. Your own are at /api/users/me/sessions/.";

/// A session of a device that is logged in.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Session)]
pub struct SessionView {
    /// The id of the session.
    pub session_id: SessionId,
    /// The kind of the session.
    pub kind: SessionKind,
    /// The header `User-Agent` of the login, cut to 200 characters; `null` if there was none.
    #[schema(required, examples("curl/8.14"))]
    pub user_agent: Option<String>,
    /// The time of the login, or of the change of the password that began the session.
    #[serde(serialize_with = "timestamp")]
    pub created_at: DateTime<Utc>,
    /// The time of the last refresh, or of the login if there was no refresh.
    #[serde(serialize_with = "timestamp")]
    pub refreshed_at: DateTime<Utc>,
    /// The time when the session ends if it is not refreshed.
    #[serde(serialize_with = "timestamp")]
    pub expires_at: DateTime<Utc>,
    /// True for the session of this request.
    pub current: bool,
}

/// A page of sessions.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListSessions {
    /// The maximum number of entries on the page.
    #[param(required = false)]
    pub limit: Limit,
    /// The position at which the page begins.
    #[param(value_type = Option<Cursor>)]
    pub cursor: Option<Owned<SessionId>>,
}

impl FromFields for ListSessions {
    fn read(fields: &mut Fields) -> Option<Self> {
        let limit = fields.given("limit", typed).unwrap_or_default();
        let cursor = fields.optional("cursor", |text: String| read_owned_cursor(List::Sessions, &text));
        let session = |bytes| SessionId::new(Uuid::from_bytes(bytes));
        Some(Self { limit, cursor: cursor.map(|cursor| cursor.map(session)) })
    }
}

impl ListSessions {
    /// Returns the session after which the page begins; `None` for the first page. Fails for a cursor of another user's
    /// sessions.
    fn after(&self, owner: UserId) -> Result<Option<SessionId>, Invalid> {
        self.cursor.map(|cursor| cursor.of(owner.uuid())).transpose()
    }
}

/// Lists the caller's sessions.
///
/// Each session is one device that is logged in with tokens or with a cookie. Sessions that have ended are not
/// listed. The order is that of the random ids, so it says nothing about the times: sort by `created_at` or
/// `refreshed_at`.
#[utoipa::path(get, path = "/api/users/me/sessions/", operation_id = "list_sessions", params(ListSessions),
    responses((status = 200, body = Page<SessionView>)))]
pub async fn list(
    Authenticated(caller, app): Authenticated,
    origin: Origin,
    Query(query): Query<ListSessions>,
) -> Result<Reply<Page<SessionView>>, Problem> {
    let after = query.after(caller.user)?;
    let sessions = app.store.sessions_of(caller.user, after, Some(query.limit.0));
    let (user, sessions) = tokio::join!(caller.profile(&app), sessions);
    let path = origin.link(&format!("/api/users/me/sessions/?limit={}", query.limit.0));
    Ok(Reply::ok(page((user?, sessions?), &caller, app.clock.now(), &path)))
}

/// Lists the sessions of any user.
///
/// Only admins can do this. Sessions that have ended are not listed. The order is that of the ids.
#[utoipa::path(get, path = "/api/users/{id}/sessions/", operation_id = "list_sessions_of_user",
    params(Ids<UserId>, ListSessions), responses((status = 200, body = Page<SessionView>), (status = 403)))]
pub async fn list_of(
    Authenticated(caller, app): Authenticated,
    Ids(id): Ids<UserId>,
    origin: Origin,
    Query(query): Query<ListSessions>,
) -> Result<Reply<Page<SessionView>>, Problem> {
    caller.require_admin(&app, ONLY_ADMINS).await?;
    let after = query.after(id)?;
    let sessions = app.store.sessions_of(id, after, Some(query.limit.0));
    let (user, sessions) = tokio::join!(app.store.user(id), sessions);
    let user = user?.ok_or_else(Problem::not_found)?;
    if id != caller.user {
        caller.report(Event::AdminAccess(Data::Sessions), Some(&id));
    }
    let path = origin.link(&format!("/api/users/{id}/sessions/?limit={}", query.limit.0));
    Ok(Reply::ok(page((user, sessions?), &caller, app.clock.now(), &path)))
}

/// Ends all sessions of any user.
///
/// Only admins can do this. The next request with a token or a cookie of the user is refused. The user can log in again.
#[utoipa::path(delete, path = "/api/users/{id}/sessions/", operation_id = "end_sessions_of_user", params(Ids<UserId>),
    responses((status = 204), (status = 403)))]
pub async fn end_of(
    Authenticated(caller, app): Authenticated,
    Ids(id): Ids<UserId>,
    Unversioned(unversioned): Unversioned,
    UncheckedQuery(query): UncheckedQuery<NoParameters>,
) -> Result<StatusCode, Problem> {
    caller.require_admin(&app, ONLY_ADMINS).await?;
    app.store.user(id).await?.ok_or_else(Problem::not_found)?;
    query.and(unversioned).finish()?;
    app.store.end_sessions(id, None, app.clock.now()).await?;
    caller.report(Event::SessionsEnded, Some(&id));
    Ok(StatusCode::NO_CONTENT)
}

/// Returns a page of the live sessions among those that were read. `path` is the link to the list, without a cursor.
fn page(
    (user, (sessions, more)): (User, (Vec<Session>, bool)),
    caller: &Caller,
    now: DateTime<Utc>,
    path: &str,
) -> Page<SessionView> {
    let last = sessions.last().map(|session| session.id).filter(|_| more);
    let cursor = |last: SessionId| owned_cursor(List::Sessions, user.id.uuid(), last.uuid().as_bytes());
    let next = last.map(|last| format!("{path}&cursor={}", cursor(last)));
    let live = sessions.into_iter().filter(|session| session.is_live(&user, now));
    Page { next, previous: None, results: live.map(|session| SessionView::new(session, caller)).collect() }
}

/// Returns one of the caller's sessions.
///
/// The response is 404 if the session has ended.
#[utoipa::path(get, path = "/api/users/me/sessions/{id}/", operation_id = "read_session", params(Ids<SessionId>),
    responses((status = 200, body = SessionView)))]
pub async fn read(
    Authenticated(caller, app): Authenticated,
    Ids(id): Ids<SessionId>,
    Query(NoParameters {}): Query<NoParameters>,
) -> Result<Reply<SessionView>, Problem> {
    let session = live(&caller, &app, id).await?;
    Ok(Reply::ok(SessionView::new(session, &caller)))
}

/// Ends one of the caller's sessions.
///
/// The next request with a token or the cookie of the session is refused.
#[utoipa::path(delete, path = "/api/users/me/sessions/{id}/", operation_id = "end_session", params(Ids<SessionId>),
    responses((status = 204)))]
pub async fn end(
    Authenticated(caller, app): Authenticated,
    Ids(id): Ids<SessionId>,
    Unversioned(unversioned): Unversioned,
    UncheckedQuery(query): UncheckedQuery<NoParameters>,
) -> Result<StatusCode, Problem> {
    query.and(unversioned).finish()?;
    live(&caller, &app, id).await?;
    app.store.end_session(caller.user, id, app.clock.now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn live(caller: &Caller, app: &App, id: SessionId) -> Result<Session, Problem> {
    let now = app.clock.now();
    let (user, session) = tokio::join!(caller.profile(app), app.store.session(caller.user, id, now));
    let user = user?;
    let session = session?.filter(|session| session.is_live(&user, now));
    session.ok_or_else(Problem::not_found)
}

impl SessionView {
    fn new(session: Session, caller: &Caller) -> Self {
        Self {
            session_id: session.id,
            kind: session.kind,
            user_agent: session.user_agent,
            created_at: session.created_at,
            refreshed_at: session.rotated_at,
            expires_at: session.expires_at,
            current: session.id == caller.session,
        }
    }
}
