//! The attribute `metadata` of an item: a text that DynamoDB does not interpret. A DynamoDB map would lose the order of
//! keys and the digits of numbers.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

use crate::model::Metadata;

#[allow(clippy::ref_option, reason = "the signature that serde asks for")]
pub(super) fn serialize<S: Serializer>(
    metadata: &Option<Metadata>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    metadata.as_ref().map(Metadata::as_str).serialize(serializer)
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Metadata>, D::Error> {
    let text: Option<String> = Option::deserialize(deserializer)?;
    text.map(Metadata::stored).transpose().map_err(D::Error::custom)
}
