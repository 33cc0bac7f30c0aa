//! Connections without a network. The function is one of the test.

mod network;

use std::net::Ipv4Addr;

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderValue};
use futures::{SinkExt as _, StreamExt as _};
use serde_json::json;
use shared::realtime::{Connections as _, MAX_MESSAGE, PostError};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream};
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

use super::*;
use crate::function::{FunctionError, InProcess};

type Client = WebSocketStream<DuplexStream>;

const QUICK: SocketLimits = SocketLimits {
    idle: Duration::from_secs(20),
    lifetime: Duration::from_secs(20),
    grace: Duration::from_millis(50),
};

/// Returns sockets whose function answers 200, and the events that it gets.
fn recorded(limits: SocketLimits) -> (Sockets, mpsc::UnboundedReceiver<Value>) {
    let (sender, events) = mpsc::unbounded_channel();
    let answered = move |event: Value| {
        let refused = event["queryStringParameters"]["refuse"].as_str().and_then(|text| text.parse().ok());
        sender.send(event).unwrap();
        async move { Ok(json!({ "statusCode": refused.unwrap_or(200) })) }
    };
    (sockets(limits, InProcess::new(Duration::from_secs(5), answered)), events)
}

fn sockets(limits: SocketLimits, function: Arc<InProcess>) -> Sockets {
    Sockets::new(LocalConnections::default(), function, limits, Clock::system(), Random::from_seed(1))
}

fn opening(query: &str) -> Opening {
    let headers = HeaderMap::from_iter([
        (axum::http::header::HOST, HeaderValue::from_static("api.test")),
        (axum::http::header::ORIGIN, HeaderValue::from_static("https://app.test")),
    ]);
    Opening { headers, query: query.to_owned(), caller: Ipv4Addr::LOCALHOST.into() }
}

/// Opens a connection. Its network has room for `size` bytes.
async fn connect(sockets: &Sockets, size: usize) -> (Client, shared::ids::ConnectionId) {
    let accepted = sockets.open(&opening("ticket=memo&x=1%2F2")).await.unwrap();
    let id = accepted.context().id.clone();
    let (near, far) = tokio::io::duplex(size);
    tokio::spawn(accepted.serve(far));
    (WebSocketStream::from_raw_socket(near, Role::Client, None).await, id)
}

/// Reads until the close, and returns its code.
async fn closed<S: AsyncRead + AsyncWrite + Unpin>(client: &mut WebSocketStream<S>) -> u16 {
    loop {
        if let Message::Close(frame) = client.next().await.unwrap().unwrap() {
            return frame.unwrap().code.into();
        }
    }
}

fn kind(event: &Value) -> &str {
    event["requestContext"]["eventType"].as_str().unwrap()
}

#[tokio::test]
async fn the_function_gets_the_events_of_api_gateway() {
    let (sockets, mut events) = recorded(QUICK);
    let (mut client, id) = connect(&sockets, 4096).await;
    let connected = events.recv().await.unwrap();
    let context = &connected["requestContext"];
    assert_eq!((kind(&connected), &context["routeKey"]), ("CONNECT", &json!("$connect")));
    assert_eq!(connected["queryStringParameters"], json!({ "ticket": "memo", "x": "1/2" }));
    assert_eq!(connected["headers"]["origin"], "https://app.test");
    assert_eq!(context["identity"]["sourceIp"], "127.0.0.1");
    assert_eq!((context["stage"].as_str(), context["domainName"].as_str()), (Some("live"), Some("api.test")));
    assert!(id.as_str().len() == 16 && id.as_str().ends_with('='), "{id}");
    client.send(Message::text("memo")).await.unwrap();
    client.send(Message::binary(vec![0, 255])).await.unwrap();
    let (text, binary) = (events.recv().await.unwrap(), events.recv().await.unwrap());
    assert_eq!((&text["body"], &text["isBase64Encoded"]), (&json!("memo"), &json!(false)));
    assert_eq!((&binary["body"], &binary["isBase64Encoded"]), (&json!("AP8="), &json!(true)));
    client.close(None).await.unwrap();
    let ended = events.recv().await.unwrap();
    assert_eq!((kind(&ended), kind(&text)), ("DISCONNECT", "MESSAGE"));
    for event in [&text, &binary, &ended] {
        assert_eq!(event["requestContext"]["connectionId"], json!(id));
        assert_eq!(event["requestContext"]["connectedAt"], context["connectedAt"]);
        assert_ne!(event["requestContext"]["requestId"], context["requestId"]);
    }
    assert_eq!(sockets.connections().count(), 0);
}

#[tokio::test]
async fn a_function_can_refuse_a_connection() {
    let (refusing, _events) = recorded(QUICK);
    assert_eq!(refusing.open(&opening("refuse=401")).await.unwrap_err().as_u16(), 401);
    for answer in [Ok(json!({})), Ok(json!({ "statusCode": 99 })), Err(FunctionError("memo".into()))] {
        let answer = std::sync::Mutex::new(Some(answer));
        let function = InProcess::new(Duration::from_secs(5), move |_| {
            std::future::ready(answer.lock().unwrap().take().unwrap())
        });
        assert_eq!(sockets(QUICK, function).open(&opening("")).await.unwrap_err().as_u16(), 500);
    }
    let dying = InProcess::new(Duration::from_secs(5), |_| async { panic!("a panic of the test") });
    let late = InProcess::new(Duration::from_millis(1), |_| std::future::pending());
    for function in [dying, late] {
        assert_eq!(sockets(QUICK, function).open(&opening("")).await.unwrap_err().as_u16(), 500);
    }
    assert_eq!(refusing.connections().count(), 0);
}

#[tokio::test]
async fn a_connection_is_gone_before_the_function_has_accepted_it_and_after_its_end() {
    let connections = LocalConnections::default();
    let (own, (early, posted)) = (connections.clone(), mpsc::unbounded_channel());
    let function = InProcess::new(Duration::from_secs(5), move |event: Value| {
        let (own, early) = (own.clone(), early.clone());
        async move {
            if kind(&event) == "CONNECT" {
                let id = event["requestContext"]["connectionId"].as_str().unwrap().parse().unwrap();
                early.send(own.post(&id, "memo".into()).await).unwrap();
            }
            Ok(json!({ "statusCode": 200 }))
        }
    });
    let mut posted: mpsc::UnboundedReceiver<_> = posted;
    let sockets = Sockets::new(connections.clone(), function, QUICK, Clock::system(), Random::from_seed(1));
    let (mut client, id) = connect(&sockets, 4096).await;
    assert!(matches!(posted.recv().await.unwrap(), Err(PostError::Gone)));
    connections.post(&id, "first".into()).await.unwrap();
    connections.post(&id, "second".into()).await.unwrap();
    connections.close(&id).await.unwrap();
    assert!(matches!(connections.post(&id, "memo".into()).await, Err(PostError::Gone)));
    assert!(matches!(connections.close(&id).await, Err(PostError::Gone)));
    // Messages that were accepted before the close arrive before it.
    assert_eq!(client.next().await.unwrap().unwrap(), Message::text("first"));
    assert_eq!(client.next().await.unwrap().unwrap(), Message::text("second"));
    assert_eq!(closed(&mut client).await, 1000);
}

#[tokio::test]
async fn messages_are_answered_one_at_a_time_in_their_order() {
    let (sender, mut steps) = mpsc::unbounded_channel();
    let function = InProcess::new(Duration::from_secs(5), move |event: Value| {
        let sender = sender.clone();
        async move {
            let body = event["body"].as_str().unwrap_or(kind(&event)).to_owned();
            sender.send(format!("begin {body}")).unwrap();
            for _ in 0..10 {
                tokio::task::yield_now().await;
            }
            sender.send(format!("end {body}")).unwrap();
            Ok(json!({ "statusCode": 200 }))
        }
    });
    let sockets = sockets(QUICK, function);
    let (mut client, _) = connect(&sockets, 4096).await;
    // More messages than wait in memory.
    for number in 0..40 {
        client.send(Message::text(number.to_string())).await.unwrap();
    }
    client.close(None).await.unwrap();
    let names = (0..40).map(|number| number.to_string());
    let names = ["CONNECT".to_owned()].into_iter().chain(names).chain(["DISCONNECT".to_owned()]);
    for name in names {
        assert_eq!(steps.recv().await.unwrap(), format!("begin {name}"));
        assert_eq!(steps.recv().await.unwrap(), format!("end {name}"));
    }
}

#[tokio::test]
async fn a_client_learns_that_the_function_has_failed_and_stays_connected() {
    let function = InProcess::new(Duration::from_secs(5), |event: Value| async move {
        assert_ne!(event["body"], "panic");
        Ok(json!({ "statusCode": 200 }))
    });
    let (mut client, id) = connect(&sockets(QUICK, function), 4096).await;
    client.send(Message::text("panic")).await.unwrap();
    let Message::Text(failure) = client.next().await.unwrap().unwrap() else { panic!("no text") };
    let failure: Value = serde_json::from_str(&failure).unwrap();
    assert_eq!(failure["message"], "Internal server error");
    assert_eq!(failure["connectionId"], json!(id));
    client.send(Message::Ping(Bytes::from_static(b"memo"))).await.unwrap();
    assert_eq!(client.next().await.unwrap().unwrap(), Message::Pong(Bytes::from_static(b"memo")));
}

#[tokio::test]
async fn frames_and_messages_have_the_size_limits_of_api_gateway() {
    let part = |size: usize, is_first: bool, is_last: bool| {
        let kind = if is_first { Data::Text } else { Data::Continue };
        Message::Frame(Frame::message(vec![b'm'; size], OpCode::Data(kind), is_last))
    };
    let (sockets, mut events) = recorded(QUICK);
    let (mut client, _) = connect(&sockets, 4096).await;
    for place in 0..4 {
        client.send(part(MAX_FRAME, place == 0, place == 3)).await.unwrap();
    }
    assert_eq!(kind(&events.recv().await.unwrap()), "CONNECT");
    assert_eq!(events.recv().await.unwrap()["body"].as_str().unwrap().len(), MAX_MESSAGE);
    client.send(part(MAX_FRAME + 1, true, true)).await.unwrap();
    assert_eq!(closed(&mut client).await, 1009);
    let (mut client, _) = connect(&sockets, 4096).await;
    for place in 0..5 {
        // The last part may find the connection closed.
        drop(client.send(part(if place == 4 { 1 } else { MAX_FRAME }, place == 0, place == 4)).await);
    }
    assert_eq!(closed(&mut client).await, 1009);
}

#[tokio::test]
async fn a_message_to_a_client_has_at_most_128_kb() {
    let (sockets, _events) = recorded(QUICK);
    let (mut client, id) = connect(&sockets, 4096).await;
    let most = "m".repeat(MAX_MESSAGE);
    sockets.connections().post(&id, most.clone()).await.unwrap();
    assert_eq!(client.next().await.unwrap().unwrap(), Message::text(most.clone()));
    let refused = sockets.connections().post(&id, most + "m").await;
    assert!(matches!(refused, Err(PostError::Failed(_))), "{refused:?}");
}

#[tokio::test]
async fn a_slow_client_delays_nobody_and_can_be_closed() {
    let (sockets, mut events) = recorded(QUICK);
    let (mut slow, slow_id) = connect(&sockets, 4096).await;
    let (mut quick, quick_id) = connect(&sockets, 4096).await;
    let message = "m".repeat(MAX_MESSAGE);
    let connections = sockets.connections();
    let mut accepted = 0;
    while connections.post(&slow_id, message.clone()).await.is_ok() {
        accepted += 1;
        tokio::task::yield_now().await;
    }
    assert!((8..=10).contains(&accepted), "{accepted}");
    connections.post(&quick_id, "memo".into()).await.unwrap();
    assert_eq!(quick.next().await.unwrap().unwrap(), Message::text("memo"));
    connections.close(&slow_id).await.unwrap();
    // It ends although the client reads nothing.
    loop {
        let event = events.recv().await.unwrap();
        if kind(&event) == "DISCONNECT" {
            break assert_eq!(event["requestContext"]["connectionId"], json!(slow_id));
        }
    }
    // A client that reads again has room again.
    while slow.next().await.is_some_and(|read| read.is_ok()) {}
    assert_eq!(connections.count(), 1);
}

#[tokio::test]
async fn room_in_the_buffer_comes_back() {
    let (sockets, _events) = recorded(QUICK);
    let (mut client, id) = connect(&sockets, 4096).await;
    let message = "m".repeat(MAX_MESSAGE);
    for _ in 0..20 {
        sockets.connections().post(&id, message.clone()).await.unwrap();
        assert_eq!(client.next().await.unwrap().unwrap().len(), MAX_MESSAGE);
    }
}

#[tokio::test]
async fn connections_end_when_they_are_idle_or_old() {
    let short = Duration::from_millis(20);
    for limits in [SocketLimits { idle: short, ..QUICK }, SocketLimits { lifetime: short, ..QUICK }] {
        let (sockets, mut events) = recorded(limits);
        let (mut client, _) = connect(&sockets, 4096).await;
        assert_eq!(closed(&mut client).await, 1001);
        assert_eq!(kind(&events.recv().await.unwrap()), "CONNECT");
        assert_eq!(kind(&events.recv().await.unwrap()), "DISCONNECT");
    }
}

#[tokio::test]
async fn a_client_that_vanishes_is_noticed() {
    let (sockets, mut events) = recorded(QUICK);
    let (client, _) = connect(&sockets, 4096).await;
    drop(client);
    assert_eq!(kind(&events.recv().await.unwrap()), "CONNECT");
    assert_eq!(kind(&events.recv().await.unwrap()), "DISCONNECT");
}
