//! Operations on messages and read marks.

use axum::http::Method;
use futures::future::join;
use rand::RngExt as _;
use serde_json::{Value, json};
use shared::ids::MessageId;
use tokio::time::Instant;

use super::conversations::read;
use crate::{
    client::{Client, later},
    model::{Move, Sent},
    register::WriteId,
    walks,
};

pub async fn send(client: &mut Client) {
    let user = client.user();
    let Some(conversation) = client.conversation(user) else {
        return;
    };
    send_to(client, user, &conversation).await;
}

/// Sends a new message, often twice at the same time, and lets a participant read it after that.
pub async fn send_to(client: &mut Client, user: usize, conversation: &str) {
    let key = new_message(client, user, conversation);
    let mut twin = client.twin();
    if client.rng.random_bool(0.1) {
        join(send_under(client, &key), send_under(&mut twin, &key)).await;
    } else {
        send_under(client, &key).await;
    }
    let message = client.model().sent[&key].message.clone();
    if let Some((id, _)) = message
        && let Some(reader) = client.member_of(conversation)
    {
        later().await;
        match client.rng.random_range(0..4) {
            0 => read_message(client, reader, &id).await,
            1 => walks::newest(client, reader, conversation).await,
            2 => read(client, reader, conversation).await,
            _ => {}
        }
    }
}

/// Writes a message that is not sent yet. Returns its idempotency key.
fn new_message(client: &mut Client, user: usize, conversation: &str) -> String {
    let (key, body) = (client.uuid(), format!("text {}.{}", client.number, client.requests));
    let after = if client.rng.random_bool(0.3) { client.model().newest_of(conversation) } else { None };
    let sent = Sent {
        sender: user,
        after,
        conversation: conversation.to_owned(),
        body,
        begun: Instant::now(),
        message: None,
        is_unknown: false,
        is_refused: false,
        open: 0,
    };
    client.model().sent.insert(key.clone(), sent);
    key
}

/// Sends more messages than the first query of a look-back reads, and then the first of them again.
pub async fn send_many(client: &mut Client) {
    let user = client.user();
    let Some(conversation) = client.conversation(user) else {
        return;
    };
    let first = new_message(client, user, &conversation);
    send_under(client, &first).await;
    for _ in 0..client.rng.random_range(16..22) {
        let key = new_message(client, user, &conversation);
        send_under(client, &key).await;
    }
    send_under(client, &first).await;
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
    let mut body = json!({ "conversation": sent.conversation, "message_body": sent.body, "client_id": key });
    if let Some(after) = &sent.after {
        body["after"] = json!(after);
    }
    for _ in 0..3 {
        let begun = Instant::now();
        client.model().sent.entry(key.to_owned()).and_modify(|sent| sent.open += 1);
        let answer = client.call(sent.sender, Method::POST, "/api/messages/", Some(&body)).await;
        client.count(answer.status);
        client.model().see_sent(key, answer.status, &answer.body);
        // The answer to a retry is the message, also after its sender was removed. A participant is never told that the
        // conversation does not exist, which is a 400 here.
        let is_new = sent.message.is_none() && !sent.is_unknown && sent.open == 0;
        if is_new && matches!(answer.status, 201 | 400) {
            let status = if answer.status == 400 { 404 } else { 201 };
            client.model().check_access(&sent.conversation, sent.sender, begun, status);
            if status == 201 {
                client.model().check_consent(&sent.conversation, sent.sender, begun, "sends a message");
            }
        }
        if !answer.is_unknown() {
            return;
        }
    }
}

/// A message with the user who may have sent it.
#[derive(Debug, Clone)]
struct Own {
    user: usize,
    conversation: String,
    number: u64,
    id: String,
}

/// Chooses a message and its sender.
fn own_message(client: &mut Client) -> Option<Own> {
    let mut all = Vec::new();
    {
        let model = client.model();
        for (conversation, found) in &model.conversations {
            for (number, message) in &found.messages {
                if let Some(user) = model.user_of(&message.sender) {
                    let (conversation, id) = (conversation.clone(), message.id.clone());
                    all.push(Own { user, conversation, number: *number, id });
                }
            }
        }
    }
    client.favour(&all)
}

pub async fn edit(client: &mut Client) {
    let Some(own) = own_message(client) else {
        return;
    };
    let text = {
        let model = client.model();
        let is_of = |sent: &&Sent| sent.message.as_ref().is_some_and(|(known, _)| *known == own.id);
        let Some(original) = model.sent.values().find(is_of) else {
            return;
        };
        // Once in a while, a small message becomes a large one.
        let more = if client.number.is_multiple_of(10) { " and more".repeat(300) } else { String::new() };
        format!("{} edited {}{more}", original.body, client.number)
    };
    let begin = |text: &str| -> Option<WriteId> {
        Some(client.model().message(&own.conversation, own.number)?.body.begin(text))
    };
    let Some(write) = begin(&text) else {
        return;
    };
    let change = json!({ "message_body": text });
    let path = format!("/api/messages/{}/", own.id);
    let answer = client.call(own.user, Method::PATCH, &path, Some(&change)).await;
    client.count(answer.status);
    let outcome = answer.outcome();
    {
        let mut model = client.model();
        if let Some(message) = model.message(&own.conversation, own.number) {
            message.body.end(write, outcome);
        }
        note_change(&mut model, &own, answer.is_success());
    }
    if answer.is_success() {
        read_again(client, &own).await;
    }
}

fn note_change(model: &mut crate::model::Model, own: &Own, is_done: bool) {
    if let Some(found) = model.conversations.get_mut(&own.conversation).filter(|_| is_done) {
        found.changes.push((own.id.clone(), Instant::now()));
    }
}

/// Reads a message after its change.
async fn read_again(client: &mut Client, own: &Own) {
    later().await;
    match client.rng.random_range(0..4) {
        0 => read_message(client, own.user, &own.id).await,
        1 => revisions(client, own.user, own).await,
        2 => walks::follow(client, own.user, &own.conversation).await,
        _ => {}
    }
}

pub async fn delete_message(client: &mut Client) {
    let Some(own) = own_message(client) else {
        return;
    };
    if let Some(message) = client.model().message(&own.conversation, own.number) {
        message.may_be_deleted = true;
    }
    let path = format!("/api/messages/{}/", own.id);
    let answer = client.call(own.user, Method::DELETE, &path, None).await;
    client.count(answer.status);
    if answer.status == 204 {
        let mut first = false;
        {
            let mut model = client.model();
            if let Some(message) = model.message(&own.conversation, own.number) {
                first = message.deleted.is_none();
                message.deleted.get_or_insert_with(Instant::now);
            }
            note_change(&mut model, &own, first);
        }
        later().await;
        read_message(client, own.user, &own.id).await;
    }
}

/// Reads one message.
pub async fn read_message(client: &mut Client, user: usize, id: &str) {
    let begun = Instant::now();
    let answer = client.read(user, &format!("/api/messages/{id}/")).await;
    client.count(answer.status);
    let Some((conversation, number)) =
        id.parse::<MessageId>().ok().map(|id| (id.conversation.to_string(), id.number))
    else {
        return;
    };
    let mut model = client.model();
    let may_be_deleted = model.message(&conversation, number).is_some_and(|message| message.may_be_deleted);
    if answer.is_success() || !may_be_deleted {
        model.check_read(&conversation, user, begun, answer.status);
    }
    if answer.is_success() {
        model.see_message(user, &conversation, &answer.body, begun);
    }
}

/// Reads the earlier texts of a message as its sender: every text that was acknowledged is there or is the present one.
async fn revisions(client: &mut Client, user: usize, own: &Own) {
    let begun = Instant::now();
    let (status, entries) = walks::all(client, user, &format!("/api/messages/{}/revisions/", own.id)).await;
    client.count(status);
    let mut model = client.model();
    // A deletion removes the earlier texts, also while they are read.
    let message = model.message(&own.conversation, own.number);
    let Some((message, entries)) = message.filter(|message| !message.may_be_deleted).zip(entries) else {
        return;
    };
    let texts: Vec<&str> = entries.iter().filter_map(|revision| revision["message_body"].as_str()).collect();
    // The present text is one of the acknowledged ones, and the first text is among the earlier ones.
    let due = message.body.acknowledged_before(begun).saturating_sub(1);
    let unknown = texts.iter().find(|text| !message.body.knows(text)).map(|text| (*text).to_owned());
    let wrong = texts.len() < due || unknown.is_some();
    if wrong {
        let writes = message.body.describe();
        model.find(format!("message {} has the earlier texts {texts:?}, but {writes}", own.id));
    }
}

pub async fn read_revisions(client: &mut Client) {
    if let Some(own) = own_message(client) {
        revisions(client, own.user, &own).await;
    }
}

pub async fn mark(client: &mut Client, unread: bool) {
    let user = client.user();
    let Some(conversation) = client.conversation(user) else {
        return;
    };
    let Some(message) = client.message_of(&conversation) else {
        return;
    };
    let mut twin = client.twin();
    if client.rng.random_bool(0.3) {
        // Another device of the user at the same time.
        let other = client.message_of(&conversation).unwrap_or_else(|| message.clone());
        let back = client.rng.random_bool(0.5);
        join(mark_at(client, user, &message, unread), mark_at(&mut twin, user, &other, back)).await;
    } else {
        mark_at(client, user, &message, unread).await;
    }
}

async fn mark_at(client: &mut Client, user: usize, message: &str, unread: bool) {
    let Ok(id) = message.parse::<MessageId>() else {
        return;
    };
    let (conversation, begun) = (id.conversation.to_string(), Instant::now());
    let step_id = (client.number, client.requests);
    let step = Move { id: step_id, unread, number: id.number, begun, done: None };
    if let Some(found) = client.model().conversations.get_mut(&conversation) {
        found.members.entry(user).or_default().moves.push(step);
    }
    let body = json!({ "message": message, "unread": unread });
    let path = format!("/api/conversations/{conversation}/read/");
    let answer = client.call(user, Method::PUT, &path, Some(&body)).await;
    client.count(answer.status);
    let mut model = client.model();
    if !answer.is_success() {
        model.check_access(&conversation, user, begun, if answer.status == 404 { 404 } else { 0 });
        return;
    }
    model.check_access(&conversation, user, begun, answer.status);
    model.check_consent(&conversation, user, begun, "moves the read mark");
    let members = model.conversations.get_mut(&conversation).map(|found| &mut found.members);
    let moves = members.and_then(|members| members.get_mut(&user)).map(|member| &mut member.moves);
    if let Some(step) = moves.and_then(|moves| moves.iter_mut().find(|step| step.id == step_id)) {
        step.done = Some(Instant::now());
    }
    let read =
        answer.body["read"].as_str().and_then(|id| id.parse::<MessageId>().ok()).map_or(0, |id| id.number);
    model.see_mark(&conversation, user, read, begun);
}

/// Returns the number of a message.
pub fn number_of(message: &Value) -> Option<u64> {
    message["message_id"].as_str()?.parse::<MessageId>().ok().map(|id| id.number)
}
