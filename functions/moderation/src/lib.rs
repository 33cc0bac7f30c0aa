//! The `moderation` endpoints: users report messages, users and conversations, and admins handle the reports.

mod change;
mod create;
mod list;
mod retrieve;
mod target;
mod view;

use axum::Router;
use shared::{App, pages};

shared::routes! {
    api {
        get "/api/reports/" => list::list;
        post "/api/reports/" => create::create;
        get "/api/reports/{id}/" => retrieve::retrieve;
        patch "/api/reports/{id}/" => change::change;
    }
}

/// Creates the router of this function.
pub fn router(app: &App) -> Router {
    pages::into_router(routes(), app)
}
