//! The `auth` endpoints: users, their sessions, their tokens, and the public keys of the tokens.

pub mod account;
pub mod blacklist;
pub mod browser;
pub mod health;
pub mod jwks;
pub mod login;
pub mod me;
pub mod password;
pub mod refresh;
pub mod register;
pub mod sessions;
mod tokens;
pub mod user;
pub mod users;
pub mod verify;

use axum::Router;
use shared::{App, http::Routes, pages};
use utoipa::OpenApi;

pub use self::tokens::TokenPair;

/// Returns the routes of this function.
#[must_use]
pub fn routes() -> Routes {
    Routes::new()
        .post("/api/users/", register::register)
        .get("/api/users/", users::list)
        .get("/api/users/me/", me::read)
        .patch("/api/users/me/", me::change)
        .delete("/api/users/me/", account::close)
        .post("/api/users/me/password/", password::change)
        .get("/api/users/me/sessions/", sessions::list)
        .get("/api/users/me/sessions/{id}/", sessions::read)
        .delete("/api/users/me/sessions/{id}/", sessions::end)
        .get("/api/users/{id}/", user::read)
        .patch("/api/users/{id}/", user::change)
        .post("/api/token/", login::login)
        .post("/api/token/refresh/", refresh::refresh)
        .post("/api/token/verify/", verify::verify)
        .post("/api/token/blacklist/", blacklist::blacklist)
        .get("/api-auth/login/", browser::login_page)
        .post("/api-auth/login/", browser::login)
        .page("/api-auth/login/")
        .get("/api-auth/logout/", browser::logout_page)
        .post("/api-auth/logout/", browser::logout)
        .page("/api-auth/logout/")
        .get("/.well-known/jwks.json", jwks::keys)
        .get("/healthz", health::health)
}

/// The operations of this function for the OpenAPI description.
#[derive(Debug, OpenApi)]
#[openapi(paths(
    register::register,
    users::list,
    me::read,
    me::change,
    account::close,
    password::change,
    sessions::list,
    sessions::read,
    sessions::end,
    user::read,
    user::change,
    login::login,
    refresh::refresh,
    verify::verify,
    blacklist::blacklist,
    jwks::keys,
    health::health
))]
pub struct Description;

/// Creates the router of this function.
pub fn router(app: &App) -> Router {
    pages::into_router(routes(), app)
}
