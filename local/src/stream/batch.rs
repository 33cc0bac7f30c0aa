//! Batches of records, and their repetition after failures
//! (<https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html>).

use std::time::Duration;

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::Consumer;
use super::checkpoint::Checkpoint;
use super::filter::{Filter, FilterError};
use crate::function::FunctionError;

/// The maximum factor by which the waiting time grows.
const SLOWEST: u32 = 64;

/// Gives records to the function, one batch at a time.
#[derive(Debug)]
pub(super) struct Worker {
    consumer: Consumer,
    filter: Filter,
    backoff: Duration,
}

/// A batch, or a part of it after a failure.
struct Piece<'a> {
    records: &'a [&'a Value],
    /// The number of invocations that have failed.
    failures: u32,
}

/// The outcome of an invocation.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Done,
    /// The function has processed the records before this index, and asks for the others again.
    Again(usize),
    /// The function has failed.
    Failed,
}

impl Worker {
    pub(super) fn new(consumer: Consumer, backoff: Duration) -> Result<Self, FilterError> {
        let filter = Filter::parse(&consumer.source.patterns)?;
        Ok(Self { consumer, filter, backoff })
    }

    /// Gives the records that pass the filters to the function, and moves the checkpoint behind all of them. Returns
    /// their number.
    pub(super) async fn deliver(&self, shard: &str, records: &[Value], checkpoint: &mut Checkpoint) -> usize {
        let wanted: Vec<&Value> = records.iter().filter(|record| self.filter.passes(record)).collect();
        for batch in wanted.chunks(self.consumer.source.batch_size.max(1)) {
            self.process(shard, batch, checkpoint).await;
        }
        // The last records may not have passed.
        if let Some(last) = records.last() {
            checkpoint.advance(shard, number_of(last));
        }
        wanted.len()
    }

    /// Repeats a batch until the function has processed or Lambda has given up each record.
    async fn process(&self, shard: &str, batch: &[&Value], checkpoint: &mut Checkpoint) {
        let mut pieces = vec![Piece { records: batch, failures: 0 }];
        while let Some(piece) = pieces.pop() {
            let (done, rest) = match self.invoke(piece.records).await {
                Outcome::Done => (piece.records, &[][..]),
                Outcome::Again(first) => piece.records.split_at(first),
                Outcome::Failed => (&[][..], piece.records),
            };
            if let Some(last) = done.last() {
                checkpoint.advance(shard, number_of(last));
            }
            if rest.is_empty() {
                continue;
            }
            let failures = if done.is_empty() { piece.failures + 1 } else { 1 };
            if self.gives_up(failures, rest) {
                self.give_up(rest).await;
                continue;
            }
            let is_split = done.is_empty() && self.consumer.source.bisects;
            let (first, second) = rest.split_at(if is_split { rest.len().div_ceil(2) } else { rest.len() });
            if !second.is_empty() {
                pieces.push(Piece { records: second, failures });
            }
            pieces.push(Piece { records: first, failures });
            tokio::time::sleep(self.backoff * 2_u32.saturating_pow(failures - 1).min(SLOWEST)).await;
        }
    }

    async fn invoke(&self, records: &[&Value]) -> Outcome {
        let answer = self.consumer.function.invoke(json!({ "Records": records })).await;
        let outcome = outcome_of(&answer, records);
        match (&answer, &outcome) {
            (Err(error), _) => {
                tracing::error!(%error, records = records.len(), "a batch of the stream has failed");
            }
            (Ok(_), Outcome::Done) => {}
            (Ok(_), _) => tracing::warn!(records = records.len(), "records of the stream are repeated"),
        }
        outcome
    }

    /// Returns true if the records are too old, or were repeated too often.
    fn gives_up(&self, failures: u32, records: &[&Value]) -> bool {
        let source = &self.consumer.source;
        let is_old = |age: TimeDelta| {
            let written = records.first().and_then(|record| {
                record["dynamodb"]["ApproximateCreationDateTime"].as_f64().map(|seconds| seconds * 1000.0)
            });
            #[expect(clippy::cast_precision_loss, reason = "milliseconds of this century fit into 53 bits")]
            let limit = (self.consumer.clock.now() - age).timestamp_millis() as f64;
            written.is_some_and(|written| written < limit)
        };
        source.retries.is_some_and(|most| failures > most) || source.max_age.is_some_and(is_old)
    }

    /// Puts the records into the queue for failures.
    async fn give_up(&self, records: &[&Value]) {
        let letter = json!({ "condition": "RetryAttemptsExhausted", "records": records });
        // The queue is a file. If it cannot be written, the log has the numbers of the records.
        let numbers: Vec<&str> = records.iter().map(|record| number_of(record)).collect();
        tracing::error!(?numbers, "records of the stream were given up");
        if let Err(error) = self.consumer.dead_letters.send(letter.to_string()).await {
            tracing::error!(%error, "records that were given up could not be kept");
        }
    }
}

fn outcome_of(answer: &Result<Value, FunctionError>, records: &[&Value]) -> Outcome {
    let failures = match answer {
        Ok(answer) => &answer["batchItemFailures"],
        Err(_) => return Outcome::Failed,
    };
    let failures = match failures {
        Value::Null => return Outcome::Done,
        Value::Array(failures) if failures.is_empty() => return Outcome::Done,
        Value::Array(failures) => failures,
        _ => return Outcome::Failed,
    };
    // Lambda repeats everything from the lowest number. An unknown number fails the whole batch.
    let place = |failure: &Value| {
        let number = failure["itemIdentifier"].as_str()?;
        records.iter().position(|record| number_of(record) == number)
    };
    let places: Option<Vec<usize>> = failures.iter().map(place).collect();
    places.and_then(|places| places.into_iter().min()).map_or(Outcome::Failed, Outcome::Again)
}

/// Returns the sequence number of a record.
pub(super) fn number_of(record: &Value) -> &str {
    record["dynamodb"]["SequenceNumber"].as_str().unwrap_or_default()
}
