//! The routed path is the requested path: no handler receives a request whose path a parser on the way has read
//! differently.

use axum::{
    body::to_bytes,
    extract::{MatchedPath, RawPathParams},
    http::{HeaderName, Method},
    response::IntoResponse,
};
use futures::{StreamExt as _, stream};
use lambda_http::tower::ServiceExt as _;
use serde_json::{Value, json};
use shared::{App, http::Routes};

use crate::harness::{
    Answer, TestApp,
    functions::functions,
    paths::{altered, decoded, is_unambiguous, with_plain_text},
    people::PASSWORD,
    user::message_path,
};

/// The header in which a handler returns the path that it received.
const REACHED: HeaderName = HeaderName::from_static("x-reached");

/// Answers with the path that the router has read, built from its pattern and its parameters.
async fn reached(pattern: MatchedPath, parameters: RawPathParams) -> impl IntoResponse {
    let read = parameters.iter().fold(pattern.as_str().to_owned(), |path, (name, value)| {
        path.replace(&format!("{{{name}}}"), value).replace(&format!("{{*{name}}}"), value)
    });
    [(REACHED, json!(read).to_string())]
}

/// Returns the same paths and methods with the handler `reached`.
fn mirrored(routes: &Routes) -> Routes {
    routes.list().iter().fold(Routes::new(), |mirror, (method, path)| match method.as_str() {
        "GET" => mirror.get(path, reached),
        "POST" => mirror.post(path, reached),
        "PUT" => mirror.put(path, reached),
        "PATCH" => mirror.patch(path, reached),
        "DELETE" => mirror.delete(path, reached),
        other => panic!("no router function for the method {other}"),
    })
}

/// Returns a path of the API for each route, with and without the slash at its end.
fn spelled(routes: &Routes) -> Vec<(Method, String)> {
    let id = "0190a5da-c967-874b-8000-00000000002a";
    let fill = |path: &str| path.replace("{*path}", "style.css").replace("{id}", id).replace("{user_id}", id);
    let fill = |path: &str| fill(path).replace("{version}", "v").replace("{name}", "chat.css");
    let fill = |path: &str| fill(path).replace("{emoji}", "e");
    let listed = routes.list().iter();
    let both = listed.flat_map(|(method, path)| {
        let path = fill(path);
        let bare = path.trim_end_matches('/');
        [path.clone(), if bare.is_empty() { path.clone() } else { bare.to_owned() }]
            .map(|path| (method.clone(), path))
    });
    both.collect()
}

/// Sends an event of API Gateway to the router of a function.
async fn invoke(router: &axum::Router, method: &Method, passed: &str, accept: &str) -> Answer {
    let event = json!({
        "version": "2.0", "routeKey": "$default", "rawPath": passed, "rawQueryString": "",
        "headers": { "host": "api.test", "accept": accept, "x-forwarded-proto": "https" },
        "requestContext": {
            "http": { "method": method.as_str(), "path": passed, "sourceIp": "192.0.2.1" },
            "stage": "$default", "requestId": "one",
        },
        "isBase64Encoded": false,
    });
    let request = lambda_http::request::from_str(&event.to_string()).unwrap();
    let response = router.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    Answer {
        status: parts.status.as_u16(),
        headers: parts.headers,
        body: to_bytes(body, usize::MAX).await.unwrap().to_vec(),
        asked: format!("{method} {passed:?} ({accept})"),
    }
}

/// Returns the path that the handler received; `None` if no handler was reached.
fn handler_saw(answer: &Answer) -> Option<String> {
    answer.headers.get(REACHED).map(|path| serde_json::from_slice(path.as_bytes()).unwrap())
}

/// A router, and its answers to an unknown path, one for each entry of `ASKED`.
struct Function {
    router: axum::Router,
    unknown: Vec<Answer>,
}

/// The kinds of requests for each path, in turn: its own method for JSON, its own method for a page, and the methods
/// without a handler.
const ASKED: [(Option<Method>, &str); 4] = [
    (None, "application/json"),
    (None, "text/html"),
    (Some(Method::OPTIONS), "application/json"),
    (Some(Method::HEAD), "*/*"),
];

impl Function {
    async fn new(function: &Routes, app: &App) -> Self {
        let router = shared::pages::into_router(mirrored(function), app);
        let unknown = ASKED.iter().map(|(method, accept)| {
            let method = method.clone().unwrap_or(Method::GET);
            let router = &router;
            async move { invoke(router, &method, "/nowhere/", accept).await.expect(404) }
        });
        let unknown = stream::iter(unknown).buffered(1).collect().await;
        Self { router, unknown }
    }

    /// Sends one request. Returns true if a handler was reached.
    async fn judge(&self, turn: usize, method: &Method, passed: &str) -> bool {
        let (other, accept) = &ASKED[turn];
        let answer = invoke(&self.router, other.as_ref().unwrap_or(method), passed, accept).await;
        let seen = handler_saw(&answer);
        let plain = with_plain_text(passed);
        if seen.is_some() {
            assert_eq!(seen, plain, "{answer}");
        }
        if plain.is_some_and(|plain| is_unambiguous(&plain)) {
            return seen.is_some();
        }
        assert_eq!(answer.status, 404, "{answer}");
        if *accept == "text/html" {
            assert!(answer.text().contains("<h1>Not found</h1>"), "{answer}");
        } else {
            assert_eq!(answer.fingerprint(), self.unknown[turn].fingerprint(), "{answer}");
        }
        false
    }
}

#[tokio::test]
async fn a_handler_sees_the_path_that_the_gateway_passed_on_or_nothing() {
    let app = TestApp::new().await;
    let (mut asked, mut arrived) = (0, 0);
    for routes in functions() {
        let function = Function::new(&routes, &app.app).await;
        for (method, path) in spelled(&routes) {
            assert!(function.judge(0, &method, &path).await, "{method} {path} is not reached");
            // The decoded path, as API Gateway passes it on, and the encoded one, as `cargo lambda watch` does.
            let events = altered(&path).into_iter().flat_map(|path| [decoded(&path), Some(path)]);
            for passed in events.flatten() {
                arrived += usize::from(function.judge(asked % ASKED.len(), &method, &passed).await);
                asked += 1;
            }
        }
    }
    assert!(asked > 50_000 && arrived > 500, "{arrived} of {asked}");
}

/// The deployed routers answer a caller with a valid token.
#[tokio::test]
async fn a_path_that_leads_elsewhere_changes_nothing() {
    let app = TestApp::new().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let conversation = ann.group(&[&ben]).await;
    let (one, other) = (ann.send(&conversation, "one").await, ann.send(&conversation, "other").await);
    let (one, other) = (message_path(&one), message_path(&other));
    let other_id = other.trim_matches('/').rsplit('/').next().unwrap().to_owned();
    let bare = one.trim_end_matches('/');
    for path in [
        "/api/users/me/sessions/..%2f".to_owned(),
        "/api/users/me/sessions/..".to_owned(),
        "/api/users/me/sessions/%2e%2e/".to_owned(),
        format!("{bare}%2f..%2f{other_id}/"),
        format!("{bare}/../{other_id}/"),
        format!("{bare}%0a"),
        format!("{bare}%5c%2e"),
        format!("{bare}%3Fx=1"),
        format!("{bare}%23"),
        format!("{bare}%09/"),
        format!("{bare}//"),
    ] {
        for accept in ["application/json", "text/html"] {
            let request = app.request(Method::DELETE, &path).bearer(&ann.token).header("accept", accept);
            request.send().await.expect(404);
        }
    }
    let login = json!({ "email": ann.email, "password": PASSWORD });
    let answer = app.post("/api/users/..%2ftoken/").json(&login).send().await;
    assert_eq!(answer.clone().problem(404, "not_found")["access"], Value::Null, "{answer}");
    ann.get("/api/users/me/").await.ok();
    ann.get(&one).await.ok();
    ann.get(&other).await.ok();
}

#[tokio::test]
async fn a_harmless_encoding_is_the_same_path() {
    let app = TestApp::new().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let message = ann.send(&ann.group(&[&ben]).await, "memo").await;
    let path = message_path(&message);
    for encoded in
        [path.replace('-', "%2D"), path.replace("api", "%61pi"), path.replace("/messages", "%2Fmessages")]
    {
        assert_eq!(ann.get(&encoded).await.ok(), ann.get(&path).await.ok(), "{encoded}");
    }
}
