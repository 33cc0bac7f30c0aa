//! `DELETE /api/users/me/`: closes the caller's account. Its messages stay, under a deleted user.

use axum::{extract::State, http::StatusCode};
use shared::{
    App,
    http::{Caller, NoParameters, Problem, Query, Unversioned},
};

/// Closes the own account.
///
/// The account's messages stay, and their sender is shown as a deleted user.
#[utoipa::path(delete, path = "/api/users/me/", operation_id = "close_own_account", responses((status = 204)))]
pub async fn close(
    caller: Caller,
    State(app): State<App>,
    _: Unversioned,
    Query(NoParameters {}): Query<NoParameters>,
) -> Result<StatusCode, Problem> {
    // First the account closes, in one transaction: from then on nobody logs in, refreshes, sends or administers with it.
    // What follows cleans up, and where it fails a repetition of the request goes on with it for as long as the token is
    // good.
    let user = app.store.user(caller.user).await?;
    let user = user.ok_or_else(Problem::token_not_valid)?;
    let now = app.clock.now();
    app.store.close_account(user, now).await?;
    app.store.end_sessions(caller.user, None).await?;
    app.store.leave_groups(caller.user, now).await?;
    Ok(StatusCode::NO_CONTENT)
}
