//! A `DynamoDB`-compatible engine inside this process, as the HTTP client of the SDK: a request reaches it without a
//! connection and without a signature. Errors and retries are the SDK's, as with any other client.

use std::{fmt::Debug, sync::Arc};

use aws_smithy_runtime_api::{
    client::{
        http::{HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector},
        orchestrator::{HttpRequest, HttpResponse},
        result::ConnectorError,
        runtime_components::RuntimeComponents,
    },
    http::StatusCode,
};
use futures::future::BoxFuture;

/// Runs operations of the `DynamoDB` API in this process.
pub trait Engine: Debug + Send + Sync {
    /// Runs one operation, such as `PutItem`, on a body as `DynamoDB` takes it. `None` means that the engine has stopped:
    /// the operation may have taken effect.
    fn run(&self, operation: String, body: Vec<u8>) -> BoxFuture<'static, Option<Answer>>;
}

/// The engine's answer to one operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status that `DynamoDB` would send.
    pub status: u16,
    /// The JSON body.
    pub body: String,
}

/// The client that hands requests to the engine.
#[derive(Debug, Clone)]
pub(super) struct InProcess(pub(super) Arc<dyn Engine>);

impl HttpClient for InProcess {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for InProcess {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let operation = request.headers().get("x-amz-target").and_then(|target| target.split('.').nth(1));
        let (Some(operation), Some(body)) = (operation, request.body().bytes()) else {
            return HttpConnectorFuture::ready(Err(ConnectorError::user("not a request to DynamoDB".into())));
        };
        let answer = self.0.run(operation.to_owned(), body.to_vec());
        HttpConnectorFuture::new(async move {
            let stopped = || ConnectorError::io("the engine has stopped".into());
            response(answer.await.ok_or_else(stopped)?)
        })
    }
}

fn response(answer: Answer) -> Result<HttpResponse, ConnectorError> {
    let status = StatusCode::try_from(answer.status).map_err(|error| ConnectorError::user(error.into()))?;
    Ok(HttpResponse::new(status, answer.body.into()))
}
