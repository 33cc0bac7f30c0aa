//! Operations on blocks.

use axum::http::Method;
use rand::RngExt as _;
use serde_json::Value;
use tokio::time::Instant;

use super::{conversations, messages};
use crate::{
    client::{Client, later},
    walks,
};

/// Blocks a user, or removes the block. The blocker reads messages of the other user after that.
pub async fn block(client: &mut Client) {
    let (user, other) = (client.user(), client.user());
    if user == other {
        return;
    }
    let is_blocked = client.model().may_be_blocked(user, other, Instant::now());
    let removes = client.rng.random_bool(if is_blocked { 0.6 } else { 0.1 });
    if set(client, user, other, removes).await {
        later().await;
        use_block(client, user, other).await;
    }
}

/// Blocks a user, or removes the block. Returns true if it took effect.
async fn set(client: &mut Client, user: usize, other: usize, removes: bool) -> bool {
    let path = format!("/api/users/me/blocks/{}/", client.model().users[other].id);
    let (method, state) = if removes { (Method::DELETE, "free") } else { (Method::PUT, "blocked") };
    let write = client.model().begin_block(user, other, state);
    let answer = client.call(user, method, &path, None).await;
    client.count(answer.status);
    client.model().end_block(user, other, write, answer.outcome());
    answer.is_success()
}

/// Blocks the user who has made a group, and lets this user repeat the creation: the answer is the one from before.
pub async fn repeat_past_block(
    client: &mut Client,
    (user, blocker): (usize, usize),
    group: &str,
    body: &Value,
) {
    if user == blocker || !set(client, blocker, user, false).await {
        return;
    }
    let answer = client.call(user, Method::POST, "/api/conversations/", Some(body)).await;
    client.count(answer.status);
    let mut model = client.model();
    let stays = model.conversations.get(group).is_some_and(|found| found.surely_has(user, Instant::now()));
    let is_closed = model.users.iter().any(|user| user.may_be_closed);
    if answer.status == 400 && stays && !is_closed {
        model.find(format!("user {user} has made {group}, but cannot repeat it: {}", answer.body));
    }
}

/// Reads and writes in a conversation of two users between whom a block was changed.
async fn use_block(client: &mut Client, user: usize, other: usize) {
    let shared: Vec<String> = {
        let model = client.model();
        let found = model.conversations.iter();
        let of_both =
            found.filter(|(_, it)| it.members.contains_key(&user) && it.members.contains_key(&other));
        of_both.map(|(id, _)| id.clone()).collect()
    };
    let Some(conversation) = client.choose(&shared) else {
        return list_of(client, user).await;
    };
    if client.rng.random_bool(0.5) {
        messages::send_to(client, other, &conversation).await;
    }
    match client.rng.random_range(0..5) {
        0 => walks::newest(client, user, &conversation).await,
        1 => conversations::read(client, user, &conversation).await,
        2 => list_of(client, user).await,
        3 => conversations::open_with(client, other, user).await,
        _ => {
            if let Some(message) = client.message_of(&conversation) {
                messages::read_message(client, user, &message).await;
            }
        }
    }
}

/// Lists the users whom a user has blocked.
pub async fn list(client: &mut Client) {
    let user = client.user();
    list_of(client, user).await;
}

async fn list_of(client: &mut Client, user: usize) {
    let (begun, limit) = (Instant::now(), client.rng.random_range(1..6));
    let (status, entries) = walks::all(client, user, &format!("/api/users/me/blocks/?limit={limit}")).await;
    client.count(status);
    let Some(entries) = entries else {
        return;
    };
    let mut model = client.model();
    let listed: Vec<usize> =
        entries.iter().filter_map(|entry| model.user_of(entry["user"]["user_id"].as_str()?)).collect();
    model.see_blocks(user, &listed, begun);
}
