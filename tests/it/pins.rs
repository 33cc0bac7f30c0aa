//! Pins: a conversation has at most fifty pinned messages, which everybody who can read the conversation finds in one list.

use axum::http::Method;
use serde_json::{Value, json};

use crate::{
    harness::{
        Answer, TestApp, User,
        call::{Operation::Query, on},
        race::held,
        user::{body_of, message_path},
    },
    held::stage,
};

fn pins_of(conversation: &str) -> String {
    format!("/api/conversations/{conversation}/pins/")
}

async fn try_pin(user: &User, message: &Value) -> Answer {
    user.request(Method::PUT, &format!("{}pin/", message_path(message))).send().await
}

async fn pin(user: &User, message: &Value) -> Value {
    try_pin(user, message).await.ok()
}

async fn unpin(user: &User, message: &Value) -> Value {
    user.delete(&format!("{}pin/", message_path(message))).await.ok()
}

/// Returns the texts of the pinned messages, the newest pin first.
async fn pinned(user: &User, conversation: &str) -> Vec<String> {
    user.all(&pins_of(conversation)).await.iter().map(|pin| body_of(&pin["message"])).collect()
}

/// Puts `count` pinned messages of a user into an empty conversation. The first message has the oldest pin.
async fn fill(app: &TestApp, user: &User, conversation: &str, count: usize) {
    let (pk, at) = (format!("CONV#{conversation}"), app.app.clock.now().timestamp_micros() - 1_000_000);
    let items: Vec<Value> = (1..=count)
        .flat_map(|number| {
            let at = at + i64::try_from(number).unwrap();
            let key = format!("{}-0000-7000-8000-{number:012}", "01890a5d");
            [
                json!({ "pk": pk, "sk": format!("MSG#{number:013}"), "item": "message", "sender": user.id,
                    "body": format!("memo {number}"), "sent_at": at, "idempotency_key": key, "digest": "x",
                    "revision": 1, "edits": 0, "pinned": true }),
                json!({ "pk": pk, "sk": format!("PIN#{number:013}"), "item": "pin", "pinned_by": user.id,
                    "pinned_at": at }),
                json!({ "pk": pk, "sk": format!("CHANGE#{number:013}"), "item": "change",
                    "kind": "message_pinned", "message": number, "actor": user.id, "revision": 1,
                    "request": key, "changed_at": at }),
            ]
        })
        .collect();
    app.table.put_all(&items).await;
}

#[tokio::test]
async fn a_pinned_message_is_listed_until_the_pin_is_removed() {
    let app = TestApp::new().await;
    let (ann, ben, group, first) = stage(&app).await;
    let second = ben.send(&group, "memo, second").await;
    assert_eq!(first["pinned"], false);
    pin(&ben, &second).await;
    let answer = try_pin(&ben, &first).await;
    assert_eq!(answer.header("etag"), Some("\"1\""));
    let shown = answer.ok();
    assert_eq!((&shown["pinned"], &shown["edited_at"]), (&json!(true), &Value::Null));
    assert_eq!(pin(&ann, &first).await["revision"], 1, "a repetition changes nothing");
    let pins = ann.get(&pins_of(&group)).await.ok();
    assert_eq!((&pins["next"], pins["results"].as_array().unwrap().len()), (&Value::Null, 2));
    assert_eq!(pins["results"][0]["message"], ann.get(&message_path(&first)).await.ok());
    assert_eq!(pins["results"][0]["pinned_by"], json!(ben.id));
    assert!(pins["results"][0]["pinned_at"].as_str() > pins["results"][1]["pinned_at"].as_str());
    assert_eq!(pinned(&ann, &group).await, ["memo, first", "memo, second"]);
    ann.edit(&first, "memo, edited").await.ok();
    assert_eq!(pinned(&ann, &group).await, ["memo, edited", "memo, second"]);
    assert_eq!(unpin(&ann, &first).await["pinned"], false);
    unpin(&ann, &first).await;
    assert_eq!(pinned(&ben, &group).await, ["memo, second"]);
    let changes = ann.changes(&group, 0).await;
    let kinds: Vec<_> = changes.iter().map(|change| change["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["message_pinned", "message_pinned", "message_edited", "message_unpinned"]);
    assert_eq!(changes[3]["message"], first["message_id"]);
    app.check().await;
}

#[tokio::test]
async fn a_deleted_message_has_no_pin() {
    let app = TestApp::new().await;
    let (ann, ben, group, first) = stage(&app).await;
    pin(&ben, &first).await;
    ann.delete_message(&first).await.nothing();
    assert!(pinned(&ben, &group).await.is_empty());
    try_pin(&ben, &first).await.problem(404, "not_found");
    let items = app.table.partition(&format!("CONV#{group}")).await;
    assert!(!items.iter().any(|item| item["sk"].as_str().unwrap().starts_with("PIN#")), "{items:?}");
    let list = format!("/api/messages/?conversation={group}&tombstones=1");
    assert_eq!(ann.all(&list).await[0]["pinned"], false);
    app.check().await;
}

#[tokio::test]
async fn an_invited_user_reads_pins_and_makes_none() {
    let app = TestApp::with_requests().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let group = ann.group(&[&ben]).await;
    let message = ann.send(&group, "memo").await;
    pin(&ann, &message).await;
    assert_eq!(pinned(&ben, &group).await, ["memo"]);
    ben.delete(&format!("{}pin/", message_path(&message))).await.problem(403, "not_accepted");
    ben.get(&format!("{}?cursor=x", pins_of(&group))).await.refuses("cursor");
    app.user("cleo").await.get(&format!("{}?cursor=x", pins_of(&group))).await.problem(404, "not_found");
    app.check().await;
    // A deletion that has not removed the memberships yet.
    app.table
        .put(&json!({ "pk": format!("CONV#{group}"), "sk": "MSG#0000000000002", "item": "closed", "actor": ann.id,
            "closed_at": 1, "request": ann.id }))
        .await;
    ben.get(&pins_of(&group)).await.problem(404, "not_found");
}

#[tokio::test]
async fn the_pins_of_a_viewer_begin_after_what_the_viewer_has_hidden() {
    let app = TestApp::new().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let direct = ann.direct(&ben).await;
    let first = ben.send(&direct, "memo, first").await;
    pin(&ben, &first).await;
    ann.delete_conversation(&direct).await.expect(204);
    let second = ben.send(&direct, "memo, second").await;
    pin(&ben, &second).await;
    assert_eq!(pinned(&ann, &direct).await, ["memo, second"]);
    assert_eq!(pinned(&ben, &direct).await, ["memo, second", "memo, first"]);
    try_pin(&ann, &first).await.problem(404, "not_found");
}

#[tokio::test]
async fn many_pins_are_in_several_pages() {
    let app = TestApp::new().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let group = ann.group(&[&ben]).await;
    fill(&app, &ann, &group, 45).await;
    let page = ben.get(&pins_of(&group)).await.ok();
    assert_eq!(page["results"].as_array().unwrap().len(), 20);
    let expected: Vec<String> = (1..=45).rev().map(|number| format!("memo {number}")).collect();
    assert_eq!(pinned(&ben, &group).await, expected);
    app.check().await;
}

#[tokio::test]
async fn a_conversation_has_at_most_fifty_pins() {
    let app = TestApp::new().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let group = ann.group(&[&ben]).await;
    fill(&app, &ann, &group, 49).await;
    let (one, other) = (ann.send(&group, "memo, one").await, ann.send(&group, "memo, other").await);
    // The late request reads the end of the change log after the other one has pinned its message, and the pins after that.
    let late = try_pin(&ben, &other);
    let (late, first) = held(&app, on(Query).of("CHANGE#"), late, try_pin(&ann, &one)).await;
    first.ok();
    late.problem(409, "too_many_pins");
    pin(&ben, &one).await;
    assert_eq!(pinned(&ann, &group).await.len(), 50);
    let path = pins_of(&group);
    let last = ann.all(&path).await.pop().unwrap();
    unpin(&ben, &last["message"]).await;
    pin(&ben, &other).await;
    app.check().await;
}

/// Every read that is not strongly consistent misses all that was written since the conversation was made.
#[tokio::test]
async fn what_was_pinned_is_listed_at_once() {
    let app = TestApp::lagging().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let group = ann.group(&[&ben]).await;
    app.proxy.stop_the_past().await;
    let message = ann.send(&group, "memo").await;
    pin(&ann, &message).await;
    assert_eq!(pinned(&ben, &group).await, ["memo"]);
}
