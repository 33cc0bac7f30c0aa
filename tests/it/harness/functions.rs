//! The routes of all functions that answer HTTP requests.

use axum::http::Method;
use shared::http::Routes;

/// Returns the routes of each function.
pub fn functions() -> [Routes; 6] {
    [
        auth::routes(),
        conversations::routes(),
        messages::routes(),
        moderation::routes(),
        realtime::routes(),
        browse::routes(),
    ]
}

/// Returns every route: its method, and its path as the router has it.
pub fn all_routes() -> Vec<(Method, &'static str)> {
    functions().iter().flat_map(|routes| routes.list().to_vec()).collect()
}
