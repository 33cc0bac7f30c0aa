//! The secret in Secrets Manager from which the signing key is derived. Only `auth` may read it. The binaries of the
//! other functions do not contain the client for it, because they do not call this module.

use std::time::Duration;

use aws_sdk_secretsmanager::{
    Client,
    config::timeout::TimeoutConfig,
    error::{ProvideErrorMetadata, SdkError},
};
use aws_types::SdkConfig;
use chrono::{DateTime, TimeDelta, Utc};

use crate::sdk;

/// A client for one secret in Secrets Manager.
#[derive(Debug)]
pub struct SigningSecret {
    client: Client,
    arn: String,
}

/// The current version of the secret. It has no `Debug`, because that would print the secret.
pub(super) struct Version {
    /// The text from which a key is derived.
    pub(super) text: String,
    /// The time at which this version was made. It orders the versions, because a process may read an older version
    /// late.
    pub(super) made_at: DateTime<Utc>,
}

/// The error that the secret cannot be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum SecretError {
    /// Secrets Manager refused the request or did not answer.
    #[error("cannot read the secret: {0}")]
    Refused(String),
    /// The answer contains no text, or no valid time.
    #[error("the secret has no {0}")]
    Lacks(&'static str),
}

impl SigningSecret {
    /// Creates a client from the environment (region, credentials, `AWS_ENDPOINT_URL_SECRETS_MANAGER`). Sends no
    /// request.
    #[must_use]
    pub fn from_env(arn: &str) -> Self {
        Self::new(&sdk::of_function("AWS_ENDPOINT_URL_SECRETS_MANAGER"), arn)
    }

    /// Creates a client for an address on this machine that accepts any credentials.
    #[must_use]
    pub fn local(endpoint: &str, arn: &str) -> Self {
        Self::new(&sdk::of_engine(endpoint), arn)
    }

    /// Creates a client. All attempts together take less than the ten seconds that Lambda gives a function to start.
    fn new(config: &SdkConfig, arn: &str) -> Self {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(1))
            .operation_attempt_timeout(Duration::from_secs(2))
            .operation_timeout(Duration::from_secs(5))
            .build();
        let config = aws_sdk_secretsmanager::config::Builder::from(config).timeout_config(timeouts).build();
        Self { client: Client::from_conf(config), arn: arn.to_owned() }
    }

    /// Returns the current version. Secrets Manager is eventually consistent, so this may be the previous version.
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

/// Returns the cause of a failure for the log: at most the code and the message of a refusal. The complete error of the
/// SDK would contain the body of the answer, and with it the secret.
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
