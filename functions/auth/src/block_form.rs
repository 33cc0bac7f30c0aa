//! `POST /api-auth/blocks/`: an HTML form that blocks a user or removes the block, for pages of other functions. Only this
//! function writes below the key of a user, so those pages cannot do it themselves. Clients with tokens use `blocks`.

use axum::{extract::State, http::request::Parts, response::Response};
use shared::{
    App,
    http::{CurrentBrowserSession, Fields, FromFields, Json, Problem, RequestBody, csrf, typed},
    ids::UserId,
};

use crate::{
    blocks,
    browser::{here_or_home, lead_to},
};

/// The fields of the form.
#[derive(Debug)]
pub struct BlockForm {
    /// The user who is blocked or unblocked.
    pub user: UserId,
    /// True to block the user, false to remove the block.
    pub blocked: bool,
    /// The path that follows.
    pub next: String,
}

impl FromFields for BlockForm {
    fn read(fields: &mut Fields) -> Option<Self> {
        let user = fields.required("user", typed);
        let blocked = fields.required("blocked", typed);
        let next = fields.given("next", typed).unwrap_or_default();
        Some(Self { user: user?, blocked: blocked?, next })
    }
}

impl RequestBody for BlockForm {
    const BOOLEANS: &'static [&'static str] = &["blocked"];
}

/// Blocks the user or removes the block, and redirects to `next`. Both can be repeated. Redirects users who are not
/// logged in to the login.
pub async fn submit(
    State(app): State<App>,
    CurrentBrowserSession(browser_session): CurrentBrowserSession,
    parts: Parts,
    form: Result<Json<BlockForm>, Problem>,
) -> Result<Response, Problem> {
    let Some(browser_session) = browser_session else {
        return Ok(lead_to("/api-auth/login/"));
    };
    csrf::check(&parts, &browser_session.csrf_token())?;
    let Json(BlockForm { user, blocked, next }) = form?;
    let caller = browser_session.user.id;
    if blocked {
        app.store.user(user).await?.ok_or_else(Problem::not_found)?;
        blocks::add(&app, caller, user).await?;
    } else {
        app.store.unblock(caller, user).await?;
    }
    Ok(lead_to(here_or_home(&next)))
}
