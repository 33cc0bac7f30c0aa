//! Connections over the network, and the `@connections` API.

use axum::body::Bytes;
use axum::http::Request;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio_tungstenite::tungstenite::Error;

use super::*;
use crate::gateway::{Gateway, Hosts, serve};

/// Serves on a free port. Returns the address, the events, and a sender that stops the server.
async fn over_network() -> (String, Sockets, mpsc::UnboundedReceiver<Value>, oneshot::Sender<()>) {
    let (sockets, events) = recorded(QUICK);
    let sockets = sockets.with_management();
    let gateway = Gateway::of([], Clock::system(), Random::from_seed(1)).with_sockets(sockets.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (stop, stopped) = oneshot::channel::<()>();
    tokio::spawn(serve(listener, gateway, Hosts::default(), async {
        let _ = stopped.await;
    }));
    (address, sockets, events, stop)
}

async fn dial(address: &str, target: &str) -> Result<WebSocketStream<TcpStream>, Error> {
    let stream = TcpStream::connect(address).await.unwrap();
    let dialled = tokio_tungstenite::client_async(format!("ws://{address}{target}"), stream).await;
    dialled.map(|(client, _)| client)
}

#[tokio::test]
async fn clients_connect_over_http() {
    let (address, sockets, mut events, stop) = over_network().await;
    let mut client = dial(&address, "/live?ticket=memo").await.unwrap();
    let connected = events.recv().await.unwrap();
    assert_eq!(connected["queryStringParameters"]["ticket"], "memo");
    let id = connected["requestContext"]["connectionId"].as_str().unwrap().parse().unwrap();
    sockets.connections().post(&id, "memo".into()).await.unwrap();
    assert_eq!(client.next().await.unwrap().unwrap(), Message::text("memo"));
    client.send(Message::text("answer")).await.unwrap();
    assert_eq!(events.recv().await.unwrap()["body"], "answer");
    let Err(Error::Http(refused)) = dial(&address, "/live?refuse=403").await else { panic!("not refused") };
    assert_eq!(refused.status(), 403);
    drop(stop);
    assert_eq!(closed(&mut client).await, 1001);
}

#[tokio::test]
async fn a_frame_that_is_too_long_is_answered_over_the_network() {
    let (address, _sockets, _events, _stop) = over_network().await;
    let mut client = dial(&address, "/live").await.unwrap();
    client.send(Message::text("m".repeat(1024 * 1024))).await.unwrap();
    assert_eq!(closed(&mut client).await, 1009);
}

#[tokio::test]
async fn requests_that_are_no_handshake_are_refused() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let (address, _sockets, _events, _stop) = over_network().await;
    let upgrade = "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n";
    for (head, status) in [
        ("GET /live HTTP/1.1\r\n", "426"),
        (&*format!("POST /live HTTP/1.1\r\n{upgrade}sec-websocket-key: a\r\n"), "426"),
        (&*format!("GET /live HTTP/1.1\r\n{upgrade}"), "400"),
        ("GET /live HTTP/1.1\r\nupgrade: websocket\r\nsec-websocket-key: a\r\n", "400"),
        (&*format!("GET /live HTTP/1.1\r\nhost: evil.test\r\n{upgrade}sec-websocket-key: a\r\n"), "400"),
        ("GET /lives HTTP/1.1\r\n", "404"),
    ] {
        let mut stream = TcpStream::connect(&address).await.unwrap();
        stream.write_all(format!("{head}host: {address}\r\n\r\n").as_bytes()).await.unwrap();
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(String::from_utf8_lossy(&answer), format!("HTTP/1.1 {status}"), "{head}");
    }
}

#[tokio::test]
async fn functions_of_other_processes_reach_connections() {
    let (sockets, _events) = recorded(QUICK);
    let (mut client, id) = connect(&sockets, 4096).await;
    let sockets = sockets.with_management();
    let gateway = Gateway::of([], Clock::system(), Random::from_seed(1)).with_sockets(sockets);
    let call = async |method: &str, id: &str, body: &str| {
        let path = format!("/live/%40connections/{}", id.replace('=', "%3D"));
        let request = Request::builder().method(method).uri(path).header("authorization", "AWS4");
        let response = gateway.handle(request.body(Bytes::from(body.to_owned())).unwrap()).await;
        (response.status().as_u16(), serde_json::from_slice(response.body()).unwrap_or(Value::Null))
    };
    assert_eq!(call("POST", id.as_str(), "memo").await.0, 200);
    assert_eq!(client.next().await.unwrap().unwrap(), Message::text("memo"));
    let (status, facts) = call("GET", id.as_str(), "").await;
    assert_eq!((status, &facts["identity"]["sourceIp"]), (200, &json!("127.0.0.1")));
    assert!(facts["connectedAt"].is_string() && facts["lastActiveAt"].is_string(), "{facts}");
    assert_eq!(call("POST", id.as_str(), &"m".repeat(MAX_MESSAGE + 1)).await.0, 413);
    assert_eq!(call("PUT", id.as_str(), "").await.0, 405);
    assert_eq!(call("POST", "a!b", "").await.0, 400);
    assert_eq!(call("DELETE", id.as_str(), "").await.0, 204);
    assert_eq!(closed(&mut client).await, 1000);
    for method in ["POST", "GET", "DELETE"] {
        assert_eq!(call(method, id.as_str(), "").await.0, 410);
    }
    // A page of another site cannot send this header.
    let request = Request::post(format!("/@connections/{id}")).body(Bytes::new()).unwrap();
    assert_eq!(gateway.handle(request).await.status(), 403);
}
