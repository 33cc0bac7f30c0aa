//! The contents of the log: events and ids, but never passwords, tokens or texts of messages. The tests run the main
//! flows and their failures and then check every line that the suite has logged so far. Every other test makes the same
//! check at its end; `harness/logs.rs` explains the word `memo` in the texts.

use serde_json::json;

use crate::harness::{
    TestApp, User,
    call::{Operation::Put, any, on},
    faults::{
        Fault::{After, Before},
        How::{Death, Reset},
    },
    logs,
    network::unique_email,
    people::PASSWORD,
};

#[tokio::test]
async fn nothing_that_is_secret_or_said_is_logged() {
    let app = TestApp::new().await;
    let before = logs::lines();
    let email = unique_email("dan");
    let account = json!({
        "email": email, "password": PASSWORD, "first_name": "memo", "last_name": "memo",
    });
    app.post("/api/users/").json(&account).send().await.created();
    app.post("/api/users/").json(&account).send().await.expect(400);
    let login = json!({ "email": email, "password": PASSWORD });
    let tokens = app.post("/api/token/").json(&login).send().await.ok();
    let wrong = json!({ "email": email, "password": "wrong-horse-battery" });
    app.post("/api/token/").json(&wrong).send().await.expect(401);
    app.post("/api/token/refresh/").json(&json!({ "refresh": tokens["refresh"] })).send().await.ok();
    app.get("/api/users/me/").bearer("eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.").send().await.expect(401);
    app.get("/api/users/me/").header("cookie", "sessionid=memo").send().await.expect(401);
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let conversation = ann.group(&[&ben]).await;
    let message = ann.send(&conversation, "memo, this is nobody's business").await;
    ann.edit(&message, "memo, nor is this").await.ok();
    ben.get(&format!("/api/users/?email={}", ann.email)).await.ok();
    ben.post("/api/messages/", json!({ "conversation": conversation, "message_body": "memo", "memo": 1 }))
        .await
        .expect(400);
    ben.post("/api/messages/", json!({ "conversation": "memo", "message_body": ["memo"] })).await.expect(400);
    ann.request("POST".parse().unwrap(), "/api/messages/")
        .raw("application/json", b"{\"memo")
        .send()
        .await
        .expect(400);
    ann.get("/api/messages/?memo=memo").await.expect(400);
    ann.get("/api/messages/memo/").await.expect(404);
    failures(&app, &ann, &conversation, &email).await;
    assert!(logs::lines() > before + 20, "too few lines were logged, so the test proves nothing");
    logs::assert_clean();
}

/// Makes the table fail during requests with secret or private contents.
async fn failures(app: &TestApp, ann: &User, conversation: &str, email: &str) {
    app.proxy.faults.always(on(Put), Before(Death));
    ann.try_send(conversation, "memo, refused").await.problem(500, "internal_error");
    app.proxy.faults.clear();
    app.proxy.faults.always(on(Put), After(Reset));
    ann.try_send(conversation, "memo, lost").await.problem(503, "unavailable");
    app.proxy.faults.clear();
    app.proxy.faults.always(any(), Before(Death));
    let login = json!({ "email": email, "password": PASSWORD });
    app.post("/api/token/").json(&login).send().await.problem(500, "internal_error");
    app.proxy.faults.clear();
    // Items that cannot be decoded. The log must not contain their contents.
    let broken = json!({ "pk": format!("CONV#{conversation}"), "sk": "META", "item": "conversation", "name": "memo, broken" });
    app.table.put(&broken).await;
    ann.get(&format!("/api/conversations/{conversation}/")).await.problem(500, "internal_error");
    let broken = json!({ "pk": format!("EMAIL#{email}"), "sk": "CREDENTIAL", "item": "credential", "hash": "$argon2id$memo" });
    app.table.put(&broken).await;
    app.post("/api/token/").json(&login).send().await.problem(500, "internal_error");
}

#[test]
fn the_watcher_sees_what_it_looks_for() {
    use std::io::Write;

    let mut watcher = logs::Watcher::for_test();
    watcher.write_all(b"{\"level\":\"INFO\",\"status\":200}").unwrap();
    assert!(watcher.seen().is_empty());
    watcher.write_all(b"{\"message\":\"memo\"}").unwrap();
    watcher.write_all(b"{\"token\":\"eyJhbGciOi\"}").unwrap();
    assert_eq!(watcher.seen().len(), 2);
}
