//! Operations on sessions and passwords: refreshing, logging in and out, guessing, and changing the password.

use std::time::Duration;

use axum::http::Method;
use futures::future::join;
use rand::RngExt as _;
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::{
    client::{Client, DEVICES},
    model::{Session, generation_of, session_of},
    walks,
    world::Answer,
};

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
    if client.rng.random_bool(0.3) {
        return attack_nobody(client).await;
    }
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

/// The guesses from one network, of which the last ones have to wait, and the time within which they do. After ten guesses, a
/// guess waits for a second, and each further one for twice as long; the clocks of the instances differ.
const GUESSES: u32 = 25;
const GUESSING: Duration = Duration::from_secs(8);

/// Guesses the password of an email address that nobody has, from one network. It has to wait as with any other address.
async fn attack_nobody(client: &mut Client) {
    let email = format!("nobody{}@example.com", client.number);
    let (begun, mut answered, mut waits) = (Instant::now(), 0, 0);
    client.network = client.rng.random();
    for guess in 0..GUESSES {
        let body = json!({ "email": email, "password": format!("guess {guess}") });
        let answer = client.anonymous(Method::POST, "/api/token/", Some(&body)).await;
        client.count(answer.status);
        answered += u32::from(!answer.is_unknown());
        waits += u32::from(answer.status == 429);
    }
    if answered >= GUESSES - 3 && waits == 0 && begun.elapsed() < GUESSING {
        client.model().find(format!("{answered} guesses for {email} from one network did not have to wait"));
    }
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
