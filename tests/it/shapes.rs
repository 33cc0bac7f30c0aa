//! The representations of the API, as fixed examples: the names and types of the Django API, and the fields that this
//! API adds.

use serde_json::{Map, Value, json};

use crate::harness::{
    TestApp,
    login::{with_tokens, without_first_session},
    people::PASSWORD,
};

/// Replaces each value that differs from run to run with the name of its kind.
fn shape(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields = fields.iter().map(|(name, value)| (name.clone(), shape(value)));
            Value::Object(fields.collect::<Map<_, _>>())
        }
        Value::Array(values) => values.iter().map(shape).collect(),
        Value::String(text) => Value::String(named(text)),
        other => other.clone(),
    }
}

fn named(text: &str) -> String {
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).count();
    match text {
        _ if text.len() == 36 && uuid::Uuid::parse_str(text).is_ok() && text.to_lowercase() == text => {
            "<id>".to_owned()
        }
        _ if text.len() == 27 && text.ends_with('Z') && digits(text) == 20 => "<time>".to_owned(),
        _ if text.contains('@') => "<email>".to_owned(),
        // 64 bytes in base64url.
        _ if text.len() == 86 && !text.contains(['.', '/', ' ']) => "<device token>".to_owned(),
        _ if text.starts_with("eyJ") && text.split('.').count() == 3 => "<token>".to_owned(),
        _ if text.starts_with("http") => {
            let path = text.split("://").nth(1).and_then(|rest| rest.split_once('/')).unwrap_or_default().1;
            let parts: Vec<String> = path.split(['/', '=']).map(named).collect();
            format!("<link> {}", parts.join("/"))
        }
        text => text.to_owned(),
    }
}

#[track_caller]
fn golden(value: &Value, expected: &Value) {
    let shape = shape(value);
    assert_eq!(shape, *expected, "\n{shape:#}");
}

fn user(name: &str) -> Value {
    json!({
        "user_id": "<id>", "first_name": name, "last_name": "Tester", "email": "<email>",
        "phone_number": "+44 20 7946 0018", "role": "guest", "created_at": "<time>",
    })
}

fn message(sender: &str, body: &str) -> Value {
    json!({
        "message_id": "<id>", "sender": user(sender), "conversation": "<id>", "message_body": body,
        "sent_at": "<time>", "edited_at": null, "reply_to": null, "thread": null, "mentions": [], "client_id": "<id>", "revision": 0,
        "metadata": null, "reactions": [], "pinned": false,
    })
}

fn page(results: &[Value]) -> Value {
    json!({ "next": null, "previous": null, "results": results })
}

#[tokio::test]
async fn users_and_tokens() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let mut own = user("ann");
    own["suspended"] = json!(false);
    own["contact"] = json!("requests");
    golden(&ann.get("/api/users/me/").await.ok(), &own);
    golden(&ann.get(&format!("/api/users/?email={}", ann.email)).await.ok(), &page(&[user("ann")]));
    let login = json!({ "email": ann.email, "password": PASSWORD });
    let tokens = app.post("/api/token/").header("user-agent", "Golden/1.0").json(&login).send().await.ok();
    golden(&tokens, &json!({ "refresh": "<token>", "access": "<token>", "device_token": "<device token>" }));
    let refreshed =
        app.post("/api/token/refresh/").json(&json!({ "refresh": tokens["refresh"] })).send().await.ok();
    golden(&refreshed, &json!({ "refresh": "<token>", "access": "<token>" }));
    let verified =
        app.post("/api/token/verify/").json(&json!({ "token": tokens["access"] })).send().await.ok();
    golden(&verified, &json!({}));
    let session = json!({
        "session_id": "<id>", "kind": "token", "user_agent": "Golden/1.0", "created_at": "<time>", "refreshed_at": "<time>",
        "expires_at": "<time>", "current": true,
    });
    without_first_session(&app, &ann).await;
    let (ann, _) = with_tokens(&ann, &tokens);
    golden(&ann.get("/api/users/me/sessions/").await.ok(), &page(&[session]));
}

#[tokio::test]
async fn conversations_and_messages() {
    let app = TestApp::new().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let body = json!({ "participants": [ben.id], "name": "memo", "metadata": { "color": "red" } });
    let made = ann.post("/api/conversations/", body).await;
    let location = made.header("location").unwrap().to_owned();
    let id = made.created()["conversation_id"].as_str().unwrap().to_owned();
    assert!(location.ends_with(&format!("/api/conversations/{id}/")), "{location}");
    let sent = ben.try_send(&id, "memo").await;
    let location = sent.header("location").unwrap().to_owned();
    let sent = sent.created();
    golden(&sent, &message("ben", "memo"));
    assert_eq!(ben.get(&location).await.ok(), sent);
    let mut shown = ann.conversation(&id).await;
    let participants = shown["participants"].as_array_mut().unwrap();
    participants.sort_by_key(|user| user["first_name"].to_string());
    let conversation = json!({
        "conversation_id": "<id>", "state": "active", "invited_by": null, "muted": false, "kind": "group", "name": "memo", "metadata": { "color": "red" },
        "participants": [user("ann"), user("ben")], "participant_count": 2,
        "participants_url": "<link> api/conversations/<id>/participants/",
        "messages": [message("ben", "memo")], "messages_url": "<link> api/messages/?conversation/<id>",
        "last_message": message("ben", "memo"), "unread": 1, "unread_more": false,
        "created_by": "<id>", "created_at": "<time>",
    });
    golden(&shown, &conversation);
    let mut inbox = ann.get("/api/conversations/").await.ok();
    inbox["results"][0]["participants"]
        .as_array_mut()
        .unwrap()
        .sort_by_key(|user| user["first_name"].to_string());
    golden(&inbox, &page(&[conversation]));
    golden(&ann.get("/api/messages/").await.ok(), &page(&[message("ben", "memo")]));
    let mut members = ann.get(&format!("/api/conversations/{id}/participants/")).await.ok();
    members["results"].as_array_mut().unwrap().sort_by_key(|member| member["role"].to_string());
    let member = |name: &str, role: &str| {
        json!({
            "user": user(name), "role": role, "state": "accepted", "invited_by": null, "joined_at": "<time>",
            "last_read": 0,
        })
    };
    golden(&members, &page(&[member("ben", "member"), member("ann", "owner")]));
}

#[tokio::test]
async fn what_became_of_a_message() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let id = ann.group(&[]).await;
    let sent = ann.send(&id, "memo, one").await;
    let edited = ann.edit(&sent, "memo, two").await.ok();
    let mut expected = message("ann", "memo, two");
    expected["edited_at"] = json!("<time>");
    expected["revision"] = json!(1);
    golden(&edited, &expected);
    let revisions = ann.get(&format!("{}revisions/", crate::harness::user::message_path(&sent))).await.ok();
    let revision =
        json!({ "revision": 0, "message_body": "memo, one", "metadata": null, "written_at": "<time>" });
    golden(&revisions, &page(&[revision]));
    ann.delete_message(&sent).await.nothing();
    let stones = ann.get(&format!("/api/messages/?conversation={id}&tombstones=1")).await.ok();
    expected["message_body"] = json!("");
    expected["revision"] = json!(2);
    expected["deleted_at"] = json!("<time>");
    golden(&stones, &page(&[expected]));
    let changes = ann.get(&format!("/api/conversations/{id}/changes/")).await.ok();
    let kinds: Vec<&Value> =
        changes["results"].as_array().unwrap().iter().map(|change| &change["kind"]).collect();
    assert_eq!(kinds, ["message_edited", "message_deleted"]);
    let change = &changes["results"][0];
    for (name, value) in
        [("message", "<id>"), ("actor", "<id>"), ("changed_at", "<time>"), ("kind", "message_edited")]
    {
        assert_eq!(shape(&change[name]), json!(value), "{name}: {change}");
    }
    assert_eq!((&change["number"], &change["revision"]), (&json!(1), &json!(1)));
}

#[tokio::test]
async fn problems() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let refused = ann.post("/api/messages/", json!({ "conversation": "x", "message_body": "memo" })).await;
    let expected = json!({
        "type": "about:blank", "title": "Bad Request", "status": 400, "code": "invalid_request",
        "detail": "Some fields are not valid. The reasons are listed by field.", "request_id": "<id>",
        "errors": { "conversation": ["must be the id of a conversation"] },
    });
    golden(&refused.json(), &expected);
    let missing = app.get("/api/users/me/").send().await;
    assert_eq!(missing.header("www-authenticate"), Some("Bearer realm=\"api\""));
    let bad = app.get("/api/users/me/").bearer("x").send().await;
    assert_eq!(bad.header("www-authenticate"), Some("Bearer realm=\"api\", error=\"invalid_token\""));
}
