//! Calls from this process to the database. They reach the engine's thread without HTTP, which takes longer than most
//! operations, and get the same answers as from the engine's server.

use std::sync::Arc;

use dynoxide::{Database, DynoxideError};
use serde::{Serialize, de::DeserializeOwned};
use shared::store::{Answer, Engine};
use tokio::sync::{Notify, mpsc, oneshot};

use super::values;

/// An operation with the channel for its answer.
pub(super) struct Call {
    operation: String,
    body: Vec<u8>,
    answer: oneshot::Sender<Answer>,
}

/// The sender of calls, for stores in this process.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    calls: mpsc::UnboundedSender<Call>,
    written: Arc<Notify>,
}

impl Caller {
    /// Returns the signal after each write. Writes that nobody has waited for are one signal.
    pub(super) fn written(&self) -> Arc<Notify> {
        Arc::clone(&self.written)
    }
}

impl Engine for Caller {
    fn run(&self, operation: String, body: Vec<u8>) -> futures::future::BoxFuture<'static, Option<Answer>> {
        let (answer, answered) = oneshot::channel();
        let written = is_write(&operation).then(|| self.written());
        let sent = self.calls.send(Call { operation, body, answer });
        Box::pin(async move {
            sent.ok()?;
            let answer = answered.await.ok();
            if let Some(written) = written {
                written.notify_one();
            }
            answer
        })
    }
}

/// Creates both ends of the queue. It needs no limit, because it contains only requests whose callers wait for an
/// answer.
pub(super) fn queue() -> (Caller, mpsc::UnboundedReceiver<Call>) {
    let (sender, receiver) = mpsc::unbounded_channel();
    (Caller { calls: sender, written: Arc::default() }, receiver)
}

fn is_write(operation: &str) -> bool {
    matches!(operation, "BatchWriteItem" | "DeleteItem" | "PutItem" | "TransactWriteItems" | "UpdateItem")
}

/// Runs calls until all senders are dropped.
pub(super) async fn serve(database: Database, mut calls: mpsc::UnboundedReceiver<Call>) {
    while let Some(call) = calls.recv().await {
        let database = database.clone();
        // Each call has its own task, so that a panic ends only this call. Its caller then gets no answer.
        tokio::spawn(async move {
            let answer = answer(&database, &call.operation, &call.body);
            // Sending fails if the caller has stopped waiting. The operation has taken effect anyway.
            drop(call.answer.send(answer));
        });
    }
}

pub(super) fn answer(database: &Database, operation: &str, body: &[u8]) -> Answer {
    run(database, operation, body)
        .unwrap_or_else(|error| Answer::Json { status: error.status_code(), body: error.to_json() })
}

/// Runs an operation. It supports only the operations that the store and the reader of the stream use, and `Scan` for
/// checks of the whole table.
fn run(database: &Database, operation: &str, body: &[u8]) -> dynoxide::Result<Answer> {
    match operation {
        "BatchGetItem" => typed(body, |request| database.batch_get_item(request)),
        "BatchWriteItem" => typed(body, |request| database.batch_write_item(request)),
        "CreateTable" => typed(body, |request| database.create_table(request)),
        "DeleteItem" => typed(body, |request| database.delete_item(request)),
        "DescribeStream" => typed(body, |request| database.describe_stream(request)),
        "DescribeTable" => typed(body, |request| database.describe_table(request)),
        "GetItem" => typed(body, |request| database.get_item(request)),
        "GetRecords" => typed(body, |request| database.get_records(request)),
        "GetShardIterator" => typed(body, |request| database.get_shard_iterator(request)),
        "PutItem" => typed(body, |request| database.put_item(request)),
        "Query" => query(database, body),
        "Scan" => typed(body, |request| database.scan(request)),
        "TransactWriteItems" => typed(body, |request| database.transact_write_items(request)),
        "UpdateItem" => typed(body, |request| database.update_item(request)),
        "UpdateTimeToLive" => typed(body, |request| database.update_time_to_live(request)),
        other => Err(DynoxideError::ValidationException(format!("calls of this process cannot run {other}"))),
    }
}

fn typed<Q: DeserializeOwned, A: Serialize>(
    body: &[u8],
    call: impl FnOnce(Q) -> dynoxide::Result<A>,
) -> dynoxide::Result<Answer> {
    json(&call(request(body)?)?)
}

/// Pages of queries are passed on as values, unless the request asks for the consumed capacity as well.
fn query(database: &Database, body: &[u8]) -> dynoxide::Result<Answer> {
    let response = database.query(request(body)?)?;
    if response.consumed_capacity.is_some() {
        return json(&response);
    }
    Ok(Answer::Queried(values::queried(response)))
}

fn request<Q: DeserializeOwned>(body: &[u8]) -> dynoxide::Result<Q> {
    serde_json::from_slice(body).map_err(|error| DynoxideError::SerializationException(error.to_string()))
}

fn json(answer: &impl Serialize) -> dynoxide::Result<Answer> {
    let body = serde_json::to_string(answer)
        .map_err(|error| DynoxideError::InternalServerError(error.to_string()))?;
    Ok(Answer::Json { status: 200, body })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::{Value, json};
    use shared::store::EngineItem;

    use super::super::{Engine as Running, Storage};
    use super::*;

    /// Returns operations on a table: successful ones, and failures of each kind that the store distinguishes.
    fn script() -> Vec<(&'static str, Value)> {
        let key = json!({"pk": {"S": "a"}, "sk": {"S": "1"}});
        let item = json!({
            "pk": {"S": "a"}, "sk": {"S": "1"}, "n": {"N": "1"}, "text": {"S": "ü\u{0}\""}, "bytes": {"B": "AQI="},
            "is": {"BOOL": true}, "nothing": {"NULL": true}, "texts": {"SS": ["b", "a"]},
            "numbers": {"NS": ["10", "9"]}, "all_bytes": {"BS": ["Ag==", "AQ=="]},
            "list": {"L": [{"S": "x"}, {"M": {"k": {"BOOL": false}}}]}, "map": {"M": {"k": {"L": []}}},
        });
        let put = json!({
            "TableName": "things", "Item": item, "ConditionExpression": "attribute_not_exists(pk)",
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD", "ReturnConsumedCapacity": "TOTAL",
        });
        let transaction = json!({"TransactItems": [{"Put": {
            "TableName": "things", "Item": item, "ConditionExpression": "attribute_not_exists(pk)",
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }}]});
        let update = |value: &str| {
            json!({
                "TableName": "things", "Key": key, "UpdateExpression": "SET n = :n", "ReturnValues": "ALL_NEW",
                "ConditionExpression": "n < :n", "ExpressionAttributeValues": {":n": {"N": value}},
            })
        };
        let query = |metered: bool, select: &str| {
            json!({
                "TableName": "things", "KeyConditionExpression": "pk = :pk", "ConsistentRead": true, "Limit": 1,
                "ScanIndexForward": false, "ExpressionAttributeValues": {":pk": {"S": "a"}}, "Select": select,
                "ReturnConsumedCapacity": if metered { "TOTAL" } else { "NONE" },
            })
        };
        vec![
            ("PutItem", put.clone()),
            ("PutItem", put),
            ("TransactWriteItems", transaction),
            ("GetItem", json!({"TableName": "things", "Key": key, "ReturnConsumedCapacity": "TOTAL"})),
            ("UpdateItem", update("2")),
            ("UpdateItem", update("2")),
            ("UpdateItem", json!({"TableName": "things", "Key": key, "UpdateExpression": "SET n ="})),
            ("Query", query(true, "ALL_ATTRIBUTES")),
            ("Query", query(false, "ALL_ATTRIBUTES")),
            ("Query", query(false, "COUNT")),
            ("Query", json!({"TableName": "things"})),
            ("BatchGetItem", json!({"RequestItems": {"things": {"Keys": [key]}}})),
            ("BatchWriteItem", json!({"RequestItems": {"things": [{"DeleteRequest": {"Key": key}}]}})),
            ("DeleteItem", json!({"TableName": "things", "Key": key, "ReturnValues": "ALL_OLD"})),
            ("GetItem", json!({"TableName": "nothing", "Key": key})),
            ("GetItem", json!({"TableName": "things", "Key": {"pk": {"S": "a"}}})),
        ]
    }

    fn table() -> Value {
        json!({
            "TableName": "things", "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": [
                {"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"},
            ],
            "AttributeDefinitions": [
                {"AttributeName": "pk", "AttributeType": "S"}, {"AttributeName": "sk", "AttributeType": "S"},
            ],
        })
    }

    /// Sends an operation to the engine's server.
    async fn over_http(address: std::net::SocketAddr, operation: &str, body: &Value) -> (u16, Value) {
        use std::io::{Read as _, Write as _};
        let body = body.to_string();
        let request = format!(
            "POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/x-amz-json-1.0\r\n\
             x-amz-target: DynamoDB_20120810.{operation}\r\nx-amz-date: 20260101T000000Z\r\n\
             authorization: AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/dynamodb/aws4_request, \
             SignedHeaders=host, Signature=0\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        tokio::task::spawn_blocking(move || {
            let mut connection = std::net::TcpStream::connect(address).unwrap();
            connection.write_all(request.as_bytes()).unwrap();
            let mut answer = String::new();
            connection.read_to_string(&mut answer).unwrap();
            let (head, body) = answer.split_once("\r\n\r\n").unwrap();
            let status = head.split(' ').nth(1).unwrap().parse().unwrap();
            (status, serde_json::from_str(body).unwrap())
        })
        .await
        .unwrap()
    }

    /// The answer as the engine's server sends it.
    fn as_sent(answer: Answer) -> (u16, Value) {
        let page = match answer {
            Answer::Json { status, body } => return (status, serde_json::from_str(&body).unwrap()),
            Answer::Queried(page) => page,
        };
        let item = |item: EngineItem| item.into_iter().collect::<BTreeMap<_, _>>();
        let mut sent = json!({"Count": page.count, "ScannedCount": page.scanned_count});
        if let Some(items) = page.items {
            sent["Items"] = json!(items.into_iter().map(item).collect::<Vec<_>>());
        }
        if let Some(key) = page.last_evaluated_key {
            sent["LastEvaluatedKey"] = json!(item(key));
        }
        (200, sent)
    }

    #[tokio::test]
    async fn calls_are_answered_as_over_http() {
        let start = || Running::start(Storage::Temporary).unwrap();
        let (direct, served) = (start(), start());
        let caller = direct.caller.clone();
        let call = async |operation: &str, body: &Value| {
            let answer = caller.run(operation.into(), body.to_string().into()).await.unwrap();
            as_sent(answer)
        };
        assert_eq!(call("CreateTable", &table()).await.0, 200);
        assert_eq!(over_http(served.address, "CreateTable", &table()).await.0, 200);
        let mut statuses = Vec::new();
        for (operation, body) in script() {
            let answer = call(operation, &body).await;
            assert_eq!(answer, over_http(served.address, operation, &body).await, "{operation} {body}");
            statuses.push(answer.0);
        }
        let expected = [200, 400, 400, 200, 200, 400, 400, 200, 200, 200, 400, 200, 200, 200, 400, 400];
        assert_eq!(statuses, expected);
    }

    #[tokio::test]
    async fn an_engine_that_has_stopped_answers_nothing() {
        let engine = Running::start(Storage::Temporary).unwrap();
        let caller = engine.caller.clone();
        engine.stop().await;
        assert_eq!(caller.run("ListTables".into(), b"{}".to_vec()).await, None);
    }
}
