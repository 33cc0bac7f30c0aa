//! Privacy: for data of other users, existing and missing resources get the same status, headers and bytes. A removed
//! participant can no longer read or send anything.

use std::time::{Duration, Instant};

use axum::http::Method;
use serde_json::{Value, json};
use shared::{http::Routes, ids::ConversationId};

use crate::harness::{TestApp, User, user::message_path};

/// Ids of a conversation, a message and a user: existing ones, or other ids of the same form.
struct Place {
    conversation: String,
    message: String,
    user: String,
}

/// Returns a valid body for each route, so that the answer does not depend on wrong fields.
fn body(method: &Method, path: &str, place: &Place) -> Option<Value> {
    let body = match (method.as_str(), path) {
        ("PUT", "/api/conversations/{id}/read/") => json!({ "message": place.message }),
        ("PUT" | "PATCH", "/api/conversations/{id}/") => json!({ "name": "memo" }),
        ("POST", "/api/conversations/{id}/participants/") => json!({ "participants": [place.user] }),
        ("PATCH", "/api/conversations/{id}/participants/{user_id}/") => json!({ "role": "owner" }),
        ("PUT" | "PATCH", "/api/messages/{id}/") => json!({ "message_body": "memo" }),
        ("POST", "/api/messages/") => {
            json!({ "conversation": place.conversation, "message_body": "memo" })
        }
        _ => return None,
    };
    Some(body)
}

/// Returns each route with the id of a conversation or a message in its path, query or body.
fn routes() -> Vec<(Method, &'static str)> {
    let all = |routes: Routes| routes.list().to_vec();
    let mut named = [all(conversations::routes()), all(messages::routes())].concat();
    named.retain(|(_, path)| path.contains("{id}"));
    named.push((Method::POST, "/api/messages/"));
    for query in ["conversation={conversation}", "before={id}", "after={id}", "around={id}"] {
        named.push((Method::GET, Box::leak(format!("/api/messages/?{query}").into_boxed_str())));
    }
    named
}

async fn ask(user: &User, method: &Method, path: &str, place: &Place) -> String {
    let id = if path.starts_with("/api/conversations/") { &place.conversation } else { &place.message };
    let filled = path
        .replace("{id}", id)
        .replace("{conversation}", &place.conversation)
        .replace("{user_id}", &place.user)
        .replace("{emoji}", "%F0%9F%91%8D");
    let mut request = user.request(method.clone(), &filled);
    if let Some(body) = body(method, path, place) {
        request = request.json(&body);
    }
    request.send().await.fingerprint()
}

fn nowhere(user: &str) -> Place {
    let conversation = ConversationId::from_prefix([0x5a; 10]);
    Place {
        conversation: conversation.to_string(),
        message: conversation.message(1).to_string(),
        user: user.to_owned(),
    }
}

#[tokio::test]
async fn a_stranger_cannot_tell_what_exists() {
    let app = TestApp::new().await;
    let (ann, ben, stranger) = (app.user("ann").await, app.user("ben").await, app.user("cleo").await);
    let removed = app.user("dan").await;
    let conversation = ann.group(&[&ben, &removed]).await;
    let message = ann.send(&conversation, "memo").await;
    ann.remove(&conversation, &removed).await.expect(204);
    let there = Place {
        message: message["message_id"].as_str().unwrap().to_owned(),
        conversation,
        user: ben.id.clone(),
    };
    let before = app.table.items().await;
    let mut told = Vec::new();
    for (method, path) in routes() {
        for user in [&stranger, &removed] {
            let exists = ask(user, &method, path, &there).await;
            let not = ask(user, &method, path, &nowhere(&ben.id)).await;
            if exists != not {
                told.push(format!("{method} {path}\n--- what exists\n{exists}\n--- what does not\n{not}\n"));
            }
        }
    }
    assert!(told.is_empty(), "{}", told.join("\n"));
    assert_eq!(app.table.items().await, before, "something was written");
}

/// The server reads more for a conversation that exists. `tests/timing` compares the times of many answers.
#[tokio::test]
async fn an_answer_to_a_stranger_comes_at_a_fixed_time() {
    let app = TestApp::new().await;
    let (ann, ben, stranger) = (app.user("ann").await, app.user("ben").await, app.user("cleo").await);
    let there = ann.direct(&ben).await;
    let elsewhere = nowhere(&ben.id).conversation;
    for conversation in [&there, &elsewhere] {
        for (method, path, status) in [
            (Method::GET, format!("/api/conversations/{conversation}/"), 404),
            (Method::GET, format!("/api/messages/?conversation={conversation}"), 404),
            (Method::POST, "/api/messages/".to_owned(), 400),
        ] {
            let begun = Instant::now();
            let body = json!({ "conversation": conversation, "message_body": "memo" });
            stranger.request(method, &path).json(&body).send().await.expect(status);
            assert!(begun.elapsed() >= Duration::from_millis(25), "{path}: {:?}", begun.elapsed());
        }
    }
}

#[tokio::test]
async fn numbers_that_were_never_written_are_like_messages_of_others() {
    let app = TestApp::new().await;
    let (ann, stranger) = (app.user("ann").await, app.user("cleo").await);
    let conversation = ann.group(&[]).await;
    let message = ann.send(&conversation, "memo").await;
    let id: ConversationId = conversation.parse().unwrap();
    let exists = stranger.get(&message_path(&message)).await.fingerprint();
    let not = stranger.get(&format!("/api/messages/{}/", id.message(2))).await.fingerprint();
    assert_eq!(exists, not);
    let theirs = app.user("ben").await.group(&[]).await;
    let reply = |to: &Value| json!({ "conversation": theirs, "message_body": "memo", "reply_to": to });
    let exists = stranger.post("/api/messages/", reply(&message["message_id"])).await.fingerprint();
    let not = stranger.post("/api/messages/", reply(&json!(id.message(9)))).await.fingerprint();
    assert_eq!(exists, not);
}

/// The membership is checked before the message is read: the answer and the calls are the same for every state of a
/// message.
#[tokio::test]
async fn what_became_of_a_message_is_nothing_to_a_stranger() {
    let app = TestApp::new().await;
    let (ann, ben, stranger) = (app.user("ann").await, app.user("ben").await, app.user("cleo").await);
    let conversation = ann.group(&[&ben]).await;
    let id: ConversationId = conversation.parse().unwrap();
    let messages = [ann.send(&conversation, "memo").await, ben.send(&conversation, "memo").await];
    ann.edit(&messages[0], "memo, edited").await.ok();
    ben.delete_message(&messages[1]).await.nothing();
    ann.send(&conversation, "memo").await;
    let mut routes = routes();
    routes.retain(|(_, path)| path.starts_with("/api/messages/") || path.ends_with("/read/"));
    let nowhere = ConversationId::from_prefix([0x5a; 10]);
    for (method, path) in routes {
        for number in 1..=5 {
            let asked = async |conversation: ConversationId| {
                let message = conversation.message(number).to_string();
                let place = Place { conversation: conversation.to_string(), message, user: ben.id.clone() };
                let (answer, cost) = app.proxy.measure(ask(&stranger, &method, path, &place)).await;
                (answer, cost.requests(), cost.depth)
            };
            assert_eq!(asked(id).await, asked(nowhere).await, "{method} {path}, message {number}");
        }
        // The state of the message in `reply_to` or `after` does not change the answer either.
        for field in ["reply_to", "after"] {
            let send = async |number| {
                let body = json!({ "conversation": conversation, "message_body": "memo", field: id.message(number) });
                stranger.post("/api/messages/", body).await.fingerprint()
            };
            assert_eq!(send(1).await, send(9).await, "{field}");
        }
    }
}

#[tokio::test]
async fn a_user_id_that_nobody_has_is_like_no_other_only_to_those_who_may_ask() {
    let app = TestApp::new().await;
    let (ann, stranger) = (app.user("ann").await, app.user("cleo").await);
    let conversation = ann.group(&[]).await;
    let path = format!("/api/conversations/{conversation}/participants/");
    let nobody = "00000000-0000-4000-8000-000000000000";
    let add = async |user: &User, id: &str| user.post(&path, json!({ "participants": [id] })).await;
    add(&ann, nobody).await.refuses("participants");
    let exists = add(&stranger, &ann.id).await.fingerprint();
    assert_eq!(add(&stranger, nobody).await.fingerprint(), exists);
}

#[tokio::test]
async fn an_old_cursor_and_a_live_token_open_nothing_after_a_removal() {
    let app = TestApp::new().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let conversation = ann.group(&[&ben]).await;
    let mut messages = Vec::new();
    for n in 0..10 {
        messages.push(ann.send(&conversation, &format!("memo {n}")).await);
    }
    let middle = messages[4]["message_id"].as_str().unwrap();
    let own = ben.send(&conversation, "memo, mine").await;
    let newest = ben.get(&format!("/api/messages/?conversation={conversation}&limit=3")).await.ok();
    let everything = ben.get("/api/messages/?limit=3").await.ok();
    let around = ben.get(&format!("/api/messages/?around={middle}&limit=2")).await.ok();
    let members = ben.get(&format!("/api/conversations/{conversation}/participants/?limit=1")).await.ok();
    let changes = format!("/api/conversations/{conversation}/changes/?after=0&limit=1");
    ann.remove(&conversation, &ben).await.expect(204);

    for link in [&newest["next"], &around["previous"], &around["next"], &members["next"]] {
        ben.get(link.as_str().unwrap()).await.problem(404, "not_found");
    }
    ben.get(&changes).await.problem(404, "not_found");
    let page = ben.get(everything["next"].as_str().unwrap()).await;
    assert!(page.status == 404 || page.json()["results"] == json!([]), "{page}");
    assert_eq!(ben.all("/api/messages/").await.len(), 0);
    assert_eq!(ben.all("/api/conversations/").await.len(), 0);
    ben.get(&message_path(&own)).await.problem(404, "not_found");
    ben.edit(&own, "memo, edited").await.problem(404, "not_found");
    ben.delete_message(&own).await.problem(404, "not_found");
    ben.mark_read(&conversation, &own).await.problem(404, "not_found");
    ben.leave(&conversation).await.problem(404, "not_found");
    ben.try_send(&conversation, "memo, late").await.refuses("conversation");
    assert_eq!(ann.messages(&conversation).await.len(), 11, "messages from before the removal stay");
}

#[tokio::test]
async fn who_was_removed_has_nothing_in_the_inbox() {
    // The membership is not shown even if every read that may be stale still finds it.
    let app = TestApp::lagging().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let conversation = ann.group(&[&ben]).await;
    ann.send(&conversation, "memo").await;
    ann.remove(&conversation, &ben).await.expect(204);
    let inbox = ben.get("/api/conversations/").await.ok();
    assert_eq!(inbox["results"], json!([]));
}

/// Creating a group again with the same key returns the group, but not to a user who was removed from it.
#[tokio::test]
async fn who_made_a_group_and_was_removed_does_not_read_it_by_making_it_again() {
    let app = TestApp::new().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let body = json!({ "participants": [ben.id], "client_id": app.key() });
    let made = ann.post("/api/conversations/", body.clone()).await.created();
    let id = made["conversation_id"].as_str().unwrap();
    assert_eq!(
        ann.post("/api/conversations/", body.clone()).await.ok()["conversation_id"],
        made["conversation_id"]
    );
    let role = json!({ "role": "owner" });
    ann.patch(&format!("/api/conversations/{id}/participants/{}/", ben.id), role).await.ok();
    ben.remove(id, &ann).await.expect(204);
    ann.post("/api/conversations/", body).await.problem(409, "client_id_reused");
}

/// Returns the sender in every representation of a message, with the endpoint's name.
async fn shown_senders(viewer: &User, conversation: &str, message: &Value) -> Vec<(&'static str, Value)> {
    let read = async |path: &str| viewer.get(path).await.ok();
    let nested = read(&format!("/api/conversations/{conversation}/")).await;
    let list = read("/api/conversations/").await;
    let listed = list["results"].as_array().unwrap().iter().find(|it| it["conversation_id"] == conversation);
    let listed = listed.unwrap();
    let first = |page: Value| page["results"][0]["sender"].clone();
    vec![
        ("alone", read(&message_path(message)).await["sender"].clone()),
        (
            "in the list of messages",
            first(read(&format!("/api/messages/?conversation={conversation}")).await),
        ),
        ("in the list of all messages", first(read("/api/messages/").await)),
        ("nested", nested["messages"][0]["sender"].clone()),
        ("as the last message", nested["last_message"]["sender"].clone()),
        ("nested in the list", listed["messages"][0]["sender"].clone()),
        ("as the last message in the list", listed["last_message"]["sender"].clone()),
    ]
}

#[tokio::test]
async fn contact_details_of_a_sender_are_those_of_the_participant() {
    let app = TestApp::new().await;
    let (ann, ben, admin) = (app.user("ann").await, app.user("ben").await, app.admin("admin").await);
    let conversation = ann.group(&[&ben]).await;
    let sent = ben.send(&conversation, "memo").await;
    assert_eq!(sent["sender"]["email"], json!(ben.email));
    for viewer in [&ann, &ben] {
        for (place, sender) in shown_senders(viewer, &conversation, &sent).await {
            assert_eq!(sender["email"], json!(ben.email), "{place}, to {}", viewer.name);
        }
    }
    let edited = ben.edit(&sent, "memo, edited").await.ok();
    assert_eq!(edited["sender"]["email"], json!(ben.email));
    // The former participant has no contact details in this conversation, even if both users share another
    // conversation.
    let other = ann.group(&[&ben]).await;
    ben.leave(&conversation).await.expect(204);
    for (place, sender) in shown_senders(&ann, &conversation, &sent).await {
        assert_eq!((&sender["user_id"], &sender["email"]), (&json!(ben.id), &Value::Null), "{place}");
    }
    let elsewhere = ben.send(&other, "memo, here").await;
    assert_eq!(ann.get(&message_path(&elsewhere)).await.ok()["sender"]["email"], json!(ben.email));
    assert_eq!(admin.get(&message_path(&sent)).await.ok()["sender"]["email"], json!(ben.email));
}

/// Messages stay after their sender has left; the sender's contact details are no longer shown.
#[tokio::test]
async fn who_left_is_not_to_be_reached_through_old_messages() {
    let app = TestApp::new().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let conversation = ann.group(&[&ben]).await;
    let sent = ben.send(&conversation, "memo").await;
    let contact = |shown: &serde_json::Value| shown["messages"][0]["sender"]["email"].clone();
    assert_eq!(contact(&ann.conversation(&conversation).await), json!(ben.email));
    ben.leave(&conversation).await.expect(204);
    assert_eq!(contact(&ann.conversation(&conversation).await), serde_json::Value::Null);
    let alone = ann.get(&crate::harness::user::message_path(&sent)).await.ok();
    assert_eq!(alone["sender"]["email"], serde_json::Value::Null);
}
