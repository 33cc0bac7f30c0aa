//! The `messages` endpoints: sending, reading, editing and deleting messages, reactions to
//! them, and pins. The message log itself is in
//! `shared::store`.

mod backward;
mod delete;
mod edit;
mod list;
mod list_all;
mod pin;
mod reactions;
mod retrieve;
mod send;

use axum::Router;
use shared::{App, pages};

shared::routes! {
    api {
        get "/api/messages/" => list::list;
        post "/api/messages/" => send::send;
        get "/api/messages/{id}/" => retrieve::retrieve;
        put "/api/messages/{id}/" => edit::replace;
        patch "/api/messages/{id}/" => edit::change;
        delete "/api/messages/{id}/" => delete::delete;
        put "/api/messages/{id}/pin/" => pin::pin;
        delete "/api/messages/{id}/pin/" => pin::unpin;
        put "/api/messages/{id}/reactions/{emoji}/" => reactions::add;
        delete "/api/messages/{id}/reactions/{emoji}/" => reactions::remove;
        get "/api/messages/{id}/revisions/" => retrieve::revisions;
    }
}

/// Creates the router of this function.
pub fn router(app: &App) -> Router {
    pages::into_router(routes(), app)
}
