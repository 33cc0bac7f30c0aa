//! A call of the AWS SDK as the proxy receives it, and predicates on calls. The predicates select the calls of a fault.
//!
//! ```rust
//! on(Put).of("MSG#") // puts of messages
//! writes()           // every call that writes
//! ```

use serde_json::{Value, json};

/// The operation of a call: one variant for each operation that the store uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    Get,
    BatchGet,
    Query,
    Put,
    Update,
    Delete,
    BatchWrite,
    Transact,
    /// Creating and describing the table.
    Other,
}

/// One call of the SDK.
#[derive(Debug, Clone)]
pub struct Call {
    pub operation: Operation,
    /// The name of the operation in the protocol, such as `PutItem`.
    pub name: String,
    /// The sort keys in the call; for a query, every text value of its condition.
    pub keys: Vec<String>,
    pub body: Value,
}

impl Call {
    pub fn parse(name: &str, body: &[u8]) -> Self {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let operation = match name {
            "GetItem" => Operation::Get,
            "BatchGetItem" => Operation::BatchGet,
            "Query" => Operation::Query,
            "PutItem" => Operation::Put,
            "UpdateItem" => Operation::Update,
            "DeleteItem" => Operation::Delete,
            "BatchWriteItem" => Operation::BatchWrite,
            "TransactWriteItems" => Operation::Transact,
            _ => Operation::Other,
        };
        let mut keys = Vec::new();
        if operation == Operation::Query {
            let values = body["ExpressionAttributeValues"].as_object();
            keys.extend(
                values.into_iter().flatten().filter_map(|(_, value)| Some(value["S"].as_str()?.to_owned())),
            );
        } else {
            collect_keys(&body, &mut keys);
        }
        Self { operation, name: name.to_owned(), keys, body }
    }

    pub fn writes(&self) -> bool {
        use Operation::{BatchWrite, Delete, Put, Transact, Update};
        matches!(self.operation, Put | Update | Delete | BatchWrite | Transact)
    }

    pub fn reads(&self) -> bool {
        matches!(self.operation, Operation::Get | Operation::BatchGet | Operation::Query)
    }

    /// Returns true if the answer may miss the last write: every read of an index, and every read without
    /// `ConsistentRead`.
    pub fn may_be_stale(&self) -> bool {
        if !self.reads() || self.body.get("IndexName").is_some() {
            return self.reads();
        }
        match self.operation {
            Operation::BatchGet => {
                let tables = self.body["RequestItems"].as_object();
                tables.into_iter().flatten().any(|(_, wanted)| wanted["ConsistentRead"] != json!(true))
            }
            _ => self.body["ConsistentRead"] != json!(true),
        }
    }

    /// Returns a text for the message of a failed test: `Put MSG#0000000000001`.
    pub fn describe(&self) -> String {
        let mut keys = self.keys.clone();
        keys.truncate(8);
        let strong = if self.reads() && !self.may_be_stale() { " strong" } else { "" };
        format!("{:?}{strong} {}", self.operation, keys.join(" "))
    }
}

/// Collects `sk` of every key and item in a request.
fn collect_keys(value: &Value, keys: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            if let Some(key) = fields.get("sk").and_then(|sk| sk["S"].as_str()) {
                keys.push(key.to_owned());
                return;
            }
            fields
                .iter()
                .filter(|(name, _)| *name != "ExpressionAttributeValues")
                .for_each(|(_, value)| collect_keys(value, keys));
        }
        Value::Array(values) => values.iter().for_each(|value| collect_keys(value, keys)),
        _ => {}
    }
}

/// A predicate on calls: `on(Put).of("MSG#")`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct On {
    which: Which,
    prefix: Option<&'static str>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Which {
    Any,
    Reads,
    Writes,
    One(Operation),
}

/// Selects the calls of one operation.
pub const fn on(operation: Operation) -> On {
    On { which: Which::One(operation), prefix: None }
}

/// Selects every call except creating and describing the table.
pub const fn any() -> On {
    On { which: Which::Any, prefix: None }
}

/// Selects every call that reads.
pub const fn reads() -> On {
    On { which: Which::Reads, prefix: None }
}

/// Selects every call that writes.
pub const fn writes() -> On {
    On { which: Which::Writes, prefix: None }
}

impl On {
    /// Restricts the predicate to calls that touch a sort key with this prefix.
    pub const fn of(self, prefix: &'static str) -> Self {
        Self { which: self.which, prefix: Some(prefix) }
    }

    pub fn matches(self, call: &Call) -> bool {
        let operation = match self.which {
            Which::Any => call.operation != Operation::Other,
            Which::Reads => call.reads(),
            Which::Writes => call.writes(),
            Which::One(operation) => call.operation == operation,
        };
        operation && self.prefix.is_none_or(|prefix| call.keys.iter().any(|key| key.starts_with(prefix)))
    }
}
