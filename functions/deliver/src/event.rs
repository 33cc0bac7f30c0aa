//! The events of this function: batches of stream records, and batches of messages of the queue of cleanups
//! (<https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html>).

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

/// An event.
#[derive(Debug)]
pub(crate) enum Event {
    /// Records of the table's stream, in the order of their shard.
    Stream(Vec<StreamRecord>),
    /// Messages of the queue of cleanups, in no order.
    Queue(Vec<QueueMessage>),
}

/// A record of the stream that is not decoded yet.
#[derive(Debug)]
pub(crate) struct StreamRecord {
    /// The sequence number, by which a failure is reported. Empty if the record has none: Lambda then repeats the whole
    /// batch.
    pub(crate) id: String,
    /// The record as Lambda has passed it on.
    pub(crate) json: Value,
}

/// A message of the queue of cleanups.
#[derive(Debug)]
pub(crate) struct QueueMessage {
    /// The id by which a failure is reported.
    pub(crate) id: String,
    /// The text that was put into the queue.
    pub(crate) body: String,
}

impl Event {
    /// Divides an event into its records. Records of other sources are not possible in a deployment; they count as stream
    /// records, which cannot be read and go to the dead-letter queue.
    pub(crate) fn read(mut event: Value) -> Self {
        let records = match event.get_mut("Records").map(Value::take) {
            Some(Value::Array(records)) => records,
            _ => Vec::new(),
        };
        if records.first().is_some_and(|record| record["eventSource"] == "aws:sqs") {
            Self::Queue(records.iter().map(QueueMessage::read).collect())
        } else {
            Self::Stream(records.into_iter().map(StreamRecord::new).collect())
        }
    }
}

impl StreamRecord {
    fn new(json: Value) -> Self {
        Self { id: text(&json["dynamodb"]["SequenceNumber"]), json }
    }

    /// Returns the time of the write in whole seconds; `None` if the record has none.
    pub(crate) fn written_at(&self) -> Option<DateTime<Utc>> {
        let seconds = self.json["dynamodb"]["ApproximateCreationDateTime"].as_f64()?;
        #[expect(clippy::cast_possible_truncation, reason = "seconds of this century fit")]
        DateTime::from_timestamp(seconds as i64, 0)
    }
}

impl QueueMessage {
    fn read(json: &Value) -> Self {
        Self { id: text(&json["messageId"]), body: text(&json["body"]) }
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Returns the answer to Lambda. It repeats a stream from the first of these records on, and the named messages of a queue.
pub(crate) fn answer(failed: Vec<String>) -> Value {
    let failures: Vec<Value> = failed.into_iter().map(|id| json!({ "itemIdentifier": id })).collect();
    json!({ "batchItemFailures": failures })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sources_are_read() {
        let record = json!({
            "eventSource": "aws:dynamodb",
            "dynamodb": { "SequenceNumber": "7", "ApproximateCreationDateTime": 1_700_000_000.0 },
        });
        let Event::Stream(records) = Event::read(json!({ "Records": [record] })) else { panic!() };
        assert_eq!(records[0].id, "7");
        assert_eq!(records[0].written_at().unwrap().timestamp(), 1_700_000_000);
        let message = json!({ "eventSource": "aws:sqs", "messageId": "a", "body": "{}" });
        let Event::Queue(messages) = Event::read(json!({ "Records": [message] })) else { panic!() };
        assert_eq!((messages[0].id.as_str(), messages[0].body.as_str()), ("a", "{}"));
    }

    #[test]
    fn an_event_without_records_has_none() {
        for event in [json!({}), json!(null), json!({ "Records": 7 }), json!([])] {
            assert!(matches!(Event::read(event), Event::Stream(records) if records.is_empty()));
        }
        let Event::Stream(records) = Event::read(json!({ "Records": [{}] })) else { panic!() };
        assert_eq!((records[0].id.as_str(), records[0].written_at()), ("", None));
    }
}
