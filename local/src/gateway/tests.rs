use axum::extract::Request as AxumRequest;
use axum::http::Uri;
use axum::routing::any;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::serve::{ConnectionContext, Limits, open};
use super::*;

/// Answers with the request: method, path and query, and the length of the body.
async fn echo(request: AxumRequest) -> String {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    format!("{} {} {}", parts.method, parts.uri.path_and_query().unwrap(), body.len())
}

async fn cookies() -> impl axum::response::IntoResponse {
    axum::response::AppendHeaders([("set-cookie", "a=1"), ("set-cookie", "b=2")])
}

async fn fail() -> &'static str {
    panic!("a handler panicked");
}

fn gateway() -> Gateway {
    let things = Router::new()
        .route("/things", any(echo))
        .route("/things/cookies", any(cookies))
        .route("/things/panic", any(fail))
        .route("/things/bytes", any(async || Bytes::from_static(b"\xff\xfe")))
        .fallback(echo);
    Gateway::of([("/things", things)], Clock::system(), Random::from_seed(1))
}

fn get(uri: &str) -> Request<Bytes> {
    Request::get(uri).body(Bytes::new()).unwrap()
}

async fn body_of(request: Request<Bytes>) -> String {
    let response = gateway().handle(request).await;
    assert_eq!(response.status(), StatusCode::OK, "{response:?}");
    String::from_utf8(response.into_body().into()).unwrap()
}

async fn status_of(request: Request<Bytes>) -> u16 {
    gateway().handle(request).await.status().as_u16()
}

#[tokio::test]
async fn a_request_reaches_its_function() {
    assert_eq!(body_of(get("/things?a=b%20c&d")).await, "GET /things?a=b%20c&d 0");
    assert_eq!(body_of(get("/things/1/")).await, "GET /things/1/ 0");
    for body in [Bytes::from_static(b"text"), Bytes::from_static(b"\x00\xff\xff\xff")] {
        let request = Request::put("/things/").body(body).unwrap();
        assert_eq!(body_of(request).await, "PUT /things/ 4");
    }
}

#[tokio::test]
async fn unknown_paths_are_the_gateways_own_404() {
    for path in ["/", "/thingsandmore", "/thing", "*", "http://elsewhere/other"] {
        let response = gateway().handle(get(path)).await;
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
        assert_eq!(response.body(), r#"{"message":"Not Found"}"#);
    }
}

#[tokio::test]
async fn a_head_has_the_length_and_no_body() {
    let request = Request::head("/things").body(Bytes::new()).unwrap();
    let response = gateway().handle(request).await;
    assert_eq!(response.headers()["content-length"], "HEAD /things 0".len().to_string());
    assert!(response.body().is_empty());
}

#[tokio::test]
async fn the_limits_are_those_of_an_http_api() {
    let body = |size| Request::post("/things").body(Bytes::from(vec![b'a'; size])).unwrap();
    assert_eq!(status_of(body(MAX_BODY)).await, 200);
    assert_eq!(status_of(body(MAX_BODY + 1)).await, 413);
    let head = |size: usize| {
        let mut request = Request::get("/things").header("a", "").body(Bytes::new()).unwrap();
        let padding = "b".repeat(size - event::head_size(&request));
        request.headers_mut().insert("a", padding.parse().unwrap());
        request
    };
    assert_eq!(status_of(head(MAX_HEAD)).await, 200);
    assert_eq!(status_of(head(MAX_HEAD + 1)).await, 431);
}

#[tokio::test]
async fn nothing_that_a_client_sends_panics() {
    for host in
        ["", " ", "a b", "[::1", "a:99999", "a:b", "xn--a", "a/b", "a@b", "\u{e4}", "%00", "1.2.3.4.5", "<>"]
    {
        let request = Request::get("/things").header("host", host.as_bytes()).body(Bytes::new()).unwrap();
        let status = status_of(request).await;
        assert!(status == 200 || status == 400, "{host:?}: {status}");
    }
    for path in
        ["%00", "%", "%zz", "%FF", "%0A", "%23a", "%3Fa", "%5C", "%2e%2e/%2e%2e", "..;/", "//a", "[", "%7Bx"]
    {
        let uri: Uri = format!("/things/{path}?{path}").parse().unwrap();
        let status = status_of(Request::get(uri).body(Bytes::new()).unwrap()).await;
        assert!(status == 200 || status == 400, "{path:?}: {status}");
    }
    let latin = Request::get("/things").header("cookie", &b"a=\xe4"[..]).header("x", &b"\xff"[..]);
    assert_eq!(status_of(latin.body(Bytes::new()).unwrap()).await, 200);
    let method = Request::builder().method("BREW").uri("/things").body(Bytes::new()).unwrap();
    assert_eq!(body_of(method).await, "BREW /things 0");
}

#[tokio::test]
async fn answers_come_back_whole() {
    let response = gateway().handle(get("/things/cookies")).await;
    let cookies: Vec<_> = response.headers().get_all("set-cookie").iter().collect();
    assert_eq!(cookies, ["a=1", "b=2"]);
    assert_eq!(gateway().handle(get("/things/bytes")).await.body(), &b"\xff\xfe"[..]);
    assert_eq!(status_of(get("/things/panic")).await, 500);
}

fn door(limits: Limits) -> ConnectionContext {
    ConnectionContext { gateway: gateway(), hosts: Hosts::default(), limits }
}

async fn over_the_network(request: impl AsRef<str>) -> String {
    through(door(Limits::default()), request).await
}

async fn through(door: ConnectionContext, request: impl AsRef<str>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let server = tokio::spawn(open(listener, door, async {
        let _ = stopped.await;
    }));
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_ref().as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    stop.send(()).unwrap();
    server.await.unwrap();
    answer
}

#[tokio::test]
async fn it_serves_over_the_network() {
    let answer =
        over_the_network("GET /things HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("GET /things 0"), "{answer}");
    let answer =
        over_the_network("HEAD /things HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await;
    assert!(answer.contains("content-length: 14\r\n") && answer.ends_with("\r\n\r\n"), "{answer}");
}

#[tokio::test]
async fn bodies_that_cannot_be_read_are_told_apart() {
    let chunked = |body: &str| {
        over_the_network(format!(
            "POST /things HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n{body}"
        ))
    };
    for malformed in
        ["zz\r\nab\r\n0\r\n\r\n", "2\r\nabcd\r\n0\r\n\r\n", "-1\r\na\r\n", "ffffffffffffffffff\r\na"]
    {
        let answer = chunked(malformed).await;
        assert!(
            answer.starts_with("HTTP/1.1 400 ") && answer.ends_with(r#"{"message":"Bad Request"}"#),
            "{answer}"
        );
    }
    let answer = chunked("2\r\nab\r\n0\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("POST /things 2"), "{answer}");
    let size = MAX_BODY + 1;
    let answer = chunked(&format!("{size:x}\r\n{}\r\n0\r\n\r\n", "a".repeat(size))).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
}

#[tokio::test]
async fn only_this_servers_names_are_answered() {
    for (target, head, status) in [
        ("/things", "host: localhost:3000\r\n", 200),
        ("/things", "host: evil.example\r\n", 421),
        ("http://evil.example/things", "host: localhost\r\n", 421),
        ("http://localhost/things", "host: localhost\r\n", 200),
        ("/things", "", 400),
    ] {
        let answer =
            over_the_network(format!("GET {target} HTTP/1.1\r\n{head}connection: close\r\n\r\n")).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{target} {head}: {answer}");
        assert!(status == 200 || answer.contains("{\"message\":\""), "{answer}");
    }
}

/// A connection without a complete request is closed: before a head, within a head, and between two requests.
#[tokio::test]
async fn a_connection_does_not_wait_for_ever() {
    let soon = Duration::from_millis(50);
    let door = door(Limits { head: soon, body: soon });
    for begun in ["", "GET /things HTTP/1.1\r\nhost: loc", "GET /things HTTP/1.1\r\nhost: localhost\r\n\r\n"]
    {
        through(door.clone(), begun).await;
    }
    let body = "POST /things HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9\r\n\r\nhalf";
    let answer = through(door, body).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
}

#[tokio::test]
async fn pages_of_allowed_origins_may_read_every_answer() {
    let gateway = gateway().with_cors(Cors::of(["https://app.test".to_owned()]));
    let ask = async |method: &str, path: &str, origin: &str, more: usize| {
        let request = Request::builder().method(method).uri(path).header("origin", origin);
        let request = request.header("access-control-request-method", "PUT").header("x", "b".repeat(more));
        gateway.handle(request.body(Bytes::new()).unwrap()).await
    };
    for (path, more, status) in [
        ("/things", 0, 200),
        ("/nothing", 0, 404),
        ("/things/panic", 0, 500),
        ("/things/%ff", 0, 400),
        ("/things", MAX_HEAD, 431),
    ] {
        let answer = ask("GET", path, "https://app.test", more).await;
        assert_eq!(answer.status(), status, "{path}");
        assert_eq!(answer.headers()["access-control-allow-origin"], "https://app.test", "{path}");
        let exposed = answer.headers()["access-control-expose-headers"].to_str().unwrap();
        for name in ["location", "etag", "retry-after", "x-request-id"] {
            assert!(exposed.split(',').any(|one| one == name), "{name}");
        }
        assert!(!answer.headers().contains_key("access-control-allow-methods"), "{path}");
        assert!(!answer.headers().contains_key("access-control-allow-credentials"), "{path}");
    }
    let preflight = ask("OPTIONS", "/things", "https://app.test", 0).await;
    for name in ["access-control-allow-methods", "access-control-allow-headers", "access-control-max-age"] {
        assert!(preflight.headers().contains_key(name), "{name}");
    }
    for other in [
        "https://app.test:444",
        "http://app.test",
        "https://app.test.evil.example",
        "null",
        "HTTPS://APP.TEST",
    ] {
        let answer = ask("OPTIONS", "/things", other, 0).await;
        assert!(!answer.headers().keys().any(|name| name.as_str().starts_with("access-control-")), "{other}");
        assert_eq!(answer.headers()["vary"], "Origin");
    }
}
