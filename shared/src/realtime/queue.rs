//! Puts messages into a queue.

use std::{fmt, time::Duration};

use aws_sdk_sqs::{
    Client,
    config::{retry::RetryConfig, timeout::TimeoutConfig},
    error::DisplayErrorContext,
};
use futures::future::BoxFuture;

use crate::sdk;

/// A queue that delivers each message at least once.
pub trait Queue: fmt::Debug + Send + Sync {
    /// Puts a message (text, at most 256 KB) into the queue. If this call fails, the message may be in the queue.
    fn send(&self, message: String) -> BoxFuture<'_, Result<(), QueueError>>;
}

/// The error that a queue has not accepted a message.
#[derive(Debug, thiserror::Error)]
#[error("the queue has not accepted a message: {0}")]
pub struct QueueError(pub String);

/// A queue of Amazon SQS.
#[derive(Debug)]
pub struct Sqs {
    client: Client,
    url: String,
}

impl Sqs {
    /// Creates a client from a function's environment (region, credentials, `AWS_ENDPOINT_URL_SQS`) for the queue with this
    /// URL. Sends no request.
    #[must_use]
    pub fn from_env(url: &str) -> Self {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(1))
            .operation_attempt_timeout(Duration::from_millis(1500))
            .operation_timeout(Duration::from_secs(5))
            .build();
        let config = aws_sdk_sqs::config::Builder::from(&sdk::of_function("AWS_ENDPOINT_URL_SQS"))
            .retry_config(RetryConfig::standard().with_max_attempts(4))
            .timeout_config(timeouts)
            .build();
        Self { client: Client::from_conf(config), url: url.to_owned() }
    }
}

impl Queue for Sqs {
    fn send(&self, message: String) -> BoxFuture<'_, Result<(), QueueError>> {
        let request = self.client.send_message().queue_url(&self.url).message_body(message);
        Box::pin(async {
            let sent = request.send().await;
            sent.map(drop).map_err(|error| QueueError(DisplayErrorContext(&error).to_string()))
        })
    }
}
