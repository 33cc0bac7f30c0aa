//! The `browse` endpoints: the root of the API and the files of its pages.

pub mod files;
pub mod root;

use axum::Router;
use shared::{App, http::Routes};

/// The routes of this function.
#[must_use]
pub fn routes() -> Routes {
    Routes::new().get("/api/", root::root).get("/static/{*path}", files::file).file("/static/{*path}")
}

/// The router of this function.
pub fn router(app: App) -> Router {
    routes().into_router(app)
}
