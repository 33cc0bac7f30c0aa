//! The functions that no HTTP request reaches: `realtime` with the events of WebSocket connections, and `deliver` with
//! the records of the stream. Events and answers are JSON, as between the services of AWS and Lambda.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::{Request, header};
use deliver::Deliver;
use futures::future::BoxFuture;
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use realtime::Realtime;
use serde_json::Value;
use shared::realtime::event::{SocketEvent, SocketEventJson};
use tracing::Instrument as _;
use tracing::instrument::WithSubscriber as _;

/// The time after which an invocation of `realtime` fails. API Gateway waits for 29 seconds.
const REALTIME_TIMEOUT: Duration = Duration::from_secs(29);

/// The time after which an invocation of `deliver` fails.
const DELIVER_TIMEOUT: Duration = Duration::from_mins(1);

/// A function of Lambda, wherever it runs.
pub trait Function: fmt::Debug + Send + Sync {
    /// Runs the function on an event and returns its answer. An invocation that fails may have taken effect.
    fn invoke(&self, event: Value) -> BoxFuture<'_, Result<Value, FunctionError>>;
}

/// The reason why a function has given no answer.
#[derive(Debug, thiserror::Error)]
#[error("the function has failed: {0}")]
pub struct FunctionError(pub String);

type Handler = Arc<dyn Fn(Value) -> BoxFuture<'static, Result<Value, FunctionError>> + Send + Sync>;

/// A function in this process. As on Lambda, a panic and a timeout end only one invocation.
pub struct InProcess {
    handler: Handler,
    timeout: Duration,
}

impl fmt::Debug for InProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InProcess")
    }
}

impl InProcess {
    /// Creates a function that answers with `handler`.
    pub fn new<A>(timeout: Duration, handler: impl Fn(Value) -> A + Send + Sync + 'static) -> Arc<Self>
    where
        A: Future<Output = Result<Value, FunctionError>> + Send + 'static,
    {
        let handler: Handler = Arc::new(move |event| -> BoxFuture<'static, _> { Box::pin(handler(event)) });
        Arc::new(Self { handler, timeout })
    }

    /// Returns the function `realtime` for the events of connections.
    #[must_use]
    pub fn realtime(realtime: Realtime) -> Arc<Self> {
        Self::new(REALTIME_TIMEOUT, move |event| {
            let realtime = realtime.clone();
            async move {
                let event: SocketEventJson = serde_json::from_value(event).map_err(failed)?;
                let event = SocketEvent::try_from(event).map_err(failed)?;
                serde_json::to_value(realtime.answer(event).await).map_err(failed)
            }
        })
    }

    /// Returns the function `deliver`.
    #[must_use]
    pub fn deliver(deliver: Deliver) -> Arc<Self> {
        Self::new(DELIVER_TIMEOUT, move |event| {
            let deliver = deliver.clone();
            async move { Ok(deliver.handle(event).await) }
        })
    }
}

impl Function for InProcess {
    fn invoke(&self, event: Value) -> BoxFuture<'_, Result<Value, FunctionError>> {
        let handler = Arc::clone(&self.handler);
        let running = async move { handler(event).await }.in_current_span().with_current_subscriber();
        // The task runs to its end even if the caller stops waiting, like an invocation on Lambda.
        let running = tokio::spawn(running);
        let abort = running.abort_handle();
        Box::pin(async move {
            let Ok(ended) = tokio::time::timeout(self.timeout, running).await else {
                abort.abort();
                return Err(FunctionError(format!("no answer within {} s", self.timeout.as_secs())));
            };
            // The task can only fail by a panic.
            ended.map_err(|_| FunctionError("it has panicked".into()))?
        })
    }
}

/// A function that `cargo lambda watch` runs, invoked over HTTP.
#[derive(Debug)]
pub struct Invocations {
    url: String,
    client: Client<HttpConnector, Full<Bytes>>,
}

impl Invocations {
    /// Creates a client for the function `name` at an address such as `http://127.0.0.1:9000`. Sends no request.
    #[must_use]
    pub fn new(address: &str, name: &str) -> Arc<Self> {
        let address = address.trim_end_matches('/');
        let url = format!("{address}/2015-03-31/functions/{name}/invocations");
        Arc::new(Self { url, client: Client::builder(TokioExecutor::new()).build_http() })
    }

    async fn send(&self, event: Value) -> Result<Value, FunctionError> {
        let request = Request::post(&self.url).header(header::CONTENT_TYPE, "application/json");
        let request = request.body(Full::from(event.to_string())).map_err(failed)?;
        let response = self.client.request(request).await.map_err(failed)?;
        let is_success =
            response.status().is_success() && !response.headers().contains_key("x-amz-function-error");
        let body = response.into_body().collect().await.map_err(failed)?.to_bytes();
        let answer: Value = serde_json::from_slice(&body).map_err(failed)?;
        // A function that fails answers with the type and the text of its error.
        if is_success && answer["errorType"].is_null() {
            return Ok(answer);
        }
        Err(FunctionError(answer["errorType"].as_str().unwrap_or("no answer").to_owned()))
    }
}

impl Function for Invocations {
    fn invoke(&self, event: Value) -> BoxFuture<'_, Result<Value, FunctionError>> {
        Box::pin(async {
            // The first invocation may wait until the function is compiled.
            let answered = tokio::time::timeout(DELIVER_TIMEOUT, self.send(event)).await;
            answered.unwrap_or_else(|_| Err(FunctionError("no answer in time".into())))
        })
    }
}

fn failed(error: impl fmt::Display) -> FunctionError {
    FunctionError(error.to_string())
}

#[cfg(test)]
mod tests;
