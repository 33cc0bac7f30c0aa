//! Access is checked before everything else in a request. A stranger gets the answer for a resource that does not exist,
//! whatever is wrong with the request.

use axum::http::Method;
use serde_json::json;

use crate::harness::{Request, TestApp, User, user::message_path};

/// A fault of a request: its name, and the change that makes a request invalid.
type Fault = (&'static str, fn(Request) -> Request);

const FAULTS: [Fault; 9] = [
    ("no body", |request| request),
    ("not JSON", |request| request.raw("application/json", b"{")),
    ("no object", |request| request.raw("application/json", b"[]")),
    ("an unknown field", |request| request.json(&json!({ "x": 1 }))),
    ("a key twice", |request| request.raw("application/json", br#"{"name":"memo","name":"memo"}"#)),
    ("another media type", |request| request.raw("text/plain", b"memo")),
    ("too large", |request| request.raw("application/json", &vec![b' '; 256 * 1024 + 1])),
    ("a header that is not a tag", |request| request.json(&json!({})).header("if-match", "1")),
    ("another version", |request| request.json(&json!({})).header("if-match", "\"99\"")),
];

const QUERIES: [&str; 3] = ["", "?x=1", "?limit=0&cursor=x&after=x&format=xml"];

/// Returns the routes below one conversation or message.
fn routes() -> Vec<(Method, &'static str)> {
    let routes = [conversations::routes(), messages::routes()];
    let listed = routes.iter().flat_map(|routes| routes.list().to_vec());
    listed.filter(|(_, path)| path.contains("{id}")).collect()
}

/// Returns the requests of a user to a resource, one for each fault.
fn requests(user: &User, method: &Method, path: &str) -> Vec<(String, Request)> {
    let each = |query: &'static str| {
        FAULTS.map(|(name, spoil)| {
            let request = spoil(user.request(method.clone(), &format!("{path}{query}")));
            (format!("{method} {path}{query}: {name}"), request)
        })
    };
    QUERIES.into_iter().flat_map(each).collect()
}

#[tokio::test]
async fn a_stranger_gets_the_same_404_for_every_invalid_request() {
    let app = TestApp::new().await;
    let (ann, ben, stranger) = (app.user("ann").await, app.user("ben").await, app.user("carl").await);
    let conversation = ann.group(&[&ben]).await;
    let message = message_path(&ann.send(&conversation, "memo").await);
    let message = message.split('/').nth(3).unwrap();
    let missing = stranger.get("/api/conversations/5a5a5a5a-5a5a-8a5a-9696-968000000000/").await;
    let missing = missing.expect(404).fingerprint();
    let (mut wrong, mut count) = (Vec::new(), 0);
    for (method, template) in routes() {
        let id = if template.contains("messages") { message } else { &conversation };
        let path = template.replace("{id}", id).replace("{user_id}", &ben.id);
        let path = path.replace("{emoji}", "%F0%9F%91%8D");
        for (what, request) in requests(&stranger, &method, &path) {
            let answer = request.send().await;
            if answer.fingerprint() != missing {
                wrong.push(format!("{what}: {answer}"));
            }
            count += 1;
        }
    }
    assert!(count > 300, "{count}");
    assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n"));
}

/// The requests of the other test are invalid: a participant gets another answer.
#[tokio::test]
async fn a_participant_gets_the_faults() {
    let app = TestApp::new().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let conversation = ann.group(&[&ben]).await;
    let path = format!("/api/conversations/{conversation}/");
    for (what, request) in requests(&ann, &Method::PUT, &path) {
        let answer = request.send().await;
        assert!([400, 412, 413, 415].contains(&answer.status), "{what}: {answer}");
    }
    let read = format!("{path}read/");
    ann.put(&read, json!({ "x": 1 })).await.refuses("x");
    ann.request(Method::PUT, &read).json(&json!({})).header("if-match", "1").send().await.refuses("If-Match");
    ann.get(&format!("{path}changes/?limit=0")).await.refuses("limit");
    ann.get(&format!("{path}participants/?limit=0")).await.refuses("limit");
}
