//! Urlencoded forms of API clients with a token: the fields that are not texts.

use axum::http::Method;
use serde_json::{Value, json};

use crate::harness::{TestApp, browser::encoded};

#[tokio::test]
async fn a_form_of_a_client_carries_metadata_and_booleans() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let conversation = ann.group(&[]).await;
    let form = |method: Method, path: &str, fields: &[(&str, &str)]| {
        ann.request(method, path).form(&encoded(fields)).send()
    };
    let fields = [
        ("conversation", conversation.as_str()),
        ("message_body", "memo"),
        ("metadata", r#"{"b": 1E5, "a": []}"#),
    ];
    let sent = form(Method::POST, "/api/messages/", &fields).await.expect(201);
    assert!(sent.text().contains(r#""metadata":{"b":1E5,"a":[]}"#), "{sent}");
    let message = sent.json();
    let read = format!("/api/conversations/{conversation}/read/");
    let id = message["message_id"].as_str().unwrap();
    form(Method::PUT, &read, &[("message", id)]).await.ok();
    for (unread, mark) in [("false", json!(id)), ("true", Value::Null)] {
        let marked = form(Method::PUT, &read, &[("message", id), ("unread", unread)]).await.ok();
        assert_eq!(marked["read"], mark, "{unread}");
    }
    form(Method::PUT, &read, &[("message", id), ("unread", "maybe")]).await.refuses("unread");
    for bad in ["{", "[]", r#"{"a":1,"a":2}"#, r#"{"a":1e400}"#] {
        let fields = [("conversation", conversation.as_str()), ("message_body", "memo"), ("metadata", bad)];
        form(Method::POST, "/api/messages/", &fields).await.refuses("metadata");
    }
}
