//! PATCH with a JSON merge patch (RFC 7396).

use axum::http::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, TestApp, User, user::message_path};

const MERGE: &str = "application/merge-patch+json";

#[tokio::test]
async fn a_change_is_a_merge_patch() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let patch = |media: &str, body: &str| {
        ann.request(Method::PATCH, "/api/users/me/").raw(media, body.as_bytes()).send()
    };
    let changed =
        patch("application/merge-patch+json", r#"{"first_name": "Anna", "phone_number": null}"#).await.ok();
    assert_eq!(changed["first_name"], "Anna");
    let refused = patch("application/json-patch+json", "[]").await.expect(415);
    let options = ann.request(Method::OPTIONS, "/api/users/me/").send().await.expect(204);
    for answer in [refused, options] {
        let types = answer.header("accept-patch").unwrap().to_owned();
        assert!(
            types.contains("application/merge-patch+json") && types.contains("application/json"),
            "{types}"
        );
    }
    let options = ann.request(Method::OPTIONS, "/api/token/").send().await.expect(204);
    assert_eq!(options.header("accept-patch"), None);
    let post = ann.request(Method::POST, "/api/conversations/");
    post.raw("application/merge-patch+json", b"{}").send().await.problem(415, "unsupported_media_type");
}

async fn patch(user: &User, path: &str, media: &str, metadata: Value) -> Answer {
    let body = json!({ "metadata": metadata }).to_string();
    user.request(Method::PATCH, path).raw(media, body.as_bytes()).send().await
}

#[tokio::test]
async fn a_merge_patch_merges_metadata_and_json_replaces_it() {
    let app = TestApp::new().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let conversation = ann.group(&[&ben]).await;
    let message = ann.send(&conversation, "memo").await;
    for path in [format!("/api/conversations/{conversation}/"), message_path(&message)] {
        patch(&ann, &path, "application/json", json!({ "a": { "b": 1, "c": 2 }, "d": 3 })).await.ok();
        let merged = patch(&ann, &path, MERGE, json!({ "a": { "b": null, "e": 4 }, "d": [5] })).await.ok();
        assert_eq!(merged["metadata"], json!({ "a": { "c": 2, "e": 4 }, "d": [5] }));
        assert_eq!(ann.get(&path).await.ok()["metadata"], merged["metadata"]);
        // A patch without a change writes nothing.
        let tag = ann.get(&path).await.header("etag").unwrap().to_owned();
        let same = patch(&ann, &path, MERGE, json!({ "a": { "c": 2 }, "x": null })).await.expect(200);
        assert_eq!(same.header("etag"), Some(tag.as_str()));
        // Two values of which each fits by itself, but not both together.
        let half = "x".repeat(2500);
        patch(&ann, &path, MERGE, json!({ "f": half })).await.ok();
        patch(&ann, &path, MERGE, json!({ "g": half })).await.refuses("metadata");
        let replaced = patch(&ann, &path, "application/json", json!({ "z": 1 })).await.ok();
        assert_eq!(replaced["metadata"], json!({ "z": 1 }));
        assert_eq!(patch(&ann, &path, MERGE, Value::Null).await.ok()["metadata"], Value::Null);
        assert_eq!(
            patch(&ann, &path, MERGE, json!({ "n": null, "m": 1 })).await.ok()["metadata"],
            json!({ "m": 1 })
        );
    }
}
