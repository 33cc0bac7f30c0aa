//! A page of a query, from the engine's types to those that it reaches the store with.

use std::collections::HashMap;

use dynoxide::actions::query::QueryResponse;
use dynoxide::types::AttributeValue;
use shared::store::{EngineItem, EngineValue, Queried};

/// The page without its consumed capacity.
pub(super) fn queried(response: QueryResponse) -> Queried {
    Queried {
        items: response.items.map(|items| items.into_iter().map(item).collect()),
        count: response.count,
        scanned_count: response.scanned_count,
        last_evaluated_key: response.last_evaluated_key.map(item),
    }
}

fn item(item: HashMap<String, AttributeValue>) -> EngineItem {
    item.into_iter().map(|(name, inner)| (name, value(inner))).collect()
}

fn value(value: AttributeValue) -> EngineValue {
    match value {
        AttributeValue::S(text) => EngineValue::S(text),
        AttributeValue::N(number) => EngineValue::N(number),
        AttributeValue::B(bytes) => EngineValue::B(bytes),
        AttributeValue::BOOL(is) => EngineValue::Bool(is),
        AttributeValue::NULL(is) => EngineValue::Null(is),
        AttributeValue::SS(texts) => EngineValue::Ss(texts),
        AttributeValue::NS(numbers) => EngineValue::Ns(numbers),
        AttributeValue::BS(all) => EngineValue::Bs(all),
        AttributeValue::L(values) => EngineValue::L(values.into_iter().map(self::value).collect()),
        AttributeValue::M(map) => EngineValue::M(item(map).into_iter().collect()),
    }
}
