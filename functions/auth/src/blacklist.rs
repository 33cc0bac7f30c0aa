//! `POST /api/token/blacklist/`: logs a device out.

use axum::extract::State;
use shared::{
    App,
    http::{Json, Problem, Reply},
};

use crate::{refresh::Refresh, verify::EmptyObject};

/// Logs out with a refresh token.
///
/// Ends the session of the token. The response is the same if the session has already ended.
#[utoipa::path(post, path = "/api/token/blacklist/", operation_id = "blacklist_token", request_body = Refresh, security(()),
    responses((status = 200, body = EmptyObject), (status = 401)))]
pub async fn blacklist(
    State(app): State<App>,
    Json(request): Json<Refresh>,
) -> Result<Reply<EmptyObject>, Problem> {
    let now = app.clock.now();
    let claims = app.keys.refresh(&app.store, &request.refresh, now).await?;
    app.store.end_session(claims.sub, claims.sid, now).await?;
    Ok(Reply::ok(EmptyObject {}))
}
