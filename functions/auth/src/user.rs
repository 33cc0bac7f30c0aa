//! `/api/users/{id}/`: anybody's profile; admins set its role.

use axum::extract::State;
use serde::Deserialize;
use shared::{
    App,
    http::{
        Caller, Ids, Json, NoParameters, Problem, Query, Reply, RequestBody, UserView,
        body::{given, present},
        describe::EmailAddress,
    },
    ids::UserId,
    model::user::Role,
    policy,
    store::items::User,
};
use utoipa::ToSchema;

use crate::me::same_email;

/// What an admin changes.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeUser {
    /// `guest`, `host` or `admin`.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Role)]
    pub role: Option<Role>,
    /// May be sent back as it is, and cannot be changed.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<EmailAddress>)]
    pub email: Option<Option<String>>,
}

impl RequestBody for ChangeUser {
    const READ_ONLY: &'static [&'static str] =
        &["user_id", "first_name", "last_name", "phone_number", "created_at"];
}

/// Reads a profile.
///
/// How to reach the user is shown to who may know it.
#[utoipa::path(get, path = "/api/users/{id}/", operation_id = "read_user", params(Ids<UserId>),
    responses((status = 200, body = UserView)))]
pub async fn read(
    caller: Caller,
    State(app): State<App>,
    Ids(id): Ids<UserId>,
    Query(NoParameters {}): Query<NoParameters>,
) -> Result<Reply<UserView>, Problem> {
    let user = app.store.user(id).await?.ok_or_else(Problem::not_found)?;
    Ok(Reply::ok(shown_to(&caller, &app, &user).await?))
}

/// Sets a user's role.
///
/// For admins. A repetition sets the same role; what changes nothing writes nothing.
#[utoipa::path(patch, path = "/api/users/{id}/", operation_id = "change_user", params(Ids<UserId>),
    request_body = inline(Json<ChangeUser>), responses((status = 200, body = UserView), (status = 403)))]
pub async fn change(
    caller: Caller,
    State(app): State<App>,
    Ids(id): Ids<UserId>,
    Query(NoParameters {}): Query<NoParameters>,
    Json(request): Json<ChangeUser>,
) -> Result<Reply<UserView>, Problem> {
    let detail = "Only admins set roles; change your own name at /api/users/me/.";
    caller.require_admin(&app, detail).await?;
    let user = app.store.user(id).await?.ok_or_else(Problem::not_found)?;
    match request.email {
        Some(Some(email)) => same_email(&email, &user)?,
        Some(None) if user.email.is_some() => return Err(Problem::field("email", "cannot be changed")),
        Some(None) | None => {}
    }
    let user = match request.role {
        Some(role) if role != user.role => {
            // The account may be closed, or be closed meanwhile, and then has no role to give.
            let changed = app.store.set_role(id, role).await?;
            changed.ok_or_else(|| Problem::field("role", "cannot be changed: the account is closed"))?
        }
        _ => user,
    };
    Ok(Reply::ok(UserView::new(&user, true)))
}

/// A user as `caller` sees them. What decides it is read only as far as it is needed.
pub(crate) async fn shown_to(caller: &Caller, app: &App, user: &User) -> Result<UserView, Problem> {
    let role = caller.role(app).await?;
    let shows = policy::shows_contact(user.id, caller.user, role, false)
        || (user.closed_at.is_none() && app.store.share_a_conversation(caller.user, user.id).await?);
    Ok(UserView::new(user, shows))
}
