//! `POST /api/users/`: makes an account. Its role is `guest`, whatever is asked for.

use axum::extract::State;
use serde::Deserialize;
use shared::{
    App,
    auth::{
        Password,
        accounts::{self, Application, NewAccount},
    },
    config::Registration,
    http::{
        Json, MaybeCaller, NoParameters, Problem, Query, Reply, RequestBody, UserView,
        describe::{EmailAddress, FirstName, LastName, NewPasswordText, PhoneNumber},
    },
    model::user::Role,
};
use utoipa::ToSchema;

/// Who wants an account.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Register {
    /// Logs in, and nobody else may have it.
    #[schema(value_type = EmailAddress)]
    pub email: String,
    /// 15 characters or more, or 8 that are hard to guess; at most 128.
    #[schema(value_type = NewPasswordText)]
    pub password: Password,
    /// 1 to 150 characters.
    #[schema(value_type = FirstName)]
    pub first_name: String,
    /// 1 to 150 characters.
    #[schema(value_type = LastName)]
    pub last_name: String,
    /// 3 to 15 digits, with `+ ( ) - . /` and spaces.
    #[serde(default)]
    #[schema(value_type = Option<PhoneNumber>)]
    pub phone_number: Option<String>,
}

impl RequestBody for Register {
    const READ_ONLY: &'static [&'static str] = &["user_id", "role", "created_at"];
}

/// Makes an account.
///
/// Its role is `guest`, whatever is asked for. Where registration is closed, only admins make accounts.
#[utoipa::path(post, path = "/api/users/", operation_id = "register",
    request_body = inline(Json<Register>), security((), ("bearer" = [])),
    responses((status = 201, body = UserView), (status = 401), (status = 403)))]
pub async fn register(
    MaybeCaller(caller): MaybeCaller,
    State(app): State<App>,
    Query(NoParameters {}): Query<NoParameters>,
    Json(request): Json<Register>,
) -> Result<Reply<UserView>, Problem> {
    if app.config.registration == Registration::Admin {
        let caller = caller.ok_or_else(Problem::not_authenticated)?;
        caller.require_admin(&app, "Only admins make accounts here.").await?;
    }
    let application = Application {
        email: request.email,
        first_name: request.first_name,
        last_name: request.last_name,
        phone_number: request.phone_number,
    };
    let account = NewAccount::parse(application, request.password).await?;
    let user = accounts::create(&app, account, Role::Guest).await?;
    let location = format!("/api/users/{}/", user.id);
    Ok(Reply::created(UserView::new(&user, true), location))
}
