//! Operations on accounts, profiles, passwords and sessions.

use axum::http::Method;
use futures::future::join;
use rand::RngExt as _;
use serde_json::json;
use std::time::Duration;
use tokio::time::{Instant, sleep};

use super::{MOST_USERS, conversations};
use crate::{
    client::{Client, DEVICES},
    model::{Session, User, generation_of, session_of},
    register::WriteId,
    walks,
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
    // The request without an answer may make another account when the email address is free again.
    let is_unknown = answer.is_unknown() || second.is_unknown();
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
    Some(client.model().users[user].profile.get_mut(name)?.begin(value))
}

fn end(client: &Client, user: usize, name: &str, write: WriteId, answer: &Answer) {
    let outcome = answer.outcome();
    if let Some(field) = client.model().users[user].profile.get_mut(name) {
        field.end(write, outcome);
    }
}

/// Changes one field of a profile; an admin changes the role of another user.
pub async fn change_profile(client: &mut Client) {
    let (user, other) = (client.user(), client.user());
    let admin = client.model().users.iter().position(|user| user.is_admin);
    let (by, of, name, value) = match (client.rng.random_range(0..4), admin) {
        (0, Some(admin)) if other != admin => {
            let role = if client.rng.random_bool(0.5) { "host" } else { "guest" };
            (admin, other, "role", role.to_owned())
        }
        (1, _) => (user, user, "phone_number", format!("+4930{:06}", client.number % 1_000_000)),
        (2, _) => (user, user, "last_name", format!("Last{}", client.number)),
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
        read_user(client, by, of).await;
    }
}

/// Refreshes a session.
pub async fn refresh(client: &mut Client) {
    let (user, device) = (client.user(), client.rng.random_range(0..DEVICES));
    refresh_on(client, user, device).await;
}

/// Refreshes the session of a device, sometimes twice at the same time.
async fn refresh_on(client: &mut Client, user: usize, device: usize) {
    let Some((_, refresh)) = client.model().users[user].devices[device].clone() else {
        return;
    };
    let mut twin = client.twin();
    if client.rng.random_bool(0.3) {
        let (first, second) =
            join(refresh_with(client, user, &refresh), refresh_with(&mut twin, user, &refresh)).await;
        // Within 30 s of the rotation, the earlier token gets the same successor. An instance with another signing key gives it
        // another signature.
        let claims = |pair: &(String, String)| pair.1.split('.').nth(1).map(str::to_owned);
        if let (Some(first), Some(second)) = (&first, &second)
            && claims(first) != claims(second)
        {
            client.model().find(format!("two refreshes with one token gave {} and {}", first.1, second.1));
        }
        keep(client, user, device, &refresh, first.or(second));
    } else {
        let pair = refresh_with(client, user, &refresh).await;
        keep(client, user, device, &refresh, pair);
    }
}

/// Keeps the new tokens, unless another operation has logged this device in again meanwhile.
fn keep(client: &Client, user: usize, device: usize, old: &str, new: Option<(String, String)>) {
    let device = &mut client.model().users[user].devices[device];
    if device.as_ref().is_some_and(|(_, kept)| kept == old) {
        *device = new;
    }
}

/// Refreshes with a token, and once more if the answer is lost.
async fn refresh_with(client: &mut Client, user: usize, refresh: &str) -> Option<(String, String)> {
    let body = json!({ "refresh": refresh });
    for _ in 0..2 {
        let begun = Instant::now();
        let id = client.model().begin_refresh(refresh);
        let answer = client.anonymous(Method::POST, "/api/token/refresh/", Some(&body)).await;
        client.count(answer.status);
        if answer.is_unknown() {
            continue;
        }
        if let Some(id) = id {
            client.model().end_refresh(&id);
        }
        let pair = tokens_of(&answer)?;
        client.model().see_tokens(user, &pair, begun);
        return Some(pair);
    }
    None
}

/// Refreshes with a token that was replaced twice: the session is over after that.
pub async fn reuse(client: &mut Client) {
    let old: Vec<(String, usize, String)> = {
        let model = client.model();
        let replaced = |(id, session): (&String, &Session)| {
            let newest = session.refresh_tokens.iter().map(|token| generation_of(token)).max()?;
            let is_old = |token: &&String| generation_of(token) + 2 <= newest;
            let old = session.refresh_tokens.iter().find(is_old)?;
            Some((id.clone(), session.user, old.clone()))
        };
        model.sessions.iter().filter_map(replaced).collect()
    };
    let Some((id, user, token)) = client.favour(&old) else {
        return;
    };
    client.model().touch(&id);
    let answer =
        client.anonymous(Method::POST, "/api/token/refresh/", Some(&json!({ "refresh": token }))).await;
    client.count(answer.status);
    if answer.is_success() {
        client.model().find(format!("a refresh token of session {id} that was replaced twice is accepted"));
    } else if answer.status == 401 {
        end_session(client, &id);
        list_sessions_of(client, user).await;
    }
}

fn end_session(client: &Client, id: &str) {
    if let Some(session) = client.model().sessions.get_mut(id) {
        session.ended.get_or_insert_with(Instant::now);
    }
}

/// Logs in on a device, also if it is logged in.
pub async fn log_in(client: &mut Client) {
    let (user, device) = (client.user(), client.rng.random_range(0..DEVICES));
    if client.log_in(user, device).await.is_some() {
        list_sessions_of(client, user).await;
    }
}

/// Logs in with a password that is not right any more, or never was.
pub async fn guess(client: &mut Client) {
    let user = client.user();
    let (email, old) = {
        let user = &client.model().users[user];
        (user.email.clone(), user.passwords.first().cloned().filter(|_| user.passwords.len() > 1))
    };
    let password = old.unwrap_or_else(|| format!("wrong{}", client.number));
    let device = client.rng.random_range(0..DEVICES);
    let (status, _) = client.log_in_with(user, device, &email, &password).await;
    client.count(status);
}

/// Guesses the password of a user from many networks, as a stranger does. The owner logs in after it.
pub async fn attack(client: &mut Client) {
    let (user, device) = (client.user(), client.rng.random_range(0..DEVICES));
    let email = client.model().users[user].email.clone();
    for guess in 0..client.rng.random_range(5..25) {
        client.network = client.rng.random();
        let body = json!({ "email": email, "password": format!("guess {}.{guess}", client.number) });
        client.model().attempts.entry(email.clone()).or_default().of_strangers += 1;
        let answer = client.anonymous(Method::POST, "/api/token/", Some(&body)).await;
        client.count(answer.status);
        if answer.is_success() {
            client.model().find(format!("a stranger has logged in as user {user}"));
        }
    }
    client.log_in(user, device).await;
}

pub async fn list_sessions(client: &mut Client) {
    let user = client.user();
    list_sessions_of(client, user).await;
}

/// Lists the sessions of a user: those that live, and none that has ended.
async fn list_sessions_of(client: &mut Client, user: usize) {
    let (begun, limit) = (Instant::now(), client.rng.random_range(1..20));
    let (status, entries) = walks::all(client, user, &format!("/api/users/me/sessions/?limit={limit}")).await;
    client.count(status);
    let Some(entries) = entries else {
        return;
    };
    let listed: Vec<&str> = entries.iter().filter_map(|entry| entry["session_id"].as_str()).collect();
    client.model().see_sessions(user, &listed, begun);
    let one = client.choose(&listed).map(str::to_owned);
    if let Some(id) = one.filter(|_| client.number.is_multiple_of(3)) {
        end_one(client, user, &id).await;
    }
}

/// Ends one session by its id.
async fn end_one(client: &mut Client, user: usize, id: &str) {
    client.model().touch(id);
    let path = format!("/api/users/me/sessions/{id}/");
    let answer = client.call(user, Method::DELETE, &path, None).await;
    client.count(answer.status);
    if answer.status == 204 {
        end_session(client, id);
        let again = client.read(user, &path).await;
        if again.is_success() {
            client.model().find(format!("session {id} of user {user} was ended, and is shown"));
        }
    }
}

pub async fn log_out(client: &mut Client) {
    let (user, device) = (client.user(), client.rng.random_range(0..DEVICES));
    let Some((access, refresh)) = client.model().users[user].devices[device].take() else {
        return;
    };
    let id = session_of(&access).unwrap_or_default();
    client.model().touch(&id);
    let body = json!({ "refresh": refresh });
    let answer = client.anonymous(Method::POST, "/api/token/blacklist/", Some(&body)).await;
    client.count(answer.status);
    if answer.is_success() {
        end_session(client, &id);
        let again = client.anonymous(Method::POST, "/api/token/refresh/", Some(&body)).await;
        if again.is_success() {
            client.model().find(format!("user {user} has logged out, and the refresh token still works"));
        }
        list_sessions_of(client, user).await;
    }
}

/// Changes a password, and now and then once more right after that. The user's other device refreshes its session meanwhile or
/// after it.
pub async fn change_password(client: &mut Client) {
    let (user, device) = (client.user(), client.rng.random_range(0..DEVICES));
    let mut twin = client.twin();
    if client.rng.random_bool(0.3) {
        let pause = Duration::from_millis(client.rng.random_range(0..60));
        let other = async {
            sleep(pause).await;
            refresh_on(&mut twin, user, 1 - device).await;
        };
        join(change_password_on(client, user, device), other).await;
    } else {
        change_password_on(client, user, device).await;
    }
    match client.rng.random_range(0..4) {
        0 => change_password_on(client, user, device).await,
        1 => refresh_on(client, user, 1 - device).await,
        _ => {}
    }
}

async fn change_password_on(client: &mut Client, user: usize, device: usize) {
    let new = format!("kX9#vq2Lw{}.{}", client.number, client.requests);
    let is_logged_in = client.model().users[user].devices[device].is_some();
    if !is_logged_in && client.log_in(user, device).await.is_none() {
        return;
    }
    let (old, tokens, write) = {
        let mut model = client.model();
        let account = &mut model.users[user];
        let old = account.passwords.last().cloned().unwrap_or_default();
        account.passwords.push(new.clone());
        (old, account.devices[device].clone(), account.password.begin(&new))
    };
    client.model().may_end_sessions(user);
    let body = json!({ "old_password": old, "new_password": new });
    let begun = Instant::now();
    let path = "/api/users/me/password/";
    let access = tokens.as_ref().map(|(access, _)| access.as_str());
    let answer = client.send(Method::POST, path, access, Some(&body)).await;
    client.count(answer.status);
    let outcome = answer.outcome();
    {
        let mut model = client.model();
        model.users[user].password.end(write, outcome);
        if outcome == Some(false) {
            model.users[user].passwords.retain(|password| *password != new);
            let account = &model.users[user];
            let is_certain = account.passwords == [old] && !account.password.may_change_after(begun);
            if is_certain && !account.may_be_closed && !answer.body["errors"]["old_password"].is_null() {
                model.find(format!("user {user} cannot change the right password: {}", answer.body));
            }
        }
    }
    if outcome == Some(true) {
        replace_tokens(client, (user, device), tokens, (&answer, begun)).await;
    }
}

/// Goes on with the tokens of a change of the password that began at `begun`. The earlier ones are refused from now on.
async fn replace_tokens(
    client: &mut Client,
    (user, device): (usize, usize),
    old: Option<(String, String)>,
    (answer, begun): (&Answer, Instant),
) {
    client.model().end_sessions(user, begun);
    let Some(pair) = tokens_of(answer) else {
        client.model().find(format!("user {user} has changed the password, and got no tokens"));
        return;
    };
    client.model().see_tokens(user, &pair, begun);
    client.model().users[user].devices[device] = Some(pair);
    if let Some((_, refresh)) = old {
        let body = json!({ "refresh": refresh });
        let again = client.anonymous(Method::POST, "/api/token/refresh/", Some(&body)).await;
        if again.is_success() {
            client
                .model()
                .find(format!("user {user} has changed the password, and an old token still works"));
        }
    }
}

/// Returns the access token and the refresh token of an answer; `None` if it has none.
fn tokens_of(answer: &Answer) -> Option<(String, String)> {
    let token = |name: &str| answer.body[name].as_str().map(str::to_owned);
    token("access").zip(token("refresh"))
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
            answer = if again.status == 204 { again } else { answer };
        }
        if answer.status != 400 {
            break;
        }
    }
    answer
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
