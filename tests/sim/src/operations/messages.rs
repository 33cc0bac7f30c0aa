//! Operations on messages and read marks.

use axum::http::Method;
use futures::future::join;
use rand::RngExt as _;
use serde_json::{Value, json};
use shared::ids::MessageId;
use tokio::time::Instant;

use crate::{client::Client, model::Sent, register::Register};

pub async fn send(client: &mut Client) {
    let user = client.user();
    let Some(conversation) = client.conversation(user) else {
        return;
    };
    let (key, body) = (client.uuid(), format!("text {}", client.number));
    let sent = Sent {
        sender: user,
        conversation,
        body,
        begun: Instant::now(),
        message: None,
        is_unknown: false,
        is_refused: false,
        open: 0,
    };
    client.model().sent.insert(key.clone(), sent);
    let mut twin = client.twin();
    if client.rng.random_bool(0.1) {
        join(send_under(client, &key), send_under(&mut twin, &key)).await;
    } else {
        send_under(client, &key).await;
    }
}

/// Sends a message again, as a client does whose answer was lost; sometimes twice at the same time.
pub async fn retry(client: &mut Client) {
    let keys: Vec<String> = client.model().sent.iter().rev().take(30).map(|(key, _)| key.clone()).collect();
    let Some(key) = client.choose(&keys) else {
        return;
    };
    let mut twin = client.twin();
    if client.rng.random_bool(0.3) {
        join(send_under(client, &key), send_under(&mut twin, &key)).await;
    } else {
        send_under(client, &key).await;
    }
}

/// Sends the message of a key, and again while the answer is lost or a 503, at most three times.
pub async fn send_under(client: &mut Client, key: &str) {
    let Some(sent) = client.model().sent.get(key).cloned() else {
        return;
    };
    let body = json!({ "conversation": sent.conversation, "message_body": sent.body, "client_id": key });
    for _ in 0..3 {
        let begun = Instant::now();
        client.model().sent.entry(key.to_owned()).and_modify(|sent| sent.open += 1);
        let answer = client.call(sent.sender, Method::POST, "/api/messages/", Some(&body)).await;
        client.count(answer.status);
        client.model().see_sent(key, answer.status, &answer.body);
        let is_new = sent.message.is_none() && !sent.is_unknown;
        if is_new && answer.status == 201 {
            client.model().check_access(&sent.conversation, sent.sender, begun, answer.status);
        }
        if !answer.is_unknown() {
            return;
        }
    }
}

/// Chooses a message that the user may have sent.
fn own_message(client: &mut Client) -> Option<(usize, String, u64, String)> {
    let mut all = Vec::new();
    {
        let model = client.model();
        for (id, conversation) in &model.conversations {
            for (number, message) in &conversation.messages {
                if let Some(user) = model.user_of(&message.sender) {
                    all.push((user, id.clone(), *number, message.id.clone()));
                }
            }
        }
    }
    client.choose(&all)
}

pub async fn edit(client: &mut Client) {
    let Some((user, conversation, number, id)) = own_message(client) else {
        return;
    };
    let body = {
        let model = client.model();
        let original =
            model.sent.values().find(|sent| sent.message.as_ref().is_some_and(|(known, _)| *known == id));
        let Some(original) = original else {
            return;
        };
        format!("{} edited {}", original.body, client.number)
    };
    let register = |client: &Client, change: &dyn Fn(&mut Register)| {
        let mut model = client.model();
        let found =
            model.conversations.get_mut(&conversation).and_then(|found| found.messages.get_mut(&number));
        if let Some(message) = found {
            change(&mut message.body);
        }
    };
    register(client, &|written| written.begin(&body));
    let change = json!({ "message_body": body });
    let answer = client.call(user, Method::PATCH, &format!("/api/messages/{id}/"), Some(&change)).await;
    client.count(answer.status);
    let outcome = (!answer.is_unknown()).then(|| answer.is_success());
    register(client, &|written| written.end(&body, outcome));
}

pub async fn delete_message(client: &mut Client) {
    let Some((user, conversation, number, id)) = own_message(client) else {
        return;
    };
    if let Some(found) = client.model().conversations.get_mut(&conversation)
        && let Some(message) = found.messages.get_mut(&number)
    {
        message.may_be_deleted = true;
    }
    let answer = client.call(user, Method::DELETE, &format!("/api/messages/{id}/"), None).await;
    client.count(answer.status);
}

pub async fn mark(client: &mut Client, unread: bool) {
    let user = client.user();
    let Some(conversation) = client.conversation(user) else {
        return;
    };
    let Some(message) = client.message_of(&conversation) else {
        return;
    };
    let body = json!({ "message": message, "unread": unread });
    let path = format!("/api/conversations/{conversation}/read/");
    let answer = client.call(user, Method::PUT, &path, Some(&body)).await;
    client.count(answer.status);
}

/// Returns the number of a message.
pub fn number_of(message: &Value) -> Option<u64> {
    message["message_id"].as_str()?.parse::<MessageId>().ok().map(|id| id.number)
}
