//! The `conversations` endpoints: conversations, their participants, read marks, pins, the change log, and resuming by number.

mod accept;
mod changes;
mod consent;
mod create;
mod delete;
mod edit;
mod inbox_settings;
mod limits;
mod list;
mod participant;
mod participants;
mod pins;
mod read;
mod references;
mod retrieve;
mod sync;
mod view;

use axum::Router;
use shared::{App, pages};

shared::routes! {
    api {
        get "/api/conversations/" => list::list;
        post "/api/conversations/" => create::create;
        get "/api/conversations/{id}/" => retrieve::retrieve;
        put "/api/conversations/{id}/" => edit::replace;
        patch "/api/conversations/{id}/" => edit::change;
        delete "/api/conversations/{id}/" => delete::delete;
        get "/api/conversations/{id}/participants/" => participants::list;
        post "/api/conversations/{id}/participants/" => participants::add;
        get "/api/conversations/{id}/participants/{user_id}/" => participant::retrieve;
        patch "/api/conversations/{id}/participants/{user_id}/" => participant::change;
        delete "/api/conversations/{id}/participants/{user_id}/" => participant::remove;
        post "/api/conversations/{id}/accept/" => accept::accept;
        put "/api/conversations/{id}/archive/" => inbox_settings::archive;
        delete "/api/conversations/{id}/archive/" => inbox_settings::unarchive;
        put "/api/conversations/{id}/mute/" => inbox_settings::mute;
        delete "/api/conversations/{id}/mute/" => inbox_settings::unmute;
        put "/api/conversations/{id}/read/" => read::read;
        get "/api/conversations/{id}/pins/" => pins::list;
        get "/api/conversations/{id}/changes/" => changes::list;
        post "/api/sync/" => sync::sync;
    }
}

/// Creates the router of this function.
pub fn router(app: &App) -> Router {
    pages::into_router(routes(), app)
}
