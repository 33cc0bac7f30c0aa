//! A DynamoDB-compatible engine inside this process, used as the HTTP client of the SDK. Requests reach it without a
//! connection and without a signature; the SDK handles errors and retries as with any other client.

mod queried;

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

pub(crate) use self::queried::TakesValues;
pub use self::queried::{EngineItem, EngineValue, Queried};

/// An engine that runs operations of the DynamoDB API in this process.
pub trait Engine: Debug + Send + Sync {
    /// Runs one operation, for example `PutItem`, on a JSON body in the format of DynamoDB. Returns `None` if the
    /// engine has stopped: then the operation may have taken effect.
    fn run(&self, operation: String, body: Vec<u8>) -> BoxFuture<'static, Option<Answer>>;
}

/// The engine's answer to one operation.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// The response that DynamoDB would send: the HTTP status and the JSON body.
    Json {
        /// The HTTP status.
        status: u16,
        /// The JSON body.
        body: String,
    },
    /// A page of a query as values. As JSON it would be written and parsed again for nothing.
    Queried(Queried),
}

impl Answer {
    /// Returns the HTTP status.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::Json { status, .. } => *status,
            Self::Queried(_) => 200,
        }
    }
}

/// The HTTP client that passes requests to the engine.
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
    match answer {
        Answer::Json { status, body } => Ok(HttpResponse::new(code(status)?, body.into())),
        Answer::Queried(queried) => {
            Ok(queried.carried_by(HttpResponse::new(code(200)?, String::new().into())))
        }
    }
}

fn code(status: u16) -> Result<StatusCode, ConnectorError> {
    StatusCode::try_from(status).map_err(|error| ConnectorError::user(error.into()))
}
