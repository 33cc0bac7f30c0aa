//! `POST /api/token/verify/`: checks a token. It never changes or issues one.

use axum::extract::State;
use serde::Serialize;
use shared::{
    App,
    auth::AuthError,
    http::{Fields, FromFields, Json, Problem, Reply, RequestBody, schemas::TokenText, typed},
    store::items::SessionKind,
};
use utoipa::ToSchema;

// There is no `Debug`, because logs must not contain the token.
/// A token to check.
#[derive(ToSchema)]
pub struct Verify {
    /// An access token or a refresh token.
    #[schema(value_type = TokenText)]
    pub token: String,
}

impl FromFields for Verify {
    fn read(fields: &mut Fields) -> Option<Self> {
        Some(Self { token: fields.required("token", typed)? })
    }
}

impl RequestBody for Verify {}

/// An empty object.
#[derive(Debug, Serialize, ToSchema)]
pub struct EmptyObject {}

/// Checks a token.
///
/// Returns an empty object if the token is valid. The signature and the expiry time of both kinds of token are
/// checked. For a refresh token, the session is checked too.
#[utoipa::path(post, path = "/api/token/verify/", operation_id = "verify_token", request_body = Verify, security(()),
    responses((status = 200, body = EmptyObject), (status = 401)))]
pub async fn verify(
    State(app): State<App>,
    Json(request): Json<Verify>,
) -> Result<Reply<EmptyObject>, Problem> {
    let now = app.clock.now();
    match app.keys.access(&app.store, &request.token, now).await {
        Ok(_) => return Ok(Reply::ok(EmptyObject {})),
        // The token may be a refresh token.
        Err(AuthError::TokenNotValid) => {}
        Err(error) => return Err(error.into()),
    }
    // A refresh token is valid as long as its session lives. The answer does not depend on its generation: otherwise it would
    // tell a thief whether the owner has used the token.
    let claims = app.keys.refresh(&app.store, &request.token, now).await.map_err(|error| match error {
        AuthError::RefreshTokenNotValid => AuthError::TokenNotValid,
        error => error,
    })?;
    let (session, profile) =
        tokio::join!(app.store.session(claims.sub, claims.sid, now), app.store.user(claims.sub),);
    match (session?, profile?) {
        (Some(session), Some(user)) if session.kind == SessionKind::Token && session.is_live(&user, now) => {
            Ok(Reply::ok(EmptyObject {}))
        }
        _ => Err(Problem::refresh_token_not_valid()),
    }
}
