//! `/api/users/{id}/`: the profile of any user. Admins can change the role and suspend the user.

use shared::{
    App,
    events::{Data, Event},
    http::{
        Authenticated, Caller, Fields, FromFields, Ids, NoParameters, Problem, Query, Reply, RequestBody,
        Unchecked, Unversioned, UserView, schemas::EmailAddress, typed,
    },
    ids::UserId,
    model::user::Role,
    policy,
    store::{ChangedStanding, StandingChange, StandingError, items::User},
};
use utoipa::ToSchema;

use crate::me::same_email;

/// The fields that an admin can change.
#[derive(Debug, ToSchema)]
pub struct ChangeUser {
    /// The new role.
    #[schema(value_type = Role, required = false)]
    pub role: Option<Role>,
    /// True to suspend the user, false to end the suspension.
    #[schema(value_type = bool, required = false)]
    pub suspended: Option<bool>,
    /// The current email address. A client may send it back, but cannot change it.
    #[schema(value_type = Option<EmailAddress>)]
    pub email: Option<Option<String>>,
}

impl FromFields for ChangeUser {
    fn read(fields: &mut Fields) -> Option<Self> {
        Some(Self {
            role: fields.given("role", typed),
            suspended: fields.given("suspended", typed),
            email: fields.nullable("email", typed),
        })
    }
}

impl RequestBody for ChangeUser {
    const READ_ONLY: &'static [&'static str] =
        &["user_id", "first_name", "last_name", "phone_number", "created_at", "contact"];
}

/// Returns the profile of a user.
///
/// Contact details are included only if the caller may see them.
#[utoipa::path(get, path = "/api/users/{id}/", operation_id = "read_user", params(Ids<UserId>),
    responses((status = 200, body = UserView)))]
pub async fn read(
    Authenticated(caller, app): Authenticated,
    Ids(id): Ids<UserId>,
    Query(NoParameters {}): Query<NoParameters>,
) -> Result<Reply<UserView>, Problem> {
    let user = app.store.user(id).await?.ok_or_else(Problem::not_found)?;
    Ok(Reply::ok(shown_to(&caller, &app, &user).await?))
}

/// Changes the role of a user, or suspends a user.
///
/// Only admins can do this. A suspended user cannot log in, and all sessions of the user end. The last admin who is not
/// suspended stays admin: the response is 409. A request that changes nothing writes nothing.
#[utoipa::path(patch, path = "/api/users/{id}/", operation_id = "change_user", params(Ids<UserId>),
    request_body = ChangeUser, responses((status = 200, body = UserView), (status = 403), (status = 409)))]
pub async fn change(
    Authenticated(caller, app): Authenticated,
    Ids(id): Ids<UserId>,
    Unversioned(unversioned): Unversioned,
    request: Unchecked<ChangeUser>,
) -> Result<Reply<UserView>, Problem> {
    let detail = "Only admins can change another user. Change your own profile at /api/users/me/.";
    caller.require_admin(&app, detail).await?;
    let user = app.store.user(id).await?.ok_or_else(Problem::not_found)?;
    let (request, ()) = request.and(unversioned).check(|(request, ()), faults| {
        if let Some(email) = &request.email {
            faults.check(same_email(email.as_deref(), &user));
        }
    })?;
    let now = app.clock.now();
    let change = StandingChange { role: request.role, suspended: request.suspended };
    let changed = app.store.change_standing(user.id, change, now).await;
    let changed = changed.map_err(|error| refused(error, &caller, change, &change.of(user, now)))?;
    let is_changed = report(&caller, &changed);
    if request.suspended == Some(true) {
        // If this fails, the suspension stays, and a repetition of the request ends the sessions.
        app.store.end_sessions(id, None, now).await?;
    }
    if !is_changed {
        return Ok(Reply::ok(shown_to_admin(&caller, &changed.after)));
    }
    // The answer shows the profile as it is now.
    let present = app.store.user(id).await?.unwrap_or(changed.after);
    Ok(Reply::ok(UserView::for_admins(&present)))
}

/// Returns the answer to a change that was refused or failed. A change that failed may have taken effect. Then a repetition
/// finds nothing to change and reports nothing, so the events are reported now.
fn refused(
    error: StandingError,
    caller: &Caller,
    change: StandingChange,
    intended: &ChangedStanding,
) -> Problem {
    match error {
        StandingError::Closed => {
            let field = if change.role.is_some() { "role" } else { "suspended" };
            Problem::field(field, "cannot be changed, because the account is closed")
        }
        StandingError::Store(error) => {
            report(caller, intended);
            error.into()
        }
        other => other.into(),
    }
}

/// Reports what an admin has changed. Returns false if nothing has changed.
fn report(caller: &Caller, changed: &ChangedStanding) -> bool {
    for event in changed.events() {
        caller.report(event, Some(&changed.after.id));
    }
    changed.events().next().is_some()
}

/// Returns a user's view for `caller`. It reads the caller's role, and the conversations that both have accepted only if
/// the decision depends on them.
pub(crate) async fn shown_to(caller: &Caller, app: &App, user: &User) -> Result<UserView, Problem> {
    let role = caller.role(app).await?;
    if role == Role::Admin {
        return Ok(shown_to_admin(caller, user));
    }
    let shows = policy::shows_contact(user.id, caller.user, role, false)
        || (user.closed_at.is_none() && app.store.share_a_conversation(caller.user, user.id).await?);
    Ok(UserView::new(user, shows))
}

/// Returns a user's view for a caller who is an admin. A view of another user is a security event.
fn shown_to_admin(caller: &Caller, user: &User) -> UserView {
    if user.id != caller.user {
        caller.report(Event::AdminAccess(Data::User), Some(&user.id));
    }
    UserView::for_admins(user)
}
