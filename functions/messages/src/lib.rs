//! The `messages` endpoints.

use axum::Router;
use shared::{App, http::Routes};

/// The routes of this function.
#[must_use]
pub fn routes() -> Routes {
    Routes::new()
}

/// The router of this function.
pub fn router(app: App) -> Router {
    routes().into_router(app)
}
