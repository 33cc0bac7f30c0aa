//! The `browse` endpoints: the chat, the root of the API, its description and documentation, and the files of all
//! pages.

mod chat;
mod chat_api;
mod chat_assets;
mod chat_data;
mod chat_page;
mod chat_view;
mod docs;
pub mod files;
mod packed;
pub mod root;
pub mod schema;

use axum::{Extension, Router};
use shared::{App, http::Routes, pages};
use utoipa::OpenApi;

/// Returns the routes of this function.
#[must_use]
pub fn routes() -> Routes {
    Routes::new()
        .get("/", chat::page)
        .post("/", chat::submit)
        .page("/")
        .get("/api/", root::root)
        .get("/api/schema/", schema::schema)
        .get("/api/docs/", docs::page)
        .page("/api/docs/")
        .get("/static/{*path}", files::file)
        .file("/static/{*path}")
        .get("/static/chat/{version}/{name}", chat_assets::file)
        .file("/static/chat/{version}/{name}")
        .get("/static/docs/{version}/{name}", docs::file)
        .file("/static/docs/{version}/{name}")
}

/// The operations of this function for the OpenAPI description. The pages are not part of it.
#[derive(Debug, OpenApi)]
#[openapi(paths(root::root, schema::schema))]
pub struct Description;

/// Creates the router of this function.
pub fn router(app: &App) -> Router {
    let routers = chat_api::Routers::new(app);
    pages::into_router(routes(), app).layer(Extension(routers))
}
