//! The `auth` endpoints: users, their sessions, their tokens, and the public keys of the tokens.

pub mod account;
pub mod blacklist;
pub mod block_form;
pub mod blocks;
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
use shared::{App, pages};

pub use self::tokens::TokenPair;

shared::routes! {
    api {
        post "/api/users/" => register::register;
        get "/api/users/" => users::list;
        get "/api/users/me/" => me::read;
        patch "/api/users/me/" => me::change;
        delete "/api/users/me/" => account::close;
        post "/api/users/me/password/" => password::change;
        get "/api/users/me/sessions/" => sessions::list;
        get "/api/users/me/sessions/{id}/" => sessions::read;
        delete "/api/users/me/sessions/{id}/" => sessions::end;
        get "/api/users/me/blocks/" => blocks::list;
        get "/api/users/me/blocks/{id}/" => blocks::read;
        put "/api/users/me/blocks/{id}/" => blocks::block;
        delete "/api/users/me/blocks/{id}/" => blocks::unblock;
        get "/api/users/{id}/" => user::read;
        patch "/api/users/{id}/" => user::change;
        get "/api/users/{id}/sessions/" => sessions::list_of;
        delete "/api/users/{id}/sessions/" => sessions::end_of;
        post "/api/token/" => login::login;
        post "/api/token/refresh/" => refresh::refresh;
        post "/api/token/verify/" => verify::verify;
        post "/api/token/blacklist/" => blacklist::blacklist;
        get "/.well-known/jwks.json" => jwks::keys;
        get "/healthz" => health::health;
    }
    pages {
        get "/api-auth/login/" => browser::login_page;
        post "/api-auth/login/" => browser::login;
        get "/api-auth/logout/" => browser::logout_page;
        post "/api-auth/logout/" => browser::logout;
        post "/api-auth/blocks/" => block_form::submit;
    }
}

/// Creates the router of this function.
pub fn router(app: &App) -> Router {
    pages::into_router(routes(), app)
}
