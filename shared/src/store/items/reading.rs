//! Reads an item from the SDK's map of attributes in one pass. `serde_dynamo::from_item` does the same, but builds the map
//! anew twice before it reads the first attribute, which is a third of its cost.

use aws_sdk_dynamodb::types::AttributeValue;
use serde::{
    Deserialize,
    de::{IntoDeserializer, value::MapDeserializer},
};
use serde_dynamo::{Deserializer, Error};

use super::Attributes;

/// An attribute's value, which `serde_dynamo` reads.
struct Value(AttributeValue);

impl IntoDeserializer<'_, Error> for Value {
    type Deserializer = Deserializer;

    fn into_deserializer(self) -> Deserializer {
        Deserializer::from_attribute_value(self.0.into())
    }
}

/// Interprets the attributes as an instance of `T`.
pub(super) fn read<'de, T: Deserialize<'de>>(attributes: Attributes) -> Result<T, Error> {
    let entries = attributes.into_iter().map(|(name, value)| (name, Value(value)));
    T::deserialize(MapDeserializer::new(entries))
}
