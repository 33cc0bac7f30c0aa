//! The queues of `deliver`.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use shared::clock::Clock;
use shared::random::Random;
use shared::realtime::Queue;
use tokio::sync::mpsc;

use crate::function::{FunctionError, InProcess};
use crate::stream::{DeadLetters, LocalQueue, QueueService};

#[tokio::test]
async fn a_message_of_the_queue_comes_again_until_it_is_processed_or_dead() {
    let folder = tempfile::tempdir().unwrap();
    let file = Some(folder.path().join("cleanups.json"));
    let letters = DeadLetters::new(Some(folder.path().join("dead-letters.jsonl")));
    let open = || LocalQueue::new(file.clone(), Random::from_seed(1), letters.clone()).unwrap();
    let (sender, mut events) = mpsc::unbounded_channel();
    let function = InProcess::new(Duration::from_secs(5), move |event: Value| {
        let record = &event["Records"][0];
        assert_eq!(record["eventSource"], "aws:sqs");
        let failures = json!({ "batchItemFailures": [{ "itemIdentifier": record["messageId"] }] });
        sender
            .send((record["body"].clone(), record["attributes"]["ApproximateReceiveCount"].clone()))
            .unwrap();
        std::future::ready(match record["body"].as_str() {
            Some("good") => Ok(json!({ "batchItemFailures": [] })),
            Some("dies") => Err(FunctionError("memo".into())),
            _ => Ok(failures),
        })
    });
    let queue = open();
    for body in ["good", "fails", "dies"] {
        queue.send(body.to_owned()).await.unwrap();
    }
    assert!(queue.deliver(&*function).await);
    assert!(!queue.deliver(&*function).await);
    // Another process has the messages that are left.
    let queue = open();
    for _ in 0..3 {
        assert!(!queue.is_empty());
        assert!(!queue.deliver(&*function).await);
    }
    assert!(queue.is_empty() && open().is_empty());
    let mut seen = Vec::new();
    while let Ok((body, count)) = events.try_recv() {
        seen.push(format!("{} {}", body.as_str().unwrap(), count.as_str().unwrap()));
    }
    let expected = ["good 1", "fails 1", "dies 1", "fails 2", "dies 2", "fails 3", "dies 3"];
    assert_eq!(seen[..7], expected);
    assert_eq!(seen[7..], ["fails 4", "dies 4", "fails 5", "dies 5"]);
    let dead = std::fs::read_to_string(folder.path().join("dead-letters.jsonl")).unwrap();
    assert_eq!(dead, "fails\ndies\n");
}

#[tokio::test]
async fn functions_of_other_processes_reach_the_queues() {
    use axum::body::Bytes;
    use axum::http::Request;
    let letters = DeadLetters::new(None);
    let queues: [(&'static str, Arc<dyn Queue>); 1] = [("dead-letters", Arc::new(letters.clone()))];
    let gateway = crate::gateway::Gateway::of([], Clock::system(), Random::from_seed(1))
        .with_queues(QueueService::new(queues));
    let send = async |target: &str, body: Value, signature: bool| {
        let request = Request::post("/").header("x-amz-target", target);
        let request = if signature { request.header("authorization", "AWS4") } else { request };
        gateway.handle(request.body(Bytes::from(body.to_string())).unwrap()).await.status().as_u16()
    };
    let message = json!({ "QueueUrl": "http://127.0.0.1:9001/dead-letters", "MessageBody": "memo" });
    let target = "AmazonSQS.SendMessage";
    assert_eq!(send(target, message.clone(), true).await, 200);
    assert_eq!(send(target, message.clone(), false).await, 403);
    assert_eq!(send("AmazonSQS.ReceiveMessage", message, true).await, 400);
    assert_eq!(
        send(target, json!({ "QueueUrl": "http://127.0.0.1:9001/x", "MessageBody": "memo" }), true).await,
        400
    );
    assert_eq!(send(target, json!({ "QueueUrl": "http://127.0.0.1:9001/dead-letters" }), true).await, 400);
    assert_eq!(letters.letters(), ["memo"]);
}
