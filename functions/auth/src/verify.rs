//! `POST /api/token/verify/`: whether a token is good.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use shared::{
    App,
    http::{Code, Json, NoParameters, Problem, Query, Reply, RequestBody},
    store::items::SessionKind,
};

/// A token to be checked. No `Debug`, which would print it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verify {
    /// An access or a refresh token.
    pub token: String,
}

impl RequestBody for Verify {}

/// An empty object.
#[derive(Debug, Serialize)]
pub struct Nothing {}

/// Answers 200 with an empty object, or 401.
///
/// An access token is good by its signature and time, and nothing is read. A refresh token is only worth what its session
/// is: that one has to stand, in the token's generation, and to be of the account as it is now.
pub async fn verify(
    State(app): State<App>,
    Query(NoParameters {}): Query<NoParameters>,
    Json(request): Json<Verify>,
) -> Result<Reply<Nothing>, Problem> {
    let now = app.clock.now();
    match app.keys.access(&app.store, &request.token, now).await {
        Ok(_) => return Ok(Reply::ok(Nothing {})),
        Err(problem) if problem.code() != Code::TokenNotValid => return Err(problem),
        Err(_) => {}
    }
    let claims = app.keys.refresh(&app.store, &request.token, now).await?;
    let (session, profile) =
        tokio::join!(app.store.session(claims.sub, claims.sid, now), app.store.user(claims.sub),);
    match (session?, profile?) {
        (Some(session), Some(user))
            if session.kind == SessionKind::Token
                && session.generation == claims.generation
                && session.is_live(&user, now) =>
        {
            Ok(Reply::ok(Nothing {}))
        }
        _ => Err(Problem::token_not_valid()),
    }
}
