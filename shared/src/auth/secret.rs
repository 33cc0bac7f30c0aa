//! The secret that the signing key is made of, in Secrets Manager. Only `auth` may read it, and only `auth` pays for the
//! client: whoever never asks has none of its code in the binary.

use std::time::Duration;

use aws_sdk_secretsmanager::{
    Client,
    config::timeout::TimeoutConfig,
    error::{ProvideErrorMetadata, SdkError},
};
use aws_types::SdkConfig;
use chrono::{DateTime, TimeDelta, Utc};

use crate::sdk;

/// A secret, and how to reach it.
#[derive(Debug)]
pub struct SigningSecret {
    client: Client,
    arn: String,
}

/// The secret's present version. No `Debug`, which would print it.
pub(super) struct Version {
    /// What a key is made of.
    pub(super) text: String,
    /// When this version was made, which puts versions in their order for whoever reads an older one late.
    pub(super) made_at: DateTime<Utc>,
}

/// A secret that cannot be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum SecretError {
    /// Secrets Manager refuses, or does not answer.
    #[error("the secret was not to be had: {0}")]
    Refused(String),
    /// It answers without a text, or without a time.
    #[error("the secret has no {0}")]
    Lacks(&'static str),
}

impl SigningSecret {
    /// Reached as the environment says (region, credentials, `AWS_ENDPOINT_URL_SECRETS_MANAGER`). Sends nothing yet.
    #[must_use]
    pub fn from_env(arn: &str) -> Self {
        Self::new(&sdk::of_function("AWS_ENDPOINT_URL_SECRETS_MANAGER"), arn)
    }

    /// Reached at an address on this machine that takes any credentials.
    #[must_use]
    pub fn local(endpoint: &str, arn: &str) -> Self {
        Self::new(&sdk::of_engine(endpoint), arn)
    }

    /// All attempts together stay within the ten seconds that Lambda gives a function to start.
    fn new(config: &SdkConfig, arn: &str) -> Self {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(1))
            .operation_attempt_timeout(Duration::from_secs(2))
            .operation_timeout(Duration::from_secs(5))
            .build();
        let config = aws_sdk_secretsmanager::config::Builder::from(config).timeout_config(timeouts).build();
        Self { client: Client::from_conf(config), arn: arn.to_owned() }
    }

    /// The version that is current, as far as the place that answers knows.
    pub(super) async fn read(&self) -> Result<Version, SecretError> {
        let sent = self.client.get_secret_value().secret_id(&self.arn).send().await;
        let answer = sent.map_err(|error| SecretError::Refused(described(&error)))?;
        let made_at = answer.created_date.ok_or(SecretError::Lacks("time of its making"))?;
        let since_1970 = TimeDelta::new(made_at.secs(), made_at.subsec_nanos());
        let made_at = since_1970.and_then(|since| DateTime::UNIX_EPOCH.checked_add_signed(since));
        Ok(Version {
            text: answer.secret_string.ok_or(SecretError::Lacks("text"))?,
            made_at: made_at.ok_or(SecretError::Lacks("time that can be"))?,
        })
    }
}

/// What went wrong, for the log: no more of an answer than the code and message of a refusal. All that the SDK could tell
/// would have the answer's body in it, and with that the secret.
fn described<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> String {
    match error {
        SdkError::ServiceError(refused) => {
            let (code, message) = (refused.err().code(), refused.err().message());
            format!("{}: {}", code.unwrap_or("no code"), message.unwrap_or("no message"))
        }
        SdkError::ConstructionFailure(_) => "the request could not be made".to_owned(),
        SdkError::TimeoutError(_) => "no answer in time".to_owned(),
        SdkError::DispatchFailure(failure) => match failure.as_connector_error() {
            Some(cause) => format!("no connection: {cause}"),
            None => "no connection".to_owned(),
        },
        _ => "the answer could not be read".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_secretsmanager::error::ErrorMetadata;

    use super::*;

    #[test]
    fn an_answer_that_cannot_be_read_is_not_printed() {
        let refusal = ErrorMetadata::builder().code("Denied").build();
        assert_eq!(described(&SdkError::service_error(refusal, "the secret")), "Denied: no message");
        let unreadable: SdkError<ErrorMetadata, &str> = SdkError::response_error("the secret", "the secret");
        assert_eq!(described(&unreadable), "the answer could not be read");
    }
}
