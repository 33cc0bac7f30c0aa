//! The entries of functions that get other events than those of the HTTP API: events of WebSocket connections, and events of
//! event sources as plain JSON.

use axum::Router;
use futures::future::BoxFuture;
use lambda_http::{LambdaEvent, Service, lambda_runtime, request::LambdaRequest};
use serde::Deserialize;
use serde_json::Value;

use super::{Error, Events};
use crate::realtime::event::{SocketAnswer, SocketEvent, SocketEventJson};

/// Answers the events of Lambda until the process ends: those of the HTTP API with `router`, and those of WebSocket
/// connections with `handler`.
pub async fn run_with_sockets<F>(router: Router, handler: F) -> Result<(), Error>
where
    F: Fn(SocketEvent) -> BoxFuture<'static, SocketAnswer>,
{
    let answer = lambda_runtime::service_fn(async |event: LambdaEvent<Value>| {
        answer(Events(router.clone()), &handler, event).await
    });
    lambda_runtime::run(answer).await
}

/// Answers events of Lambda as plain JSON with `handler` until the process ends.
pub async fn run_events<F>(handler: F) -> Result<(), Error>
where
    F: Fn(Value) -> BoxFuture<'static, Value>,
{
    let answer = lambda_runtime::service_fn(async |event: LambdaEvent<Value>| {
        Ok::<Value, Error>(handler(event.payload).await)
    });
    lambda_runtime::run(answer).await
}

/// Answers one event. An event that is neither of both kinds is an error, which Lambda counts.
pub async fn answer<F, A>(mut router: Events, handler: &F, event: LambdaEvent<Value>) -> Result<Value, Error>
where
    F: Fn(SocketEvent) -> A,
    A: Future<Output = SocketAnswer>,
{
    if is_of_socket(&event.payload) {
        let json = SocketEventJson::deserialize(&event.payload)?;
        return Ok(serde_json::to_value(handler(SocketEvent::try_from(json)?).await)?);
    }
    let request: LambdaRequest = serde_json::from_value(event.payload)?;
    let answered = router.call(LambdaEvent::new(request, event.context)).await?;
    Ok(serde_json::to_value(answered)?)
}

/// Returns true for the event of a WebSocket connection. Only these have the members `eventType` and `connectionId`; the
/// client of an HTTP API cannot set a member of `requestContext`.
fn is_of_socket(event: &Value) -> bool {
    let context = &event["requestContext"];
    context["eventType"].is_string() && context["connectionId"].is_string()
}
