//! Replies and mentions: a reply belongs to the thread of the message that it replies to, and a text mentions participants.

use axum::http::Method;
use serde_json::{Value, json};
use shared::store::messages::{Around, Source};

use crate::{
    harness::{
        Answer, TestApp, User,
        user::{body_of, message_path},
    },
    held::stage,
};

fn id(message: &Value) -> String {
    message["message_id"].as_str().unwrap().to_owned()
}

async fn try_reply(user: &User, conversation: &str, to: &Value, body: &str) -> Answer {
    let body = json!({ "conversation": conversation, "message_body": body, "reply_to": to["message_id"] });
    user.post("/api/messages/", body).await
}

async fn reply(user: &User, conversation: &str, to: &Value, body: &str) -> Value {
    try_reply(user, conversation, to, body).await.created()
}

/// Does what the consumer of the table's stream does: puts the pointers of all replies, twice.
async fn put_pointers(app: &TestApp, conversation: &str) {
    let source = Source { tombstones: true, ..Source::of(conversation.parse().unwrap()) };
    let page = app.app.store.messages(source, Around::After(0), 1000).await.unwrap().unwrap();
    for message in page.messages.iter().chain(&page.messages) {
        app.app.store.put_thread_pointer(message).await.unwrap();
    }
}

async fn bodies(user: &User, query: &str) -> Vec<String> {
    user.all(&format!("/api/messages/?{query}")).await.iter().map(body_of).collect()
}

#[tokio::test]
async fn a_reply_belongs_to_the_thread_of_what_it_replies_to() {
    let app = TestApp::new().await;
    let (ann, ben, group, root) = stage(&app).await;
    let other = ann.send(&group, "memo, other").await;
    let first = reply(&ben, &group, &root, "reply, first").await;
    reply(&ben, &group, &other, "reply, of the other").await;
    let second = reply(&ann, &group, &first, "reply, second").await;
    assert_eq!((&root["thread"], &root["reply_to"]), (&Value::Null, &Value::Null));
    assert_eq!((&first["thread"], &first["reply_to"]), (&root["message_id"], &root["message_id"]));
    assert_eq!((&second["thread"], &second["reply_to"]), (&root["message_id"], &first["message_id"]));
    let thread = format!("thread={}", id(&root));
    assert!(bodies(&ann, &thread).await.is_empty(), "the stream is not read yet");
    put_pointers(&app, &group).await;
    assert_eq!(bodies(&ann, &thread).await, ["reply, second", "reply, first"]);
    assert_eq!(bodies(&ann, &format!("{thread}&order=oldest")).await, ["reply, first", "reply, second"]);
    assert_eq!(bodies(&ann, &format!("{thread}&after={}", id(&first))).await, ["reply, second"]);
    assert_eq!(bodies(&ann, &format!("{thread}&before={}", id(&second))).await, ["reply, first"]);
    assert_eq!(bodies(&ann, &format!("thread={}", id(&other))).await, ["reply, of the other"]);
    assert!(bodies(&ann, &format!("thread={}", id(&second))).await.is_empty());
    assert_eq!(ann.get(&message_path(&second)).await.ok(), second);
    let page = format!("/api/messages/?conversation={group}&{thread}&limit=1");
    let page = ann.get(&page).await.ok();
    assert_eq!((page["results"][0].clone(), page["previous"].is_null()), (second.clone(), true));
    assert_eq!(
        ann.all(&format!("/api/messages/?{thread}&limit=1&order=oldest")).await,
        [first.clone(), second]
    );
    ben.delete_message(&first).await.nothing();
    assert_eq!(bodies(&ann, &thread).await, ["reply, second"]);
    assert_eq!(bodies(&ann, &format!("{thread}&tombstones=1")).await.len(), 2);
    app.check().await;
}

#[tokio::test]
async fn a_thread_is_read_by_those_who_read_its_conversation() {
    let app = TestApp::new().await;
    let (ann, ben, group, root) = stage(&app).await;
    let answer = reply(&ben, &group, &root, "reply").await;
    put_pointers(&app, &group).await;
    let thread = format!("/api/messages/?thread={}", id(&root));
    app.user("cleo").await.get(&thread).await.problem(404, "not_found");
    ann.request(Method::PUT, &format!("/api/users/me/blocks/{}/", ben.id)).send().await.ok();
    let masked = ann.get(&thread).await.ok()["results"][0].clone();
    assert_eq!(
        (&masked["masked"], &masked["thread"], &masked["message_body"]),
        (&json!(true), &Value::Null, &json!(""))
    );
    for query in ["around", "cursor"] {
        let value = if query == "around" { id(&answer) } else { "x".to_owned() };
        ann.get(&format!("{thread}&{query}={value}")).await.problem(400, "invalid_request");
    }
    let elsewhere = ann.group(&[]).await;
    ann.get(&format!("{thread}&conversation={elsewhere}")).await.refuses("thread");
    // A deletion that has not removed the memberships yet.
    app.table
        .put(&json!({ "pk": format!("CONV#{group}"), "sk": "MSG#0000000000003", "item": "closed", "actor": ann.id,
            "closed_at": 1, "request": ann.id }))
        .await;
    for user in [&ann, &ben] {
        user.get(&thread).await.problem(404, "not_found");
    }
}

#[tokio::test]
async fn a_thread_has_no_reply_that_its_viewer_has_hidden() {
    let app = TestApp::new().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let direct = ann.direct(&ben).await;
    let root = ben.send(&direct, "memo").await;
    reply(&ben, &direct, &root, "reply, hidden").await;
    ann.delete_conversation(&direct).await.expect(204);
    let shown = reply(&ben, &direct, &root, "reply, shown").await;
    put_pointers(&app, &direct).await;
    for order in ["newest", "oldest"] {
        let query = format!("thread={}&order={order}&limit=1", id(&root));
        assert_eq!(bodies(&ann, &query).await, ["reply, shown"], "{order}");
        assert_eq!(bodies(&ben, &query).await.len(), 2, "{order}");
    }
    try_reply(&ann, &direct, &root, "reply").await.refuses("reply_to");
    assert_eq!(reply(&ann, &direct, &shown, "reply").await["thread"], root["message_id"]);
}

#[tokio::test]
async fn a_long_thread_is_in_several_pages() {
    let app = TestApp::new().await;
    let (ann, _, group, root) = stage(&app).await;
    for n in 0..25 {
        reply(&ann, &group, &root, &format!("reply {n}")).await;
    }
    put_pointers(&app, &group).await;
    let expected: Vec<String> = (0..25).map(|n| format!("reply {n}")).collect();
    let thread = format!("thread={}", id(&root));
    assert_eq!(bodies(&ann, &format!("{thread}&order=oldest&limit=100")).await, expected);
    let newest = bodies(&ann, &format!("{thread}&limit=7")).await;
    assert_eq!(newest.into_iter().rev().collect::<Vec<_>>(), expected);
    let page = ann.get(&format!("/api/messages/?{thread}&limit=100")).await.ok();
    assert_eq!(page["results"].as_array().unwrap().len(), 20);
}

#[tokio::test]
async fn accepted_participants_are_mentioned() {
    let app = TestApp::with_requests().await;
    let (ann, ben, cleo, dan) =
        (app.user("ann").await, app.user("ben").await, app.user("cleo").await, app.user("dan").await);
    let group = ann.group(&[&ben, &cleo]).await;
    ben.post(&format!("/api/conversations/{group}/accept/"), json!({})).await.ok();
    // Cleo is invited, and Dan does not take part.
    let text = format!("@{} @{} @{} @{} @{}", dan.id, ben.id, cleo.id, ann.id, ben.id);
    let sent = ann.send(&group, &text).await;
    assert_eq!(sent["mentions"], json!([ben.id, ann.id]));
    assert_eq!(ben.get(&message_path(&sent)).await.ok()["mentions"], json!([ben.id, ann.id]));
    let plain = ann.send(&group, "memo, ann@example.com").await;
    assert_eq!(plain["mentions"], json!([]));
    let edited = ann.edit(&plain, &format!("memo for @{}", ben.id)).await.ok();
    assert_eq!(edited["mentions"], json!([ben.id]));
    let metadata = json!({ "metadata": { "a": 1 } });
    assert_eq!(ann.patch(&message_path(&plain), metadata).await.ok()["mentions"], json!([ben.id]));
    cleo.post(&format!("/api/conversations/{group}/accept/"), json!({})).await.ok();
    assert_eq!(ann.edit(&sent, &format!("{text}!")).await.ok()["mentions"], json!([ben.id, cleo.id, ann.id]));
    assert_eq!(ann.edit(&plain, "memo").await.ok()["mentions"], json!([]));
    ann.delete_message(&sent).await.nothing();
    let list = ann.all(&format!("/api/messages/?conversation={group}&tombstones=1")).await;
    assert_eq!(list[1]["mentions"], json!([]));
    ben.request(Method::PUT, &format!("/api/users/me/blocks/{}/", ann.id)).send().await.ok();
    let masked = ann.send(&group, &format!("@{}", ben.id)).await;
    assert_eq!(ben.get(&message_path(&masked)).await.ok()["mentions"], json!([]), "a masked message");
    app.check().await;
}

/// Every read that is not strongly consistent misses all that was written since the conversation was made.
#[tokio::test]
async fn what_was_just_sent_is_replied_to() {
    let app = TestApp::lagging().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let group = ann.group(&[&ben]).await;
    app.proxy.stop_the_past().await;
    let root = ann.send(&group, "memo").await;
    assert_eq!(reply(&ben, &group, &root, "reply").await["thread"], root["message_id"]);
}
