//! The table through the protocol of `DynamoDB`, without the store and the proxy. Tests use it to inspect items, and to
//! write items of an earlier release or damaged items.
//!
//! ```rust
//! let meta = app.table.get(&format!("CONV#{conversation}"), "META").await.unwrap();
//! assert_eq!(number(&meta, "participant_count"), 2);
//! ```

use serde_json::{Map, Value, json};

/// A header with any credentials. A local engine requires the header but does not verify the signature.
const AUTHORIZATION: &str = "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/dynamodb/aws4_request, \
                             SignedHeaders=host;x-amz-date;x-amz-target, Signature=00";

/// A `DynamoDB` endpoint, without the SDK.
#[derive(Clone)]
pub struct Endpoint {
    address: String,
    http: reqwest::Client,
}

impl Endpoint {
    pub fn new(address: &str) -> Self {
        Self { address: address.to_owned(), http: reqwest::Client::new() }
    }

    /// Returns the address of the engine.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Sends a request unchanged. Returns the status and the body of the answer.
    pub async fn send(&self, operation: &str, body: Vec<u8>) -> (u16, Vec<u8>) {
        let request = self
            .http
            .post(&self.address)
            .header("content-type", "application/x-amz-json-1.0")
            .header("x-amz-target", format!("DynamoDB_20120810.{operation}"))
            .header("x-amz-date", "20260101T000000Z")
            .header("authorization", AUTHORIZATION)
            .body(body);
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        (status, response.bytes().await.unwrap().to_vec())
    }

    /// Sends a request that must succeed.
    pub async fn call(&self, operation: &str, body: &Value) -> Value {
        let (status, answer) = self.send(operation, body.to_string().into_bytes()).await;
        assert_eq!(status, 200, "{operation}: {}", String::from_utf8_lossy(&answer));
        serde_json::from_slice(&answer).unwrap()
    }
}

/// A table on an endpoint.
#[derive(Clone)]
pub struct Table {
    pub endpoint: Endpoint,
    pub name: String,
}

/// An item with plain values: `{"pk": "USER#…", "version": 1}`.
pub type Item = Map<String, Value>;

impl Table {
    pub fn new(endpoint: Endpoint, name: &str) -> Self {
        Self { endpoint, name: name.to_owned() }
    }

    /// Returns all items, ordered by key.
    pub async fn items(&self) -> Vec<Item> {
        let mut items: Vec<Item> = Vec::new();
        let mut start = Value::Null;
        loop {
            let mut request = json!({ "TableName": self.name, "ConsistentRead": true });
            if !start.is_null() {
                request["ExclusiveStartKey"] = start;
            }
            let answer = self.endpoint.call("Scan", &request).await;
            items.extend(answer["Items"].as_array().unwrap().iter().map(plain_item));
            start = answer["LastEvaluatedKey"].clone();
            if start.is_null() {
                break;
            }
        }
        items.sort_by_key(|item| (text(item, "pk"), text(item, "sk")));
        items
    }

    /// Returns the items of one partition, ordered by sort key.
    pub async fn partition(&self, pk: &str) -> Vec<Item> {
        let items = self.items().await;
        items.into_iter().filter(|item| text(item, "pk") == pk).collect()
    }

    pub async fn get(&self, pk: &str, sk: &str) -> Option<Item> {
        let key = json!({ "pk": { "S": pk }, "sk": { "S": sk } });
        let request = json!({ "TableName": self.name, "Key": key, "ConsistentRead": true });
        let answer = self.endpoint.call("GetItem", &request).await;
        answer.get("Item").map(plain_item)
    }

    /// Writes an item with plain values. An existing item is replaced.
    pub async fn put(&self, item: &Value) {
        let item: Map<String, Value> =
            item.as_object().unwrap().iter().map(|(name, value)| (name.clone(), typed(value))).collect();
        let request = json!({ "TableName": self.name, "Item": item });
        self.endpoint.call("PutItem", &request).await;
    }

    /// Sets an attribute of an existing item, without any condition.
    pub async fn set(&self, pk: &str, sk: &str, name: &str, value: Value) {
        let mut item = self.get(pk, sk).await.unwrap();
        item.insert(name.to_owned(), value);
        self.put(&item.into()).await;
    }

    /// Deletes an item, without any condition.
    pub async fn remove(&self, pk: &str, sk: &str) {
        let key = json!({ "pk": { "S": pk }, "sk": { "S": sk } });
        let request = json!({ "TableName": self.name, "Key": key });
        self.endpoint.call("DeleteItem", &request).await;
    }

    /// Writes many items, 25 in each request.
    pub async fn put_all(&self, items: &[Value]) {
        for batch in items.chunks(25) {
            let puts: Vec<Value> = batch
                .iter()
                .map(|item| {
                    let item: Map<String, Value> = item
                        .as_object()
                        .unwrap()
                        .iter()
                        .map(|(name, value)| (name.clone(), typed(value)))
                        .collect();
                    json!({ "PutRequest": { "Item": item } })
                })
                .collect();
            let request = json!({ "RequestItems": { self.name.as_str(): puts } });
            let answer = self.endpoint.call("BatchWriteItem", &request).await;
            let rest = answer["UnprocessedItems"].as_object();
            assert!(rest.is_none_or(Map::is_empty), "{rest:?}");
        }
    }
}

/// Returns a text attribute; empty if it is absent.
pub fn text(item: &Item, name: &str) -> String {
    item.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// Returns a number attribute; zero if it is absent.
pub fn number(item: &Item, name: &str) -> u64 {
    item.get(name).and_then(Value::as_u64).unwrap_or_default()
}

fn plain_item(item: &Value) -> Item {
    let attributes = item.as_object().unwrap().iter();
    attributes.map(|(name, value)| (name.clone(), plain(value))).collect()
}

/// Converts the typed JSON of `DynamoDB` to plain JSON.
fn plain(value: &Value) -> Value {
    let (kind, inner) = value.as_object().unwrap().iter().next().unwrap();
    match kind.as_str() {
        "S" | "BOOL" | "B" | "SS" => inner.clone(),
        "N" => serde_json::from_str(inner.as_str().unwrap()).unwrap(),
        "NULL" => Value::Null,
        "L" => inner.as_array().unwrap().iter().map(plain).collect(),
        "M" => Value::Object(plain_item(inner)),
        other => panic!("the tests do not support attributes of type {other}"),
    }
}

/// Converts plain JSON to the typed JSON of `DynamoDB`.
pub fn typed(value: &Value) -> Value {
    match value {
        Value::Null => json!({ "NULL": true }),
        Value::Bool(value) => json!({ "BOOL": value }),
        Value::Number(value) => json!({ "N": value.to_string() }),
        Value::String(value) => json!({ "S": value }),
        Value::Array(values) => json!({ "L": values.iter().map(typed).collect::<Vec<_>>() }),
        Value::Object(fields) => {
            let fields: Map<String, Value> =
                fields.iter().map(|(name, value)| (name.clone(), typed(value))).collect();
            json!({ "M": fields })
        }
    }
}
