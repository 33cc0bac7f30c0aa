//! Operations on accounts, passwords and tokens.

use axum::http::Method;
use futures::future::join;
use rand::RngExt as _;
use serde_json::json;

use super::MOST_USERS;
use crate::{
    client::{Client, DEVICES},
    model::User,
};

/// Registers a user. Returns its number.
pub async fn register(client: &mut Client) -> Option<usize> {
    let number = client.model().users.len();
    if number >= MOST_USERS {
        return None;
    }
    let email = format!("user{}@example.com", client.number % 1_000_000);
    let password = format!("kX9#vq2Lw{}", client.number);
    let name = format!("Name{}", client.number);
    let body = json!({ "email": email, "password": password, "first_name": name, "last_name": "Miller" });
    let mut twin = client.twin();
    let (path, method) = ("/api/users/", Method::POST);
    // A second request with the same email address at the same time, as after a double click.
    let (answer, second) =
        join(client.anonymous(method.clone(), path, Some(&body)), twin.anonymous(method, path, Some(&body)))
            .await;
    client.count(answer.status);
    client.count(second.status);
    if answer.status == 201 && second.status == 201 {
        client.model().find(format!("two accounts have the email address of {body}"));
    }
    let answer = if second.status == 201 { second } else { answer };
    let id = answer.body["user_id"].as_str()?.to_owned();
    let mut model = client.model();
    model.users.push(User {
        email,
        id,
        passwords: vec![password],
        devices: vec![None; DEVICES],
        may_be_closed: false,
    });
    Some(model.users.len() - 1)
}

pub async fn refresh(client: &mut Client) {
    let (user, device) = (client.user(), client.rng.random_range(0..DEVICES));
    let Some((_, refresh)) = client.model().users[user].devices[device].clone() else {
        return;
    };
    for _ in 0..2 {
        let body = json!({ "refresh": refresh });
        let answer = client.anonymous(Method::POST, "/api/token/refresh/", Some(&body)).await;
        client.count(answer.status);
        if answer.is_unknown() {
            continue;
        }
        let token = |name: &str| answer.body[name].as_str().map(str::to_owned);
        let pair = token("access").zip(token("refresh"));
        let device = &mut client.model().users[user].devices[device];
        // Another operation may have logged this device in again meanwhile.
        if device.as_ref().is_some_and(|(_, kept)| *kept == refresh) {
            *device = pair;
        }
        return;
    }
}

pub async fn log_out(client: &mut Client) {
    let (user, device) = (client.user(), client.rng.random_range(0..DEVICES));
    let Some((_, refresh)) = client.model().users[user].devices[device].take() else {
        return;
    };
    let body = json!({ "refresh": refresh });
    let answer = client.anonymous(Method::POST, "/api/token/blacklist/", Some(&body)).await;
    client.count(answer.status);
    if answer.is_success() {
        let again = client.anonymous(Method::POST, "/api/token/refresh/", Some(&body)).await;
        if again.is_success() {
            client.model().find(format!("user {user} has logged out, and the refresh token still works"));
        }
    }
}

pub async fn change_password(client: &mut Client) {
    let user = client.user();
    let new = format!("kX9#vq2Lw{}", client.number);
    let old = {
        let mut model = client.model();
        let passwords = &mut model.users[user].passwords;
        let old = passwords.last().cloned().unwrap_or_default();
        passwords.push(new.clone());
        old
    };
    let body = json!({ "old_password": old, "new_password": new });
    let answer = client.call(user, Method::POST, "/api/users/me/password/", Some(&body)).await;
    client.count(answer.status);
    let mut model = client.model();
    let passwords = &mut model.users[user].passwords;
    if !answer.is_unknown() && !answer.is_success() && answer.status != 401 {
        passwords.retain(|password| *password != new);
    }
}

pub async fn close_account(client: &mut Client) {
    // Most users stay, or nothing would happen any more.
    let user = client.user();
    let others = client.model().users.iter().filter(|user| !user.may_be_closed).count();
    if others <= 5 {
        return;
    }
    {
        let mut model = client.model();
        model.users[user].may_be_closed = true;
        for conversation in model.conversations.values_mut() {
            conversation.members.entry(user).or_default().may_have_ended = true;
        }
    }
    let answer = client.call(user, Method::DELETE, "/api/users/me/", None).await;
    client.count(answer.status);
    if answer.status == 204 {
        let (email, password) = {
            let user = &client.model().users[user];
            (user.email.clone(), user.passwords.last().cloned().unwrap_or_default())
        };
        let body = json!({ "email": email, "password": password });
        let again = client.anonymous(Method::POST, "/api/token/", Some(&body)).await;
        if again.is_success() {
            client.model().find(format!("user {user} has closed the account, and still logs in"));
        }
    }
}
