//! The table as `DynamoDB`'s own protocol shows it, past the store: what tests look into, and put items into that a
//! previous release wrote.

use serde_json::{Map, Value, json};

/// Any credentials do for an engine on this machine; no signature is verified, but the header must be there.
const AUTHORIZATION: &str = "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/dynamodb/aws4_request, \
                             SignedHeaders=host;x-amz-date;x-amz-target, Signature=00";

/// A `DynamoDB` endpoint, spoken to directly.
#[derive(Clone)]
pub struct Endpoint {
    address: String,
    http: reqwest::Client,
}

impl Endpoint {
    pub fn new(address: &str) -> Self {
        Self { address: address.to_owned(), http: reqwest::Client::new() }
    }

    /// Sends a request as it is; status and body of what comes back.
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

    /// A request that must succeed.
    pub async fn call(&self, operation: &str, body: &Value) -> Value {
        let (status, answer) = self.send(operation, body.to_string().into_bytes()).await;
        assert_eq!(status, 200, "{operation}: {}", String::from_utf8_lossy(&answer));
        serde_json::from_slice(&answer).unwrap()
    }
}

/// One table.
#[derive(Clone)]
pub struct Table {
    endpoint: Endpoint,
    pub name: String,
}

/// An item with plain values: `{"pk": "USER#…", "version": 1}`.
pub type Item = Map<String, Value>;

impl Table {
    pub fn new(endpoint: Endpoint, name: &str) -> Self {
        Self { endpoint, name: name.to_owned() }
    }

    /// Every item, by key.
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

    /// How many items there are.
    pub async fn count(&self) -> usize {
        let request = json!({ "TableName": self.name, "ConsistentRead": true, "Select": "COUNT" });
        let answer = self.endpoint.call("Scan", &request).await;
        assert!(answer.get("LastEvaluatedKey").is_none(), "more than one page");
        usize::try_from(answer["Count"].as_u64().unwrap()).unwrap()
    }

    /// Items of one partition, in the order of their sort keys.
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

    /// Writes an item of plain values, whatever stands there.
    pub async fn put(&self, item: &Value) {
        let item: Map<String, Value> =
            item.as_object().unwrap().iter().map(|(name, value)| (name.clone(), typed(value))).collect();
        let request = json!({ "TableName": self.name, "Item": item });
        self.endpoint.call("PutItem", &request).await;
    }

    /// Sets an attribute of an item that stands, as nothing in the application does.
    pub async fn set(&self, pk: &str, sk: &str, name: &str, value: Value) {
        let mut item = self.get(pk, sk).await.unwrap();
        item.insert(name.to_owned(), value);
        self.put(&item.into()).await;
    }

    /// Takes an item away, as nothing in the application does.
    pub async fn remove(&self, pk: &str, sk: &str) {
        let key = json!({ "pk": { "S": pk }, "sk": { "S": sk } });
        let request = json!({ "TableName": self.name, "Key": key });
        self.endpoint.call("DeleteItem", &request).await;
    }

    /// Writes many items, twenty-five to a request.
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

/// A text attribute; empty where there is none.
pub fn text(item: &Item, name: &str) -> String {
    item.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// A number attribute; zero where there is none.
pub fn number(item: &Item, name: &str) -> u64 {
    item.get(name).and_then(Value::as_u64).unwrap_or_default()
}

fn plain_item(item: &Value) -> Item {
    let attributes = item.as_object().unwrap().iter();
    attributes.map(|(name, value)| (name.clone(), plain(value))).collect()
}

/// `DynamoDB`'s typed JSON as plain JSON.
fn plain(value: &Value) -> Value {
    let (kind, inner) = value.as_object().unwrap().iter().next().unwrap();
    match kind.as_str() {
        "S" | "BOOL" | "B" | "SS" => inner.clone(),
        "N" => serde_json::from_str(inner.as_str().unwrap()).unwrap(),
        "NULL" => Value::Null,
        "L" => inner.as_array().unwrap().iter().map(plain).collect(),
        "M" => Value::Object(plain_item(inner)),
        other => panic!("an attribute of type {other}"),
    }
}

/// Plain JSON as `DynamoDB`'s typed JSON.
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
