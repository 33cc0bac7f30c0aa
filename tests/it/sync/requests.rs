//! The request of `POST /api/sync/`: numbers that are refused, cursors, groups of conversations, and the form of its page.

use std::slice;

use axum::http::Method;
use serde_json::{Map, Value, json};
use shared::ids::MAX_NUMBER;

use super::{ids, numbers, sync, unknown_ids};
use crate::harness::{Browser, TestApp};

fn held(ids: &[String]) -> Value {
    ids.iter().map(|id| (id.clone(), json!([0, 0]))).collect::<Map<_, _>>().into()
}

#[tokio::test]
async fn numbers_that_nobody_can_hold_are_refused() {
    let app = TestApp::new().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let group = ann.group(&[&ben]).await;
    ann.send(&group, "memo").await;
    let field = format!("conversations.{group}");
    for bad in [
        json!([2, 0]),
        json!([1, 1]),
        json!([-1, 0]),
        json!([0.5, 0]),
        json!([MAX_NUMBER + 1, 0]),
        json!(["1", 0]),
        json!([1]),
        json!([1, 0, 0]),
        json!({ "message": 1 }),
        Value::Null,
    ] {
        ann.post("/api/sync/", json!({ "conversations": { &group: bad } })).await.refuses(&field);
    }
    // JSON has one kind of number.
    ann.post("/api/sync/", json!({ "conversations": { &group: [1.0, 0.0] } })).await.ok();
    let upper = group.to_uppercase();
    let twice = json!({ "conversations": { &group: [0, 0], &upper: [0, 0] } });
    if upper != group {
        ann.post("/api/sync/", twice).await.problem(400, "invalid_request");
    }
    for (body, field) in [
        (json!({ "conversations": [] }), "conversations"),
        (json!({ "conversations": { "mine": [0, 0] } }), "conversations.mine"),
        (json!({ "conversations": held(&unknown_ids(1, 201)) }), "conversations"),
        (json!({ "conversations": { &group: [0, 0] }, "after": group }), "after"),
        (json!({ "after": "mine" }), "after"),
        (json!({ "cursor": "mine" }), "cursor"),
        (json!({ "conversations": { "x".repeat(300): [0, 0] }, "since": 1 }), "since"),
    ] {
        ann.post("/api/sync/", body).await.refuses(field);
    }
    ann.request(Method::POST, "/api/sync/")
        .form("conversations=%7B%7D")
        .send()
        .await
        .refuses("conversations");
    assert_eq!(numbers(&sync(&ann, json!({})).await["messages"]), [1], "the page after the refusals");
}

/// A page contains a bounded number of bytes and of conversations, whatever the logs contain.
#[tokio::test]
async fn a_page_is_bounded_and_its_cursor_belongs_to_the_call() {
    let app = TestApp::new().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let (large, other) = (ann.group(&[&ben]).await, ann.group(&[&ben]).await);
    let text = "m".repeat(16_000);
    for _ in 0..20 {
        ben.send(&large, &text).await;
        ben.send(&other, &text).await;
    }
    let call = json!({ "conversations": { &large: [0, 0], &other: [0, 0] } });
    let page = ann.post("/api/sync/", call.clone()).await.expect(200);
    assert!(page.unpacked().len() < 400_000, "{}", page.unpacked().len());
    let cursor = page.json()["next"].clone();
    assert!(cursor.is_string(), "a second page has the other conversation");
    let with = |mut call: Value, cursor: &Value| {
        call["cursor"] = cursor.clone();
        call
    };
    let rest = sync(&ann, with(call.clone(), &cursor)).await;
    assert_eq!((numbers(&rest["messages"]), &rest["next"]), ((1..=20).collect(), &Value::Null));
    ben.post("/api/sync/", with(call.clone(), &cursor)).await.refuses("cursor");
    for changed in [
        json!({}),
        json!({ "conversations": { &large: [0, 0] } }),
        json!({ "conversations": { &large: [1, 0], &other: [0, 0] } }),
        json!({ "conversations": { &large: [0, 0], &other: [0, 0] }, "after": unknown_ids(0, 1)[0] }),
    ] {
        ann.post("/api/sync/", with(changed, &cursor)).await.refuses("cursor");
    }
    let list = ann.get("/api/messages/?limit=1").await.ok()["next"].as_str().unwrap().to_owned();
    let foreign = list.split("cursor=").nth(1).unwrap();
    ann.post("/api/sync/", with(call, &json!(foreign))).await.refuses("cursor");
}

/// A call that names 200 conversations ends at the highest of them, and the next one begins after it.
#[tokio::test]
async fn a_client_with_more_conversations_sends_them_in_groups() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let group = ann.group(&[]).await;
    ann.send(&group, "memo").await;
    let mut low = unknown_ids(0, 200);
    low.retain(|id| *id < group);
    assert_eq!(low.len(), 200, "the random id is very low");
    let (mut gone, mut next) = (Vec::new(), Value::Null);
    loop {
        let page = sync(&ann, json!({ "conversations": held(&low), "cursor": next })).await;
        assert_eq!(page["conversations"], json!([]));
        gone.extend(page["gone"].as_array().unwrap().clone());
        next = page["next"].clone();
        if next.is_null() {
            break;
        }
    }
    assert_eq!(gone, low);
    let rest = sync(&ann, json!({ "after": low[199], "conversations": { &group: [0, 0] } })).await;
    assert_eq!((ids(&rest["conversations"]), numbers(&rest["messages"])), (vec![group.clone()], vec![1]));
    assert_eq!(
        ids(&sync(&ann, json!({ "after": low[199] })).await["conversations"]),
        slice::from_ref(&group)
    );
    assert_eq!(sync(&ann, json!({ "after": group })).await["conversations"], json!([]));
}

#[tokio::test]
async fn the_page_of_the_path_has_a_form() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let group = ann.group(&[]).await;
    ann.send(&group, "memo, by form").await;
    let browser = Browser::of(&ann).await;
    let form = browser.get("/api/sync/").await.expect(405).text();
    for part in ["name=\"conversations\"", "name=\"cursor\"", "name=\"after\""] {
        assert!(form.contains(part), "{part} is not in {form}");
    }
    let token = browser.csrf();
    let shown = browser
        .post(
            "/api/sync/",
            &[("conversations", &format!("{{\"{group}\": [0, 0]}}")), ("csrfmiddlewaretoken", &token)],
        )
        .await;
    let text = shown.expect(200).text();
    assert!(text.contains("memo, by form"), "{text}");
}
