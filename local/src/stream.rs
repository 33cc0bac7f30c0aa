//! The stream of the table, as Lambda reads it for `deliver`
//! (<https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html>): in batches, in the order of each shard, at least once.
//! After a failure, the same records come again. The filters and the numbers are those of `template.yaml`.
//!
//! It works with the embedded engine and with DynamoDB Local. On AWS, Lambda does this work.

mod batch;
mod checkpoint;
mod dynamo;
mod filter;
mod queue_service;
mod queues;
mod shards;

use std::sync::Arc;
use std::time::Duration;

use shared::clock::Clock;
use shared::realtime::Queue;
use tokio::sync::Notify;

pub use checkpoint::Checkpoint;
pub use dynamo::{Dynamo, DynamoError, Embedded, OverHttp};
pub use filter::{Filter, FilterError};
pub use queue_service::QueueService;
pub use queues::{DeadLetters, LocalQueue};

use crate::function::Function;
use crate::template::EventSource;
use batch::Worker;
use shards::Shards;

/// The time between two deletions of old records of the embedded engine.
const TRIM_EVERY: Duration = Duration::from_hours(1);

/// The waiting time after the stream could not be read.
const PAUSE: Duration = Duration::from_secs(1);

/// The waiting times of a pump.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// The time after which the stream is read again, even if no write was reported.
    pub poll: Duration,
    /// The time before the first repetition of a batch that has failed. It doubles with each repetition, up to 64 times.
    pub backoff: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self { poll: Duration::from_millis(100), backoff: Duration::from_millis(100) }
    }
}

/// The function that gets the records, and the settings of its event source.
#[derive(Debug)]
pub struct Consumer {
    /// The function, which is `deliver`.
    pub function: Arc<dyn Function>,
    /// The settings in the template.
    pub source: EventSource,
    /// The queue of records that Lambda has given up.
    pub dead_letters: Arc<dyn Queue>,
    /// The clock that decides the age of records.
    pub clock: Clock,
}

/// Reads the stream of one table and gives the records to a function.
#[derive(Debug)]
pub struct Pump {
    dynamo: Arc<dyn Dynamo>,
    table: String,
    shards: Shards,
    worker: Worker,
    checkpoint: Checkpoint,
    pace: Pace,
}

impl Pump {
    /// Creates a pump that begins at the checkpoint. An invalid filter in the settings is an error.
    pub fn new(
        dynamo: Arc<dyn Dynamo>,
        table: &str,
        consumer: Consumer,
        checkpoint: Checkpoint,
        pace: Pace,
    ) -> Result<Self, FilterError> {
        let shards = Shards::new(Arc::clone(&dynamo), table);
        let worker = Worker::new(consumer, pace.backoff)?;
        Ok(Self { dynamo, table: table.to_owned(), shards, worker, checkpoint, pace })
    }

    /// Gives all records that are there to the function. Returns their number, without those that the filters exclude.
    /// It waits until the function has accepted them.
    pub async fn drain(&mut self) -> Result<usize, DynamoError> {
        let mut count = 0;
        loop {
            let turn = self.turn().await?;
            count += turn.delivered;
            if turn.is_idle {
                return Ok(count);
            }
        }
    }

    /// Reads each shard once.
    async fn turn(&mut self) -> Result<Turn, DynamoError> {
        let mut turn = Turn { delivered: 0, is_idle: true };
        for shard in self.shards.ready(&mut self.checkpoint).await? {
            let page = self.shards.read(&shard, &self.checkpoint).await?;
            turn.is_idle &= page.records.is_empty() && !page.is_last;
            turn.delivered += self.worker.deliver(&shard, &page.records, &mut self.checkpoint).await;
            if page.is_last {
                self.checkpoint.end(&shard);
            }
        }
        Ok(turn)
    }

    /// Works until the future is dropped. `written` wakes it after a write, so that it does not wait for the next poll.
    pub async fn run(mut self, written: Arc<Notify>) {
        let mut trim_at = tokio::time::Instant::now();
        loop {
            if trim_at <= tokio::time::Instant::now() {
                trim_at += TRIM_EVERY;
                self.trim().await;
            }
            let drained = self.drain().await;
            let wait = drained.as_ref().map_or(PAUSE, |_| self.pace.poll);
            if let Err(error) = drained {
                tracing::warn!(%error, "the stream could not be read");
            }
            // Both ends lead to the next read.
            let _ = tokio::time::timeout(wait, written.notified()).await;
        }
    }

    /// Deletes the records that DynamoDB would have deleted: those that are older than a day. Records that were not
    /// delivered stay, unless the stream was never read.
    async fn trim(&mut self) {
        let through = match self.shards.ready(&mut self.checkpoint).await {
            Ok(shards) => shards.iter().find_map(|shard| self.checkpoint.last(shard)),
            Err(error) => return tracing::warn!(%error, "the stream could not be read"),
        };
        match self.dynamo.trim(&self.table, through).await {
            Ok(0) => {}
            Ok(deleted) => tracing::debug!(deleted, "deleted old records of the stream"),
            Err(error) => tracing::warn!(%error, "old records of the stream could not be deleted"),
        }
    }
}

/// The result of reading each shard once.
struct Turn {
    delivered: usize,
    /// True if no shard had a record.
    is_idle: bool,
}

#[cfg(test)]
mod tests;
