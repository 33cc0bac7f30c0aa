//! Reports: users report what they can read, and admins handle the reports. A report keeps the text of its message. Races
//! are in `reports_races`.

use axum::http::Method;
use chrono::TimeDelta;
use futures::future::join_all;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::{Answer, Browser, TestApp, User, login::close_account, logs, people::PASSWORD};

pub async fn try_report(user: &User, target: &str, id: &Value) -> Answer {
    user.post("/api/reports/", json!({ target: id, "reason": "spam", "comment": "memo, a comment" })).await
}

/// Reports a user and returns the path of the report.
pub async fn report(reporter: &User, user: &User) -> String {
    path_of(&try_report(reporter, "user", &json!(user.id)).await.created())
}

pub fn path_of(report: &Value) -> String {
    format!("/api/reports/{}/", report["report_id"].as_str().unwrap())
}

pub async fn ids(admin: &User, state: &str) -> Vec<String> {
    admin.all(&format!("/api/reports/?state={state}&limit=2")).await.iter().map(path_of).collect()
}

#[tokio::test]
async fn a_report_keeps_the_text_of_its_message_and_is_handled_by_admins() {
    let app = TestApp::new().await;
    let (ann, ben, admin) = (app.user("ann").await, app.user("ben").await, app.admin("admin").await);
    let group = ann.group(&[&ben]).await;
    let message = ben.send(&group, "memo, an insult").await;
    let answer = try_report(&ann, "message", &message["message_id"]).await;
    let location = answer.header("location").unwrap().to_owned();
    let filed = answer.created();
    assert_eq!((&filed["state"], &filed["message"]), (&json!("open"), &message["message_id"]), "{filed}");
    assert_eq!(filed.get("message_body"), None, "only admins get the text");
    ben.edit(&message, "memo, friendly").await.ok();
    ben.delete_message(&message).await.nothing();
    let path = path_of(&filed);
    assert!(location.ends_with(&path), "{location}");
    let answer = admin.get(&path).await;
    assert_eq!(answer.header("etag"), Some("\"1\""));
    let shown = answer.ok();
    assert_eq!(shown["message_body"], "memo, an insult");
    assert_eq!(
        (&shown["reporter"]["user_id"], &shown["reported_user"]["user_id"]),
        (&json!(ann.id), &json!(ben.id))
    );
    assert_eq!((&shown["reason"], &shown["comment"]), (&json!("spam"), &json!("memo, a comment")));
    let taken = admin.patch(&path, json!({ "handled_by": "me", "note": "memo, asked" })).await.ok();
    assert_eq!((&taken["handled_by"], &taken["note"]), (&json!(admin.id), &json!("memo, asked")));
    let stale =
        admin.request(Method::PATCH, &path).json(&json!({ "state": "closed" })).header("if-match", "\"1\"");
    stale.send().await.problem(412, "precondition_failed");
    let close = json!({ "state": "closed", "note": "memo, warned" });
    let closed = admin.request(Method::PATCH, &path).json(&close).header("if-match", "\"2\"").send().await;
    assert_eq!(closed.header("etag"), Some("\"3\""));
    let closed = closed.ok();
    assert_eq!((&closed["state"], &closed["closed_by"]), (&json!("closed"), &json!(admin.id)), "{closed}");
    assert_eq!(admin.get(&path).await.ok(), closed);
    assert_eq!(admin.patch(&path, closed.clone()).await.ok(), closed, "a report can be sent back");
    assert_eq!((ids(&admin, "open").await.len(), ids(&admin, "closed").await), (0, vec![path]));
    app.check().await;
}

#[tokio::test]
async fn a_closed_report_does_not_change() {
    let app = TestApp::new().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let (admin, other) = (app.admin("admin").await, app.admin("other").await);
    let path = report(&ann, &ben).await;
    admin.patch(&path, json!({ "handled_by": other.id })).await.refuses("handled_by");
    admin.patch(&path, json!({ "handled_by": "me" })).await.ok();
    other.patch(&path, json!({ "handled_by": admin.id })).await.ok();
    assert_eq!(other.patch(&path, json!({ "handled_by": null })).await.ok()["handled_by"], Value::Null);
    let closed = admin.patch(&path, json!({ "state": "closed", "note": "memo" })).await.ok();
    let change = json!({ "state": "open", "note": "memo, other", "handled_by": "me", "x": 1 });
    let errors = other.patch(&path, change).await.problem(400, "invalid_request")["errors"].clone();
    let named: Vec<_> = errors.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(named, ["handled_by", "note", "state", "x"]);
    assert_eq!(other.patch(&path, json!({ "state": "closed" })).await.ok(), closed);
    app.check().await;
}

#[tokio::test]
async fn only_what_the_caller_can_read_is_reported() {
    let app = TestApp::new().await;
    let (ann, ben, admin) = (app.user("ann").await, app.user("ben").await, app.admin("admin").await);
    let (stranger, removed) = (app.user("cleo").await, app.user("dan").await);
    let group = ann.group(&[&ben, &removed]).await;
    let (message, deleted) = (ann.send(&group, "memo").await, ann.send(&group, "memo, too").await);
    ann.delete_message(&deleted).await.nothing();
    ann.remove(&group, &removed).await.expect(204);
    let elsewhere = shared::ids::ConversationId::from_prefix([0x5a; 10]);
    let pairs = [
        ("message", message["message_id"].clone(), json!(elsewhere.message(1))),
        ("conversation", json!(group), json!(elsewhere)),
    ];
    for (target, there, missing) in &pairs {
        for user in [&stranger, &removed] {
            let (exists, not) =
                (try_report(user, target, there).await, try_report(user, target, missing).await);
            assert_eq!(exists.fingerprint(), not.fingerprint());
            exists.refuses(target);
        }
        for user in [&ann, &ben, &admin] {
            try_report(user, target, there).await.created();
        }
        try_report(&admin, target, missing).await.refuses(target);
    }
    try_report(&ben, "message", &deleted["message_id"]).await.refuses("message");
    try_report(&ben, "user", &json!(Uuid::from_u128(1))).await.refuses("user");
    try_report(&stranger, "user", &json!(ann.id)).await.created();
    let direct = ann.direct(&ben).await;
    let hidden = ben.send(&direct, "memo, hidden").await;
    ann.delete_conversation(&direct).await.expect(204);
    try_report(&ann, "message", &hidden["message_id"]).await.refuses("message");
    ann.delete_conversation(&group).await.expect(204);
    for (target, there, _) in &pairs {
        for user in [&ben, &admin] {
            try_report(user, target, there).await.refuses(target);
        }
    }
    app.check().await;
}

#[tokio::test]
async fn a_report_has_one_target() {
    let app = TestApp::new().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let group = ann.group(&[&ben]).await;
    ann.post("/api/reports/", json!({ "reason": "spam" })).await.refuses("message");
    let both =
        json!({ "user": ben.id, "conversation": group, "reason": "rude", "comment": "a".repeat(1001) });
    let errors = ann.post("/api/reports/", both).await.problem(400, "invalid_request")["errors"].clone();
    let named: Vec<_> = errors.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(named, ["comment", "conversation", "reason"]);
    let one = json!({ "message": null, "user": ben.id, "conversation": null, "reason": "self_harm" });
    assert_eq!(ann.post("/api/reports/", one).await.created()["comment"], Value::Null);
}

/// Every caller who is not an admin gets the same answer, whether or not a report exists. The reporter is no exception.
#[tokio::test]
async fn only_admins_know_of_reports() {
    let app = TestApp::new().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let path = report(&ann, &ben).await;
    let missing = format!("/api/reports/{}/", Uuid::from_u128(1));
    for user in [&ann, &ben] {
        for method in [Method::GET, Method::PATCH] {
            let answers = join_all([path.as_str(), missing.as_str(), "/api/reports/x/"].map(|path| {
                user.request(method.clone(), path).json(&json!({ "state": "closed", "x": 1 })).send()
            }))
            .await;
            assert!(answers.iter().all(|answer| answer.status == 403), "{}", answers[0]);
            assert!(answers.iter().all(|answer| answer.fingerprint() == answers[0].fingerprint()));
        }
        user.get("/api/reports/?limit=0").await.problem(403, "permission_denied");
    }
    let admin = app.admin("admin").await;
    for missing in [missing.as_str(), "/api/reports/x/"] {
        admin.get(missing).await.problem(404, "not_found");
        admin.patch(missing, json!({ "state": "closed" })).await.problem(404, "not_found");
    }
    assert_eq!(admin.get(&path).await.ok()["state"], "open");
}

#[tokio::test]
async fn pages_of_reports_have_each_report_once() {
    let app = TestApp::new().await;
    let (ann, ben, admin) = (app.user("ann").await, app.user("ben").await, app.admin("admin").await);
    let mut paths = Vec::new();
    for _ in 0..5 {
        app.advance(TimeDelta::seconds(1));
        paths.push(report(&ann, &ben).await);
    }
    assert_eq!(ids(&admin, "open").await, paths, "the oldest first");
    for path in &paths[..3] {
        admin.patch(path, json!({ "state": "closed" })).await.ok();
    }
    assert_eq!(ids(&admin, "open").await, paths[3..]);
    paths.truncate(3);
    paths.reverse();
    assert_eq!(ids(&admin, "closed").await, paths, "the newest first");
    let next =
        admin.get("/api/reports/?limit=1").await.ok()["next"].as_str().unwrap().replace("open", "closed");
    admin.get(&next).await.refuses("cursor");
}

#[tokio::test]
async fn what_was_reported_is_read_at_once() {
    let app = TestApp::lagging().await;
    app.proxy.stop_the_past().await;
    let (ann, ben, admin) = (app.user("ann").await, app.user("ben").await, app.admin("admin").await);
    let body = json!({ "user": ben.id, "reason": "other", "client_id": app.key() });
    let path = path_of(&ann.post("/api/reports/", body.clone()).await.created());
    ann.post("/api/reports/", body).await.ok();
    assert_eq!(ids(&admin, "open").await, std::slice::from_ref(&path));
    admin.get(&path).await.ok();
    admin.patch(&path, json!({ "state": "closed" })).await.ok();
    assert_eq!(admin.get(&path).await.ok()["state"], "closed");
    assert_eq!(ids(&admin, "closed").await, [path]);
}

#[tokio::test]
async fn the_report_of_a_closed_account_stays_without_its_contact_details() {
    let app = TestApp::new().await;
    let (ann, ben, admin) = (app.user("ann").await, app.user("ben").await, app.admin("admin").await);
    let path = report(&ann, &ben).await;
    let shown = admin.get(&path).await.ok();
    assert_eq!(shown["reporter"]["email"], ann.email.as_str(), "admins see contact details");
    close_account(&ann, PASSWORD).await.expect(204);
    let shown = admin.get(&path).await.ok();
    assert_eq!(shown["reporter"]["user_id"], ann.id.as_str());
    for field in ["email", "phone_number"] {
        assert_eq!(shown["reporter"][field], Value::Null);
    }
    for item in app.table.partition("REPORTS").await {
        let text = serde_json::to_string(&item).unwrap();
        assert!(!text.contains('@') && !text.contains("7946"), "{text}");
    }
}

/// A stranger who reports a user learns nothing about them, whatever the representation.
#[tokio::test]
async fn a_report_shows_its_reporter_no_contact_details() {
    let app = TestApp::new().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let browser = Browser::of(&ann).await;
    browser.get("/api/reports/").await.expect(403);
    let token = browser.csrf();
    let fields = [("csrfmiddlewaretoken", token.as_str()), ("user", ben.id.as_str()), ("reason", "spam")];
    let page = browser.post("/api/reports/", &fields).await.expect(201);
    let json = try_report(&ann, "user", &json!(ben.id)).await.expect(201);
    for answer in [page, json] {
        let text = answer.text();
        assert!(text.contains(&ben.id), "{text}");
        assert!(!text.contains(&ben.email) && !text.contains("7946 0018"), "{text}");
    }
}

#[tokio::test]
async fn an_admin_who_reads_reports_is_a_security_event() {
    let app = TestApp::new().await;
    let (ann, ben, admin) = (app.user("ann").await, app.user("ben").await, app.admin("admin").await);
    let path = report(&ann, &ben).await;
    // No other test uses this address.
    let client = "198.51.100.204";
    let at = |user: &User| user.through(&app.client_at(client));
    at(&ann).get(&path).await.expect(403);
    at(&ann).get("/api/reports/").await.expect(403);
    at(&admin).get(&path).await.ok();
    at(&admin).get("/api/reports/").await.ok();
    at(&admin).patch(&path, json!({ "note": "memo" })).await.ok();
    let events = logs::events(client);
    let targets: Vec<&str> = events.iter().map(|event| event["target"].as_str().unwrap()).collect();
    assert_eq!(targets, [ann.id.as_str(), "-", ann.id.as_str()]);
    assert!(events.iter().all(|event| event["actor"] == admin.id.as_str()), "{events:?}");
    assert!(events.iter().all(|event| event["data"] == "reports"), "{events:?}");
}

#[tokio::test]
async fn the_pages_have_the_forms_of_reports() {
    let app = TestApp::new().await;
    let (ann, ben, admin) = (app.user("ann").await, app.user("ben").await, app.admin("admin").await);
    let path = report(&ann, &ben).await;
    let browser = Browser::of(&admin).await;
    let page = browser.get(&path).await.expect(200).text();
    for field in ["handled_by", "state", "note"] {
        assert!(page.contains(&format!("name=\"{field}\"")), "{field}: {page}");
    }
    let page = browser.get("/api/reports/").await.expect(200).text();
    for field in ["message", "user", "conversation", "reason", "comment", "client_id"] {
        assert!(page.contains(&format!("name=\"{field}\"")), "{field}: {page}");
    }
    let token = browser.csrf();
    let fields = [
        ("csrfmiddlewaretoken", token.as_str()),
        ("message", ""),
        ("user", ben.id.as_str()),
        ("conversation", ""),
        ("reason", "spam"),
        ("comment", "memo"),
    ];
    browser.post("/api/reports/", &fields).await.expect(201);
    assert_eq!(ids(&admin, "open").await.len(), 2);
}
