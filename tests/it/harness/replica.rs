//! A second table that is always one write behind: each write that succeeded is repeated there when the next one has, until
//! it is told to stop.

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;
use tokio::sync::Mutex;

use super::{call::Call, table::Endpoint};

/// The table's past.
pub struct Replica {
    endpoint: Endpoint,
    table: String,
    name: String,
    /// The last write, which the replica has not seen yet.
    pending: Mutex<Option<(String, Vec<u8>)>>,
    stopped: AtomicBool,
}

impl Replica {
    /// A replica of `table` in the empty table `name` on the same endpoint.
    pub fn new(endpoint: Endpoint, table: &str, name: &str) -> Self {
        let (pending, stopped) = (Mutex::default(), AtomicBool::default());
        Self { endpoint, table: table.to_owned(), name: name.to_owned(), pending, stopped }
    }

    /// Repeats nothing any more: all that is written from now on is missing here.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::SeqCst);
    }

    /// Answers from before the last write.
    pub async fn read(&self, call: &Call, body: Vec<u8>) -> (u16, Vec<u8>) {
        let (status, answer) = self.send(&call.name, &body).await;
        (status, renamed(&answer, &self.name, &self.table))
    }

    /// Passes a write on to the table, one at a time, so that the replica sees them in their order.
    pub async fn write(&self, call: &Call, body: Vec<u8>, upstream: &Endpoint) -> (u16, Vec<u8>) {
        let mut pending = self.pending.lock().await;
        let (status, answer) = upstream.send(&call.name, body.clone()).await;
        if status == 200
            && !self.stopped.load(Ordering::SeqCst)
            && let Some((name, before)) = pending.replace((call.name.clone(), body))
        {
            let (status, answer) = self.send(&name, &before).await;
            assert_eq!(status, 200, "replica: {}", String::from_utf8_lossy(&answer));
        }
        (status, answer)
    }

    async fn send(&self, operation: &str, body: &[u8]) -> (u16, Vec<u8>) {
        let mut body: Value = serde_json::from_slice(body).unwrap();
        // A token names one transaction: here it would be refused as another one's.
        body.as_object_mut().unwrap().remove("ClientRequestToken");
        let body = renamed(body.to_string().as_bytes(), &self.table, &self.name);
        self.endpoint.send(operation, body).await
    }
}

/// Table names of tests are random and long enough to be replaced as text.
fn renamed(body: &[u8], from: &str, to: &str) -> Vec<u8> {
    String::from_utf8_lossy(body).replace(from, to).into_bytes()
}
