//! The table behind the API: one method for each question, named as the question. Access is decided on strongly
//! consistent reads of the base table only; every write says beside it what closes which race.

mod backoff;
mod batches;
mod changes;
mod closing;
pub mod conversations;
mod credentials;
pub mod edits;
mod error;
pub mod inbox;
pub mod items;
mod keys;
mod leaving;
pub mod log;
pub mod messages;
mod newest;
mod ops;
mod pair_key;
pub mod participants;
pub mod read_marks;
mod schema;
pub mod senders;
mod sessions;
pub mod table;
mod transactions;
mod unread;
mod users;

use std::sync::Arc;

use aws_sdk_dynamodb::{
    Client,
    config::{retry::RetryConfig, timeout::TimeoutConfig},
};
use aws_types::SdkConfig;
use tokio::sync::OnceCell;

pub use self::{
    backoff::PATIENCE,
    credentials::{FailedAttempts, PasswordChange, PasswordChanged},
    error::StoreError,
    schema::TableDefinition,
    sessions::Rotation,
    unread::UnreadCount,
    users::{ProfileChange, UserPosition},
};
pub use crate::sdk::{Answer, Engine};
use crate::{model::conversation::PairKey, random::Random, sdk};

/// A time in UTC, in whole microseconds as it is stored.
pub(crate) type Time = chrono::DateTime<chrono::Utc>;

/// The table, and how to reach it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    client: Client,
    table: String,
    random: Random,
    /// Read when it is first needed.
    pair_key: Arc<OnceCell<PairKey>>,
}

/// How the SDK retries: `DynamoDB` answers in milliseconds, so the first wait is short. Retries are safe since every write
/// carries a condition that its own earlier effect makes fail recognisably, or a client request token.
fn retries() -> RetryConfig {
    use std::time::Duration;
    RetryConfig::standard()
        .with_max_attempts(4)
        .with_initial_backoff(Duration::from_millis(25))
        .with_max_backoff(Duration::from_millis(400))
}

fn timeouts() -> TimeoutConfig {
    use std::time::Duration;
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(1))
        .operation_attempt_timeout(Duration::from_millis(1500))
        .operation_timeout(Duration::from_secs(5))
        .build()
}

fn settings(config: &SdkConfig) -> aws_sdk_dynamodb::config::Builder {
    aws_sdk_dynamodb::config::Builder::from(config).retry_config(retries()).timeout_config(timeouts())
}

impl Store {
    /// Connects as a function's environment says (region, credentials, `AWS_ENDPOINT_URL_DYNAMODB`). Sends nothing yet.
    #[must_use]
    pub fn from_env(table: &str, random: Random) -> Self {
        Self::new(&sdk::of_function("AWS_ENDPOINT_URL_DYNAMODB"), table, random)
    }

    /// Connects from a person's machine to the given address. Region and credentials come from the environment, or, with
    /// the feature `aws-profiles`, from wherever the AWS CLI finds them.
    pub async fn at(endpoint: &str, table: &str, random: Random) -> Self {
        Self::new(&sdk::of_machine(endpoint).await, table, random)
    }

    /// Connects to an engine on this machine that takes any credentials.
    #[must_use]
    pub fn local(endpoint: &str, table: &str, random: Random) -> Self {
        Self::new(&sdk::of_engine(endpoint), table, random)
    }

    /// Hands requests to an engine inside this process, without a connection or a signature.
    #[must_use]
    pub fn in_process(engine: Arc<dyn Engine>, table: &str, random: Random) -> Self {
        Self::with(settings(&sdk::of_process(engine)).allow_no_auth(), table, random)
    }

    fn new(config: &SdkConfig, table: &str, random: Random) -> Self {
        Self::with(settings(config), table, random)
    }

    fn with(settings: aws_sdk_dynamodb::config::Builder, table: &str, random: Random) -> Self {
        let (client, pair_key) = (Client::from_conf(settings.build()), Arc::default());
        Self { client, table: table.to_owned(), random, pair_key }
    }

    /// The same table through another address, with the same connections, credentials and settings; nothing that was read is kept.
    #[must_use]
    pub fn through(&self, endpoint: &str) -> Self {
        let config = self.client.config().to_builder().endpoint_url(endpoint).build();
        Self { client: Client::from_conf(config), pair_key: Arc::default(), ..self.clone() }
    }

    /// Whether the table answers: one read of a key that nobody has, which decides nothing.
    pub async fn answers(&self) -> Result<(), StoreError> {
        self.get(table::Key::signing_key("-"), ops::Consistency::Eventual).await.map(drop)
    }
}
