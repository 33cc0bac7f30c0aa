//! A second table that is always one write late. Each successful write is repeated in it when the next write has
//! succeeded, until the replica is stopped. Reads that may be stale are answered from it.

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;
use tokio::sync::Mutex;

use super::{call::Call, table::Endpoint};

/// The replica of one table.
pub struct Replica {
    endpoint: Endpoint,
    table: String,
    name: String,
    /// The last write, which the replica has not repeated yet.
    pending: Mutex<Option<(String, Vec<u8>)>>,
    stopped: AtomicBool,
}

impl Replica {
    /// Returns a replica of `table` in the empty table `name` on the same endpoint.
    pub fn new(endpoint: Endpoint, table: &str, name: &str) -> Self {
        let (pending, stopped) = (Mutex::default(), AtomicBool::default());
        Self { endpoint, table: table.to_owned(), name: name.to_owned(), pending, stopped }
    }

    /// Stops repeating writes: the replica never shows any later write.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::SeqCst);
    }

    /// Answers a read without the last write.
    pub async fn read(&self, call: &Call, body: Vec<u8>) -> (u16, Vec<u8>) {
        let (status, answer) = self.send(&call.name, &body).await;
        (status, renamed(&answer, &self.name, &self.table))
    }

    /// Forwards a write to the table. Writes are sequential, so that the replica repeats them in the same order.
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
        // A token names one transaction. The engine would refuse the same token with another table.
        body.as_object_mut().unwrap().remove("ClientRequestToken");
        let body = renamed(body.to_string().as_bytes(), &self.table, &self.name);
        self.endpoint.send(operation, body).await
    }
}

/// Replaces the name of the table. Names of tables in tests are random and long, so they occur nowhere else in the
/// text.
fn renamed(body: &[u8], from: &str, to: &str) -> Vec<u8> {
    String::from_utf8_lossy(body).replace(from, to).into_bytes()
}
