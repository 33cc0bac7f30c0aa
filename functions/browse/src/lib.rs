//! The `browse` endpoints: the chat, the root of the API, its description and documentation, and the files of all
//! pages.

mod chat;
mod chat_api;
mod chat_assets;
mod chat_data;
mod chat_form;
mod chat_lists;
mod chat_open;
mod chat_page;
mod chat_query;
mod chat_view;
mod docs;
mod events;
pub mod files;
mod packed;
pub mod root;
pub mod schema;

use axum::{Extension, Router};
use shared::{App, pages};

shared::routes! {
    api {
        get "/api/" => root::root;
        get "/api/schema/" => schema::schema;
        get "/api/schema/events/" => events::events;
    }
    pages {
        get "/" => chat::page;
        post "/" => chat::submit;
        get "/api/docs/" => docs::page;
    }
    files {
        get "/static/{*path}" => files::file;
        get "/static/chat/{version}/{name}" => chat_assets::file;
        get "/static/docs/{version}/{name}" => docs::file;
    }
}

/// Creates the router of this function.
pub fn router(app: &App) -> Router {
    let routers = chat_api::Routers::new(app);
    pages::into_router(routes(), app).layer(Extension(routers))
}
