//! An engine in memory that answers on the thread of its caller, for simulations. It has no server and no file.

use std::fmt;
use std::sync::Arc;

use dynoxide::Database;
use dynoxide::storage_backend::Clock;
use serde_json::{Value, json};
use shared::store::Answer;

use super::calls;
use crate::check::{self, Item};

/// An engine in memory. Its data ends with it. Clones share the data.
#[derive(Clone)]
pub struct InMemory(Database);

impl fmt::Debug for InMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InMemory")
    }
}

/// A clock that stands still, so that no answer depends on the time of the machine.
struct Fixed(u64);

impl Clock for Fixed {
    fn now_unix_secs(&self) -> u64 {
        self.0
    }

    #[allow(clippy::cast_precision_loss, reason = "seconds of this century fit into 53 bits")]
    fn now_unix_secs_f64(&self) -> f64 {
        self.0 as f64
    }
}

impl InMemory {
    /// Creates an empty engine. `seconds` is its time for good, in seconds since 1970. Fails with the engine's reason.
    pub fn new(seconds: u64) -> Result<Self, String> {
        Database::memory_with_clock(Arc::new(Fixed(seconds))).map(Self).map_err(|error| error.to_string())
    }

    /// Runs one operation, for example `PutItem`, on a JSON body in the format of DynamoDB.
    #[must_use]
    pub fn answer(&self, operation: &str, body: &[u8]) -> Answer {
        calls::answer(&self.0, operation, body)
    }

    /// Returns all items of a table, with plain JSON values.
    #[must_use]
    pub fn items(&self, table: &str) -> Vec<Item> {
        let (mut items, mut start) = (Vec::new(), Value::Null);
        loop {
            let mut scan = json!({ "TableName": table });
            if !start.is_null() {
                scan["ExclusiveStartKey"] = start;
            }
            let answer = calls::answer(&self.0, "Scan", scan.to_string().as_bytes());
            let Answer::Json { body, .. } = answer else {
                return items;
            };
            let page: Value = serde_json::from_str(&body).unwrap_or_default();
            items.extend(page["Items"].as_array().into_iter().flatten().map(check::plain));
            start = page["LastEvaluatedKey"].clone();
            if start.is_null() {
                return items;
            }
        }
    }
}
