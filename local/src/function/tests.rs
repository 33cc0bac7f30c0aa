//! Invocations over HTTP. The functions in this process are tested with the sockets and the stream.

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;

/// Answers one request with these headers and this body. Returns the first line of the request.
async fn answer(listener: &TcpListener, head: &str, body: &str) -> String {
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut request = Vec::new();
    while !request.ends_with(b"{\"memo\":1}") {
        assert_ne!(stream.read_buf(&mut request).await.unwrap(), 0);
    }
    let length = body.len();
    let answer = format!("HTTP/1.1 {head}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}");
    stream.write_all(answer.as_bytes()).await.unwrap();
    String::from_utf8_lossy(&request).lines().next().unwrap().to_owned()
}

#[tokio::test]
async fn a_function_of_another_process_answers_or_fails() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let function = Invocations::new(&format!("http://{}/", listener.local_addr().unwrap()), "deliver");
    for (head, body, expected) in [
        ("200 OK", "{\"statusCode\":200}", Some(json!({ "statusCode": 200 }))),
        ("200 OK", "null", Some(Value::Null)),
        ("200 OK\r\nx-amz-function-error: Unhandled", "{}", None),
        ("200 OK", "{\"errorType\":\"Panic\",\"errorMessage\":\"memo\"}", None),
        ("500 Internal Server Error", "{}", None),
        ("200 OK", "no JSON", None),
    ] {
        let (answered, line) =
            tokio::join!(function.invoke(json!({ "memo": 1 })), answer(&listener, head, body));
        assert_eq!(line, "POST /2015-03-31/functions/deliver/invocations HTTP/1.1");
        assert_eq!(answered.ok(), expected, "{head} {body}");
    }
    drop(listener);
    assert!(function.invoke(json!({})).await.is_err());
}
