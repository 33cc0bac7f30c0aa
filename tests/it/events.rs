//! Events of API Gateway as JSON: requests whose host, path and query are not a valid URL, and events of WebSocket
//! connections. They reach the functions in the same way as on Lambda, in process.

use lambda_http::{Context, LambdaEvent, Service as _, request::LambdaRequest};
use serde_json::{Value, json};
use shared::{
    lambda::{Events, sockets},
    realtime::event::{SocketAnswer, SocketEventKind},
};

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

fn routers(app: &TestApp) -> [axum::Router; 6] {
    let app = &app.app;
    [
        auth::router(app),
        conversations::router(app),
        messages::router(app),
        moderation::router(app),
        realtime::router(app),
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
    let [_, conversations, _, _, _, browse] = routers(&app);
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

/// Returns an event of a WebSocket connection, as API Gateway sends it.
fn socket_event(route: &str, kind: &str, body: &Value) -> Value {
    json!({
        "headers": { "Host": "abc.execute-api.eu-west-1.amazonaws.com", "Origin": "https://app.example.com" },
        "multiValueHeaders": { "Host": ["abc.execute-api.eu-west-1.amazonaws.com"] },
        "queryStringParameters": { "ticket": "memo" },
        "multiValueQueryStringParameters": { "ticket": ["memo"] },
        "requestContext": {
            "routeKey": route, "eventType": kind, "extendedRequestId": "JKJaXmPLvHcESHA=",
            "requestTime": "28/Nov/2026:09:15:02 +0000", "messageDirection": "IN", "stage": "live",
            "connectedAt": 1_795_857_302_113_i64, "requestTimeEpoch": 1_795_857_302_114_i64,
            "identity": { "userAgent": "memo", "sourceIp": "192.0.2.1" }, "requestId": "JKJaXmPLvHcESHA=",
            "domainName": "abc.execute-api.eu-west-1.amazonaws.com", "connectionId": "JKJaXd3TvHcCJqg=",
            "apiId": "abc",
        },
        "body": body, "isBase64Encoded": false,
    })
}

#[tokio::test]
async fn requests_and_events_of_connections_reach_one_function() {
    let app = TestApp::new().await;
    let seen = std::sync::Mutex::new(Vec::new());
    let handler = |event: shared::realtime::event::SocketEvent| -> futures::future::BoxFuture<'static, _> {
        let kind = match event.kind {
            SocketEventKind::Connect(handshake) => {
                format!("{:?} {:?} {:?}", handshake.ticket, handshake.origin, handshake.host)
            }
            SocketEventKind::Disconnect => "end".to_owned(),
            SocketEventKind::Message(text) => format!("{text:?}"),
        };
        seen.lock().unwrap().push(format!("{} {} {kind}", event.connection, event.source_ip));
        Box::pin(async { SocketAnswer { status: 403 } })
    };
    let answer = async |event: Value| {
        let event = LambdaEvent::new(event, Context::default());
        sockets::answer(Events(realtime::router(&app.app)), &handler, event).await
    };
    for (route, kind, body) in [
        ("$connect", "CONNECT", Value::Null),
        ("$default", "MESSAGE", json!("{}")),
        ("$disconnect", "DISCONNECT", Value::Null),
    ] {
        let answered = answer(socket_event(route, kind, &body)).await.unwrap();
        assert_eq!(answered, json!({ "statusCode": 403 }));
    }
    let of = "JKJaXd3TvHcCJqg= 192.0.2.1";
    let host = r#"Some("abc.execute-api.eu-west-1.amazonaws.com")"#;
    let connect = format!(r#"{of} Some("memo") Some("https://app.example.com") {host}"#);
    let expected = [connect, format!(r#"{of} Some("{{}}")"#), format!("{of} end")];
    assert_eq!(*seen.lock().unwrap(), expected);
    let request = answer(event("api.test", "/api/realtime/ticket/", "")).await.unwrap();
    assert_eq!(request["statusCode"], 405, "{request}");
    // A body that looks like the context of a connection is the body of a request.
    let mut tricked = event("api.test", "/api/realtime/ticket/", "");
    tricked["body"] = json!(socket_event("$default", "MESSAGE", &json!("{}")).to_string());
    assert_eq!(answer(tricked).await.unwrap()["statusCode"], 405);
    for other in [json!({}), json!({ "Records": [] }), socket_event("$default", "memo", &Value::Null)] {
        assert!(answer(other.clone()).await.is_err(), "{other}");
    }
    assert_eq!(seen.lock().unwrap().len(), 3);
}
