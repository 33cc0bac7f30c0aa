//! Events of API Gateway whose host, path and query are not a valid URL. They reach the functions in the same way as on
//! Lambda, in process.

use lambda_http::{Context, LambdaEvent, Service as _, request::LambdaRequest};
use serde_json::{Value, json};
use shared::lambda::Events;

use crate::harness::TestApp;

/// Returns the answer of a function to an event, as API Gateway receives it.
async fn answer(router: &axum::Router, event: &Value) -> Value {
    let event: LambdaRequest = serde_json::from_value(event.clone()).unwrap();
    let answer = Events(router.clone()).call(LambdaEvent::new(event, Context::default())).await.unwrap();
    serde_json::to_value(answer).unwrap()
}

fn event(host: &str, path: &str, query: &str) -> Value {
    json!({
        "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": query,
        "headers": { "host": host, "accept": "application/json", "x-forwarded-proto": "https" },
        "requestContext": {
            "http": { "method": "GET", "path": path, "sourceIp": "192.0.2.1" },
            "domainName": "api.test", "stage": "$default", "requestId": "one",
        },
        "isBase64Encoded": false,
    })
}

fn routers(app: &TestApp) -> [axum::Router; 5] {
    let app = &app.app;
    [
        auth::router(app),
        conversations::router(app),
        messages::router(app),
        moderation::router(app),
        browse::router(app),
    ]
}

#[tokio::test]
async fn an_event_whose_address_is_not_a_url_is_answered_with_400() {
    let app = TestApp::new().await;
    let long = "x".repeat(70_000);
    let mut events = vec![event("api.test", "/api/", &long), event("api.test", "/", "a=\u{1}")];
    for host in [":", "a b", "[::1", "api.test:99999", "api.test:x", "<>", "a|b", "%"] {
        events.push(event(host, "/api/conversations/", "limit=1"));
    }
    for scheme in ["", "1", "a b"] {
        let mut bad = event("api.test", "/api/messages/", "");
        bad["headers"]["x-forwarded-proto"] = json!(scheme);
        events.push(bad);
    }
    let mut bad = event("", "/", "");
    bad["headers"].as_object_mut().unwrap().remove("host");
    bad["requestContext"]["domainName"] = json!("a b");
    events.push(bad);
    for router in routers(&app) {
        for event in &events {
            let answer = answer(&router, event).await;
            let body: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
            let headers = &answer["headers"];
            assert_eq!(answer["statusCode"], 400, "{}: {answer}", event["headers"]);
            assert_eq!(
                (&body["code"], &body["request_id"], &headers["content-type"]),
                (&json!("invalid_request"), &json!("one"), &json!("application/problem+json")),
                "{answer}"
            );
        }
    }
}

#[tokio::test]
async fn an_event_with_a_valid_address_reaches_its_route() {
    let app = TestApp::new().await;
    let [_, conversations, _, _, browse] = routers(&app);
    for host in ["api.test", "api.test:8443", "127.0.0.1:9000", "[::1]:9000", "bücher.example", "a_b.test"] {
        let listed = answer(&conversations, &event(host, "/api/conversations/", "limit=1&x=%C3%A9")).await;
        assert_eq!(listed["statusCode"], 401, "{host}: {listed}");
        let root = answer(&browse, &event(host, "/api/", "")).await;
        assert_eq!(root["statusCode"], 200, "{host}: {root}");
    }
    let mut without = event("", "/api/conversations/", "");
    without["headers"].as_object_mut().unwrap().remove("host");
    assert_eq!(answer(&conversations, &without).await["statusCode"], 401);
}
