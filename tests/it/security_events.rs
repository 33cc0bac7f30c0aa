//! Security events: each is one line of the log, with actor, target and source. The lines contain no email and no text of
//! a user: `harness/logs.rs` checks this for every line of the suite.

use chrono::TimeDelta;
use futures::future::BoxFuture;
use serde_json::{Value, json};
use shared::{
    auth::{
        Password,
        accounts::{Application, create_admin},
    },
    model::user::Role,
};

use crate::{
    harness::{
        Answer, TestApp, User,
        call::{Operation::Transact, on},
        faults::{Fault::After, How::Death},
        login::{OTHER_PASSWORD, change_password, close_account, log_in, logged_in, refresh},
        logs,
        network::unique_email,
        people::PASSWORD,
        sources::root,
    },
    matrix::{MATRIX, Stage},
};

const WRONG: &str = "wrong-horse-battery";

/// All fields of the lines. `span` and `spans` are those of the request.
const FIELDS: [&str; 11] =
    ["timestamp", "level", "message", "event", "actor", "target", "source", "role", "data", "span", "spans"];

/// The fields of an event: `event`, `actor`, `target`, and `data` or `role`.
type Event = [String; 4];

fn event(event: &str, actor: &str, target: &str, data: &str) -> Event {
    [event, actor, target, data].map(str::to_owned)
}

/// Returns the events of a client. Each test has its own addresses, because the log is that of all tests.
fn events(source: &str) -> Vec<Event> {
    let field = |line: &Value, name: &str| line[name].as_str().unwrap_or_default().to_owned();
    let of_line = |line: &Value| {
        let names = line.as_object().unwrap().keys();
        let unknown: Vec<&String> = names.filter(|name| !FIELDS.contains(&name.as_str())).collect();
        assert!(line["message"] == "security event" && unknown.is_empty(), "{line}");
        let more = if line["role"].is_null() { "data" } else { "role" };
        ["event", "actor", "target", more].map(|name| field(line, name))
    };
    logs::events(source).iter().map(of_line).collect()
}

/// Returns the user at this address.
fn at(user: &User, source: &str) -> User {
    user.through(&user.api.client_at(source))
}

#[tokio::test]
async fn each_failed_login_is_one_event() {
    let app = TestApp::new().await;
    let (ann, nobody) = (app.user("ann").await, unique_email("nobody"));
    let clients = ["198.51.100.201", "198.51.100.202", "198.51.100.203"];
    log_in(&app.client_at(clients[0]), &ann.email, WRONG).await.expect(401);
    log_in(&app.client_at(clients[1]), &nobody, WRONG).await.expect(401);
    log_in(&app.client_at(clients[2]), &ann.email, PASSWORD).await.expect(200);
    assert_eq!(events(clients[0]), [event("login_failed", "-", &ann.id, "")]);
    assert_eq!(events(clients[1]), [event("login_failed", "-", "-", "")]);
    assert_eq!(events(clients[2]), [[""; 4]; 0]);
}

#[tokio::test]
async fn a_change_of_a_password_is_an_event_and_so_is_a_wrong_current_password() {
    let app = TestApp::new().await;
    let source = "198.51.100.211";
    let ann = at(&app.user("ann").await, source);
    change_password(&ann, WRONG, OTHER_PASSWORD).await.expect(400);
    assert_eq!(events(source), [event("password_not_confirmed", &ann.id, &ann.id, "")]);
    change_password(&ann, PASSWORD, "short").await.expect(400);
    change_password(&ann, PASSWORD, OTHER_PASSWORD).await.expect(200);
    assert_eq!(events(source)[1..], [event("password_changed", &ann.id, &ann.id, "")]);
}

#[tokio::test]
async fn a_reused_refresh_token_is_one_event_and_a_lost_answer_is_none() {
    let app = TestApp::new().await;
    app.freeze();
    let source = "198.51.100.212";
    let client = app.client_at(source);
    let ann = app.user("ann").await;
    let (_, first) = logged_in(&app, &ann).await;
    for _ in 0..2 {
        refresh(&client, &first).await.ok();
    }
    assert_eq!(events(source), [[""; 4]; 0]);
    app.advance(TimeDelta::seconds(31));
    for _ in 0..2 {
        // The second request finds no session any more.
        refresh(&client, &first).await.problem(401, "token_not_valid");
    }
    assert_eq!(events(source), [event("refresh_token_reused", "-", &ann.id, "")]);
}

/// Every request that an admin may make and a stranger may not is one event, and no other request is. A new route is a new
/// row of the matrix, so this test knows it.
#[tokio::test]
async fn each_access_of_an_admin_to_data_of_others_is_one_event() {
    let app = TestApp::new().await;
    let mut wrong = Vec::new();
    for (row, (method, path, body, statuses)) in MATRIX.into_iter().enumerate() {
        let stage = Stage::new(&app).await;
        let source = format!("198.51.101.{row}");
        let admin = at(stage.callers[6].as_ref().unwrap(), &source);
        let mut request = admin.request(method.parse().unwrap(), &stage.fill(path));
        let body = body(&stage);
        if !body.is_null() {
            request = request.json(&body);
        }
        request.send().await.expect(statuses[6]);
        let expected: Vec<Event> = match (method, path) {
            ("GET", "/api/users/") => vec![event("admin_access", &admin.id, "-", "users")],
            ("GET", "/api/users/{id}/") => vec![event("admin_access", &admin.id, &stage.other.id, "user")],
            ("PATCH", "/api/users/{id}/") => vec![event("role_changed", &admin.id, &stage.other.id, "host")],
            ("GET", "/api/users/{id}/sessions/") => {
                vec![event("admin_access", &admin.id, &stage.other.id, "sessions")]
            }
            ("DELETE", "/api/users/{id}/sessions/") => {
                vec![event("sessions_ended", &admin.id, &stage.other.id, "")]
            }
            ("DELETE", "/api/users/me/") => vec![event("account_closed", &admin.id, &admin.id, "")],
            ("GET", "/api/reports/") => vec![event("admin_access", &admin.id, "-", "reports")],
            (_, "/api/reports/{id}/") => vec![event("admin_access", &admin.id, &stage.other.id, "reports")],
            _ if statuses[6] == statuses[2] => Vec::new(),
            _ => vec![event("admin_access", &admin.id, &stage.conversation, "conversation")],
        };
        let found = events(&source);
        if found != expected {
            wrong.push(format!("{method} {path}: {found:?}, not {expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn each_change_of_a_standing_is_one_event() {
    let app = TestApp::new().await;
    let source = "198.51.100.216";
    let root = at(&app.admin("root").await, source);
    let ann = app.user("ann").await;
    let path = format!("/api/users/{}/", ann.id);
    let about_ann = |name: &str, more: &str| event(name, &root.id, &ann.id, more);
    for (body, expected) in [
        (json!({ "suspended": true }), vec![about_ann("user_suspended", "")]),
        (json!({ "suspended": true }), vec![about_ann("admin_access", "user")]),
        (json!({ "role": "admin" }), vec![about_ann("role_changed", "admin")]),
        (json!({}), vec![about_ann("admin_access", "user")]),
        (
            json!({ "suspended": false, "role": "guest" }),
            vec![about_ann("role_changed", "guest"), about_ann("suspension_ended", "")],
        ),
    ] {
        let before = events(source).len();
        root.patch(&path, body.clone()).await.ok();
        assert_eq!(events(source)[before..], expected, "{body}");
    }
    let before = events(source).len();
    root.patch(&format!("/api/users/{}/", root.id), json!({ "role": "host" }))
        .await
        .problem(409, "last_admin");
    assert_eq!(events(source).len(), before);
}

/// A request changes something, but its answer is lost. Its repetition finds nothing to change.
#[tokio::test]
async fn a_change_whose_answer_was_lost_is_an_event() {
    let app = TestApp::new().await;
    let source = "198.51.100.218";
    let (root, ann) = (at(&app.admin("root").await, source), at(&app.user("ann").await, source));
    let ben = app.user("ben").await;
    let path = format!("/api/users/{}/", ben.id);
    let suspend = || root.patch(&path, json!({ "suspended": true, "role": "host" }));
    let lost = async |item: &'static str, request: BoxFuture<'_, Answer>| {
        app.proxy.faults.fail(on(Transact).of(item), After(Death));
        let answer = request.await;
        assert_eq!((answer.status, app.proxy.faults.clear()), (500, 1), "{answer}");
    };
    lost("PROFILE", Box::pin(suspend())).await;
    let about_ben =
        [event("role_changed", &root.id, &ben.id, "host"), event("user_suspended", &root.id, &ben.id, "")];
    assert_eq!(events(source), about_ben);
    suspend().await.ok();
    assert_eq!(events(source)[2..], [event("admin_access", &root.id, &ben.id, "user")]);

    lost("CREDENTIAL", Box::pin(change_password(&ann, PASSWORD, OTHER_PASSWORD))).await;
    assert_eq!(events(source)[3..], [event("password_changed", &ann.id, &ann.id, "")]);
    let ann = at(&app.user("ann").await, source);
    lost("CREDENTIAL", Box::pin(close_account(&ann, PASSWORD))).await;
    close_account(&ann, PASSWORD).await.expect(204);
    assert_eq!(events(source)[4..], [event("account_closed", &ann.id, &ann.id, "")]);
}

/// Of parallel requests for one change, one makes it.
#[tokio::test]
async fn a_change_that_is_requested_in_parallel_is_one_event() {
    let app = TestApp::new().await;
    let source = "198.51.100.217";
    let (root, ann) = (at(&app.admin("root").await, source), app.user("ann").await);
    let path = format!("/api/users/{}/", ann.id);
    let requests = (0..4).map(|_| root.patch(&path, json!({ "suspended": true })));
    for answer in futures::future::join_all(requests).await {
        answer.ok();
    }
    let found = events(source);
    let suspended = found.iter().filter(|found| found[0] == "user_suspended");
    assert_eq!(suspended.count(), 1, "{found:?}");
}

#[tokio::test]
async fn the_command_line_writes_events_without_an_actor_and_a_source() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let application = Application {
        email: ann.email.clone(),
        first_name: "memo".to_owned(),
        last_name: "memo".to_owned(),
        phone_number: None,
    };
    let password = Password::new(OTHER_PASSWORD.to_owned());
    create_admin(&app.app, application, password).await.unwrap();
    let found = events("-").into_iter().filter(|event| event[2] == ann.id);
    let expected = [event("password_reset", "-", &ann.id, ""), event("role_changed", "-", &ann.id, "admin")];
    assert_eq!(found.collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn an_access_to_ones_own_data_is_no_event() {
    let app = TestApp::new().await;
    let (source, here) = ("198.51.100.213", "198.51.100.214");
    let admin = at(&app.admin("admin").await, source);
    let ann = at(&app.user("ann").await, here);
    let conversation = ann.group(&[&admin]).await;
    let message = admin.send(&conversation, "memo").await;
    let id = message["message_id"].as_str().unwrap();
    for path in [
        "/api/users/me/".to_owned(),
        format!("/api/users/{}/", admin.id),
        format!("/api/users/?email={}", admin.email),
        format!("/api/conversations/{conversation}/"),
        format!("/api/conversations/{conversation}/changes/"),
        format!("/api/conversations/{conversation}/pins/"),
        format!("/api/messages/?conversation={conversation}"),
        format!("/api/messages/{id}/revisions/"),
    ] {
        admin.get(&path).await.ok();
    }
    // What is not there is not read, and a user who is not an admin reads nothing.
    let missing = "00000000-0000-8000-8000-000000000000";
    admin.get(&format!("/api/conversations/{missing}/")).await.expect(404);
    admin.get(&format!("/api/messages/?conversation={missing}")).await.expect(404);
    assert_eq!(events(source), [[""; 4]; 0]);
    ann.get(&format!("/api/users/{}/", admin.id)).await.ok();
    ann.get("/api/users/").await.expect(403);
    assert_eq!(events(here), [[""; 4]; 0]);
    admin.get(&format!("/api/users/?email={}", ann.email)).await.ok();
    assert_eq!(events(source), [event("admin_access", &admin.id, &ann.id, "user")]);
}

/// A token can still name the role of an admin that its user has lost.
#[tokio::test]
async fn only_the_present_role_makes_an_access_an_event() {
    let app = TestApp::new().await;
    let source = "198.51.100.215";
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let token = app.people.token(ann.id.parse().unwrap(), Role::Admin);
    let ann = User { token, ..at(&ann, source) };
    ann.get(&format!("/api/users/{}/", ben.id)).await.ok();
    assert_eq!(events(source), [[""; 4]; 0]);
}

/// Returns the names of the events in the table of the documentation.
pub fn documented() -> Vec<String> {
    let text = std::fs::read_to_string(root().join("docs/logging.md")).unwrap();
    let table = text.split_once("| event | when |").unwrap().1.split_once("\n\n").unwrap().0;
    let rows = table.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    rows.map(|(name, _)| name.to_owned()).collect()
}

#[test]
fn the_documentation_lists_each_event() {
    let source = std::fs::read_to_string(root().join("shared/src/events.rs")).unwrap();
    let names = source.split_once("fn name(").unwrap().1.split_once("\n    }\n").unwrap().0;
    let names: Vec<&str> = names.split('"').skip(1).step_by(2).collect();
    assert!(names.len() > 4, "{names:?}");
    assert_eq!(documented(), names);
}
