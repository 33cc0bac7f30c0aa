//! The calls to `DynamoDB`, one function a kind, with their conditions and retries; what they mean is said by the callers.

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    error::SdkError,
    operation::transact_write_items::TransactWriteItemsError,
    types::{
        AttributeValue, CancellationReason, ConditionCheck, Delete, DeleteRequest, KeysAndAttributes, Put,
        ReturnValue, ReturnValuesOnConditionCheckFailure as OnFailure, TransactWriteItem, Update,
        WriteRequest,
    },
};
use futures::future::try_join_all;

use super::{
    Store, StoreError,
    backoff::Backoff,
    error::classify,
    items::{Attributes, Item},
    table::{INDEX, Key, Span},
};

/// Which reads see every write that was acknowledged before them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Consistency {
    /// This one does: for decisions about access, and for what was acknowledged to somebody.
    Strong,
    /// This one may be late, at half the price: for names beside messages.
    Eventual,
}

/// What became of a conditional write of one item.
#[derive(Debug)]
pub(crate) enum Written {
    /// It took effect; the item as it is now, where the write asked for it.
    Done(Option<Item>),
    /// Its condition failed on what stands there, or on nothing.
    Refused(Option<Item>),
}

impl Written {
    pub(crate) fn is_done(&self) -> bool {
        matches!(self, Self::Done(_))
    }
}

/// What became of a transaction.
#[derive(Debug)]
pub(crate) enum Transacted {
    /// All of it took effect.
    Done,
    /// None of it did: for each step `Some` if its condition failed, with what stands there.
    Refused(Vec<Option<Option<Item>>>),
    /// None of it did, as other writers were at the same items.
    Conflict,
}

/// Expressions of one write. Attribute names are written `#name` in them and found by that.
#[derive(Debug, Default, Clone)]
pub(crate) struct Expression {
    update: Option<String>,
    condition: Option<String>,
    values: HashMap<String, AttributeValue>,
}

/// A condition that fails when anything stands at the key.
pub(crate) const ABSENT: &str = "attribute_not_exists(#pk)";
/// A condition that fails when nothing stands at the key: an update never creates.
pub(crate) const PRESENT: &str = "attribute_exists(#pk)";

impl Expression {
    pub(crate) fn condition(condition: &str) -> Self {
        Self {
            condition: Some(condition.to_owned()),
            ..Self::default()
        }
    }

    pub(crate) fn update(update: &str, condition: &str) -> Self {
        Self {
            update: Some(update.to_owned()),
            ..Self::condition(condition)
        }
    }

    pub(crate) fn number(self, name: &str, value: impl ToString) -> Self {
        self.value(name, AttributeValue::N(value.to_string()))
    }

    pub(crate) fn text(self, name: &str, value: impl ToString) -> Self {
        self.value(name, AttributeValue::S(value.to_string()))
    }

    pub(crate) fn value(mut self, name: &str, value: AttributeValue) -> Self {
        self.values.insert(name.to_owned(), value);
        self
    }

    fn names(&self) -> Option<HashMap<String, String>> {
        let expressions = [self.update.as_deref(), self.condition.as_deref()];
        let names: HashMap<_, _> = expressions.into_iter().flatten().flat_map(names_in).collect();
        (!names.is_empty()).then_some(names)
    }

    fn values(&self) -> Option<HashMap<String, AttributeValue>> {
        (!self.values.is_empty()).then(|| self.values.clone())
    }
}

/// Each `#name` of an expression with the attribute that it means.
fn names_in(expression: &str) -> impl Iterator<Item = (String, String)> + '_ {
    expression.split('#').skip(1).map(|rest| {
        let name: String = rest
            .chars()
            .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
            .collect();
        (format!("#{name}"), name)
    })
}

/// One step of a transaction.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// Writes a whole item.
    Put(Item, Expression),
    /// Changes attributes.
    Update(Key, Expression),
    /// Removes.
    Delete(Key, Expression),
    /// Only asks.
    Check(Key, Expression),
}

impl Step {
    fn build(&self, table: &str) -> Result<TransactWriteItem, StoreError> {
        let item = TransactWriteItem::builder();
        let built = match self {
            Self::Put(put, e) => Put::builder()
                .table_name(table)
                .set_item(Some(put.encode()?))
                .set_condition_expression(e.condition.clone())
                .set_expression_attribute_names(e.names())
                .set_expression_attribute_values(e.values())
                .return_values_on_condition_check_failure(OnFailure::AllOld)
                .build()
                .map(|put| item.put(put)),
            Self::Update(key, e) => Update::builder()
                .table_name(table)
                .set_key(Some(key.clone().into_attributes()))
                .set_update_expression(e.update.clone())
                .set_condition_expression(e.condition.clone())
                .set_expression_attribute_names(e.names())
                .set_expression_attribute_values(e.values())
                .return_values_on_condition_check_failure(OnFailure::AllOld)
                .build()
                .map(|update| item.update(update)),
            Self::Delete(key, e) => Delete::builder()
                .table_name(table)
                .set_key(Some(key.clone().into_attributes()))
                .set_condition_expression(e.condition.clone())
                .set_expression_attribute_names(e.names())
                .set_expression_attribute_values(e.values())
                .return_values_on_condition_check_failure(OnFailure::AllOld)
                .build()
                .map(|delete| item.delete(delete)),
            Self::Check(key, e) => ConditionCheck::builder()
                .table_name(table)
                .set_key(Some(key.clone().into_attributes()))
                .set_condition_expression(e.condition.clone())
                .set_expression_attribute_names(e.names())
                .set_expression_attribute_values(e.values())
                .return_values_on_condition_check_failure(OnFailure::AllOld)
                .build()
                .map(|check| item.condition_check(check)),
        };
        built
            .map(|step| step.build())
            .map_err(|source| StoreError::Refused(source.into()))
    }
}

/// One page of a query.
#[derive(Debug)]
pub(crate) struct Page {
    /// In the order that was asked for.
    pub(crate) items: Vec<Item>,
    /// Whether the span goes on behind the last of them.
    pub(crate) more: bool,
}

/// How to read a span.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reading {
    /// From the high bound down, rather than up.
    pub(crate) descending: bool,
    /// At most so many items; 1 MB ends a page too.
    pub(crate) limit: Option<usize>,
    /// Never `Strong` on an index, which cannot be read so.
    pub(crate) consistency: Consistency,
}

fn decode(attributes: Option<Attributes>) -> Result<Option<Item>, StoreError> {
    attributes.map(Item::decode).transpose()
}

impl Store {
    /// One item.
    pub(crate) async fn get(&self, key: Key, consistency: Consistency) -> Result<Option<Item>, StoreError> {
        let request = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(key.into_attributes()));
        let answer = request
            .consistent_read(consistency == Consistency::Strong)
            .send()
            .await
            .map_err(classify)?;
        decode(answer.item)
    }

    /// Items by key, in no order; those that do not stand are left out. Any number of keys, a hundred to a request.
    pub(crate) async fn batch_get(
        &self,
        keys: Vec<Key>,
        consistency: Consistency,
    ) -> Result<Vec<Item>, StoreError> {
        let batches = keys
            .chunks(100)
            .map(|batch| self.one_batch_get(batch, consistency));
        Ok(try_join_all(batches).await?.into_iter().flatten().collect())
    }

    /// At most a hundred items. What `DynamoDB` left unprocessed is asked for again until it is there or patience ends.
    async fn one_batch_get(&self, keys: &[Key], consistency: Consistency) -> Result<Vec<Item>, StoreError> {
        let mut backoff = Backoff::new(&self.random);
        let mut wanted: Vec<Attributes> = keys.iter().cloned().map(Key::into_attributes).collect();
        let mut items = Vec::with_capacity(wanted.len());
        loop {
            let request = KeysAndAttributes::builder()
                .set_keys(Some(wanted))
                .consistent_read(consistency == Consistency::Strong)
                .build()
                .map_err(|source| StoreError::Refused(source.into()))?;
            let answer = self
                .client
                .batch_get_item()
                .request_items(&self.table, request)
                .send()
                .await
                .map_err(classify)?;
            let found = answer
                .responses
                .unwrap_or_default()
                .remove(&self.table)
                .unwrap_or_default();
            items.extend(
                found
                    .into_iter()
                    .map(Item::decode)
                    .collect::<Result<Vec<_>, _>>()?,
            );
            match answer.unprocessed_keys.unwrap_or_default().remove(&self.table) {
                Some(rest) if !rest.keys.is_empty() => wanted = rest.keys,
                _ => return Ok(items),
            }
            backoff.lose().await?;
        }
    }

    /// One page of a span.
    pub(crate) async fn query(&self, span: Span, reading: Reading) -> Result<Page, StoreError> {
        let (items, more) = self.query_raw(span, reading).await?;
        let items = items.into_iter().map(Item::decode).collect::<Result<_, _>>()?;
        Ok(Page { items, more })
    }

    /// One page of a span, undecoded: an index projects keys only.
    pub(crate) async fn query_raw(
        &self,
        span: Span,
        reading: Reading,
    ) -> Result<(Vec<Attributes>, bool), StoreError> {
        let (pk, sk) = if span.index {
            ("gsi1pk", "gsi1sk")
        } else {
            ("pk", "sk")
        };
        let answer = self
            .client
            .query()
            .table_name(&self.table)
            .set_index_name(span.index.then(|| INDEX.to_owned()))
            .key_condition_expression("#pk = :pk AND #sk BETWEEN :low AND :high")
            .expression_attribute_names("#pk", pk)
            .expression_attribute_names("#sk", sk)
            .expression_attribute_values(":pk", AttributeValue::S(span.pk))
            .expression_attribute_values(":low", AttributeValue::S(span.low))
            .expression_attribute_values(":high", AttributeValue::S(span.high))
            .scan_index_forward(!reading.descending)
            .set_limit(reading.limit.and_then(|limit| i32::try_from(limit).ok()))
            .consistent_read(reading.consistency == Consistency::Strong && !span.index)
            .send()
            .await
            .map_err(classify)?;
        Ok((
            answer.items.unwrap_or_default(),
            answer.last_evaluated_key.is_some(),
        ))
    }

    /// Writes a whole item under a condition.
    pub(crate) async fn put(&self, item: &Item, e: Expression) -> Result<Written, StoreError> {
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

    /// Changes attributes under a condition; done, it gives the item as it is now.
    pub(crate) async fn update(&self, key: Key, e: Expression) -> Result<Written, StoreError> {
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

    /// [`Store::update`], again for as long as a transaction is at the same item: such a conflict writes nothing, and the SDK
    /// does not retry it.
    pub(crate) async fn update_patiently(&self, key: Key, e: Expression) -> Result<Written, StoreError> {
        let mut backoff = Backoff::new(&self.random);
        loop {
            match self.update(key.clone(), e.clone()).await {
                Err(StoreError::Contention) => backoff.lose().await?,
                other => return other,
            }
        }
    }

    /// [`Store::delete`], again for as long as a transaction is at the same item.
    pub(crate) async fn delete_patiently(&self, key: Key) -> Result<(), StoreError> {
        let mut backoff = Backoff::new(&self.random);
        loop {
            match self.delete(key.clone()).await {
                Err(StoreError::Contention) => backoff.lose().await?,
                other => return other,
            }
        }
    }

    /// Removes an item; that it is gone already is no failure. Nothing is asked of it, so a repetition does no harm.
    pub(crate) async fn delete(&self, key: Key) -> Result<(), StoreError> {
        let request = self
            .client
            .delete_item()
            .table_name(&self.table)
            .set_key(Some(key.into_attributes()));
        request.send().await.map(drop).map_err(classify)
    }

    /// Removes items, any number of them, twenty-five to a request and eight requests side by side.
    pub(crate) async fn delete_all(&self, keys: Vec<Key>) -> Result<(), StoreError> {
        for wave in keys.chunks(25 * 8) {
            try_join_all(wave.chunks(25).map(|batch| self.one_batch_delete(batch))).await?;
        }
        Ok(())
    }

    async fn one_batch_delete(&self, keys: &[Key]) -> Result<(), StoreError> {
        let mut backoff = Backoff::new(&self.random);
        let delete = |key: &Key| {
            let delete = DeleteRequest::builder()
                .set_key(Some(key.clone().into_attributes()))
                .build();
            delete.map(|delete| WriteRequest::builder().delete_request(delete).build())
        };
        let mut wanted: Vec<WriteRequest> = keys
            .iter()
            .map(delete)
            .collect::<Result<_, _>>()
            .map_err(|source| StoreError::Refused(source.into()))?;
        loop {
            let request = self.client.batch_write_item().request_items(&self.table, wanted);
            let answer = request.send().await.map_err(classify)?;
            match answer.unprocessed_items.unwrap_or_default().remove(&self.table) {
                Some(rest) if !rest.is_empty() => wanted = rest,
                _ => return Ok(()),
            }
            backoff.lose().await?;
        }
    }

    /// Writes all steps or none. The SDK gives each call a client request token, so its own retries act once
    /// (for ten minutes, says the documentation of `TransactWriteItems`).
    pub(crate) async fn transact(&self, steps: &[Step]) -> Result<Transacted, StoreError> {
        let steps = steps
            .iter()
            .map(|step| step.build(&self.table))
            .collect::<Result<Vec<_>, _>>()?;
        match self
            .client
            .transact_write_items()
            .set_transact_items(Some(steps))
            .send()
            .await
        {
            Ok(_) => Ok(Transacted::Done),
            Err(SdkError::ServiceError(error)) if error.err().is_transaction_canceled_exception() => {
                let TransactWriteItemsError::TransactionCanceledException(canceled) = error.into_err() else {
                    return Ok(Transacted::Conflict);
                };
                cancelled(canceled.cancellation_reasons.unwrap_or_default())
            }
            Err(error) => match classify(error) {
                StoreError::Contention => Ok(Transacted::Conflict),
                other => Err(other),
            },
        }
    }
}

/// What a cancelled transaction means: failed conditions tell more than conflicts, and those more than throttling.
fn cancelled(reasons: Vec<CancellationReason>) -> Result<Transacted, StoreError> {
    let says = |code: &str| reasons.iter().any(|reason| reason.code.as_deref() == Some(code));
    if says("ConditionalCheckFailed") {
        let failed = reasons.into_iter().map(|reason| {
            let failed = reason.code.as_deref() == Some("ConditionalCheckFailed");
            failed
                .then(|| decode(reason.item.filter(|item| !item.is_empty())))
                .transpose()
        });
        return Ok(Transacted::Refused(failed.collect::<Result<_, _>>()?));
    }
    if says("TransactionConflict") {
        return Ok(Transacted::Conflict);
    }
    let codes: Vec<_> = reasons
        .into_iter()
        .filter_map(|reason| reason.code)
        .filter(|code| code != "None")
        .collect();
    let source = format!("transaction cancelled: {}", codes.join(", ")).into();
    if codes
        .iter()
        .any(|code| code == "ThrottlingError" || code == "ProvisionedThroughputExceeded")
    {
        return Err(StoreError::Throttled(source));
    }
    Err(StoreError::Refused(source))
}

fn refused(item: Option<Attributes>) -> Result<Written, StoreError> {
    Ok(Written::Refused(decode(item.filter(|item| !item.is_empty()))?))
}

/// The item that a failed condition was asked of.
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
