//! Operations on conversations and their participants.

use axum::http::Method;
use futures::future::join;
use rand::RngExt as _;
use serde_json::json;
use tokio::time::Instant;

use crate::{client::Client, register::Register};

/// Opens a direct conversation, often from both sides at the same time.
pub async fn open_direct(client: &mut Client) {
    let (user, other) = (client.user(), client.user());
    if user == other {
        return;
    }
    let mut twin = client.twin();
    if client.rng.random_bool(0.5) {
        join(open_with(client, user, other), open_with(&mut twin, other, user)).await;
    } else {
        open_with(client, user, other).await;
    }
}

async fn open_with(client: &mut Client, user: usize, other: usize) {
    let id = client.model().users[other].id.clone();
    let body = json!({ "participants": [id], "kind": "direct" });
    let begun = Instant::now();
    let answer = client.call(user, Method::POST, "/api/conversations/", Some(&body)).await;
    client.count(answer.status);
    let mut model = client.model();
    if answer.is_success()
        && let Some(id) = model.see_conversation(&answer.body, begun)
    {
        let pair = (user.min(other), user.max(other));
        let known = model.pairs.entry(pair).or_insert_with(|| id.clone()).clone();
        if known != id {
            model.find(format!("the users {pair:?} have the direct conversations {known} and {id}"));
        }
    }
}

pub async fn create_group(client: &mut Client) {
    let (user, others) = (client.user(), [client.user(), client.user()]);
    let ids: Vec<String> = others.iter().map(|other| client.model().users[*other].id.clone()).collect();
    let name = format!("Group {}", client.number);
    let body = json!({ "participants": ids, "name": name, "client_id": client.uuid() });
    for _ in 0..3 {
        let begun = Instant::now();
        let answer = client.call(user, Method::POST, "/api/conversations/", Some(&body)).await;
        client.count(answer.status);
        if answer.is_success() {
            client.model().see_conversation(&answer.body, begun);
        }
        if !answer.is_unknown() {
            return;
        }
    }
}

/// Chooses a group in which the user may be a participant.
fn group(client: &mut Client, user: usize) -> Option<String> {
    let ids: Vec<String> = client
        .model()
        .conversations
        .iter()
        .filter(|(_, conversation)| !conversation.is_direct && conversation.members.contains_key(&user))
        .map(|(id, _)| id.clone())
        .collect();
    client.choose(&ids)
}

pub async fn add(client: &mut Client) {
    let (user, other) = (client.user(), client.user());
    let Some(conversation) = group(client, user) else {
        return;
    };
    let id = client.model().users[other].id.clone();
    let begun = Instant::now();
    if let Some(found) = client.model().conversations.get_mut(&conversation) {
        let member = found.members.entry(other).or_default();
        member.add_begun = Some(begun);
        member.open_adds += 1;
    }
    let path = format!("/api/conversations/{conversation}/participants/");
    let answer = client.call(user, Method::POST, &path, Some(&json!({ "participants": [id] }))).await;
    client.count(answer.status);
    if let Some(found) = client.model().conversations.get_mut(&conversation) {
        let member = found.members.entry(other).or_default();
        member.open_adds -= 1;
        member.is_add_unknown |= answer.is_unknown();
        if answer.is_success() {
            member.added.get_or_insert_with(Instant::now);
        }
    }
}

pub async fn remove(client: &mut Client, own: bool) {
    let user = client.user();
    let Some(conversation) = group(client, user) else {
        return;
    };
    let members: Vec<usize> = client.model().conversations[&conversation].members.keys().copied().collect();
    let Some(other) = (if own { Some(user) } else { client.choose(&members) }) else {
        return;
    };
    let id = client.model().users[other].id.clone();
    let adding = {
        let mut model = client.model();
        let member =
            model.conversations.get_mut(&conversation).map(|found| found.members.entry(other).or_default());
        member.map(|member| {
            member.may_have_ended = true;
            (member.add_begun, member.open_adds)
        })
    };
    let path = format!("/api/conversations/{conversation}/participants/{id}/");
    let answer = client.call(user, Method::DELETE, &path, None).await;
    client.count(answer.status);
    if answer.status == 204
        && let Some(found) = client.model().conversations.get_mut(&conversation)
    {
        let member = found.members.entry(other).or_default();
        // An addition at the same time may have come after the removal.
        let is_added_since = adding != Some((member.add_begun, 0));
        member.removed = if is_added_since { None } else { Some(Instant::now()) };
    }
}

pub async fn promote(client: &mut Client) {
    let (user, other) = (client.user(), client.user());
    let Some(conversation) = group(client, user) else {
        return;
    };
    let id = client.model().users[other].id.clone();
    let role = if client.rng.random_bool(0.7) { "owner" } else { "member" };
    let path = format!("/api/conversations/{conversation}/participants/{id}/");
    let answer = client.call(user, Method::PATCH, &path, Some(&json!({ "role": role }))).await;
    client.count(answer.status);
}

pub async fn rename(client: &mut Client) {
    let user = client.user();
    let Some(conversation) = group(client, user) else {
        return;
    };
    let name = format!("Name {}", client.number);
    let register = |client: &Client, change: &dyn Fn(&mut Register)| {
        let mut model = client.model();
        if let Some(found) = model.conversations.get_mut(&conversation) {
            change(&mut found.name);
        }
    };
    register(client, &|written| written.begin(&name));
    let path = format!("/api/conversations/{conversation}/");
    let answer = client.call(user, Method::PATCH, &path, Some(&json!({ "name": name }))).await;
    client.count(answer.status);
    let outcome = (!answer.is_unknown()).then(|| answer.is_success());
    register(client, &|written| written.end(&name, outcome));
}

pub async fn delete_conversation(client: &mut Client) {
    let user = client.user();
    let Some(conversation) = client.conversation(user) else {
        return;
    };
    let is_direct = {
        let mut model = client.model();
        let Some(found) = model.conversations.get_mut(&conversation) else {
            return;
        };
        if found.is_direct {
            found.members.entry(user).or_default().may_have_ended = true;
        } else {
            found.may_be_deleted = true;
        }
        found.is_direct
    };
    let answer =
        client.call(user, Method::DELETE, &format!("/api/conversations/{conversation}/"), None).await;
    client.count(answer.status);
    if answer.status == 204
        && !is_direct
        && let Some(found) = client.model().conversations.get_mut(&conversation)
    {
        found.deleted.get_or_insert_with(Instant::now);
    }
}

pub async fn read_conversation(client: &mut Client) {
    let user = client.user();
    let Some(conversation) = client.conversation(user) else {
        return;
    };
    let begun = Instant::now();
    let answer = client.call(user, Method::GET, &format!("/api/conversations/{conversation}/"), None).await;
    client.count(answer.status);
    let mut model = client.model();
    model.check_access(&conversation, user, begun, answer.status);
    if answer.is_success() {
        model.see_conversation(&answer.body, begun);
        for message in answer.body["messages"].as_array().into_iter().flatten() {
            model.see_message(&conversation, message, begun);
        }
    }
}
