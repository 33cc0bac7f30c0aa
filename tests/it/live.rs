//! The realtime side on the engine of the suite: the embedded one, or DynamoDB Local.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use local::{
    function::InProcess,
    sockets::{LocalConnections, SocketLimits, Sockets},
    stream::DeadLetters,
    template::EventSource,
};
use serde_json::{Value, json};
use shared::realtime::Connections as _;
use tokio::sync::mpsc;

use crate::harness::{
    TestApp,
    deliveries::{Death, Deliveries},
    live::{self, Live},
    user::number_of,
};

/// Returns a function that accepts everything, and the events that it gets.
fn recorder() -> (Arc<InProcess>, mpsc::UnboundedReceiver<Value>) {
    let (sender, events) = mpsc::unbounded_channel();
    let function = InProcess::new(Duration::from_secs(5), move |event| {
        sender.send(event).unwrap();
        std::future::ready(Ok(json!({ "batchItemFailures": [] })))
    });
    (function, events)
}

/// Returns the sort keys of all records so far, one text for each event.
fn keys(events: &mut mpsc::UnboundedReceiver<Value>) -> Vec<String> {
    let key = |record: &Value| record["dynamodb"]["Keys"]["sk"]["S"].as_str().unwrap().to_owned();
    let records = |event: Value| event["Records"].as_array().unwrap().iter().map(key).collect::<Vec<_>>();
    std::iter::from_fn(|| events.try_recv().ok()).map(|event| records(event).join(" ")).collect()
}

fn source(pattern: &Value) -> EventSource {
    EventSource {
        batch_size: 2,
        retries: None,
        max_age: None,
        bisects: true,
        patterns: vec![pattern.to_string()],
    }
}

#[tokio::test]
async fn the_stream_of_the_engine_is_delivered_in_order() {
    let app = TestApp::new().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let conversation = ann.group(&[&ben]).await;
    for number in 1..=5 {
        ann.send(&conversation, &format!("memo {number}")).await;
    }
    let (function, mut events) = recorder();
    let pattern = json!({ "dynamodb": { "Keys": { "sk": { "S": [{ "prefix": "MSG#" }] } } } });
    let letters = DeadLetters::new(None);
    let mut pump = live::pump(&app, function, &letters, source(&pattern));
    assert_eq!(pump.drain().await.unwrap(), 5);
    let numbers = |from: u64, to: u64| {
        (from..=to).map(|number| format!("MSG#{number:013}")).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(keys(&mut events), [numbers(1, 2), numbers(3, 4), numbers(5, 5)]);
    ben.send(&conversation, "memo 6").await;
    assert_eq!(pump.drain().await.unwrap(), 1);
    assert_eq!(keys(&mut events), [numbers(6, 6)]);
}

#[tokio::test]
async fn faults_of_deliveries_are_those_that_lambda_allows() {
    let (function, mut events) = recorder();
    let deliveries = Deliveries::new(function);
    let record = |key: &str, number: u32| json!({ "dynamodb": { "Keys": { "sk": { "S": key } }, "SequenceNumber": number.to_string() } });
    let names: Vec<String> = (0..20).map(|number| format!("item {}", number % 4)).collect();
    let records: Vec<Value> = names.iter().zip(0..).map(|(name, number)| record(name, number)).collect();
    let event = json!({ "Records": records });
    let invoke = async || local::function::Function::invoke(&*deliveries, event.clone()).await;
    deliveries.die(Death::Before);
    deliveries.die(Death::After);
    assert!(invoke().await.is_err() && events.try_recv().is_err());
    assert!(invoke().await.is_err() && events.try_recv().is_ok());
    deliveries.twice(true);
    deliveries.shuffle(7);
    invoke().await.unwrap();
    let (first, second) = (events.recv().await.unwrap(), events.recv().await.unwrap());
    assert_eq!(first, second);
    let shuffled = first["Records"].as_array().unwrap();
    assert!(shuffled.len() == 20 && *shuffled != records);
    for item in 0..4 {
        let name = json!(format!("item {item}"));
        let of_item = shuffled.iter().filter(|record| record["dynamodb"]["Keys"]["sk"]["S"] == name);
        let numbers: Vec<u32> = of_item
            .map(|record| record["dynamodb"]["SequenceNumber"].as_str().unwrap().parse().unwrap())
            .collect();
        assert!(numbers.len() == 5 && numbers.is_sorted(), "{numbers:?}");
    }
}

#[tokio::test]
async fn the_functions_of_the_application_get_its_events() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let live = Live::start(&app).await;
    let conversation = ann.group(&[]).await;
    ann.send(&conversation, "memo, hello").await;
    live.pump().await;
    // What is left in the stream after one delivery is nothing.
    assert_eq!(live.pump().await, 0);
    assert!(!live.deliveries.events().is_empty());
    assert!(live.dead_letters.letters().is_empty() && live.cleanups.is_empty());
}

#[tokio::test]
async fn a_client_returns_frames_in_their_order_one_by_one() {
    let connections = LocalConnections::default();
    let posting = connections.clone();
    let function = InProcess::new(Duration::from_secs(5), move |event: Value| {
        let id = event["requestContext"]["connectionId"].as_str().unwrap().parse().unwrap();
        let posting = posting.clone();
        async move {
            if event["body"].as_str().is_some_and(|body| body.contains("ping")) {
                posting.post(&id, r#"{"type":"pong"}"#.to_owned()).await.unwrap();
            }
            Ok(json!({ "statusCode": 200 }))
        }
    });
    let app = TestApp::new().await;
    let (clock, random) = (app.app.clock.clone(), app.app.random.clone());
    let sockets = Sockets::new(connections.clone(), function, SocketLimits::default(), clock, random);
    let mut client = live::open(&sockets, "", &[("origin", "https://app.test")]).await.unwrap();
    connections.post(&client.id, r#"[{"type":"a"},{"type":"b"}]"#.to_owned()).await.unwrap();
    connections.post(&client.id, r#"{"type":"c"}"#.to_owned()).await.unwrap();
    assert_eq!(client.next().await["type"], "a");
    assert_eq!(client.until(|frame| frame["type"] == "b").await["type"], "b");
    assert_eq!(client.before_pong().await, [json!({ "type": "c" })]);
    connections.close(&client.id).await.unwrap();
    assert_eq!(client.closed().await, 1000);
    live::open(&sockets, "", &[]).await.unwrap().close().await;
    live::open(&sockets, "", &[]).await.unwrap().kill();
}

#[tokio::test]
async fn a_message_is_pushed_to_every_connection_of_a_participant() {
    let app = TestApp::new().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let conversation = ben.group(&[&ann]).await;
    let live = Live::start(&app).await;
    let (mut phone, mut laptop) = (live.connect(&ann).await, live.connect(&ann).await);
    let message = ben.send(&conversation, "memo, hello").await;
    live.pump().await;
    for client in [&mut phone, &mut laptop] {
        let frame = client.until(|frame| frame["type"] == "message.created").await;
        assert_eq!(
            (&frame["conversation"], &frame["number"]),
            (&json!(conversation), &json!(number_of(&message)))
        );
        assert_eq!(frame["message"]["message_id"], message["message_id"]);
    }
    phone.close().await;
    ben.send(&conversation, "memo, again").await;
    live.pump().await;
    assert_eq!(
        laptop.until(|frame| frame["type"] == "message.created").await["number"],
        number_of(&message) + 1
    );
    assert_eq!(live.sockets.connections().count(), 1);
    app.check().await;
}

#[tokio::test]
async fn no_message_is_lost_if_deliver_dies_and_gets_records_twice_and_in_another_order() {
    let app = TestApp::new().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let conversation = ben.group(&[&ann]).await;
    let live = Live::start(&app).await;
    let mut phone = live.connect(&ann).await;
    live.deliveries.twice(true);
    live.deliveries.shuffle(3);
    for death in [Death::After, Death::Before, Death::After] {
        live.deliveries.die(death);
    }
    let _running = live.run();
    let mut missing = BTreeSet::new();
    for number in 1..=20 {
        missing.insert(number_of(&ben.send(&conversation, &format!("memo {number}")).await));
    }
    while !missing.is_empty() {
        let frame = phone.until(|frame| frame["type"] == "message.created").await;
        missing.remove(&frame["number"].as_u64().unwrap());
    }
    assert!(live.dead_letters.letters().is_empty());
}
