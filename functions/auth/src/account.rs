//! `DELETE /api/users/me/`: closes the caller's account. The messages of the account stay, with a deleted user as their
//! sender.

use axum::http::StatusCode;
use shared::{
    events::Event,
    http::{Authenticated, NoParameters, Problem, UncheckedQuery, Unversioned},
};

/// Closes the caller's account.
///
/// The messages of the account stay. Their sender is shown as a deleted user.
#[utoipa::path(delete, path = "/api/users/me/", operation_id = "close_own_account",
    responses((status = 204), (status = 409)))]
pub async fn close(
    Authenticated(caller, app): Authenticated,
    Unversioned(unversioned): Unversioned,
    UncheckedQuery(query): UncheckedQuery<NoParameters>,
) -> Result<StatusCode, Problem> {
    query.and(unversioned).finish()?;
    // One transaction closes the account first: from then on it cannot log in, refresh tokens, send messages or
    // administer. The two calls after it clean up. If one of them fails, the client gets an error and can repeat the
    // request with the same token, which continues the clean-up.
    let user = app.store.user(caller.user).await?;
    let user = user.ok_or_else(Problem::token_not_valid)?;
    let now = app.clock.now();
    if app.store.close_account(user, now).await? {
        caller.report(Event::AccountClosed, Some(&caller.user));
    }
    app.store.end_sessions(caller.user, None, now).await?;
    app.store.leave_groups(caller.user, now).await?;
    Ok(StatusCode::NO_CONTENT)
}
