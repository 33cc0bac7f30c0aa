//! Requests about accounts and sessions: registration, login, refresh, logout, change of password. Tests about other
//! subjects use `app.user`, which is faster.

use axum::http::Method;
use serde_json::{Value, json};

use super::{Answer, Api, TestApp, User, people::PASSWORD, table::text};

/// The new password in tests that change a password.
pub const OTHER_PASSWORD: &str = "another-horse-battery-staple";

/// A hash of `PASSWORD` that is fast to compare, for tests with many attempts.
pub const CHEAP_HASH: &str =
    "$argon2id$v=19$m=8,t=1,p=1$Y2hlYXBzYWx0MDEyMzQ1Ng$T1fD+ZbZi78gdBfuXCTdxj0IrO7sRHSMpWXexflMCPM";

/// Replaces the hash of a user's password.
pub async fn set_hash(app: &TestApp, user: &User, hash: &str) {
    app.table.set(&format!("EMAIL#{}", user.email), "CREDENTIAL", "hash", json!(hash)).await;
}

pub async fn register(api: &Api, email: &str) -> Answer {
    let body = json!({
        "email": email, "password": PASSWORD, "first_name": "Ann", "last_name": "Tester",
    });
    api.post("/api/users/").json(&body).send().await
}

pub async fn log_in(api: &Api, email: &str, password: &str) -> Answer {
    api.post("/api/token/").json(&json!({ "email": email, "password": password })).send().await
}

/// Logs in on a device that logged in before.
pub async fn log_in_on(api: &Api, email: &str, password: &str, device: &Value) -> Answer {
    let body = json!({ "email": email, "password": password, "device_token": device });
    api.post("/api/token/").json(&body).send().await
}

pub async fn refresh(api: &Api, token: &Value) -> Answer {
    api.post("/api/token/refresh/").json(&json!({ "refresh": token })).send().await
}

pub async fn log_out(api: &Api, token: &Value) -> Answer {
    api.post("/api/token/blacklist/").json(&json!({ "refresh": token })).send().await
}

pub async fn verify(api: &Api, token: &Value) -> Answer {
    api.post("/api/token/verify/").json(&json!({ "token": token })).send().await
}

pub async fn change_password(user: &User, old: &str, new: &str) -> Answer {
    user.post("/api/users/me/password/", json!({ "old_password": old, "new_password": new })).await
}

/// Changes the password. Returns the user with the new access token, and the new refresh token.
pub async fn with_new_password(user: &User, old: &str, new: &str) -> (User, Value) {
    with_tokens(user, &change_password(user, old, new).await.ok())
}

/// Closes the account of a user with this password.
pub async fn close_account(user: &User, password: &str) -> Answer {
    user.request(Method::DELETE, "/api/users/me/").json(&json!({ "password": password })).send().await
}

/// Logs the user in. Returns the user with the new access token, and the refresh token.
pub async fn logged_in(app: &TestApp, user: &User) -> (User, Value) {
    with_tokens(user, &log_in(app, &user.email, PASSWORD).await.ok())
}

/// Returns the user with the access token of an answer, and the refresh token.
pub fn with_tokens(user: &User, tokens: &Value) -> (User, Value) {
    let token = tokens["access"].as_str().unwrap().to_owned();
    (User { token, ..user.clone() }, tokens["refresh"].clone())
}

/// Removes the session that each user of the suite has from the beginning, for tests about lists of sessions.
pub async fn without_first_session(app: &TestApp, user: &User) {
    app.table.remove(&format!("USER#{}", user.id), &format!("SESSION#{}", user.id)).await;
}

/// Returns the number of the user's sessions in the table, without the one that each user of the suite has, and
/// without the markers of ended ones.
pub async fn sessions(app: &TestApp, user: &User) -> usize {
    let items = app.table.partition(&format!("USER#{}", user.id)).await;
    let first = format!("SESSION#{}", user.id);
    items.iter().filter(|item| text(item, "item") == "session" && text(item, "sk") != first).count()
}
