//! The DynamoDB calls for one item or one span, with conditions and retries. The callers explain the purpose of each
//! condition. Batches and transactions are in their own files.

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    error::SdkError,
    types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure as OnFailure},
};

use super::{
    Store, StoreError,
    error::classify,
    items::{Attributes, Item},
    retries::Tried,
    table::{INDEX, Key, Span},
};

/// The consistency of a read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Consistency {
    /// Sees every write that was acknowledged before the read. For decisions about access, and for acknowledged data.
    Strong,
    /// Can miss recent writes, at half the cost. For names next to messages.
    Eventual,
}

/// The outcome of a conditional write of one item.
#[derive(Debug)]
pub(crate) enum Written {
    /// The write took effect. Contains the item after an update, and `None` after a put.
    Done(Option<Item>),
    /// The condition failed. Contains the item at the key, or `None` if there is none.
    Refused(Option<Item>),
}

/// The expressions of one write. They contain attribute names as `#name`, and the names are extracted from them.
#[derive(Debug, Default, Clone)]
pub(crate) struct Expression {
    pub(super) update: Option<String>,
    pub(super) condition: Option<String>,
    values: HashMap<String, AttributeValue>,
}

/// A condition that fails if an item exists at the key.
pub(crate) const ABSENT: &str = "attribute_not_exists(#pk)";
/// A condition that fails if no item exists at the key, so that an update never creates an item. A condition that
/// compares an attribute does not need it, because a comparison with a missing attribute is false.
pub(crate) const PRESENT: &str = "attribute_exists(#pk)";

impl Expression {
    pub(crate) fn condition(condition: &str) -> Self {
        Self { condition: Some(condition.to_owned()), ..Self::default() }
    }

    /// Returns the condition that the item has the version that was read; 0 is the version of an item that does not exist.
    pub(crate) fn of_version(seen: u64) -> Self {
        match seen {
            0 => Self::condition(ABSENT),
            _ => Self::condition("#version = :seen").number(":seen", seen),
        }
    }

    pub(crate) fn update(update: &str, condition: &str) -> Self {
        Self { update: Some(update.to_owned()), ..Self::condition(condition) }
    }

    #[expect(clippy::needless_pass_by_value, reason = "numbers and ids are copies")]
    pub(crate) fn number(self, name: &str, value: impl ToString) -> Self {
        self.value(name, AttributeValue::N(value.to_string()))
    }

    #[expect(clippy::needless_pass_by_value, reason = "numbers and ids are copies")]
    pub(crate) fn text(self, name: &str, value: impl ToString) -> Self {
        self.value(name, AttributeValue::S(value.to_string()))
    }

    pub(crate) fn value(mut self, name: &str, value: AttributeValue) -> Self {
        self.values.insert(name.to_owned(), value);
        self
    }

    pub(super) fn names(&self) -> Option<HashMap<String, String>> {
        let expressions = [self.update.as_deref(), self.condition.as_deref()];
        let names: HashMap<_, _> = expressions.into_iter().flatten().flat_map(names_in).collect();
        (!names.is_empty()).then_some(names)
    }

    pub(super) fn values(&self) -> Option<HashMap<String, AttributeValue>> {
        (!self.values.is_empty()).then(|| self.values.clone())
    }
}

/// Returns each `#name` of an expression with the name of its attribute.
fn names_in(expression: &str) -> impl Iterator<Item = (String, String)> + '_ {
    expression.split('#').skip(1).map(|rest| {
        let name: String = rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
        (format!("#{name}"), name)
    })
}

/// One page of a query.
#[derive(Debug)]
pub(crate) struct QueryPage {
    /// The items in the requested order.
    pub(crate) items: Vec<Item>,
    /// True if the span contains items after the last one.
    pub(crate) more: bool,
}

/// The parameters for reading a span.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reading {
    /// True to read from the high bound down, false to read from the low bound up.
    pub(crate) descending: bool,
    /// The maximum number of items. A page also ends at 1 MB.
    pub(crate) limit: Option<usize>,
    /// The consistency of the read. An index can only be read eventually consistent.
    pub(crate) consistency: Consistency,
}

impl Reading {
    /// Returns the parameters for reading the end of a log downward, strongly consistent.
    pub(crate) const fn newest_first(limit: Option<usize>) -> Self {
        Self { descending: true, limit, consistency: Consistency::Strong }
    }
}

pub(super) fn decode(attributes: Option<Attributes>) -> Result<Option<Item>, StoreError> {
    attributes.map(Item::decode).transpose()
}

impl Store {
    /// Returns one item; `None` if it does not exist.
    pub(crate) async fn get(&self, key: Key, consistency: Consistency) -> Result<Option<Item>, StoreError> {
        self.checked(Box::pin(self.get_once(key, consistency))).await
    }

    /// Makes the call of [`Store::get`].
    pub(super) async fn get_once(
        &self,
        key: Key,
        consistency: Consistency,
    ) -> Result<Option<Item>, StoreError> {
        let request = self.client.get_item().table_name(&self.table).set_key(Some(key.into_attributes()));
        let answer =
            request.consistent_read(consistency == Consistency::Strong).send().await.map_err(classify)?;
        decode(answer.item)
    }

    /// Reads one page of a span. The page ends at the limit or at 1 MB.
    pub(super) async fn query(&self, span: Span, reading: Reading) -> Result<QueryPage, StoreError> {
        let (items, last) = self.query_raw(&span, reading, None).await?;
        let items = items.into_iter().map(Item::decode).collect::<Result<_, _>>()?;
        Ok(QueryPage { items, more: last.is_some() })
    }

    /// Reads a span up to the limit, or all of it, in as many pages as DynamoDB needs.
    pub(super) async fn query_whole(&self, span: Span, reading: Reading) -> Result<QueryPage, StoreError> {
        let (items, more) = self.query_whole_raw(&span, reading).await?;
        let items = items.into_iter().map(Item::decode).collect::<Result<_, _>>()?;
        Ok(QueryPage { items, more })
    }

    /// Reads a span like [`Store::query_whole`] without decoding its items, because an index contains only keys.
    pub(super) async fn query_whole_raw(
        &self,
        span: &Span,
        reading: Reading,
    ) -> Result<(Vec<Attributes>, bool), StoreError> {
        let (mut items, mut start) = (Vec::new(), None);
        loop {
            let limit = reading.limit.map(|limit| limit - items.len());
            let (page, last) = self.query_raw(span, Reading { limit, ..reading }, start).await?;
            items.extend(page);
            let full = reading.limit.is_some_and(|limit| items.len() >= limit);
            if full || last.is_none() {
                return Ok((items, last.is_some()));
            }
            start = last;
        }
    }

    /// Reads one page of a span from `start` on. Returns the items, and the last key if the span continues.
    pub(super) async fn query_raw(
        &self,
        span: &Span,
        reading: Reading,
        start: Option<Attributes>,
    ) -> Result<(Vec<Attributes>, Option<Attributes>), StoreError> {
        let (pk, sk) = if span.index { ("gsi1pk", "gsi1sk") } else { ("pk", "sk") };
        let query = self
            .client
            .query()
            .table_name(&self.table)
            .set_index_name(span.index.then(|| INDEX.to_owned()))
            .key_condition_expression("#pk = :pk AND #sk BETWEEN :low AND :high")
            .expression_attribute_names("#pk", pk)
            .expression_attribute_names("#sk", sk)
            .expression_attribute_values(":pk", AttributeValue::S(span.pk.clone()))
            .expression_attribute_values(":low", AttributeValue::S(span.low.clone()))
            .expression_attribute_values(":high", AttributeValue::S(span.high.clone()))
            .scan_index_forward(!reading.descending)
            .set_limit(reading.limit.and_then(|limit| i32::try_from(limit).ok()))
            .set_exclusive_start_key(start)
            .consistent_read(reading.consistency == Consistency::Strong && !span.index);
        let answer = self.checked(Box::pin(async { query.send().await.map_err(classify) })).await?;
        Ok((answer.items.unwrap_or_default(), answer.last_evaluated_key))
    }

    /// Writes a whole item under a condition. Tries again after a conflict with a transaction on the same item: such a
    /// conflict writes nothing, and the SDK does not retry it.
    pub(crate) async fn put(&self, item: &Item, e: Expression) -> Result<Written, StoreError> {
        self.retry(|| async { Tried::of(self.put_once(item, e.clone()).await) }).await
    }

    /// Makes one try of [`Store::put`].
    pub(super) async fn put_once(&self, item: &Item, e: Expression) -> Result<Written, StoreError> {
        self.check_session().await?;
        let names = e.names();
        let values = e.values();
        let sent = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item.encode()?))
            .set_condition_expression(e.condition)
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(values)
            .return_values_on_condition_check_failure(OnFailure::AllOld)
            .send()
            .await;
        match sent {
            Ok(_) => Ok(Written::Done(None)),
            Err(SdkError::ServiceError(error)) if error.err().is_conditional_check_failed_exception() => {
                refused(error.into_err().into_conditional_check_failed())
            }
            Err(error) => Err(classify(error)),
        }
    }

    /// Makes one try of [`Store::update`].
    async fn update_once(&self, key: Key, e: Expression) -> Result<Written, StoreError> {
        self.check_session().await?;
        let names = e.names();
        let values = e.values();
        let sent = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key.into_attributes()))
            .set_update_expression(e.update)
            .set_condition_expression(e.condition)
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(values)
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(OnFailure::AllOld)
            .send()
            .await;
        match sent {
            Ok(answer) => Ok(Written::Done(decode(answer.attributes)?)),
            Err(SdkError::ServiceError(error)) if error.err().is_conditional_check_failed_exception() => {
                refused(error.into_err().into_conditional_check_failed())
            }
            Err(error) => Err(classify(error)),
        }
    }

    /// Changes attributes under a condition. Returns the item as it is after the change. Tries again after a conflict
    /// with a transaction on the same item: such a conflict writes nothing, and the SDK does not retry it.
    pub(crate) async fn update(&self, key: Key, e: Expression) -> Result<Written, StoreError> {
        self.retry(|| async { Tried::of(self.update_once(key.clone(), e.clone()).await) }).await
    }

    /// Deletes an item, without a condition, so a retry is harmless. Has no effect if the item does not exist. Tries
    /// again while a transaction changes the same item.
    pub(crate) async fn delete(&self, key: Key) -> Result<(), StoreError> {
        self.retry(|| async { Tried::of(self.delete_once(key.clone()).await) }).await
    }

    /// Makes one try of [`Store::delete`].
    async fn delete_once(&self, key: Key) -> Result<(), StoreError> {
        self.check_session().await?;
        let request = self.client.delete_item().table_name(&self.table).set_key(Some(key.into_attributes()));
        request.send().await.map(drop).map_err(classify)
    }
}

fn refused(item: Option<Attributes>) -> Result<Written, StoreError> {
    Ok(Written::Refused(decode(item.filter(|item| !item.is_empty()))?))
}

/// An error that contains the item on which the condition failed.
trait ConditionFailed {
    fn into_conditional_check_failed(self) -> Option<Attributes>;
}

macro_rules! condition_failed {
    ($($module:ident::$error:ident),*) => {$(
        impl ConditionFailed for aws_sdk_dynamodb::operation::$module::$error {
            fn into_conditional_check_failed(self) -> Option<Attributes> {
                match self {
                    Self::ConditionalCheckFailedException(error) => error.item,
                    _ => None,
                }
            }
        }
    )*};
}

condition_failed!(put_item::PutItemError, update_item::UpdateItemError);
