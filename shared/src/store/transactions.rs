//! Transactions: several writes, all of them or none.

use aws_sdk_dynamodb::{
    error::SdkError,
    operation::transact_write_items::TransactWriteItemsError,
    types::{
        CancellationReason, Delete, Put, ReturnValuesOnConditionCheckFailure as OnFailure, TransactWriteItem,
        Update, builders::TransactWriteItemBuilder,
    },
};

use super::{
    Store, StoreError,
    error::classify,
    items::Item,
    ops::{Expression, decode},
    table::Key,
};

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

/// One step of a transaction.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// Writes a whole item.
    Put(Item, Expression),
    /// Changes attributes.
    Update(Key, Expression),
    /// Removes.
    Delete(Key, Expression),
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
        };
        built.map(TransactWriteItemBuilder::build).map_err(|source| StoreError::Refused(source.into()))
    }
}

impl Store {
    /// Writes all steps or none. The SDK gives each call a client request token, so its own retries act once
    /// (for ten minutes, says the documentation of `TransactWriteItems`).
    pub(crate) async fn transact(&self, steps: &[Step]) -> Result<Transacted, StoreError> {
        let steps = steps.iter().map(|step| step.build(&self.table)).collect::<Result<Vec<_>, _>>()?;
        match self.client.transact_write_items().set_transact_items(Some(steps)).send().await {
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
            failed.then(|| decode(reason.item.filter(|item| !item.is_empty()))).transpose()
        });
        return Ok(Transacted::Refused(failed.collect::<Result<_, _>>()?));
    }
    if says("TransactionConflict") {
        return Ok(Transacted::Conflict);
    }
    let codes: Vec<_> =
        reasons.into_iter().filter_map(|reason| reason.code).filter(|code| code != "None").collect();
    let source = format!("transaction cancelled: {}", codes.join(", ")).into();
    if codes.iter().any(|code| code == "ThrottlingError" || code == "ProvisionedThroughputExceeded") {
        return Err(StoreError::Throttled(source));
    }
    Err(StoreError::Refused(source))
}
