//! Catching up after an absence: a device keeps two numbers of each conversation, and asks for everything above them.

use axum::http::Method;
use rand::RngExt as _;
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::number_of;
use crate::{
    client::Client,
    model::{CaughtUp, Held},
    walks,
    world::Answer,
};

/// The most requests for one page, as long as the answer is lost or a 503.
const TRIES: usize = 4;

/// Catches up as a user, and keeps the numbers for the next time. Now and then a device that holds nothing does it, and now and
/// then one that goes away between two pages.
pub async fn catch_up(client: &mut Client) {
    let user = client.user();
    let begun = Instant::now();
    let held = if client.rng.random_bool(0.2) { Held::new() } else { client.model().held(user) };
    let most = if client.rng.random_bool(0.2) { 1 } else { usize::MAX };
    let mut caught_up = CaughtUp::new(held.clone());
    let mut cursor = Value::Null;
    for page in 0.. {
        let answer = ask(client, user, &held, &cursor).await;
        client.count(answer.status);
        if !answer.is_success() {
            return note_refusal(client, user, &answer);
        }
        merge(client, (user, begun), &mut caught_up, &answer.body);
        cursor = answer.body["next"].clone();
        if cursor.is_null() || page >= most {
            break;
        }
        if client.rng.random_bool(0.1) {
            try_with_others(client, user, &held, &cursor).await;
        }
    }
    let mut model = client.model();
    if cursor.is_null() {
        model.check_caught_up(user, &caught_up, begun);
    }
    model.keep_held(user, caught_up.held);
}

/// Sends the cursor of one call with the numbers of another one: it is refused, because the next page would miss something.
async fn try_with_others(client: &mut Client, user: usize, held: &Held, cursor: &Value) {
    let mut others = held.clone();
    others.pop_first();
    if others == *held {
        return;
    }
    let answer = ask(client, user, &others, cursor).await;
    if answer.is_success() {
        client.model().find(format!("user {user} uses the cursor of another call: {}", answer.body));
    }
}

/// Asks for one page.
async fn ask(client: &mut Client, user: usize, held: &Held, cursor: &Value) -> Answer {
    let conversations: Map<String, Value> = held.iter().map(|(id, it)| (id.clone(), json!(it))).collect();
    let mut body = json!({ "conversations": conversations });
    if !cursor.is_null() {
        body["cursor"] = cursor.clone();
    }
    let mut answer = client.call(user, Method::POST, "/api/sync/", Some(&body)).await;
    for _ in 1..TRIES {
        if !answer.is_unknown() {
            break;
        }
        answer = client.call(user, Method::POST, "/api/sync/", Some(&body)).await;
    }
    answer
}

/// Numbers that the API has given are never above the ends of the logs.
fn note_refusal(client: &Client, user: usize, answer: &Answer) {
    if answer.status == 400 {
        client.model().find(format!("user {user} cannot catch up: {}", answer.body));
    }
}

/// Merges a page into what the device holds, and checks it.
fn merge(client: &Client, (user, begun): (usize, Instant), caught_up: &mut CaughtUp, page: &Value) {
    let of = |list: &str, field: &str, id: &str| -> Vec<Value> {
        let all = page[list].as_array().into_iter().flatten();
        all.filter(|entry| entry[field] == *id).cloned().collect()
    };
    for shown in page["conversations"].as_array().into_iter().flatten() {
        let Some(id) = shown["conversation_id"].as_str() else {
            continue;
        };
        let messages = of("messages", "conversation", id);
        let live: Vec<Value> =
            messages.iter().filter(|message| message["deleted_at"].is_null()).cloned().collect();
        walks::see(client, user, id, &live, begun);
        let numbers: Vec<u64> = messages.iter().filter_map(number_of).collect();
        let changes = of("changes", "conversation", id);
        let changes: Vec<u64> = changes.iter().filter_map(|change| change["number"].as_u64()).collect();
        let mut model = client.model();
        model.check_access(id, user, begun, 200);
        model.see_state(id, user, shown["state"].as_str(), begun);
        if let Err(gap) = caught_up.merge(id, shown, &numbers, &changes) {
            model.find(format!("user {user} catches up with {id}, but {gap}"));
        }
    }
    for id in page["gone"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        client.model().check_gone(user, id, begun);
        caught_up.forget(id);
    }
}
