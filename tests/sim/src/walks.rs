//! Reads of lists page by page while others write: they show each entry once and in order.

use axum::http::Method;
use rand::RngExt as _;
use serde_json::Value;
use tokio::time::Instant;

use crate::{client::Client, operations::number_of};

/// The most requests of one page, as long as the answer is lost or a 503.
const TRIES: usize = 6;

/// Requests one page, again while the outcome is unknown. Returns the last status and the page.
async fn page(client: &mut Client, user: usize, path: &str) -> (u16, Option<Value>) {
    let mut status = 0;
    for _ in 0..TRIES {
        let answer = client.call(user, Method::GET, path, None).await;
        status = answer.status;
        if !answer.is_unknown() {
            return (status, answer.is_success().then_some(answer.body));
        }
    }
    (status, None)
}

/// Follows `next` to the end. Returns the entries; `None` if a page was refused or never answered.
async fn all(client: &mut Client, user: usize, path: &str) -> (u16, Option<Vec<Value>>) {
    let (mut entries, mut next) = (Vec::new(), Some(path.to_owned()));
    while let Some(path) = next {
        let (status, found) = page(client, user, &path).await;
        let Some(found) = found else {
            return (status, None);
        };
        entries.extend(found["results"].as_array().into_iter().flatten().cloned());
        next = found["next"].as_str().map(str::to_owned);
        if entries.len() > 5000 {
            client.model().find(format!("the list {path} does not end"));
            return (status, None);
        }
    }
    (200, Some(entries))
}

/// Checks that numbers rise (or fall) without a repeat.
fn check_order(client: &Client, what: &str, numbers: &[u64], rises: bool) {
    let is_ordered = numbers.windows(2).all(|pair| if rises { pair[0] < pair[1] } else { pair[0] > pair[1] });
    if !is_ordered {
        client.model().find(format!("{what} is out of order: {numbers:?}"));
    }
}

/// Walks through all messages of a conversation.
pub async fn walk(client: &mut Client, user: usize, conversation: &str, rises: bool) -> Option<Vec<u64>> {
    let begun = Instant::now();
    let limit = client.rng.random_range(1..8);
    let order = if rises { "&order=oldest" } else { "" };
    let path = format!("/api/messages/?conversation={conversation}&limit={limit}{order}");
    let (status, entries) = all(client, user, &path).await;
    client.count(status);
    client.model().check_access(conversation, user, begun, status);
    let entries = entries?;
    let mut numbers = Vec::new();
    for message in &entries {
        numbers.extend(client.model().see_message(conversation, message, begun));
    }
    check_order(client, &format!("a walk through {conversation}"), &numbers, rises);
    let mut sorted = numbers.clone();
    sorted.sort_unstable();
    client.model().check_walk(conversation, user, &sorted, begun);
    Some(sorted)
}

async fn walk_somewhere(client: &mut Client, rises: bool) {
    let user = client.user();
    if let Some(conversation) = client.conversation(user) {
        walk(client, user, &conversation, rises).await;
    }
}

pub async fn backward(client: &mut Client) {
    walk_somewhere(client, false).await;
}

pub async fn forward(client: &mut Client) {
    walk_somewhere(client, true).await;
}

pub async fn around(client: &mut Client) {
    let user = client.user();
    let Some(conversation) = client.conversation(user) else {
        return;
    };
    let Some(message) = client.message_of(&conversation) else {
        return;
    };
    let begun = Instant::now();
    let path = format!("/api/messages/?conversation={conversation}&around={message}&limit=5");
    let (status, found) = page(client, user, &path).await;
    client.count(status);
    client.model().check_access(&conversation, user, begun, status);
    let messages: Vec<Value> =
        found.iter().flat_map(|found| found["results"].as_array().cloned().unwrap_or_default()).collect();
    for message in &messages {
        client.model().see_message(&conversation, message, begun);
    }
    let numbers: Vec<u64> = messages.iter().filter_map(number_of).collect();
    check_order(client, &format!("the page around {message}"), &numbers, true);
}

pub async fn inbox(client: &mut Client) {
    let user = client.user();
    let limit = client.rng.random_range(1..6);
    let begun = Instant::now();
    let (status, entries) = all(client, user, &format!("/api/conversations/?limit={limit}&messages=2")).await;
    client.count(status);
    for conversation in entries.iter().flatten() {
        let mut model = client.model();
        let Some(id) = model.see_conversation(conversation, begun) else {
            continue;
        };
        model.check_access(&id, user, begun, 200);
        for message in conversation["messages"].as_array().into_iter().flatten() {
            model.see_message(&id, message, begun);
        }
    }
}

pub async fn changes(client: &mut Client) {
    let user = client.user();
    let Some(conversation) = client.conversation(user) else {
        return;
    };
    let (begun, limit) = (Instant::now(), client.rng.random_range(1..8));
    let path = format!("/api/conversations/{conversation}/changes/?after=0&limit={limit}&order=oldest");
    let (status, entries) = all(client, user, &path).await;
    client.count(status);
    client.model().check_access(&conversation, user, begun, status);
    let numbers: Vec<u64> = entries.iter().flatten().filter_map(|change| change["number"].as_u64()).collect();
    let expected: Vec<u64> = (1..).take(numbers.len()).collect();
    if numbers != expected {
        client.model().find(format!("the changes of {conversation} are {numbers:?}"));
    }
}
