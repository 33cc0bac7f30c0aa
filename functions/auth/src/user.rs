//! `/api/users/{id}/`: the profile of any user. Admins can change the role.

use shared::{
    App,
    http::{
        Authenticated, Caller, Fields, FromFields, Ids, NoParameters, Problem, Query, Reply, RequestBody,
        Unchecked, Unversioned, UserView, schemas::EmailAddress, typed,
    },
    ids::UserId,
    model::user::Role,
    policy,
    store::items::User,
};
use utoipa::ToSchema;

use crate::me::same_email;

/// The fields that an admin can change.
#[derive(Debug, ToSchema)]
pub struct ChangeUser {
    /// The new role.
    #[schema(value_type = Role, required = false)]
    pub role: Option<Role>,
    /// The current email address. A client may send it back, but cannot change it.
    #[schema(value_type = Option<EmailAddress>)]
    pub email: Option<Option<String>>,
}

impl FromFields for ChangeUser {
    fn read(fields: &mut Fields) -> Option<Self> {
        Some(Self { role: fields.given("role", typed), email: fields.nullable("email", typed) })
    }
}

impl RequestBody for ChangeUser {
    const READ_ONLY: &'static [&'static str] =
        &["user_id", "first_name", "last_name", "phone_number", "created_at"];
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

/// Changes the role of a user.
///
/// Only admins can change a role. A request that changes nothing writes nothing.
#[utoipa::path(patch, path = "/api/users/{id}/", operation_id = "change_user", params(Ids<UserId>),
    request_body = ChangeUser, responses((status = 200, body = UserView), (status = 403)))]
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
    let user = match request.role {
        Some(role) if role != user.role => {
            // The account may be closed, or another request may close it meanwhile. Then the condition fails and
            // nothing changes.
            let changed = app.store.set_role(id, role).await?;
            changed
                .ok_or_else(|| Problem::field("role", "cannot be changed, because the account is closed"))?
        }
        _ => user,
    };
    Ok(Reply::ok(UserView::new(&user, true)))
}

/// Returns a user's view for `caller`. It reads the caller's role, and the conversations that both have accepted only if
/// the decision depends on them.
pub(crate) async fn shown_to(caller: &Caller, app: &App, user: &User) -> Result<UserView, Problem> {
    let role = caller.role(app).await?;
    let shows = policy::shows_contact(user.id, caller.user, role, false)
        || (user.closed_at.is_none() && app.store.share_a_conversation(caller.user, user.id).await?);
    Ok(UserView::new(user, shows))
}
