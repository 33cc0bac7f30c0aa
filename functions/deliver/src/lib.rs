//! The consumer of the table's stream, and of the queue of cleanups.

use std::sync::Arc;

use serde_json::Value;
use shared::{
    App,
    realtime::{Connections, Queue},
};

/// The state of this function.
#[derive(Debug, Clone)]
pub struct Deliver {
    /// The state that all functions share.
    pub app: App,
    /// The connections of the WebSocket API.
    pub connections: Arc<dyn Connections>,
    /// The queue of records that cannot be processed.
    pub dead_letters: Arc<dyn Queue>,
    /// The queue of cleanups. This function also consumes it.
    pub cleanups: Arc<dyn Queue>,
}

impl Deliver {
    /// Processes an event of Lambda: records of the stream, or messages of the queue of cleanups. Returns the answer to
    /// Lambda, `{"batchItemFailures": [{"itemIdentifier": …}]}`.
    pub async fn handle(&self, event: Value) -> Value {
        let records = event["Records"].as_array().map_or(0, Vec::len);
        tracing::info!(records, "event");
        serde_json::json!({"batchItemFailures": []})
    }
}
