//! Transactions: several writes, all of them or none.

use aws_sdk_dynamodb::{
    error::SdkError,
    operation::transact_write_items::TransactWriteItemsError,
    types::{
        CancellationReason, ConditionCheck, Delete, Put, ReturnValuesOnConditionCheckFailure as OnFailure,
        TransactWriteItem, Update, builders::TransactWriteItemBuilder,
    },
};

use super::{
    Store, StoreError,
    error::classify,
    items::Item,
    ops::{Expression, decode},
    retries::Tried,
    table::Key,
};

/// The outcome of one try of a transaction.
#[derive(Debug)]
pub(crate) enum Transacted {
    /// All steps took effect.
    Done,
    /// No step took effect, because of these conditions.
    Refused(Conditions),
    /// No step took effect, because another transaction used the same items.
    Conflict,
}

/// The outcome of a transaction that is repeated until it meets no other transaction.
#[derive(Debug)]
pub(crate) enum Settled {
    /// All steps took effect.
    Done,
    /// No step took effect, because of these conditions.
    Refused(Conditions),
}

/// The conditions of a refused transaction, in the order of its steps. At least one failed.
#[derive(Debug)]
pub(crate) struct Conditions(Vec<ConditionOutcome>);

/// The outcome of the condition of one step.
#[derive(Debug)]
enum ConditionOutcome {
    /// The step has no condition, or its condition is true.
    Held,
    /// The condition failed on this item, or on the absence of an item.
    Failed(Option<Box<Item>>),
}

impl Conditions {
    /// Returns the item on which the condition of a step failed; `None` if there is no item or the condition held.
    pub(crate) fn item(&self, step: usize) -> Option<&Item> {
        match self.0.get(step)? {
            ConditionOutcome::Failed(item) => item.as_deref(),
            ConditionOutcome::Held => None,
        }
    }

    /// Returns all items on which conditions failed.
    pub(crate) fn items(&self) -> impl Iterator<Item = &Item> {
        (0..self.0.len()).filter_map(|step| self.item(step))
    }

    /// Returns true if the condition of a step failed and all others held.
    pub(crate) fn only_failed(&self, step: usize) -> bool {
        let failed = |outcome: &ConditionOutcome| matches!(outcome, ConditionOutcome::Failed(_));
        self.0.iter().enumerate().all(|(n, outcome)| failed(outcome) == (n == step))
    }
}

/// One step of a transaction.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "most steps are puts, and a transaction has at most a hundred")]
pub(crate) enum Step {
    /// Writes a whole item.
    Put(Item, Expression),
    /// Changes attributes of one item.
    Update(Key, Expression),
    /// Removes an item.
    Delete(Key, Expression),
    /// Changes nothing, but the transaction takes effect only under this condition.
    Check(Key, Expression),
}

/// Begins the builder of a step with its condition. The builders are different types with the same methods.
macro_rules! conditional {
    ($step:ident, $table:expr, $e:expr) => {
        $step::builder()
            .table_name($table)
            .set_condition_expression($e.condition.clone())
            .set_expression_attribute_names($e.names())
            .set_expression_attribute_values($e.values())
            .return_values_on_condition_check_failure(OnFailure::AllOld)
    };
}

impl Step {
    fn build(&self, table: &str) -> Result<TransactWriteItem, StoreError> {
        let item = TransactWriteItem::builder();
        let built = match self {
            Self::Put(put, e) => {
                conditional!(Put, table, e).set_item(Some(put.encode()?)).build().map(|put| item.put(put))
            }
            Self::Update(key, e) => conditional!(Update, table, e)
                .set_key(Some(key.clone().into_attributes()))
                .set_update_expression(e.update.clone())
                .build()
                .map(|update| item.update(update)),
            Self::Delete(key, e) => conditional!(Delete, table, e)
                .set_key(Some(key.clone().into_attributes()))
                .build()
                .map(|delete| item.delete(delete)),
            Self::Check(key, e) => conditional!(ConditionCheck, table, e)
                .set_key(Some(key.clone().into_attributes()))
                .build()
                .map(|check| item.condition_check(check)),
        };
        built.map(TransactWriteItemBuilder::build).map_err(|source| StoreError::Refused(source.into()))
    }
}

impl Store {
    /// Writes all steps or none. The SDK gives each call a client request token, so its own retries act once
    /// (for ten minutes, according to the documentation of `TransactWriteItems`).
    ///
    /// A failure before the commit leaves nothing. A failure after the commit leaves all steps; the caller repeats the
    /// transaction, or recognises its own items in the conditions of the next try.
    pub(crate) async fn transact(&self, steps: &[Step]) -> Result<Transacted, StoreError> {
        self.transact_with(None, steps).await
    }

    /// Writes all steps or none, like [`Store::transact`]. `token` is the client request token; `None` for a new one.
    async fn transact_with(&self, token: Option<String>, steps: &[Step]) -> Result<Transacted, StoreError> {
        self.check_session().await?;
        let steps = steps.iter().map(|step| step.build(&self.table)).collect::<Result<Vec<_>, _>>()?;
        let call = self.client.transact_write_items().set_transact_items(Some(steps));
        match call.set_client_request_token(token).send().await {
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

    /// Writes all steps or none, and tries again while another transaction uses the same items. All tries have the same
    /// token: an attempt that the SDK has given up can arrive after a later try took effect. DynamoDB then recognises it, and
    /// it does not overwrite what other requests have written since.
    pub(crate) async fn settle(&self, steps: &[Step]) -> Result<Settled, StoreError> {
        let token = self.random.uuid().to_string();
        self.retry(|| async {
            Ok(match self.transact_with(Some(token.clone()), steps).await? {
                Transacted::Done => Tried::Done(Settled::Done),
                Transacted::Refused(conditions) => Tried::Done(Settled::Refused(conditions)),
                Transacted::Conflict => Tried::Lost,
            })
        })
        .await
    }
}

/// Returns the meaning of a cancelled transaction. Failed conditions have precedence over conflicts, and conflicts over
/// throttling.
fn cancelled(reasons: Vec<CancellationReason>) -> Result<Transacted, StoreError> {
    let says = |code: &str| reasons.iter().any(|reason| reason.code.as_deref() == Some(code));
    if says("ConditionalCheckFailed") {
        let outcomes = reasons.into_iter().map(condition_outcome).collect::<Result<_, _>>()?;
        return Ok(Transacted::Refused(Conditions(outcomes)));
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

fn condition_outcome(reason: CancellationReason) -> Result<ConditionOutcome, StoreError> {
    if reason.code.as_deref() != Some("ConditionalCheckFailed") {
        return Ok(ConditionOutcome::Held);
    }
    let item = decode(reason.item.filter(|item| !item.is_empty()))?;
    Ok(ConditionOutcome::Failed(item.map(Box::new)))
}
