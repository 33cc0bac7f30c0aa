//! The secret that the signing key is made of, in Secrets Manager. Only `auth` may read it, and only `auth` pays for the
//! client: whoever never asks has none of its code in the binary.

use std::time::Duration;

use aws_config::{SdkConfig, timeout::TimeoutConfig};
use aws_sdk_secretsmanager::{Client, error::DisplayErrorContext};
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
    #[error("{0}")]
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
        let answer = sent.map_err(|error| SecretError::Refused(DisplayErrorContext(error).to_string()))?;
        let made_at = answer.created_date.ok_or(SecretError::Lacks("time of its making"))?;
        let since_1970 = TimeDelta::new(made_at.secs(), made_at.subsec_nanos());
        let made_at = since_1970.and_then(|since| DateTime::UNIX_EPOCH.checked_add_signed(since));
        Ok(Version {
            text: answer.secret_string.ok_or(SecretError::Lacks("text"))?,
            made_at: made_at.ok_or(SecretError::Lacks("time that can be"))?,
        })
    }
}
