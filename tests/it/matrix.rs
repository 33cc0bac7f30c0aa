//! The permission matrix: every route of the routers with every kind of caller. A route without a row fails the test.

use axum::http::Method;
use chrono::TimeDelta;
use serde_json::{Value, json};
use shared::model::user::Role;

use crate::harness::{TestApp, User, functions::all_routes, people::PASSWORD, user::message_path};

/// Kinds of callers, in the order of the columns.
const CALLERS: [&str; 7] = ["anonymous", "expired", "stranger", "removed", "participant", "owner", "admin"];

/// A method, a path, a body, and the status that each caller gets.
pub type Row = (&'static str, &'static str, fn(&Stage) -> Value, [u16; 7]);

const NO_BODY: fn(&Stage) -> Value = |_| Value::Null;
const NAME: fn(&Stage) -> Value = |_| json!({ "name": "memo" });
const SAY: fn(&Stage) -> Value = |_| json!({ "message_body": "memo, edited" });

#[rustfmt::skip]
pub const MATRIX: [Row; 73] = [
    // method, path, body                                                       anon expi stra remo part owne admi
    ("POST",   "/api/users/",                 |_| json!({}),                    [400, 400, 400, 400, 400, 400, 400]),
    ("GET",    "/api/users/",                 NO_BODY,                          [401, 401, 403, 403, 403, 403, 200]),
    ("GET",    "/api/users/me/",              NO_BODY,                          [401, 401, 200, 200, 200, 200, 200]),
    ("PATCH",  "/api/users/me/",              |_| json!({ "last_name": "H" }),  [401, 401, 200, 200, 200, 200, 200]),
    ("DELETE", "/api/users/me/",              |_| json!({ "password": PASSWORD }), [401, 401, 204, 204, 204, 204, 204]),
    ("POST",   "/api/users/me/password/",     |_| json!({}),                    [401, 401, 400, 400, 400, 400, 400]),
    ("GET",    "/api/users/me/sessions/",     NO_BODY,                          [401, 401, 200, 200, 200, 200, 200]),
    ("GET",    "/api/users/me/sessions/{id}/", NO_BODY,                         [401, 401, 404, 404, 404, 404, 404]),
    ("DELETE", "/api/users/me/sessions/{id}/", NO_BODY,                         [401, 401, 404, 404, 404, 404, 404]),
    ("GET",    "/api/users/me/blocks/",       NO_BODY,                          [401, 401, 200, 200, 200, 200, 200]),
    ("GET",    "/api/users/me/blocks/{id}/", NO_BODY,                      [401, 401, 404, 404, 404, 404, 404]),
    ("PUT",    "/api/users/me/blocks/{id}/", NO_BODY,                      [401, 401, 200, 200, 200, 200, 200]),
    ("DELETE", "/api/users/me/blocks/{id}/", NO_BODY,                      [401, 401, 204, 204, 204, 204, 204]),
    ("GET",    "/api/users/{id}/",            NO_BODY,                          [401, 401, 200, 200, 200, 200, 200]),
    ("PATCH",  "/api/users/{id}/",            |_| json!({ "role": "host" }),    [401, 401, 403, 403, 403, 403, 200]),
    ("GET",    "/api/users/{id}/sessions/",   NO_BODY,                          [401, 401, 403, 403, 403, 403, 200]),
    ("DELETE", "/api/users/{id}/sessions/",   NO_BODY,                          [401, 401, 403, 403, 403, 403, 204]),
    ("POST",   "/api/token/",                 |_| json!({}),                    [400, 400, 400, 400, 400, 400, 400]),
    ("POST",   "/api/token/refresh/",         |_| json!({}),                    [400, 400, 400, 400, 400, 400, 400]),
    ("POST",   "/api/token/verify/",          |_| json!({}),                    [400, 400, 400, 400, 400, 400, 400]),
    ("POST",   "/api/token/blacklist/",       |_| json!({}),                    [400, 400, 400, 400, 400, 400, 400]),
    // A login without the token of its form; a logout without a session.
    ("GET",    "/api-auth/login/",            NO_BODY,                          [200, 200, 200, 200, 200, 200, 200]),
    ("POST",   "/api-auth/login/",            |_| json!({}),                    [403, 403, 403, 403, 403, 403, 403]),
    ("GET",    "/api-auth/logout/",           NO_BODY,                          [200, 200, 200, 200, 200, 200, 200]),
    ("POST",   "/api-auth/logout/",           |_| json!({}),                    [303, 303, 303, 303, 303, 303, 303]),
    // The form needs a session cookie.
    ("POST",   "/api-auth/blocks/",           |_| json!({}),                    [303, 303, 303, 303, 303, 303, 303]),
    ("GET",    "/api/",                       NO_BODY,                          [200, 200, 200, 200, 200, 200, 200]),
    ("GET",    "/api/schema/",                NO_BODY,                          [200, 200, 200, 200, 200, 200, 200]),
    ("GET",    "/api/schema/events/",         NO_BODY,                          [200, 200, 200, 200, 200, 200, 200]),
    ("GET",    "/api/docs/",                  NO_BODY,                          [200, 200, 200, 200, 200, 200, 200]),
    // The chat page needs a session cookie. A caller with an access token is redirected to the login.
    ("GET",    "/",                           NO_BODY,                          [303, 303, 303, 303, 303, 303, 303]),
    ("POST",   "/",                           |_| json!({}),                    [303, 303, 303, 303, 303, 303, 303]),
    ("GET",    "/static/{*path}",             NO_BODY,                          [200, 200, 200, 200, 200, 200, 200]),
    ("GET",    "/static/chat/{version}/{name}", NO_BODY,                        [200, 200, 200, 200, 200, 200, 200]),
    ("GET",    "/static/docs/{version}/{name}", NO_BODY,                        [200, 200, 200, 200, 200, 200, 200]),
    ("GET",    "/.well-known/jwks.json",      NO_BODY,                          [200, 200, 200, 200, 200, 200, 200]),
    ("GET",    "/healthz",                    NO_BODY,                          [200, 200, 200, 200, 200, 200, 200]),
    ("GET",    "/api/conversations/",         NO_BODY,                          [401, 401, 200, 200, 200, 200, 200]),
    ("POST",   "/api/conversations/",         Stage::newcomer,                   [401, 401, 201, 201, 201, 201, 201]),
    ("GET",    "/api/conversations/{id}/",    NO_BODY,                          [401, 401, 404, 404, 200, 200, 200]),
    ("PUT",    "/api/conversations/{id}/",    Stage::replacement,               [401, 401, 404, 404, 200, 200, 200]),
    ("PATCH",  "/api/conversations/{id}/",    NAME,                             [401, 401, 404, 404, 200, 200, 200]),
    ("DELETE", "/api/conversations/{id}/",    NO_BODY,                          [401, 401, 404, 404, 403, 204, 204]),
    ("GET",    "/api/conversations/{id}/participants/", NO_BODY,                [401, 401, 404, 404, 200, 200, 200]),
    ("POST",   "/api/conversations/{id}/participants/", Stage::newcomer,        [401, 401, 404, 404, 200, 200, 200]),
    ("GET",    "/api/conversations/{id}/participants/{user_id}/", NO_BODY,      [401, 401, 404, 404, 200, 200, 200]),
    ("PATCH",  "/api/conversations/{id}/participants/{user_id}/", |_| json!({ "role": "owner" }), [401, 401, 404, 404, 403, 200, 200]),
    ("DELETE", "/api/conversations/{id}/participants/{user_id}/", NO_BODY,      [401, 401, 404, 404, 403, 204, 204]),
    ("POST",   "/api/conversations/{id}/accept/", NO_BODY,                      [401, 401, 404, 404, 200, 200, 403]),
    ("PUT",    "/api/conversations/{id}/archive/", NO_BODY,                     [401, 401, 404, 404, 204, 204, 403]),
    ("DELETE", "/api/conversations/{id}/archive/", NO_BODY,                     [401, 401, 404, 404, 204, 204, 403]),
    ("PUT",    "/api/conversations/{id}/mute/",   NO_BODY,                      [401, 401, 404, 404, 204, 204, 403]),
    ("DELETE", "/api/conversations/{id}/mute/",   NO_BODY,                      [401, 401, 404, 404, 204, 204, 403]),
    ("PUT",    "/api/conversations/{id}/read/", |stage| json!({ "message": stage.message["message_id"] }), [401, 401, 404, 404, 200, 200, 404]),
    ("GET",    "/api/conversations/{id}/changes/", NO_BODY,                     [401, 401, 404, 404, 200, 200, 200]),
    ("GET",    "/api/conversations/{id}/pins/", NO_BODY,                        [401, 401, 404, 404, 200, 200, 200]),
    ("POST",   "/api/sync/",                  |stage| json!({ "conversations": { stage.conversation.as_str(): [0, 0] } }), [401, 401, 200, 200, 200, 200, 200]),
    ("GET",    "/api/messages/",              NO_BODY,                          [401, 401, 200, 200, 200, 200, 200]),
    ("POST",   "/api/messages/",              |stage| json!({ "conversation": stage.conversation, "message_body": "memo" }), [401, 401, 400, 400, 201, 201, 400]),
    ("GET",    "/api/messages/{id}/",         NO_BODY,                          [401, 401, 404, 404, 200, 200, 200]),
    // The message belongs to another participant. Only its sender edits it; only its sender and admins read its earlier
    // texts.
    ("PUT",    "/api/messages/{id}/",         SAY,                              [401, 401, 404, 404, 403, 403, 403]),
    ("PATCH",  "/api/messages/{id}/",         SAY,                              [401, 401, 404, 404, 403, 403, 403]),
    ("DELETE", "/api/messages/{id}/",         NO_BODY,                          [401, 401, 404, 404, 403, 204, 204]),
    ("GET",    "/api/messages/{id}/revisions/", NO_BODY,                        [401, 401, 404, 404, 403, 403, 200]),
    ("POST",   "/api/realtime/ticket/",       NO_BODY,                          [401, 401, 201, 201, 201, 201, 201]),
    ("PUT",    "/api/messages/{id}/pin/",     NO_BODY,                          [401, 401, 404, 404, 200, 200, 200]),
    ("DELETE", "/api/messages/{id}/pin/",     NO_BODY,                          [401, 401, 404, 404, 200, 200, 200]),
    ("PUT",    "/api/messages/{id}/reactions/{emoji}/", NO_BODY,                [401, 401, 404, 404, 200, 200, 403]),
    ("DELETE", "/api/messages/{id}/reactions/{emoji}/", NO_BODY,                [401, 401, 404, 404, 200, 200, 403]),
    // Only admins know of reports.
    ("GET",    "/api/reports/",               NO_BODY,                          [401, 401, 403, 403, 403, 403, 200]),
    ("POST",   "/api/reports/",               |stage| json!({ "user": stage.other.id, "reason": "spam" }), [401, 401, 201, 201, 201, 201, 201]),
    ("GET",    "/api/reports/{id}/",          NO_BODY,                          [401, 401, 403, 403, 403, 403, 200]),
    ("PATCH",  "/api/reports/{id}/",          |_| json!({ "state": "closed" }), [401, 401, 403, 403, 403, 403, 200]),
];

/// A group of all callers except the stranger, the admin and the removed participant.
pub struct Stage {
    pub callers: [Option<User>; 7],
    /// The sender of the message: a participant who is not one of the callers.
    pub other: User,
    newcomer: User,
    pub conversation: String,
    message: Value,
    /// A report of a user.
    report: String,
}

impl Stage {
    pub async fn new(app: &TestApp) -> Self {
        let (stranger, removed) = (app.user("stranger").await, app.user("removed").await);
        let (participant, owner) = (app.user("participant").await, app.user("owner").await);
        let (other, newcomer) = (app.user("other").await, app.user("newcomer").await);
        let admin = app.admin("admin").await;
        let conversation = owner.group(&[&participant, &removed, &other]).await;
        let message = other.send(&conversation, "memo").await;
        owner.remove(&conversation, &removed).await.expect(204);
        let report = other.post("/api/reports/", json!({ "user": newcomer.id, "reason": "spam" })).await;
        let report = report.created()["report_id"].as_str().unwrap().to_owned();
        let id = participant.id.parse().unwrap();
        let token = app.people.token_with(id, Role::Guest, TimeDelta::seconds(-1));
        let expired = User { token, ..participant.clone() };
        Self {
            callers: [
                None,
                Some(expired),
                Some(stranger),
                Some(removed),
                Some(participant),
                Some(owner),
                Some(admin),
            ],
            other,
            newcomer,
            conversation,
            message,
            report,
        }
    }

    fn newcomer(&self) -> Value {
        json!({ "participants": [self.newcomer.id] })
    }

    /// Returns a body for PUT with the same participants and another name.
    fn replacement(&self) -> Value {
        let [.., participant, owner, _] = &self.callers;
        let ids = [participant, owner].map(|user| user.as_ref().unwrap().id.clone());
        json!({ "participants": [ids[0], ids[1], self.other.id], "name": "memo, put" })
    }

    pub fn fill(&self, path: &str) -> String {
        let message = self.message["message_id"].as_str().unwrap();
        let id = match path {
            path if path.starts_with("/api/conversations/") => &self.conversation,
            path if path.starts_with("/api/messages/") => message,
            path if path.starts_with("/api/reports/") => &self.report,
            path if path.contains("me/sessions") => "00000000-0000-4000-8000-000000000000",
            _ => &self.other.id,
        };
        let path = path.replace("{*path}", "style.css");
        let path = path.replace("chat/{version}/{name}", "chat/any/chat.css");
        let path = path.replace("docs/{version}/{name}", "docs/any/docs.css");
        let path = path.replace("{emoji}", "%F0%9F%91%8D");
        path.replace("{id}", id).replace("{user_id}", &self.other.id)
    }
}

#[test]
fn every_route_has_a_row_and_every_row_a_route() {
    let routes: Vec<String> = all_routes().iter().map(|(method, path)| format!("{method} {path}")).collect();
    let rows: Vec<String> = MATRIX.iter().map(|(method, path, ..)| format!("{method} {path}")).collect();
    for route in &routes {
        assert!(rows.contains(route), "the matrix has no row for {route}");
    }
    for row in &rows {
        assert!(routes.contains(row), "the routers have no route for the row {row}");
    }
}

#[tokio::test]
async fn each_caller_gets_what_the_matrix_says() {
    let app = TestApp::new().await;
    let mut wrong = Vec::new();
    for (method, path, body, statuses) in MATRIX {
        for (column, expected) in statuses.into_iter().enumerate() {
            let stage = Stage::new(&app).await;
            let filled = stage.fill(path);
            let mut request = app.request(method.parse().unwrap(), &filled);
            if let Some(user) = &stage.callers[column] {
                request = request.bearer(&user.token);
            }
            let body = body(&stage);
            if !body.is_null() {
                request = request.json(&body);
            }
            let answer = request.send().await;
            let challenged = answer.header("www-authenticate").is_some();
            if answer.status != expected || challenged != (answer.status == 401) {
                wrong.push(format!("{} {method} {path}: expected {expected}, {answer}", CALLERS[column]));
            }
        }
    }
    app.check().await;
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn the_sender_may_and_a_participant_may_leave() {
    let app = TestApp::new().await;
    let stage = Stage::new(&app).await;
    let path = message_path(&stage.message);
    stage.other.patch(&path, json!({ "message_body": "memo, edited" })).await.ok();
    stage.other.get(&format!("{path}revisions/")).await.ok();
    stage.other.delete(&path).await.nothing();
    stage.other.leave(&stage.conversation).await.expect(204);
    app.check().await;
}

#[tokio::test]
async fn both_spellings_of_every_path_are_answered_alike() {
    let app = TestApp::new().await;
    let stage = Stage::new(&app).await;
    let participant = stage.callers[4].as_ref().unwrap();
    for (method, path) in
        all_routes().into_iter().filter(|(method, path)| method == Method::GET && *path != "/")
    {
        let with = stage.fill(path);
        let without = with.trim_end_matches('/').to_owned();
        let answers = (participant.get(&with).await, participant.get(&without).await);
        assert_eq!(answers.0.status, answers.1.status, "{method} {path}");
        assert_ne!(answers.0.status, 301, "{method} {path}");
    }
}

#[tokio::test]
async fn every_path_answers_options_head_and_the_methods_that_it_does_not_have() {
    let app = TestApp::new().await;
    let stage = Stage::new(&app).await;
    let participant = stage.callers[4].as_ref().unwrap();
    let mut paths: Vec<&str> = all_routes().iter().map(|(_, path)| *path).collect();
    paths.sort_unstable();
    paths.dedup();
    for path in paths {
        let filled = stage.fill(path);
        let allowed = app.request(Method::OPTIONS, &filled).send().await.expect(204);
        let allow = allowed.header("allow").unwrap().to_owned();
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
            let has = all_routes().contains(&(method.parse().unwrap(), path));
            assert_eq!(allow.split(", ").any(|allowed| allowed == method), has, "{path}: {allow}");
            if !has {
                let refused = participant.request(method.parse().unwrap(), &filled).send().await;
                assert_eq!(refused.header("allow"), Some(allow.as_str()), "{refused}");
                refused.problem(405, "method_not_allowed");
            }
        }
        if all_routes().contains(&(Method::GET, path)) {
            let (get, head) =
                (participant.get(&filled).await, participant.request(Method::HEAD, &filled).send().await);
            assert_eq!((head.status, head.body.len()), (get.status, 0), "{head}");
        }
    }
}
