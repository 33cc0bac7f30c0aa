//! The `browse` endpoints: the chat, the root of the API, and the files of its pages.

mod chat;
mod chat_api;
mod chat_assets;
mod chat_data;
mod chat_page;
mod chat_view;
pub mod files;
pub mod root;

use axum::{Extension, Router};
use shared::{App, http::Routes};
use utoipa::OpenApi;

/// The routes of this function.
#[must_use]
pub fn routes() -> Routes {
    Routes::new()
        .get("/", chat::page)
        .post("/", chat::submit)
        .page("/")
        .get("/api/", root::root)
        .get("/static/{*path}", files::file)
        .file("/static/{*path}")
        .get("/static/chat/{version}/{name}", chat_assets::file)
        .file("/static/chat/{version}/{name}")
}

/// What the documentation of the API says of these routes; its pages are not of the API.
#[derive(Debug, OpenApi)]
#[openapi(paths(root::root))]
pub struct Description;

/// The router of this function.
pub fn router(app: App) -> Router {
    let routers = chat_api::Routers::new(&app);
    routes().into_router(app).layer(Extension(routers))
}
