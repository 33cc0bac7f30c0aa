//! Faults of headers, of the JSON text, of fields and of the stored conversation, which one answer names together.

use axum::http::Method;
use serde_json::json;

use crate::harness::{Answer, TestApp, people::PASSWORD, user::message_path};

#[tokio::test]
async fn faults_of_headers_and_of_the_json_are_named_beside_those_of_the_fields() {
    let app = TestApp::new().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let conversation = ann.group(&[&ben]).await;
    let message = message_path(&ann.send(&conversation, "memo").await);
    let named = |answer: Answer| {
        let errors = answer.problem(400, "invalid_request")["errors"].clone();
        errors.as_object().unwrap().keys().cloned().collect::<Vec<_>>()
    };
    let body = br#"{"name": "a\nb", "participants": [{"user_id": "x", "y": 1, "user_id": 2}, {"user_id": 1, "z": 1}],
        "metadata": {"a": 1, "a": 2}, "kind": "group", "kind": "group", "x": 1e300}"#;
    let request = ann.request(Method::PATCH, &format!("/api/conversations/{conversation}/?page=2"));
    let request = request.header("if-match", "1").header("if-none-match", "2").raw("application/json", body);
    assert_eq!(
        named(request.send().await),
        [
            "If-Match",
            "If-None-Match",
            "kind",
            "metadata",
            "name",
            "page",
            "participants[0].user_id",
            "participants[0].y",
            "participants[1].user_id",
            "participants[1].z",
            "x"
        ]
    );
    for (method, path) in [
        (Method::PATCH, message.clone()),
        (Method::PUT, message),
        (Method::PATCH, "/api/users/me/".to_owned()),
        (Method::PATCH, format!("/api/conversations/{conversation}/participants/{}/", ben.id)),
        (Method::PUT, format!("/api/conversations/{conversation}/read/")),
    ] {
        let request = ann.request(method.clone(), &path).header("if-match", "1");
        let request = request.raw("application/json", br#"{"x": 1, "x": 2}"#).send().await;
        let found = named(request);
        assert!(
            ["If-Match", "x"].iter().all(|name| found.contains(&(*name).to_owned())),
            "{method} {path}: {found:?}"
        );
    }
    let delete = ann.request(Method::DELETE, &format!("/api/conversations/{conversation}/?x=1"));
    assert_eq!(named(delete.header("if-match", "1").send().await), ["If-Match", "x"]);
}

#[tokio::test]
async fn two_missing_messages_are_named_together() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let conversation = ann.group(&[]).await;
    let missing = conversation.parse::<shared::ids::ConversationId>().unwrap().message(999).to_string();
    for fields in [&["reply_to", "after"][..], &["reply_to"], &["after"]] {
        let mut body = json!({ "conversation": conversation, "message_body": "memo" });
        for field in fields {
            body[*field] = json!(missing);
        }
        let problem = ann.post("/api/messages/", body).await.problem(400, "invalid_request");
        let errors = problem["errors"].as_object().unwrap();
        assert_eq!(errors.len(), fields.len(), "{problem}");
        assert!(fields.iter().all(|field| errors.contains_key(*field)), "{problem}");
    }
}

#[tokio::test]
async fn every_write_of_a_resource_reads_its_conditions() {
    let app = TestApp::new().await;
    let (admin, ben) = (app.admin("admin").await, app.user("ben").await);
    let conversation = admin.group(&[&ben]).await;
    let message = message_path(&admin.send(&conversation, "memo").await);
    let message = message.split('/').nth(3).unwrap();
    let report = admin.post("/api/reports/", json!({ "user": ben.id, "reason": "spam" })).await.created();
    let report = report["report_id"].as_str().unwrap().to_owned();
    let mut count = 0;
    for routes in [auth::routes(), conversations::routes(), messages::routes(), moderation::routes()] {
        let writes = routes.of_the_api().filter(|(method, _)| !["GET", "POST"].contains(&method.as_str()));
        for (method, template) in writes {
            let id = match template.split('/').nth(2) {
                Some("conversations") => &conversation,
                Some("messages") => message,
                Some("reports") => report.as_str(),
                _ => ben.id.as_str(),
            };
            let path = template.replace("{id}", id).replace("{user_id}", &ben.id);
            let path = path.replace("{emoji}", "%F0%9F%91%8D");
            let closes = *method == Method::DELETE && path == "/api/users/me/";
            let body = if closes { json!({ "password": PASSWORD }) } else { json!({}) };
            let request = admin.request(method.clone(), &path).json(&body);
            request.clone().header("if-match", "1").send().await.refuses("If-Match");
            if *method == Method::DELETE {
                request.header("if-match", "\"99\"").send().await.problem(412, "precondition_failed");
            }
            count += 1;
        }
    }
    assert!(count >= 13, "{count}");
}
