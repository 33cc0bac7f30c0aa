//! Operations on accounts and profiles.

use std::time::Duration;

use axum::http::Method;
use futures::future::join;
use rand::RngExt as _;
use serde_json::json;
use tokio::time::Instant;

use super::{MOST_USERS, conversations};
use crate::{
    client::{Client, DEVICES, later},
    model::User,
    register::WriteId,
    world::Answer,
};

/// Registers a user, sometimes with the email address of a closed account. Returns the user's number.
pub async fn register(client: &mut Client) -> Option<usize> {
    let number = client.model().users.len();
    if number >= MOST_USERS {
        return None;
    }
    let free = client.model().users.iter().find(|user| user.closed.is_some()).map(|user| user.email.clone());
    let free = free.filter(|email| {
        let is_taken = |user: &User| user.email == *email && !user.may_be_closed;
        !client.model().users.iter().any(is_taken)
    });
    let email = free.unwrap_or_else(|| format!("user{}@example.com", client.number % 1_000_000));
    let password = format!("kX9#vq2Lw{}", client.number);
    let name = format!("Name{}", client.number);
    let body = json!({ "email": email, "password": password, "first_name": name, "last_name": "Miller" });
    let mut twin = client.twin();
    let (path, method, begun) = ("/api/users/", Method::POST, Instant::now());
    // A second request with the same email address at the same time, as after a double click.
    let (answer, second) =
        join(client.anonymous(method.clone(), path, Some(&body)), twin.anonymous(method, path, Some(&body)))
            .await;
    client.count(answer.status);
    client.count(second.status);
    if answer.status == 201 && second.status == 201 {
        client.model().find(format!("two accounts have the email address of {body}"));
    }
    // The request without an answer may make another account when the email address is free again.
    // So may an attempt that the function gave up, as it has done if the answer is late: the marker of a closing compares times,
    // and the clocks of the instances differ.
    let is_late = begun.elapsed() > Duration::from_secs(1);
    let is_unknown = answer.is_unknown() || second.is_unknown() || is_late;
    let answer = if second.status == 201 { second } else { answer };
    let id = answer.body["user_id"].as_str()?.to_owned();
    let user = {
        let mut model = client.model();
        model.users.push(User { may_be_made_again: is_unknown, ..User::new(id, email, password, &name) });
        model.users.len() - 1
    };
    read_user(client, user, user).await;
    Some(user)
}

/// Reads the profile of a user: their own, or another's.
pub async fn read_user(client: &mut Client, reader: usize, user: usize) {
    let id = client.model().users[user].id.clone();
    let path = if reader == user { "me".to_owned() } else { id };
    let begun = Instant::now();
    let answer = client.read(reader, &format!("/api/users/{path}/")).await;
    client.count(answer.status);
    let mut model = client.model();
    if answer.is_success() {
        model.see_profile(&answer.body, begun);
        model.check_contact(reader, user, !answer.body["email"].is_null(), begun);
    } else if answer.status == 404 && !model.users[user].may_be_closed {
        model.find(format!("user {user} exists, but user {reader} is told that they do not"));
    }
}

pub async fn read_users(client: &mut Client) {
    let (reader, user) = (client.user(), client.user());
    read_user(client, reader, user).await;
}

/// Searches for a user by the email address: the account is found as soon as it was made, and not after it was closed.
pub async fn find_user(client: &mut Client) {
    let user = client.user();
    let (id, email) = {
        let user = &client.model().users[user];
        (user.id.clone(), user.email.clone())
    };
    let begun = Instant::now();
    let answer = client.read(user, &format!("/api/users/?email={email}")).await;
    client.count(answer.status);
    let Some(found) = answer.body["results"].as_array().filter(|_| answer.is_success()) else {
        return;
    };
    let mut model = client.model();
    let is_found = found.iter().any(|found| found["user_id"] == id);
    let account = &model.users[user];
    if !is_found && !account.may_be_closed {
        model.find(format!("user {user} ({email}) is not found by the email address: {}", answer.body));
    } else if is_found && account.closed.is_some_and(|closed| closed < begun) {
        model.find(format!("user {user} ({email}) has closed the account, and is found: {}", answer.body));
    }
}

/// Begins a write of a field of the profile.
fn begin(client: &Client, user: usize, name: &str, value: &str) -> Option<WriteId> {
    Some(client.model().users[user].field(name)?.begin(value))
}

fn end(client: &Client, user: usize, name: &str, write: WriteId, answer: &Answer) {
    let outcome = answer.outcome();
    if let Some(field) = client.model().users[user].field(name) {
        field.end(write, outcome);
    }
}

/// Changes one field of a profile; an admin changes the role of another user.
pub async fn change_profile(client: &mut Client) {
    let (user, other) = (client.user(), client.user());
    let admin = client.model().users.iter().position(|user| user.is_admin);
    let (by, of, name, value) = match (client.rng.random_range(0..5), admin) {
        (0, Some(admin)) if other != admin => {
            let role = if client.rng.random_bool(0.5) { "host" } else { "guest" };
            (admin, other, "role", role.to_owned())
        }
        (1, _) => (user, user, "phone_number", format!("+4930{:06}", client.number % 1_000_000)),
        (2, _) => (user, user, "last_name", format!("Last{}", client.number)),
        (3, _) => {
            let contact = if client.rng.random_bool(0.3) { "everyone" } else { "requests" };
            (user, user, "contact", contact.to_owned())
        }
        _ => (user, user, "first_name", format!("First{}", client.number)),
    };
    let Some(write) = begin(client, of, name, &value) else {
        return;
    };
    let path = if by == of { "me".to_owned() } else { client.model().users[of].id.clone() };
    let body = json!({ name: value });
    let answer = client.call(by, Method::PATCH, &format!("/api/users/{path}/"), Some(&body)).await;
    client.count(answer.status);
    end(client, of, name, write, &answer);
    if answer.is_success() {
        later().await;
        read_user(client, by, of).await;
    }
}

/// Sends the request that closes the account, with the passwords that may be right, and once more if the answer is lost: the
/// second request continues an interrupted closing.
async fn close(client: &mut Client, user: usize) -> Answer {
    let passwords = client.model().users[user].passwords.clone();
    let mut answer = Answer { status: 400, body: json!(null) };
    for password in passwords.iter().rev() {
        let body = json!({ "password": password });
        answer = client.call(user, Method::DELETE, "/api/users/me/", Some(&body)).await;
        if answer.is_unknown() {
            let again = client.call(user, Method::DELETE, "/api/users/me/", Some(&body)).await;
            if again.status == 400 && passwords.len() == 1 {
                let finding = format!("user {user} cannot continue an interrupted closing: {}", again.body);
                client.model().find(finding);
            }
            answer = if again.status == 204 { again } else { answer };
        }
        if answer.status != 400 {
            break;
        }
    }
    answer
}

/// Suspends a user as an admin, checks that the user is refused after that, and ends the suspension.
pub async fn suspend(client: &mut Client) {
    let (user, device) = (client.user(), client.rng.random_range(0..DEVICES));
    let admin = client.model().users.iter().position(|user| user.is_admin);
    let Some(admin) = admin.filter(|admin| *admin != user) else {
        return;
    };
    let kept = client.model().users[user].devices[device].clone();
    if set_standing(client, admin, user, true).await == Some(true) {
        later().await;
        if let Some((access, refresh)) = kept {
            try_ended(client, &access, &refresh).await;
        }
        let (email, password) = {
            let account = &client.model().users[user];
            (account.email.clone(), account.passwords.last().cloned().unwrap_or_default())
        };
        client.log_in_with(user, device, &email, &password).await;
    }
    for _ in 0..3 {
        if set_standing(client, admin, user, false).await.is_some() {
            read_user(client, admin, user).await;
            return;
        }
    }
}

/// Suspends a user, or ends the suspension. Returns true if it took effect and false if it was refused; `None` if it may have
/// had an effect.
async fn set_standing(client: &mut Client, admin: usize, user: usize, suspended: bool) -> Option<bool> {
    if suspended {
        client.model().may_end_sessions(user);
    }
    let (write, path) = {
        let mut model = client.model();
        let account = &mut model.users[user];
        let write = account.standing.begin(if suspended { "suspended" } else { "active" });
        (write, format!("/api/users/{}/", account.id))
    };
    let begun = Instant::now();
    let body = json!({ "suspended": suspended });
    let answer = client.call(admin, Method::PATCH, &path, Some(&body)).await;
    client.count(answer.status);
    let outcome = answer.outcome();
    let mut model = client.model();
    model.users[user].standing.end(write, outcome);
    if suspended && outcome == Some(true) {
        model.end_sessions(user, begun);
    }
    outcome
}

/// Sends requests with the tokens of a session that has ended. The model expects refusals.
async fn try_ended(client: &mut Client, access: &str, refresh: &str) {
    let (method, path, body) = match client.rng.random_range(0..5) {
        0 => (Method::GET, "/api/conversations/?limit=1", None),
        1 => (Method::GET, "/api/messages/?limit=1", None),
        2 => (Method::GET, "/api/users/me/", None),
        3 => (Method::PATCH, "/api/users/me/", Some(json!({}))),
        _ => (Method::GET, "/api/users/me/sessions/?limit=1", None),
    };
    client.send(method, path, Some(access), body.as_ref()).await;
    let body = json!({ "refresh": refresh });
    let again = client.anonymous(Method::POST, "/api/token/refresh/", Some(&body)).await;
    if again.is_success() {
        client.model().find("a refresh token of a suspended user still works".to_owned());
    }
}

pub async fn close_account(client: &mut Client) {
    // Most users stay, or nothing would happen any more.
    let user = client.user();
    let others = client.model().users.iter().filter(|user| !user.may_be_closed).count();
    if others <= 5 || client.model().users[user].is_admin {
        return;
    }
    client.model().users[user].may_be_closed = true;
    client.model().may_end_sessions(user);
    let left = conversations::leave_all(client, user);
    let begun = Instant::now();
    let answer = close(client, user).await;
    client.count(answer.status);
    let outcome = answer.outcome();
    conversations::end_leaving(client, user, left, outcome);
    if answer.status == 204 {
        let (email, password) = {
            let mut model = client.model();
            model.end_sessions(user, begun);
            let account = &mut model.users[user];
            account.closed = Some(Instant::now());
            (account.email.clone(), account.passwords.last().cloned().unwrap_or_default())
        };
        client.log_in_with(user, 0, &email, &password).await;
    }
}
