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
    http::{Json, MaybeCaller, NoParameters, Problem, Query, Reply, RequestBody, UserView},
    model::user::Role,
};

/// Who wants an account.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Register {
    /// Logs in, and nobody else may have it.
    pub email: String,
    /// 15 characters or more, or 8 that are hard to guess; at most 128.
    pub password: Password,
    /// 1 to 150 characters.
    pub first_name: String,
    /// 1 to 150 characters.
    pub last_name: String,
    /// 3 to 15 digits, with `+ ( ) - . /` and spaces.
    #[serde(default)]
    pub phone_number: Option<String>,
}

impl RequestBody for Register {
    const READ_ONLY: &'static [&'static str] = &["user_id", "role", "created_at"];
}

/// Answers 201 with the user.
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
