//! `POST /api/users/me/password/`: changes the password, and logs out every other device.

use axum::http::StatusCode;
use shared::{
    auth::{Password, attempt},
    http::{
        Authenticated, Fields, FromFields, Problem, RequestBody, Unchecked,
        schemas::{NewPasswordText, PasswordText},
        typed,
    },
    store::{PasswordChange, PasswordChangeError},
};
use utoipa::ToSchema;

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
/// All other sessions of the account end.
#[utoipa::path(post, path = "/api/users/me/password/", operation_id = "change_password",
    request_body = ChangePassword, responses((status = 204), (status = 429)))]
pub async fn change(
    Authenticated(caller, app): Authenticated,
    request: Unchecked<ChangePassword>,
) -> Result<StatusCode, Problem> {
    let user = caller.profile(&app).await?;
    let email = user.email.as_ref().ok_or_else(|| Problem::internal("an open account without an email"))?;
    let names = [user.first_name.as_str(), user.last_name.as_str()];
    let mut new = None;
    let request = request.check(|request, faults| {
        new = faults.check(request.new_password.clone().accept("new_password", Some(email), &names));
    })?;
    let new = new.ok_or_else(|| Problem::internal("a password without a verdict"))?;
    let credential = attempt::confirm(&app, caller.session, email, &request.old_password)
        .await?
        .filter(|credential| credential.user == caller.user)
        .ok_or_else(|| Problem::field("old_password", "is not the current password"))?;
    let change = PasswordChange {
        credential: &credential,
        hash: new.hash(&app.random, app.hashing).await?,
        session: Some(caller.session),
        role: None,
    };
    app.store.change_password(&change).await.map_err(|error| match error {
        PasswordChangeError::SessionOver => Problem::token_not_valid(),
        PasswordChangeError::Superseded => {
            Problem::field("old_password", "is no longer the current password")
        }
        PasswordChangeError::Store(error) => error.into(),
    })?;
    // The other sessions have ended, because they have an older credential version. This call ends them, so
    // that the list of sessions does not contain them. If it fails, the next refresh of such a session is refused, and
    // the item expires.
    app.store.end_sessions(caller.user, Some(change.version()), app.clock.now()).await?;
    Ok(StatusCode::NO_CONTENT)
}
