//! The records of the table's stream
//! (<https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html>), decoded with the same items as the store's reads.

use aws_sdk_dynamodb::types::AttributeValue;
use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::{
    StoreError,
    items::{Attributes, Item},
};

/// The effect of a write on an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum RecordEvent {
    /// The item is new.
    Insert,
    /// The item was changed.
    Modify,
    /// The item was deleted.
    Remove,
}

/// One record of the stream.
#[derive(Debug)]
pub struct Record {
    /// The effect of the write on the item.
    pub event: RecordEvent,
    /// The time of the write, in whole seconds.
    pub written_at: DateTime<Utc>,
    /// The item before the write; `None` if it is new.
    pub old: Option<Item>,
    /// The item after the write; `None` if it was deleted.
    pub new: Option<Item>,
}

/// A record as Lambda passes it on.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RecordJson {
    event_name: RecordEvent,
    dynamodb: ChangeJson,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ChangeJson {
    /// Seconds since 1970.
    #[serde(default)]
    approximate_creation_date_time: f64,
    old_image: Option<serde_dynamo::Item>,
    new_image: Option<serde_dynamo::Item>,
}

impl Record {
    /// Reads a record from the JSON of a Lambda event. Fails with [`StoreError::Corrupt`] if it is not a record of this
    /// table: trying again gives the same result.
    pub fn read(json: &serde_json::Value) -> Result<Self, StoreError> {
        let json = RecordJson::deserialize(json).map_err(|error| StoreError::corrupt("record", error))?;
        #[expect(clippy::cast_possible_truncation, reason = "seconds of this century fit")]
        let seconds = json.dynamodb.approximate_creation_date_time as i64;
        Ok(Self {
            event: json.event_name,
            written_at: DateTime::from_timestamp(seconds, 0).unwrap_or_default(),
            old: item(json.dynamodb.old_image)?,
            new: item(json.dynamodb.new_image)?,
        })
    }
}

fn item(image: Option<serde_dynamo::Item>) -> Result<Option<Item>, StoreError> {
    let attributes = |item: serde_dynamo::Item| -> Attributes {
        item.into_inner().into_iter().map(|(name, value)| (name, AttributeValue::from(value))).collect()
    };
    image.map(|item| Item::decode(attributes(item))).transpose()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_record_has_the_items_of_the_store() {
        let id = "00000000-0000-4000-8000-000000000001";
        let image = json!({
            "pk": {"S": "CONV#01010101-0101-8010-8404-040000000000"},
            "sk": {"S": format!("MEMBER#{id}")},
            "item": {"S": "member"}, "role": {"S": "member"}, "joined_at": {"N": "1"}, "read": {"N": "7"},
        });
        let dynamodb = json!({"ApproximateCreationDateTime": 1_700_000_000.0, "NewImage": image});
        let record = Record::read(&json!({"eventName": "INSERT", "dynamodb": dynamodb})).unwrap();
        assert_eq!((record.event, record.written_at.timestamp()), (RecordEvent::Insert, 1_700_000_000));
        assert!(record.old.is_none());
        assert_eq!(record.new.and_then(Item::into_member).unwrap().read, 7);
    }

    #[test]
    fn another_json_is_corrupt() {
        for json in [json!({}), json!({"eventName": "INSERT", "dynamodb": {"NewImage": {"pk": 1}}})] {
            assert!(matches!(Record::read(&json), Err(StoreError::Corrupt { .. })), "{json}");
        }
    }
}
