//! The shards of a stream. A shard is read after its parent has ended, so that the records of an item keep their order.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::checkpoint::Checkpoint;
use super::dynamo::{Dynamo, DynamoError};

/// The maximum number of records of one read.
const PAGE: usize = 1000;

/// A reader of the stream of one table.
#[derive(Debug)]
pub(super) struct Shards {
    dynamo: Arc<dyn Dynamo>,
    table: String,
    stream: Option<String>,
    /// The known shards in the order in which DynamoDB lists them, with their parents.
    known: Vec<(String, Option<String>)>,
    /// The positions of the next reads. They expire, and are then made again from the checkpoint.
    iterators: HashMap<String, String>,
}

/// The records of one read.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) records: Vec<Value>,
    /// True if the shard is closed and has no further records.
    pub(super) is_last: bool,
}

impl Shards {
    pub(super) fn new(dynamo: Arc<dyn Dynamo>, table: &str) -> Self {
        let (known, iterators) = (Vec::new(), HashMap::new());
        Self { dynamo, table: table.to_owned(), stream: None, known, iterators }
    }

    /// Returns the shards to read now. It lists the shards at the start, and again when one has ended: others follow it.
    pub(super) async fn ready(&mut self, checkpoint: &mut Checkpoint) -> Result<Vec<String>, DynamoError> {
        let has_ended = |(id, _): &(String, Option<String>)| {
            checkpoint.is_at_end(id) && self.iterators.contains_key(id.as_str())
        };
        if self.known.is_empty() || self.known.iter().any(has_ended) {
            self.list().await?;
            let stream = self.stream.clone().unwrap_or_default();
            checkpoint.keep_only(&stream, self.known.iter().map(|(id, _)| id.as_str()));
            self.iterators.retain(|id, _| !checkpoint.is_at_end(id));
        }
        let is_done = |parent: &Option<String>| {
            let known = |parent: &String| self.known.iter().any(|(id, _)| id == parent);
            parent.as_ref().is_none_or(|parent| !known(parent) || checkpoint.is_at_end(parent))
        };
        let ready = self.known.iter().filter(|(id, parent)| !checkpoint.is_at_end(id) && is_done(parent));
        Ok(ready.map(|(id, _)| id.clone()).collect())
    }

    async fn list(&mut self) -> Result<(), DynamoError> {
        let table = self.dynamo.call("DescribeTable", json!({ "TableName": self.table })).await?;
        let stream = table["Table"]["LatestStreamArn"].as_str().unwrap_or_default().to_owned();
        let (mut shards, mut start) = (Vec::new(), Value::Null);
        loop {
            let mut request = json!({ "StreamArn": stream });
            if !start.is_null() {
                request["ExclusiveStartShardId"] = start;
            }
            let answer = self.dynamo.call("DescribeStream", request).await?;
            let description = &answer["StreamDescription"];
            shards.extend(description["Shards"].as_array().into_iter().flatten().map(|shard| {
                let text = |name: &str| shard[name].as_str().map(str::to_owned);
                (text("ShardId").unwrap_or_default(), text("ParentShardId"))
            }));
            start = description["LastEvaluatedShardId"].clone();
            if start.is_null() {
                break;
            }
        }
        (self.stream, self.known) = (Some(stream), shards);
        Ok(())
    }

    /// Reads the next records of a shard.
    pub(super) async fn read(&mut self, shard: &str, checkpoint: &Checkpoint) -> Result<Page, DynamoError> {
        let iterator = match self.iterators.get(shard) {
            Some(iterator) => iterator.clone(),
            None => self.iterator(shard, checkpoint).await?,
        };
        // If the read fails, the next one begins at the checkpoint again.
        self.iterators.remove(shard);
        let mut page = self
            .dynamo
            .call("GetRecords", json!({ "ShardIterator": iterator, "Limit": PAGE }))
            .await
            .inspect_err(|_| self.known.clear())?;
        let next = page["NextShardIterator"].as_str().map(str::to_owned);
        let is_last = next.is_none();
        self.iterators.insert(shard.to_owned(), next.unwrap_or_default());
        let Value::Array(mut records) = page["Records"].take() else {
            return Ok(Page { records: Vec::new(), is_last });
        };
        for record in &mut records {
            record["eventSourceARN"] = self.stream.clone().into();
        }
        Ok(Page { records, is_last })
    }

    async fn iterator(&self, shard: &str, checkpoint: &Checkpoint) -> Result<String, DynamoError> {
        let mut request = json!({
            "StreamArn": self.stream, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON",
        });
        if let Some(number) = checkpoint.last(shard) {
            request["ShardIteratorType"] = "AFTER_SEQUENCE_NUMBER".into();
            request["SequenceNumber"] = number.into();
        }
        let answer = match self.dynamo.call("GetShardIterator", request.clone()).await {
            // The records after the checkpoint were deleted after a day.
            Err(error) if error.code == "TrimmedDataAccessException" => {
                tracing::warn!(shard, "records of the stream were deleted before they were delivered");
                request["ShardIteratorType"] = "TRIM_HORIZON".into();
                if let Some(request) = request.as_object_mut() {
                    request.remove("SequenceNumber");
                }
                self.dynamo.call("GetShardIterator", request).await?
            }
            answer => answer?,
        };
        Ok(answer["ShardIterator"].as_str().unwrap_or_default().to_owned())
    }
}
