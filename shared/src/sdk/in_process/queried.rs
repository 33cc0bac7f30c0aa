//! A page of a query that reaches the SDK's caller as values, beside an HTTP response without a body. The SDK would
//! otherwise spend more time on parsing the page's JSON than the engine spends on the query.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use aws_sdk_dynamodb::{
    config::{ConfigBag, Intercept, RuntimeComponents},
    operation::query::QueryOutput,
    types::AttributeValue,
};
use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        interceptors::{
            context::{BeforeDeserializationInterceptorContextMut, Error, Output},
            dyn_dispatch_hint,
        },
        orchestrator::{HttpResponse, OrchestratorError},
        ser_de::{DeserializeResponse, SharedResponseDeserializer},
    },
};
pub use serde_dynamo::AttributeValue as EngineValue;

/// An item: the names of its attributes with their values.
pub type EngineItem = Vec<(String, EngineValue)>;

/// A page of a query.
#[derive(Debug, Clone, PartialEq)]
pub struct Queried {
    /// The items in the order of the query; `None` if only their number was asked for.
    pub items: Option<Vec<EngineItem>>,
    /// The number of items.
    pub count: usize,
    /// The number of items that were read, of which a filter may have left out some.
    pub scanned_count: usize,
    /// The key of the last item that was read; `None` at the end of the span.
    pub last_evaluated_key: Option<EngineItem>,
}

impl Queried {
    /// The response with the page beside it.
    pub(super) fn carried_by(self, mut response: HttpResponse) -> HttpResponse {
        response.add_extension(Carried(Arc::new(Mutex::new(Some(self)))));
        response
    }
}

impl From<Queried> for QueryOutput {
    fn from(queried: Queried) -> Self {
        let number = |count: usize| i32::try_from(count).unwrap_or(i32::MAX);
        Self::builder()
            .set_items(queried.items.map(|items| items.into_iter().map(attributes).collect()))
            .count(number(queried.count))
            .scanned_count(number(queried.scanned_count))
            .set_last_evaluated_key(queried.last_evaluated_key.map(attributes))
            .build()
    }
}

fn attributes(item: EngineItem) -> HashMap<String, AttributeValue> {
    item.into_iter().map(|(name, value)| (name, value.into())).collect()
}

/// The page on its way through the SDK, which clones what a response carries. It is taken out once.
#[derive(Debug, Clone)]
struct Carried(Arc<Mutex<Option<Queried>>>);

impl DeserializeResponse for Carried {
    fn deserialize_nonstreaming_with_config(
        &self,
        _: &HttpResponse,
        _: &ConfigBag,
    ) -> Result<Output, OrchestratorError<Error>> {
        let queried = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let queried = queried.ok_or_else(|| OrchestratorError::other("the page was taken before"))?;
        Ok(Output::erase(QueryOutput::from(queried)))
    }
}

/// Lets the SDK take the page from a response that carries one, and parse the JSON of every other response.
#[derive(Debug)]
pub(crate) struct TakesValues;

#[dyn_dispatch_hint]
impl Intercept for TakesValues {
    fn name(&self) -> &'static str {
        "TakesValues"
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(carried) = context.response().extension::<Carried>() {
            config.interceptor_state().store_put(SharedResponseDeserializer::new(carried.clone()));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::{Client, config::Builder};
    use futures::future::{BoxFuture, ready};

    use super::*;
    use crate::sdk::{Answer, Engine, of_process};

    /// An engine that gives every operation the same answer.
    #[derive(Debug)]
    struct Answering(Answer);

    impl Engine for Answering {
        fn run(&self, _: String, _: Vec<u8>) -> BoxFuture<'static, Option<Answer>> {
            Box::pin(ready(Some(self.0.clone())))
        }
    }

    async fn query(answer: Answer) -> QueryOutput {
        let settings = Builder::from(&of_process(Arc::new(Answering(answer)))).allow_no_auth();
        let client = Client::from_conf(settings.interceptor(TakesValues).build());
        client.query().table_name("things").send().await.unwrap()
    }

    #[tokio::test]
    async fn a_page_of_values_is_the_same_output_as_its_json() {
        let item = |sk: &str| {
            let list = EngineValue::L(vec![EngineValue::Bool(true), EngineValue::Null(true)]);
            vec![("sk".to_owned(), EngineValue::S(sk.to_owned())), ("list".to_owned(), list)]
        };
        let key = vec![("sk".to_owned(), EngineValue::S("2".to_owned()))];
        let items = Some(vec![item("1"), item("2")]);
        let queried = Queried { items, count: 2, scanned_count: 3, last_evaluated_key: Some(key) };
        let body = r#"{
            "Items": [
                {"sk": {"S": "1"}, "list": {"L": [{"BOOL": true}, {"NULL": true}]}},
                {"sk": {"S": "2"}, "list": {"L": [{"BOOL": true}, {"NULL": true}]}}
            ],
            "Count": 2, "ScannedCount": 3, "LastEvaluatedKey": {"sk": {"S": "2"}}
        }"#;
        let by_json = query(Answer::Json { status: 200, body: body.to_owned() }).await;
        assert_eq!(query(Answer::Queried(queried)).await, by_json);
    }
}
