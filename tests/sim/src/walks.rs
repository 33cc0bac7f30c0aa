//! Reads of lists page by page while others write: they show each entry once and in order.

use std::collections::BTreeSet;

use rand::RngExt as _;
use serde_json::Value;
use tokio::time::Instant;

use crate::{client::Client, model::Seen, operations::number_of};

/// Follows `next` to the end. Returns the last status and the entries; `None` if a page was refused or never answered.
pub async fn all(client: &mut Client, user: usize, path: &str) -> (u16, Option<Vec<Value>>) {
    let (mut entries, mut next) = (Vec::new(), Some(path.to_owned()));
    while let Some(path) = next {
        let answer = client.read(user, &path).await;
        if !answer.is_success() {
            return (answer.status, None);
        }
        entries.extend(answer.body["results"].as_array().into_iter().flatten().cloned());
        next = answer.body["next"].as_str().map(str::to_owned);
        if entries.len() > 5000 {
            client.model().find(format!("the list {path} does not end"));
            return (answer.status, None);
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

/// Notes and checks the messages of a conversation that a read has shown. Returns their numbers.
pub fn see(client: &Client, user: usize, conversation: &str, messages: &[Value], begun: Instant) -> Vec<u64> {
    let mut model = client.model();
    messages.iter().filter_map(|message| model.see_message(user, conversation, message, begun)).collect()
}

/// Walks through all messages of a conversation. Returns the numbers that it has shown with the ids of their senders.
pub async fn walk(
    client: &mut Client,
    user: usize,
    conversation: &str,
    rises: bool,
    limit: usize,
) -> Option<Vec<(u64, String)>> {
    let begun = Instant::now();
    let order = if rises { "&order=oldest" } else { "" };
    let path = format!("/api/messages/?conversation={conversation}&limit={limit}{order}");
    let (status, entries) = all(client, user, &path).await;
    client.count(status);
    client.model().check_read(conversation, user, begun, status);
    let entries = entries?;
    let numbers = see(client, user, conversation, &entries, begun);
    check_order(client, &format!("a walk through {conversation}"), &numbers, rises);
    let seen = Seen { numbers: numbers.iter().copied().collect(), lowest: 0 };
    client.model().check_walk(conversation, user, &seen, begun);
    let sender = |message: &Value| message["sender"]["user_id"].as_str().unwrap_or_default().to_owned();
    Some(entries.iter().filter_map(|message| Some((number_of(message)?, sender(message)))).collect())
}

async fn walk_somewhere(client: &mut Client, rises: bool) {
    let user = client.user();
    let limit = client.rng.random_range(1..8);
    if let Some(conversation) = client.conversation(user) {
        walk(client, user, &conversation, rises, limit).await;
    }
}

pub async fn backward(client: &mut Client) {
    walk_somewhere(client, false).await;
}

pub async fn forward(client: &mut Client) {
    walk_somewhere(client, true).await;
}

/// Reads the newest messages of a conversation.
pub async fn newest(client: &mut Client, user: usize, conversation: &str) {
    let (begun, limit) = (Instant::now(), client.rng.random_range(1..4));
    let path = format!("/api/messages/?conversation={conversation}&limit={limit}");
    let answer = client.read(user, &path).await;
    client.count(answer.status);
    client.model().check_read(conversation, user, begun, answer.status);
    check_newest(client, user, conversation, &answer.body["results"], begun);
}

/// Checks messages that are the newest ones of a conversation.
pub fn check_newest(client: &Client, user: usize, conversation: &str, messages: &Value, begun: Instant) {
    let Some(messages) = messages.as_array() else {
        return;
    };
    let numbers: BTreeSet<u64> = see(client, user, conversation, messages, begun).into_iter().collect();
    // Without messages, there is none: the page is not full.
    let lowest = numbers.first().copied().unwrap_or_default();
    client.model().check_walk(conversation, user, &Seen { numbers, lowest }, begun);
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
    let answer = client.read(user, &path).await;
    client.count(answer.status);
    client.model().check_access(&conversation, user, begun, answer.status);
    let messages = answer.body["results"].as_array().cloned().unwrap_or_default();
    let numbers = see(client, user, &conversation, &messages, begun);
    check_order(client, &format!("the page around {message}"), &numbers, true);
}

/// Reads every message that a user may read.
pub async fn everything(client: &mut Client) {
    let user = client.user();
    let (begun, limit) = (Instant::now(), client.rng.random_range(5..40));
    let (status, entries) = all(client, user, &format!("/api/messages/?limit={limit}")).await;
    client.count(status);
    let Some(entries) = entries.filter(|_| !client.model().users[user].is_admin) else {
        return;
    };
    let mut by_conversation = std::collections::BTreeMap::<String, Vec<Value>>::new();
    for message in entries {
        let conversation = message["conversation"].as_str().unwrap_or_default().to_owned();
        by_conversation.entry(conversation).or_default().push(message);
    }
    let known: Vec<String> = client.model().conversations.keys().cloned().collect();
    for conversation in known {
        let messages = by_conversation.get(&conversation).cloned().unwrap_or_default();
        let numbers = see(client, user, &conversation, &messages, begun);
        check_order(client, &format!("the list of everything in {conversation}"), &numbers, false);
        let seen = Seen { numbers: numbers.into_iter().collect(), lowest: 0 };
        let mut model = client.model();
        if !seen.numbers.is_empty() {
            model.check_access(&conversation, user, begun, 200);
            model.check_consent(&conversation, user, begun, "it is in the list of everything");
        }
        // The list has no messages of invitations.
        if model.conversations.get(&conversation).is_some_and(|found| found.surely_accepted(user, begun)) {
            model.check_walk(&conversation, user, &seen, begun);
        }
    }
}

pub async fn inbox(client: &mut Client) {
    let user = client.user();
    inbox_of(client, user).await;
}

/// Reads the inbox of a user: no invitations, and nothing archived.
pub async fn inbox_of(client: &mut Client, user: usize) {
    list_of(client, user, "active").await;
}

/// Lists the archived conversations of a user.
pub async fn archived_of(client: &mut Client, user: usize) {
    list_of(client, user, "archived").await;
}

/// Lists the invitations of a user. Returns the conversations.
pub async fn invitations_of(client: &mut Client, user: usize) -> Vec<String> {
    list_of(client, user, "invited").await
}

/// Lists the conversations of a user that have this state.
async fn list_of(client: &mut Client, user: usize, state: &str) -> Vec<String> {
    let (begun, limit) = (Instant::now(), client.rng.random_range(1..6));
    let path = format!("/api/conversations/?state={state}&limit={limit}&messages=2");
    let (status, entries) = all(client, user, &path).await;
    client.count(status);
    let mut listed = Vec::new();
    for conversation in entries.iter().flatten() {
        let Some(id) = client.model().see_conversation(user, conversation, begun) else {
            continue;
        };
        {
            let mut model = client.model();
            model.check_access(&id, user, begun, 200);
            // The conversation may be accepted or archived after the list was read, and before the conversation was.
            model.see_listed(user, &id, state, begun);
        }
        check_newest(client, user, &id, &conversation["messages"], begun);
        listed.push(id);
    }
    listed
}

/// Follows the changes of a conversation from its first one on.
pub async fn changes(client: &mut Client) {
    let user = client.user();
    let Some(conversation) = client.conversation(user) else {
        return;
    };
    follow(client, user, &conversation).await;
}

/// Reads all changes of a conversation, oldest first, and then the newest ones.
pub async fn follow(client: &mut Client, user: usize, conversation: &str) {
    let (begun, limit) = (Instant::now(), client.rng.random_range(1..8));
    let path = format!("/api/conversations/{conversation}/changes/");
    let (status, entries) = all(client, user, &format!("{path}?after=0&limit={limit}&order=oldest")).await;
    client.count(status);
    client.model().check_read(conversation, user, begun, status);
    let Some(entries) = entries else {
        return;
    };
    let numbers: Vec<u64> = entries.iter().filter_map(|change| change["number"].as_u64()).collect();
    let expected: Vec<u64> = (1..).take(numbers.len()).collect();
    if numbers != expected {
        client.model().find(format!("the changes of {conversation} are {numbers:?}"));
    }
    client.model().check_changes(conversation, &entries, begun);
    let again = Instant::now();
    let limit = client.rng.random_range(1..4);
    let answer = client.read(user, &format!("{path}?order=newest&limit={limit}")).await;
    client.model().check_read(conversation, user, again, answer.status);
    let newest = answer.body["results"][0]["number"].as_u64().unwrap_or_default();
    if answer.is_success() && newest < numbers.len() as u64 {
        let count = numbers.len();
        client.model().find(format!("{conversation} has {count} changes, but the newest is number {newest}"));
    }
}
