//! Pushes messages to WebSocket connections, and closes them: the `@connections` API of API Gateway
//! (<https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-how-to-call-websocket-api-connections.html>).

use std::{fmt, time::Duration};

use aws_sdk_apigatewaymanagement::{
    Client,
    config::{retry::RetryConfig, timeout::TimeoutConfig},
    error::{DisplayErrorContext, ProvideErrorMetadata, SdkError},
    primitives::Blob,
};
use futures::future::BoxFuture;

use crate::{ids::ConnectionId, sdk};

/// The maximum size of one message to a connection in bytes
/// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html>).
pub const MAX_MESSAGE: usize = 128 * 1024;

/// The connections of a WebSocket API.
pub trait Connections: fmt::Debug + Send + Sync {
    /// Sends one message (text) to a connection. A message that was sent may be sent again by a retry.
    fn post<'a>(
        &'a self,
        connection: &'a ConnectionId,
        message: String,
    ) -> BoxFuture<'a, Result<(), PostError>>;

    /// Closes a connection.
    fn close<'a>(&'a self, connection: &'a ConnectionId) -> BoxFuture<'a, Result<(), PostError>>;
}

/// The reason why a connection did not get a message, or was not closed.
#[derive(Debug, thiserror::Error)]
pub enum PostError {
    /// The connection does not exist any more, or not yet: API Gateway also answers so until `$connect` has ended.
    #[error("the connection is gone")]
    Gone,
    /// The call failed, or took too long. It may have taken effect.
    #[error("the connection could not be reached: {0}")]
    Failed(String),
}

/// The connections of a deployed WebSocket API.
#[derive(Debug)]
pub struct ApiGateway {
    client: Client,
}

impl ApiGateway {
    /// Creates a client from a function's environment (region and credentials) for the address of the `@connections` API,
    /// for example `https://abc.execute-api.eu-west-1.amazonaws.com/live`. Sends no request.
    #[must_use]
    pub fn from_env(url: &str) -> Self {
        Self::new(&sdk::of_function("AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI"), url)
    }

    /// Creates a client for an address on this machine that accepts any credentials.
    #[must_use]
    pub fn local(url: &str) -> Self {
        Self::new(&sdk::of_engine(url), url)
    }

    /// Creates a client. A call takes at most two seconds, so that a slow connection costs little.
    fn new(config: &aws_types::SdkConfig, url: &str) -> Self {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(Duration::from_millis(500))
            .operation_attempt_timeout(Duration::from_secs(1))
            .operation_timeout(Duration::from_secs(2))
            .build();
        let retries = RetryConfig::standard()
            .with_max_attempts(3)
            .with_initial_backoff(Duration::from_millis(50))
            .with_max_backoff(Duration::from_millis(400));
        let config = aws_sdk_apigatewaymanagement::config::Builder::from(config)
            .endpoint_url(url)
            .retry_config(retries)
            .timeout_config(timeouts)
            .build();
        Self { client: Client::from_conf(config) }
    }
}

impl Connections for ApiGateway {
    fn post<'a>(
        &'a self,
        connection: &'a ConnectionId,
        message: String,
    ) -> BoxFuture<'a, Result<(), PostError>> {
        let request = self.client.post_to_connection().connection_id(connection.as_str());
        let request = request.data(Blob::new(message));
        Box::pin(async { request.send().await.map(drop).map_err(|error| failed(&error)) })
    }

    fn close<'a>(&'a self, connection: &'a ConnectionId) -> BoxFuture<'a, Result<(), PostError>> {
        let request = self.client.delete_connection().connection_id(connection.as_str());
        Box::pin(async { request.send().await.map(drop).map_err(|error| failed(&error)) })
    }
}

/// Returns the reason of a failure. It contains no part of the message.
fn failed<E>(error: &SdkError<E, aws_smithy_runtime_api::client::orchestrator::HttpResponse>) -> PostError
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let status = error.raw_response().map(|response| response.status().as_u16());
    match (status, error) {
        (Some(410), _) => PostError::Gone,
        (Some(status), SdkError::ServiceError(refused)) => {
            PostError::Failed(format!("{status} {}", refused.err().code().unwrap_or("without a code")))
        }
        _ => PostError::Failed(DisplayErrorContext(error).to_string()),
    }
}
