//! Dead letters: records that cannot be processed, with their images and the reason, for operators.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::{
    Deliver,
    event::StreamRecord,
    fault::{Failed, Fault},
};

/// The age at which a record that still fails is put aside. Until then it holds up its shard, because the failure may pass.
const PATIENCE: TimeDelta = TimeDelta::minutes(5);

/// The maximum size of a message of a queue in bytes
/// (<https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html>: 256 KiB in older
/// queues).
const LARGEST_LETTER: usize = 256 * 1024;

impl Deliver {
    /// Puts the records that cannot be processed into the dead-letter queue. Returns the ids of the others, and of those that
    /// the queue has not accepted: Lambda repeats them. If the process ends behind the queue, the letter comes twice.
    pub(crate) async fn put_aside(&self, records: &[StreamRecord], failed: Vec<Failed>) -> Vec<String> {
        let now = self.app.clock.now();
        let mut again = Vec::new();
        for (position, record) in records.iter().enumerate() {
            let mut faults = failed.iter().filter(|failed| failed.records.contains(&position));
            let Some(first) = faults.next() else { continue };
            // A record may be part of several faults. It is put aside only if none of them can pass.
            let passing = |failed: &&Failed| !is_final(&failed.fault, record, now);
            let is_passing = passing(&first) || faults.any(|failed| passing(&failed));
            if is_passing || !self.sent_to_dead_letters(record, &first.fault).await {
                tracing::warn!(record = record.id, reason = first.fault.reason, "a record has failed");
                again.push(record.id.clone());
            }
        }
        again
    }

    async fn sent_to_dead_letters(&self, record: &StreamRecord, fault: &Fault) -> bool {
        tracing::error!(record = record.id, reason = fault.reason, "a record is a dead letter");
        match self.dead_letters.send(letter(record, fault)).await {
            Ok(()) => true,
            Err(error) => {
                tracing::error!(record = record.id, reason = %error, "a dead letter was not accepted");
                false
            }
        }
    }
}

/// Returns true if a record with this fault is not tried again.
fn is_final(fault: &Fault, record: &StreamRecord, now: DateTime<Utc>) -> bool {
    fault.is_permanent || record.written_at().is_none_or(|written_at| now - written_at >= PATIENCE)
}

/// Returns the text of a dead letter. Images that do not fit are left out, the older one first; the keys always fit.
fn letter(record: &StreamRecord, fault: &Fault) -> String {
    let mut record = record.json.clone();
    for image in ["OldImage", "NewImage"] {
        let text = json!({ "reason": fault.reason, "record": record }).to_string();
        if text.len() <= LARGEST_LETTER {
            return text;
        }
        if let Some(Value::Object(change)) = record.get_mut("dynamodb") {
            change.remove(image);
        }
    }
    json!({ "reason": fault.reason, "record": record }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(old: usize, new: usize) -> StreamRecord {
        let image = |size| json!({ "body": { "S": "x".repeat(size) } });
        let change =
            json!({ "Keys": { "pk": { "S": "a" } }, "OldImage": image(old), "NewImage": image(new) });
        StreamRecord { id: "1".to_owned(), json: json!({ "dynamodb": change }) }
    }

    #[test]
    fn a_letter_has_the_images_that_fit() {
        let images = |old, new| {
            let text = letter(&record(old, new), &Fault::permanent("memo"));
            assert!(text.len() <= LARGEST_LETTER);
            let change = &serde_json::from_str::<Value>(&text).unwrap()["record"]["dynamodb"];
            assert_eq!(change["Keys"]["pk"]["S"], "a");
            (change["OldImage"].is_object(), change["NewImage"].is_object())
        };
        assert_eq!(images(1_000, 1_000), (true, true));
        assert_eq!(images(200_000, 200_000), (false, true));
        assert_eq!(images(1_000, 300_000), (false, false));
    }

    #[test]
    fn a_fault_is_final_if_it_is_permanent_or_old() {
        let passing = Fault { reason: String::new(), is_permanent: false };
        let at = |seconds: i64| {
            let change = json!({ "ApproximateCreationDateTime": seconds });
            StreamRecord { id: "1".to_owned(), json: json!({ "dynamodb": change }) }
        };
        let now = DateTime::from_timestamp(1_000, 0).unwrap();
        assert!(!is_final(&passing, &at(701), now));
        assert!(is_final(&passing, &at(700), now));
        assert!(is_final(&passing, &record(1, 1), now), "a record without a time");
        assert!(is_final(&Fault::permanent("memo"), &at(1_000), now));
    }
}
