//! Least privilege: each function has the permissions that it needs and no others. In every test, the proxy already
//! refuses a call that a role does not allow. These tests find unused permissions, and actions that only `auth` may
//! have.

use chrono::TimeDelta;
use serde_json::{Value, json};
use shared::{config::Limits, realtime::event::SocketEventKind};

use crate::harness::{
    Browser, TestApp, User, environment,
    people::PASSWORD,
    permissions::{Access, Role, roles},
    posts::Sockets,
    pushes::{Behaviour, Live},
    user::message_path,
};

const TABLE: &str = "table/${TableName}";

fn access(action: &str, key: &str) -> Access {
    Access { action: format!("dynamodb:{action}"), resource: TABLE, keys: vec![key.to_owned()] }
}

fn others() -> impl Iterator<Item = (String, Role)> {
    roles(&environment::template()).into_iter().filter(|(name, _)| name != "auth")
}

#[tokio::test]
async fn nothing_is_allowed_that_is_not_used() {
    let app = TestApp::limited(Limits::default()).await;
    accounts(&app).await;
    talks(&app).await;
    requests(&app).await;
    reports(&app).await;
    connections(&app).await;
    deliveries(&app).await;
    rotation(&app).await;
    let superfluous = app.proxy.used.superfluous();
    assert!(superfluous.is_empty(), "no operation uses these permissions: {superfluous:#?}");
}

/// Runs all operations of an account, from registration to closing, on two devices.
async fn accounts(app: &TestApp) {
    let (email, admin) = ("new@example.com", app.admin("admin").await);
    let person = json!({ "email": email, "password": PASSWORD, "first_name": "New", "last_name": "Person" });
    app.post("/api/users/").json(&person).send().await.created();
    let credentials = json!({ "email": email, "password": PASSWORD });
    app.post("/api/token/").json(&credentials).send().await.ok();
    let tokens = app.post("/api/token/").json(&credentials).send().await.ok();
    let tokens =
        app.post("/api/token/refresh/").json(&json!({ "refresh": tokens["refresh"] })).send().await.ok();
    let token = tokens["access"].as_str().unwrap();
    let get = async |path: &str| app.get(path).bearer(token).send().await.ok();
    let me = get("/api/users/me/").await;
    get(&format!("/api/users/?email={email}")).await;
    let other = app.user("other").await;
    get(&format!("/api/users/{}/", other.id)).await;
    admin.all("/api/users/").await;
    let block = format!("/api/users/me/blocks/{}/", other.id);
    app.request("PUT".parse().unwrap(), &block).bearer(token).send().await.ok();
    get("/api/users/me/blocks/").await;
    app.request("DELETE".parse().unwrap(), &block).bearer(token).send().await.expect(204);
    // Each function authenticates a browser by its cookie.
    let browser = Browser::of(&other).await;
    for path in ["/api/", "/api/users/me/", "/api/conversations/", "/api/messages/"] {
        browser.get(path).await.expect(200);
    }
    browser.log_out().await.expect(303);
    // Closing the account leaves this group.
    other.post("/api/conversations/", json!({ "participants": [me["user_id"]] })).await.created();
    app.get("/healthz").send().await.ok();
    app.get("/.well-known/jwks.json").send().await.ok();
    let path = format!("/api/users/{}/", me["user_id"].as_str().unwrap());
    admin.patch(&path, json!({ "role": "host" })).await.ok();
    for session in get("/api/users/me/sessions/").await["results"].as_array().unwrap() {
        if session["current"] != true {
            let path = format!("/api/users/me/sessions/{}/", session["session_id"].as_str().unwrap());
            app.request("DELETE".parse().unwrap(), &path).bearer(token).send().await.expect(204);
        }
    }
    app.post("/api/token/").json(&credentials).send().await.ok();
    let change = json!({ "old_password": PASSWORD, "new_password": format!("{PASSWORD}, changed") });
    let tokens = app.post("/api/users/me/password/").bearer(token).json(&change).send().await.ok();
    let token = tokens["access"].as_str().unwrap();
    let password = json!({ "password": format!("{PASSWORD}, changed") });
    let closing = app.request("DELETE".parse().unwrap(), "/api/users/me/").bearer(token).json(&password);
    closing.send().await.expect(204);
}

/// Runs all operations of conversations and messages.
async fn talks(app: &TestApp) {
    let (ann, ben, cleo) = (app.user("ann").await, app.user("ben").await, app.user("cleo").await);
    let direct = ann.direct(&ben).await;
    let group = ann.group(&[&ben]).await;
    ann.add(&group, &[&cleo]).await.ok();
    let message = ann.send(&group, "memo").await;
    ann.send(&direct, "memo, you").await;
    ann.edit(&message, "memo, edited").await.ok();
    ben.mark_read(&group, &message).await.ok();
    chat(&ben, &group, &ann.send(&group, "memo, once more").await).await;
    ben.request("PUT".parse().unwrap(), &format!("/api/conversations/{group}/archive/"))
        .send()
        .await
        .nothing();
    ben.all("/api/conversations/").await;
    many_conversations(app).await;
    ben.all("/api/messages/").await;
    ben.bodies(&group).await;
    ben.get(&message_path(&message)).await.ok();
    ben.changes(&group, 0).await;
    ann.get(&format!("{}revisions/", message_path(&message))).await.ok();
    ben.get(&format!("/api/users/{}/", ann.id)).await.ok();
    ann.patch(&format!("/api/conversations/{group}/"), json!({ "name": "memo, memo" })).await.ok();
    ann.all(&format!("/api/conversations/{group}/participants/")).await;
    ann.delete_message(&message).await.nothing();
    ann.remove(&group, &cleo).await.expect(204);
    ben.leave(&group).await.expect(204);
    ann.add(&group, &[&ben]).await.ok();
    ann.delete_conversation(&direct).await.expect(204);
    ann.delete_conversation(&group).await.expect(204);
}

/// Runs all operations of reports.
async fn reports(app: &TestApp) {
    let (ann, ben, admin) = (app.user("ann").await, app.user("ben").await, app.admin("admin").await);
    let group = ann.group(&[&ben]).await;
    let message = ben.send(&group, "memo").await;
    for (user, target) in
        [(&ann, json!({ "message": message["message_id"] })), (&admin, json!({ "user": ann.id }))]
    {
        let mut body = target;
        body["reason"] = json!("spam");
        user.post("/api/reports/", body).await.created();
    }
    admin.post("/api/reports/", json!({ "conversation": group, "reason": "spam" })).await.created();
    let report = admin.get("/api/reports/").await.ok()["results"][0]["report_id"].clone();
    let path = format!("/api/reports/{}/", report.as_str().unwrap());
    admin.patch(&path, json!({ "handled_by": "me" })).await.ok();
    admin.patch(&path, json!({ "state": "closed" })).await.ok();
    Browser::of(&admin).await.get("/api/reports/").await.expect(200);
}

/// Connects, sends every frame, and ends the connections.
async fn connections(app: &TestApp) {
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let group = ann.group(&[&ben]).await;
    ann.send(&group, "memo").await;
    ann.send(&group, "memo").await;
    let sockets = Sockets::new(app).await;
    let (here, there) = (sockets.connect(&ben).await, sockets.connect(&ann).await);
    sockets.ping(&here).await;
    sockets.typing(&here, &group).await;
    sockets.read(&here, &group, 1).await;
    for connection in [here, there] {
        sockets.event(&connection, SocketEventKind::Disconnect).await;
    }
}

/// Pushes frames, forgets a connection that is gone, and cleans up behind an account and a conversation.
async fn deliveries(app: &TestApp) {
    let (ann, ben, cleo) = (app.user("ann").await, app.user("ben").await, app.user("cleo").await);
    let group = ann.group(&[&ben, &cleo]).await;
    let live = Live::new(app).await;
    live.connect(&ann).await;
    live.begin(&ben).await;
    live.pump().await;
    ann.send(&group, "memo").await;
    live.wire.set("gone=", Behaviour::GoneFor(usize::MAX));
    live.put_link(&ben, "gone=", TimeDelta::minutes(1)).await;
    live.pump().await;
    // The closing of an account that was interrupted.
    let now = app.app.clock.now().timestamp_micros();
    app.table.set(&format!("USER#{}", cleo.id), "PROFILE", "closed_at", json!(now)).await;
    live.pump().await;
    live.clean_up().await;
    ann.delete_conversation(&group).await.expect(204);
    live.pump().await;
    live.clean_up().await;
}

/// Reads an inbox with more conversations than are read directly; it is read through the index.
async fn many_conversations(app: &TestApp) {
    let user = app.user("busy").await;
    let entries: Vec<Value> = (0..301_u16)
        .map(|n| {
            let [high, low] = n.to_be_bytes();
            let id = shared::ids::ConversationId::from_prefix([high, low, 1, 1, 1, 1, 1, 1, 1, 1]);
            json!({
                "pk": format!("INBOX#{}", user.id), "sk": format!("CONV#{id}"), "item": "inbox", "joined_at": 0,
                "gsi1pk": format!("INBOX#{}", user.id), "gsi1sk": format!("ACTIVE#0000000#{id}"),
            })
        })
        .collect();
    app.table.put_all(&entries).await;
    user.get("/api/conversations/?limit=1").await.ok();
    Browser::of(&user).await.get("/").await.expect(200);
}

/// Uses the chat page without its script.
async fn chat(user: &User, conversation: &str, newest: &Value) {
    let browser = Browser::of(user).await;
    browser.get(&format!("/?conversation={conversation}")).await.expect(200);
    let token = browser.csrf();
    let message = newest["message_id"].as_str().unwrap();
    for field in [("message_body", "memo, by a form"), ("read", message)] {
        let fields = [("csrfmiddlewaretoken", token.as_str()), ("conversation", conversation), field];
        browser.post("/", &fields).await.expect(303);
    }
    let post = async |more: &[(&str, &str)]| {
        let fields = [("csrfmiddlewaretoken", token.as_str()), ("conversation", conversation)];
        browser.post("/", &[fields.as_slice(), more].concat()).await.expect(303);
    };
    for action in ["mute", "archive", "unarchive", "unmute"] {
        post(&[("action", action)]).await;
    }
    post(&[("action", "report"), ("reason", "spam")]).await;
}

/// Accepts and declines invitations on the chat page.
async fn requests(app: &TestApp) {
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let browser = Browser::of(&ben).await;
    let token = browser.csrf();
    for (kind, action) in [("group", "accept"), ("group", "decline"), ("direct", "decline")] {
        let conversation = if kind == "group" { ann.group(&[&ben]).await } else { ann.direct(&ben).await };
        browser.get("/?list=requests").await.expect(200);
        let fields = [
            ("csrfmiddlewaretoken", token.as_str()),
            ("conversation", &conversation),
            ("kind", kind),
            ("action", action),
        ];
        let fields =
            if action == "decline" { fields.to_vec() } else { [&fields[..2], &fields[3..]].concat() };
        browser.post("/", &fields).await.expect(303);
    }
}

/// Publishes a new signing key, which ends the older one.
async fn rotation(app: &TestApp) {
    let auth = app.function("auth").await;
    let next = shared::auth::Signer::from_seed([8; 32]);
    app.advance(TimeDelta::seconds(1));
    let auth = auth.signing_with(shared::auth::Signing::with(next));
    auth.publish_key().await.unwrap();
}

#[test]
fn only_auth_reads_the_secret_and_nobody_scans() {
    for (name, role) in roles(&environment::template()) {
        for statement in role.statements.iter().filter(|statement| statement.allows) {
            for action in &statement.actions {
                assert!(!action.contains('*'), "{name} may do {action}");
                assert_ne!(action, "dynamodb:Scan", "{name}");
                assert!(name == "auth" || !action.starts_with("secretsmanager:"), "{name} may do {action}");
            }
        }
    }
}

#[test]
fn only_auth_touches_credentials_and_writes_accounts_and_keys_whatever_a_later_allow_says() {
    let writes = ["BatchWriteItem", "DeleteItem", "PutItem", "UpdateItem"];
    for (name, role) in others() {
        assert!(role.denies(&access("GetItem", "EMAIL#ann@example.com")), "{name}");
        for write in writes {
            for key in ["KEYS", "USER#1"] {
                assert!(role.denies(&access(write, key)), "{name} {write} {key}");
            }
            assert!(!role.denies(&access(write, "CONV#1")), "{name} {write}");
        }
        let verifies = role.allowing(&access("Query", "KEYS")).is_some();
        assert_eq!(verifies, name != "deliver", "{name} verifies tokens if it gets requests");
        let secret = role.statements.iter().find(|statement| statement.sid == "NoSigningSecret").unwrap();
        assert!(
            !secret.allows
                && secret.actions == ["secretsmanager:*"]
                && secret.resources == ["SigningSecret.Id"]
        );
    }
}

#[test]
fn a_role_allows_what_it_says_on_the_keys_it_says() {
    let roles = roles(&environment::template());
    let messages = &roles["messages"];
    assert!(messages.allowing(&access("PutItem", "CONV#1")).is_some());
    assert!(messages.allowing(&access("PutItem", "USER#1")).is_none());
    assert!(messages.allowing(&access("Scan", "CONV#1")).is_none());
    let both = Access { keys: vec!["CONV#1".to_owned(), "EMAIL#a".to_owned()], ..access("BatchGetItem", "") };
    assert!(messages.allowing(&both).is_none());
    let index = Access { resource: "table/${TableName}/index/gsi1", ..access("Query", "USERS") };
    assert!(messages.allowing(&index).is_none() && roles["auth"].allowing(&index).is_some());
}

#[test]
fn what_a_template_lets_anybody_do_is_found_in_it() {
    let template: Value = serde_saphyr::from_str(&environment::template()).unwrap();
    let resources = template["Resources"].as_object().unwrap();
    let functions = resources.values().filter(|it| it["Type"] == "AWS::Serverless::Function").count();
    assert_eq!(roles(&environment::template()).len(), functions, "a function shares its role");
    // If a function has no role, SAM creates one that may write the logs of all functions.
    let policies = resources
        .values()
        .any(|it| it["Properties"].get("Policies").is_some() && it["Type"] != "AWS::IAM::Role");
    assert!(!policies, "a policy is not attached to a role");
}
