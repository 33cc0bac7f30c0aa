//! The pump on the embedded engine and on a script of answers. The function is one of the test.

mod filters;
mod queues;

use std::collections::VecDeque;
use std::sync::Mutex;

use futures::future::BoxFuture;
use serde_json::{Value, json};
use shared::random::Random;
use shared::store::Store;
use tokio::sync::mpsc;

use super::batch::number_of;
use super::*;
use crate::engine::{Engine, Storage};
use crate::function::{FunctionError, InProcess};

const PACE: Pace = Pace { poll: Duration::from_secs(20), backoff: Duration::ZERO };

fn source() -> EventSource {
    EventSource { batch_size: 100, retries: None, max_age: None, bisects: true, patterns: Vec::new() }
}

/// An engine with the table.
struct Table {
    engine: Engine,
    dynamo: Embedded,
}

impl Table {
    async fn new(storage: Storage) -> Self {
        let engine = Engine::start(storage).unwrap();
        let store: Store = engine.store("messaging", Random::from_seed(1));
        store.create_table(&crate::template::table().unwrap()).await.unwrap();
        let dynamo = engine.streams();
        Self { engine, dynamo }
    }

    /// Writes one item for each name.
    async fn put(&self, names: &[&str]) {
        for name in names {
            let item = json!({ "pk": { "S": "memo" }, "sk": { "S": name } });
            let request = json!({ "TableName": "messaging", "Item": item });
            self.dynamo.call("PutItem", request).await.unwrap();
        }
    }

    fn pump(&self, consumer: Consumer, checkpoint: Checkpoint) -> Pump {
        Pump::new(Arc::new(self.dynamo.clone()), "messaging", consumer, checkpoint, PACE).unwrap()
    }
}

/// Returns a consumer with a function, and its dead letters.
fn consumer(source: EventSource, function: Arc<dyn Function>) -> (Consumer, DeadLetters) {
    let letters = DeadLetters::new(None);
    let dead_letters = Arc::new(letters.clone());
    (Consumer { function, source, dead_letters, clock: Clock::system() }, letters)
}

/// Returns a function with an answer for the names of each batch, and these names.
fn function(
    answer: impl Fn(&[Value]) -> Result<Value, FunctionError> + Send + Sync + 'static,
) -> (Arc<dyn Function>, mpsc::UnboundedReceiver<Vec<String>>) {
    let (sender, batches) = mpsc::unbounded_channel();
    let function = InProcess::new(Duration::from_secs(5), move |event: Value| {
        let records = event["Records"].as_array().unwrap();
        sender.send(records.iter().map(name_of).collect()).unwrap();
        std::future::ready(answer(records))
    });
    (function, batches)
}

fn name_of(record: &Value) -> String {
    record["dynamodb"]["Keys"]["sk"]["S"].as_str().unwrap().to_owned()
}

fn all(batches: &mut mpsc::UnboundedReceiver<Vec<String>>) -> Vec<String> {
    std::iter::from_fn(|| batches.try_recv().ok()).map(|names| names.join(" ")).collect()
}

#[tokio::test]
async fn the_function_gets_the_records_of_lambda_in_batches() {
    let table = Table::new(Storage::Temporary).await;
    table.put(&["a", "b", "c", "d", "e"]).await;
    let (sender, mut events) = mpsc::unbounded_channel();
    let function = InProcess::new(Duration::from_secs(5), move |event: Value| {
        sender.send(event).unwrap();
        std::future::ready(Ok(Value::Null))
    });
    let (consumer, _) = consumer(EventSource { batch_size: 2, ..source() }, function);
    let mut pump = table.pump(consumer, Checkpoint::in_memory());
    assert_eq!((pump.drain().await.unwrap(), pump.drain().await.unwrap()), (5, 0));
    let event = events.recv().await.unwrap();
    assert_eq!(event["Records"].as_array().unwrap().len(), 2);
    let record = &event["Records"][0];
    assert_eq!((&record["eventName"], &record["eventSource"]), (&json!("INSERT"), &json!("aws:dynamodb")));
    assert!(record["eventSourceARN"].as_str().unwrap().contains("/messaging/stream/"), "{record}");
    assert_eq!(record["dynamodb"]["NewImage"]["sk"], json!({ "S": "a" }));
    assert_eq!(
        (events.try_recv().is_ok(), events.try_recv().is_ok(), events.try_recv().is_ok()),
        (true, true, false)
    );
    table.put(&["f"]).await;
    assert_eq!(pump.drain().await.unwrap(), 1);
}

#[tokio::test]
async fn only_records_that_pass_the_filters_are_delivered() {
    let table = Table::new(Storage::Temporary).await;
    table.put(&["MSG#1", "PIN#1", "MSG#2", "PIN#2"]).await;
    let (function, mut batches) = function(|_| Ok(Value::Null));
    let pattern = json!({ "dynamodb": { "Keys": { "sk": { "S": [{ "prefix": "MSG#" }] } } } }).to_string();
    let (consumer, _) = consumer(EventSource { patterns: vec![pattern], ..source() }, function);
    let mut pump = table.pump(consumer, Checkpoint::in_memory());
    assert_eq!(pump.drain().await.unwrap(), 2);
    assert_eq!(all(&mut batches), ["MSG#1 MSG#2"]);
    // The checkpoint is behind the last record, which did not pass.
    assert_eq!(pump.drain().await.unwrap(), 0);
}

#[tokio::test]
async fn records_from_the_lowest_reported_one_come_again() {
    let table = Table::new(Storage::Temporary).await;
    table.put(&["a", "b", "c", "d"]).await;
    let failing = Mutex::new(VecDeque::from([vec!["d", "c"], vec!["c"]]));
    let (function, mut batches) = function(move |records| {
        let names = failing.lock().unwrap().pop_front().unwrap_or_default();
        let failures = names.iter().map(|name| {
            let record = records.iter().find(|record| name_of(record) == *name).unwrap();
            json!({ "itemIdentifier": number_of(record) })
        });
        Ok(json!({ "batchItemFailures": failures.collect::<Vec<_>>() }))
    });
    let (consumer, _) = consumer(EventSource { bisects: false, ..source() }, function);
    table.pump(consumer, Checkpoint::in_memory()).drain().await.unwrap();
    assert_eq!(all(&mut batches), ["a b c d", "c d", "c d"]);
}

#[tokio::test]
async fn an_error_and_an_unknown_number_repeat_the_whole_batch() {
    let table = Table::new(Storage::Temporary).await;
    table.put(&["a", "b"]).await;
    let answers = Mutex::new(VecDeque::from([
        Err(FunctionError("memo".into())),
        Ok(json!({ "batchItemFailures": [{ "itemIdentifier": "100000000000000000007" }] })),
        Ok(json!({ "batchItemFailures": [{ "itemIdentifier": null }] })),
        Ok(json!({ "batchItemFailures": {} })),
    ]));
    let (function, mut batches) =
        function(move |_| answers.lock().unwrap().pop_front().unwrap_or(Ok(json!({}))));
    let (consumer, _) = consumer(EventSource { bisects: false, ..source() }, function);
    table.pump(consumer, Checkpoint::in_memory()).drain().await.unwrap();
    assert_eq!(all(&mut batches), ["a b"; 5]);
}

#[tokio::test]
async fn bisection_isolates_a_record_that_kills_the_function() {
    let table = Table::new(Storage::Temporary).await;
    table.put(&["a", "b", "poison", "d", "e"]).await;
    let (function, mut batches) = function(|records| {
        assert!(!records.iter().any(|record| name_of(record) == "poison"), "a panic of the test");
        Ok(Value::Null)
    });
    let (consumer, letters) = consumer(EventSource { retries: Some(4), ..source() }, function);
    let mut pump = table.pump(consumer, Checkpoint::in_memory());
    pump.drain().await.unwrap();
    let batches = all(&mut batches);
    assert_eq!(batches, ["a b poison d e", "a b poison", "a b", "poison", "poison", "poison", "d e"]);
    let letters = letters.letters();
    let letter: Value = serde_json::from_str(&letters[0]).unwrap();
    assert_eq!((letters.len(), name_of(&letter["records"][0])), (1, "poison".to_owned()));
    assert_eq!(pump.drain().await.unwrap(), 0);
}

#[tokio::test]
async fn records_that_are_too_old_are_given_up_after_a_failure() {
    let table = Table::new(Storage::Temporary).await;
    table.put(&["a"]).await;
    let (function, mut batches) = function(|_| Err(FunctionError("memo".into())));
    let source = EventSource { max_age: chrono::TimeDelta::try_seconds(60), ..source() };
    let (consumer, letters) = consumer(source, function);
    let later = Clock::new(|| Clock::system().now() + chrono::TimeDelta::minutes(2));
    let mut pump = table.pump(Consumer { clock: later, ..consumer }, Checkpoint::in_memory());
    pump.drain().await.unwrap();
    assert_eq!((all(&mut batches).len(), letters.letters().len()), (1, 1));
}

#[tokio::test]
async fn a_restart_goes_on_at_the_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("stream.json");
    let table = Table::new(Storage::Folder(folder.path().into())).await;
    let run = async |file: &std::path::Path| {
        let (function, mut batches) = function(|_| Ok(Value::Null));
        let (consumer, _) = consumer(EventSource { batch_size: 2, ..source() }, function);
        let mut pump = table.pump(consumer, Checkpoint::kept_in(file).unwrap());
        pump.drain().await.unwrap();
        all(&mut batches)
    };
    table.put(&["a", "b", "c"]).await;
    assert_eq!(run(&file).await, ["a b", "c"]);
    table.put(&["d"]).await;
    assert_eq!(run(&file).await, ["d"]);
    assert_eq!(run(&file).await, [""; 0]);
    // A damaged file means the beginning of the stream.
    std::fs::write(&file, "{").unwrap();
    assert_eq!(run(&file).await, ["a b", "c d"]);
    // So does the checkpoint of another table.
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("/stream/", "/stream/1")).unwrap();
    assert_eq!(run(&file).await.len(), 2);
    table.engine.stop().await;
}

#[tokio::test]
async fn a_write_of_this_process_is_delivered_at_once() {
    let table = Table::new(Storage::Temporary).await;
    let (function, mut batches) = function(|_| Ok(Value::Null));
    let (consumer, _) = consumer(source(), function);
    let pump = table.pump(consumer, Checkpoint::in_memory());
    let running = tokio::spawn(pump.run(table.engine.written()));
    for name in ["a", "b"] {
        // The time between two polls is longer than the patience of the test.
        table.put(&[name]).await;
        let batch = tokio::time::timeout(Duration::from_secs(10), batches.recv()).await.unwrap();
        assert_eq!(batch.unwrap(), [name]);
    }
    running.abort();
}

#[tokio::test]
async fn old_records_that_were_delivered_are_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let table = Table::new(Storage::Folder(folder.path().into())).await;
    let file = folder.path().join("messaging.sqlite");
    let left = || {
        let query = "SELECT COUNT(*) FROM _stream_records";
        rusqlite::Connection::open(&file).unwrap().query_row(query, [], |row| row.get::<_, u32>(0)).unwrap()
    };
    let age = || {
        let update = "UPDATE _stream_records SET created_at = created_at - 100000";
        rusqlite::Connection::open(&file).unwrap().execute(update, []).unwrap();
    };
    let (function, _batches) = function(|_| Ok(Value::Null));
    let (consumer, _) = consumer(source(), function);
    let mut pump = table.pump(consumer, Checkpoint::in_memory());
    table.put(&["a", "b"]).await;
    pump.drain().await.unwrap();
    age();
    table.put(&["c"]).await;
    age();
    pump.trim().await;
    // `c` is old too, but was not delivered.
    assert_eq!(left(), 1);
    pump.drain().await.unwrap();
    pump.trim().await;
    // The newest record stays, because the next number depends on it.
    assert_eq!(left(), 1);
    table.put(&["d"]).await;
    assert_eq!((pump.drain().await.unwrap(), left()), (1, 2));
    table.engine.stop().await;
}

/// A stream whose answers are a script.
#[derive(Debug)]
struct Script(Mutex<VecDeque<(&'static str, Result<Value, &'static str>)>>);

impl Dynamo for Script {
    fn call(&self, operation: &'static str, body: Value) -> BoxFuture<'_, Result<Value, DynamoError>> {
        let (expected, answer) = self.0.lock().unwrap().pop_front().expect(operation);
        let asked = format!("{operation} {}", body["ShardId"].as_str().unwrap_or_default());
        assert!(asked.starts_with(expected.split(' ').next().unwrap()), "{asked} instead of {expected}");
        let position = body["SequenceNumber"].as_str().unwrap_or_default();
        assert!(!expected.contains(' ') || expected.ends_with(&format!(" {position}")), "{expected}: {body}");
        let failure = |code: &str| DynamoError::of(&json!({ "__type": format!("com.amazonaws#{code}") }));
        Box::pin(std::future::ready(answer.map_err(failure)))
    }
}

#[tokio::test]
async fn a_shard_is_read_after_its_parent_and_lost_positions_are_made_again() {
    let table = || ("DescribeTable", Ok(json!({ "Table": { "LatestStreamArn": "arn" } })));
    let shards = |shards: Value| ("DescribeStream", Ok(json!({ "StreamDescription": { "Shards": shards } })));
    let parent = json!({ "ShardId": "parent", "ParentShardId": "trimmed long ago" });
    let child = json!({ "ShardId": "child", "ParentShardId": "parent" });
    let iterator = || Ok(json!({ "ShardIterator": "memo" }));
    let page = |names: &[&str], next: Option<&str>| {
        let records = names.iter().map(|name| {
            json!({ "dynamodb": { "Keys": { "sk": { "S": name } }, "SequenceNumber": format!("number of {name}") } })
        });
        Ok(json!({ "Records": records.collect::<Vec<_>>(), "NextShardIterator": next }))
    };
    let script = Script(Mutex::new(VecDeque::from([
        table(),
        shards(json!([parent, child])),
        ("GetShardIterator", iterator()),
        ("GetRecords", page(&["a"], Some("memo"))),
        ("GetRecords", Err("ExpiredIteratorException")),
        // The read fails, and the next one begins behind the last record.
        table(),
        shards(json!([parent, child])),
        ("GetShardIterator number of a", Err("TrimmedDataAccessException")),
        ("GetShardIterator", iterator()),
        ("GetRecords", page(&["b"], None)),
        table(),
        shards(json!([parent, child])),
        ("GetShardIterator", iterator()),
        ("GetRecords", page(&["c"], Some("memo"))),
        ("GetRecords", page(&[], Some("memo"))),
    ])));
    let (function, mut batches) = function(|_| Ok(Value::Null));
    let (consumer, _) = consumer(source(), function);
    let dynamo = Arc::new(script);
    let mut pump = Pump::new(dynamo.clone(), "memo", consumer, Checkpoint::in_memory(), PACE).unwrap();
    assert_eq!(pump.drain().await.unwrap_err().code, "ExpiredIteratorException");
    assert_eq!(pump.drain().await.unwrap(), 2);
    assert_eq!(all(&mut batches), ["a", "b", "c"]);
    assert!(dynamo.0.lock().unwrap().is_empty());
}
